/// The floor of an `InsertOnlyTable`: sequential keys show no time, so what was the highest key at which time is kept.
///
/// A transaction that was open when a pass began can only have taken keys after its own start. So keys that were already
/// in sight before any open transaction began are settled: nothing below them is still to come.
package struct KeyFloor: Sendable, Hashable, Codable {
    /// The highest key in sight before a clock reading.
    package struct Mark: Sendable, Hashable, Codable {
        package var clock: SourceTime
        package var key: String

        package init(clock: SourceTime, key: String) {
            self.clock = clock
            self.key = key
        }
    }

    /// Keys not below it may be new; nil: all may.
    package var key: String?
    /// Oldest first; keys only where they changed.
    package var marks: [Mark]

    /// Marks kept: at one a minute, and then ever sparser, they reach back over days.
    package static let limit = 128

    package init(key: String? = nil, marks: [Mark] = []) {
        self.key = key
        self.marks = marks
    }

    /// Remembers the highest key known before `clock` was read.
    package mutating func note(_ highest: String?, before clock: SourceTime) {
        // Times of a clock that was set back are not in the order of those before it.
        if let last = marks.last, last.clock > clock { marks = [] }
        guard let highest, marks.last?.key != highest else { return }
        marks.append(Mark(clock: clock, key: highest))
        guard marks.count > Self.limit else { return }
        // Every second one of the older half goes: a sparser past only makes floors lower.
        let older = marks.count / 2
        marks = marks.enumerated().filter { index, _ in index >= older || index % 2 == 0 }.map(\.element)
    }

    /// The key in sight at the newest mark before `time`; nil where none is that old.
    package func key(before time: SourceTime) -> String? {
        marks.last { $0.clock < time }?.key
    }
}

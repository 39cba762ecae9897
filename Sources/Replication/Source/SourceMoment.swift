/// How far a server had come in its history of writes: what tells a server that was put back to an older state, which
/// hands out transaction numbers a second time, from one that simply went on.
package struct SourceMoment: Sendable, Hashable, Codable {
    /// Its place in the write-ahead log in bytes; of a standby, how far it has replayed.
    package var position: UInt64
    /// When it had come there: its clock; of a standby, the commit time of the last replayed transaction, nil where it
    /// has replayed none since its start.
    package var time: SourceTime?
    /// When its processes were started; nil for a standby: several may answer by turns behind one name.
    package var startedAt: SourceTime?

    /// Microseconds by which this reading may lie beside the start; nil: none.
    package var startSlack: Int64?

    package init(position: UInt64, time: SourceTime?, startedAt: SourceTime? = nil, startSlack: Int64? = nil) {
        self.position = position
        self.time = time
        self.startedAt = startedAt
        self.startSlack = startSlack
    }

    /// What a later reading says about the server.
    package enum Change: Sendable, Hashable {
        case none
        /// A standby that has not yet replayed what another one, or the primary, had shown.
        case isBehind
        /// It was started anew. It may have lost its last commits in a crash, or have been put back to a copy, and have
        /// written enough since to be past its old place.
        case startedAnew
        /// Its log is shorter than it was: it was put back.
        case putBack
    }

    /// Clocks of commits and of readings may differ a little.
    private static let slack = SourceTime.second * 60

    /// - Parameters:
    ///   - known: nil before the first reading.
    ///   - present: nil where the server does not say.
    package static func change(from known: SourceMoment?, to present: SourceMoment?) -> Change {
        guard let known, let present else { return .none }
        if present.position >= known.position {
            guard let before = known.startedAt, let now = present.startedAt else { return .none }
            let slack = max(known.startSlack ?? 0, present.startSlack ?? 0)
            let isSame = abs(before.microseconds - now.microseconds) <= slack
            return isSame ? .none : .startedAnew
        }
        guard present.startedAt == nil else { return .putBack }
        // The same history orders places and commits alike: with a lower place, its last commit is an earlier one.
        guard let before = known.time, let now = present.time else { return .isBehind }
        return now > before + slack ? .putBack : .isBehind
    }

    /// How far back rows may differ when the server was started anew since a pass began: what a copy lacked was written
    /// before, and is no more than what has been written since, which is why the log does not show it.
    package static func doubt(since last: SourceTime, at present: SourceTime) -> Int64 {
        2 * max(0, present.microseconds - last.microseconds) + slack
    }
}

/// Which keys were handed out since the last sweep: a range that has one of them is read again even where its checksum is
/// the old one, because a row that was changed and set back looks as it did, but not in the replica.
struct TouchedKeys: Sendable, Hashable, Codable {
    struct Interval: Sendable, Hashable, Codable {
        var first: Int64
        var last: Int64
    }

    /// Of keys that begin with an integer: its values, ascending, apart.
    private(set) var intervals: [Interval] = []
    /// Others: any key may have been handed out.
    private(set) var isAll = false

    /// Intervals kept; the narrowest gaps close first.
    static let limit = 1_000

    mutating func touchAll() {
        isAll = true
        intervals = []
    }

    mutating func touch(_ keys: [Int64]) {
        guard !isAll, !keys.isEmpty else { return }
        merge(intervals + keys.map { Interval(first: $0, last: $0) })
    }

    mutating func formUnion(_ other: TouchedKeys) {
        if other.isAll { touchAll() }
        guard !isAll, !other.intervals.isEmpty else { return }
        merge(intervals + other.intervals)
    }

    /// Whether a key between both bounds may have been handed out; the bounds count as between.
    func touches(from lower: Int64?, to upper: Int64?) -> Bool {
        if isAll { return true }
        let (lower, upper) = (lower ?? .min, upper ?? .max)
        return intervals.contains { $0.last >= lower && $0.first <= upper }
    }

    private mutating func merge(_ all: [Interval]) {
        var merged: [Interval] = []
        for next in all.sorted(by: { $0.first < $1.first }) {
            if let last = merged.last, next.first == .min || next.first - 1 <= last.last {
                merged[merged.count - 1].last = max(last.last, next.last)
            } else {
                merged.append(next)
            }
        }
        while merged.count > Self.limit { Self.closeGaps(&merged) }
        intervals = merged
    }

    /// Joins neighbours until half of the limit is left.
    private static func closeGaps(_ intervals: inout [Interval]) {
        func gap(_ index: Int) -> UInt64 { UInt64(bitPattern: intervals[index].first &- intervals[index - 1].last) }
        let widest = (1..<intervals.count).map(gap).sorted(by: >)
        let least = widest[limit / 2]
        var joined = [intervals[0]]
        for index in 1..<intervals.count {
            if gap(index) > least {
                joined.append(intervals[index])
            } else {
                joined[joined.count - 1].last = intervals[index].last
            }
        }
        intervals = joined
    }
}

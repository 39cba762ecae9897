/// A stretch of the table in the order of its key, from where the one before it ends, and what its rows added up to when
/// they were last handed out.
struct RangeSum: Sendable, Hashable, Codable {
    /// Its last key; nil: to the end of the table.
    var upper: [String]?
    var rows: Int
    /// nil: not known, the rows are read.
    var sum: String?
}

/// Checksums of the ranges that sweeps compare, in the order of the key.
struct RangeSums: Sendable, Hashable, Codable {
    private(set) var ranges: [RangeSum] = []

    /// Ranges kept: some hundred KiB a table. Beyond it neighbours are joined, and read again once.
    static let limit = 4_000

    /// The range that begins behind a key.
    func range(behind lower: [String]?) -> RangeSum? {
        guard let lower else { return ranges.first }
        guard let place = ranges.firstIndex(where: { $0.upper == lower }), place + 1 < ranges.count else { return nil }
        return ranges[place + 1]
    }

    /// What was found behind a key, in place of the range that began there.
    /// - Parameter parts: One range or several, one behind the other, up to the old one's end or beyond what was known.
    mutating func replace(behind lower: [String]?, with parts: [RangeSum]) {
        var place = 0
        if let lower {
            guard let before = ranges.firstIndex(where: { $0.upper == lower }) else {
                // Nothing is known of what lies before; those ranges are read by the next sweep.
                ranges = [RangeSum(upper: lower, rows: 0, sum: nil)] + parts
                return
            }
            place = before + 1
        }
        let end = min(ranges.count, place + 1)
        ranges.replaceSubrange(min(place, ranges.count)..<end, with: parts)
        if ranges.count > Self.limit { joinNeighbours() }
    }

    /// The parts of a first load come in order.
    mutating func append(_ range: RangeSum) {
        ranges.append(range)
        if ranges.count > Self.limit { joinNeighbours() }
    }

    private mutating func joinNeighbours() {
        ranges = stride(from: 0, to: ranges.count, by: 2).map { index in
            guard index + 1 < ranges.count else { return ranges[index] }
            let (one, two) = (ranges[index], ranges[index + 1])
            return RangeSum(upper: two.upper, rows: one.rows + two.rows, sum: nil)
        }
    }
}

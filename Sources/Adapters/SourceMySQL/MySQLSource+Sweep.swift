import MySQLClient
import Replication

/// Sweeps by ranges of keys: the server adds their rows up, and only ranges that add up to something else than last time
/// are read.
extension MySQLSource {
    /// How long ranges that are as they were are looked through in one snapshot.
    private static let snapshotTime = Duration.seconds(5)

    /// Finds the next range to be read.
    /// - Parameter place: The key behind which the sweep goes on; nil begins one.
    func openSweep(_ query: BatchQuery, from place: String?) async throws -> BatchExtent {
        var lower = try place.map(KeyPlace.key)
        if lower == nil {
            sweeping = touched
            touched = TouchedKeys()
        }
        var highest = query.highestCursor
        let started = ContinuousClock.now
        while true {
            var query = query
            query.highestCursor = highest
            let size = max(1, min(rangeRows, query.rowLimit))
            let known = ranges.range(behind: lower)
            var range = KeyRange(lower: lower, upper: known?.upper)
            var found: (rows: Int, sum: String?, highest: String?)
            if let known, known.sum != nil, known.rows <= 2 * query.rowLimit {
                found = try await sum(query, range)
                highest = found.highest ?? highest
                if found.sum == known.sum, !isTouched(range, query.mapping) {
                    guard let upper = known.upper else { return Self.end(highest) }
                    lower = upper
                    if ContinuousClock.now - started < Self.snapshotTime { continue }
                    return BatchExtent(rows: 0, last: nil, highestCursor: highest, nextPlace: try KeyPlace.text(upper))
                }
            }
            // Read in parts small enough for the next sweep to read little again.
            let oldUpper = range.upper
            if let end = try await key(at: size, of: query, in: range), end != oldUpper { range.upper = end }
            found = try await sum(query, range)
            var parts = [RangeSum(upper: range.upper, rows: found.rows, sum: found.sum)]
            if range.upper != oldUpper { parts.append(RangeSum(upper: oldUpper, rows: 0, sum: nil)) }
            ranges.replace(behind: lower, with: parts)
            if found.rows > 0 { digests.forget() }
            openRange = range
            return BatchExtent(
                rows: found.rows, last: nil, highestCursor: found.highest ?? highest,
                nextPlace: try range.upper.map(KeyPlace.text))
        }
    }

    private static func end(_ highest: String?) -> BatchExtent {
        BatchExtent(rows: 0, last: nil, highestCursor: highest, nextPlace: nil)
    }

    /// - Returns: Rows, checksum and highest cursor value; no checksum where it does not cover all rows.
    func sum(_ query: BatchQuery, _ range: KeyRange) async throws -> (rows: Int, sum: String?, highest: String?) {
        var query = query
        query.scan = .places(from: nil)
        let row = try await connection.execute(MySQLBatchStatements.sum(query, range: range)).rows.first ?? []
        guard row.count == 5, let rows = row[0].flatMap({ Int($0) }), let sum = row[1] else {
            throw Self.unreadable("a range's rows")
        }
        return (rows, row[4] == row[0] ? "\(rows):\(sum)" : nil, row[3] == "1" ? query.highestCursor : row[2])
    }

    private func key(at place: Int, of query: BatchQuery, in range: KeyRange) async throws -> [String]? {
        let statement = MySQLBatchStatements.key(at: place, of: query, in: range)
        guard let row = try await connection.execute(statement).rows.first else { return nil }
        let key = row.compactMap { $0 }
        return key.count == row.count ? key : nil
    }

    private func isTouched(_ range: KeyRange, _ mapping: TableMapping) -> Bool {
        sweeping.touches(from: range.lower?.first.flatMap { Int64($0) }, to: range.upper?.first.flatMap { Int64($0) })
    }
}

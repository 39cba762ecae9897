/// Row limits for a standby that cancels long reads: half at each cancellation, double after each batch that came
/// through.
package enum BatchShrinking {
    /// Below this a read takes no time worth cancelling, and something else is wrong.
    package static let smallest = 100

    /// - Returns: nil where the limit cannot be lowered any further.
    package static func smaller(than limit: Int) -> Int? {
        limit > smallest ? max(smallest, limit / 2) : nil
    }

    package static func next(after limit: Int) -> Int {
        limit > Int.max / 2 ? limit : limit * 2
    }

    /// What a run begins with: a standby that closes the connection ends the run, so its failures count here.
    /// - Parameter conflicts: Runs in a row that ended so.
    package static func limit(_ limit: Int, after conflicts: Int) -> Int {
        guard limit > smallest else { return limit }
        return max(smallest, limit >> min(max(conflicts, 0), 30))
    }
}

import Foundation
import Replication

/// When a table is due again.
package enum RetryPolicy {
    /// Failures in a row after which a table counts as failed, needing a person, although it is still tried.
    package static let retries = 5
    private static let firstDelay = 5.0
    private static let longestDelay = 300.0

    /// When a claimed table is due after its run: by its own interval or its job's, and only while its window is open.
    ///
    /// - Parameters:
    ///   - unindexedRead: How long the source read a large table whole. The interval grows with it, so that reading takes
    ///     at most a tenth of the time.
    ///   - jitter: 0..<1, so that tables that failed together are not tried together.
    package static func nextRun(
        of claimed: ClaimedTable, after failure: RunFailure?, caughtUp: Bool, unindexedRead: Duration? = nil,
        jitter: Double
    ) -> NextRun {
        let schedule = claimed.table.schedule
        let wanted = schedule.interval ?? claimed.job.interval
        let window = schedule.window
        let rest = (unindexedRead ?? .zero) / .seconds(1) * 10
        if let failure {
            let delay = delay(
                after: failure, consecutiveFailures: claimed.table.consecutiveFailures, interval: wanted,
                jitter: jitter)
            return NextRun(.after(max(delay, rest)), window: window)
        }
        guard caughtUp, rest <= wanted / .seconds(1) else { return NextRun(.after(rest), window: window) }
        return NextRun(.beat(Beat(interval: wanted, table: claimed.table.id)), window: window)
    }

    /// Seconds until a failed table is tried again.
    package static func delay(
        after failure: RunFailure, consecutiveFailures: Int, interval: Duration, jitter: Double
    ) -> Double {
        // What needs a person is looked at again now and then: the person may have mended it.
        guard failure.code.isTransient else { return max(interval / .seconds(1), longestDelay) }
        let delay = min(longestDelay, firstDelay * pow(2, Double(min(consecutiveFailures, 10))))
        return delay * (0.5 + jitter / 2)
    }
}

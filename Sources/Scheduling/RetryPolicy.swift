import Foundation
import Replication

/// When a table is due again.
package enum RetryPolicy {
    /// Failures in a row after which a table counts as failed, needing a person, although it is still tried.
    package static let retries = 5
    private static let firstDelay = 5.0
    private static let longestDelay = 300.0

    /// When a claimed table is due after its run: by its own interval or its job's, and only while its window is open.
    package static func nextRun(
        of claimed: ClaimedTable, after failure: RunFailure?, caughtUp: Bool, now: Date, jitter: Double
    ) -> Date {
        let schedule = claimed.table.schedule
        let next = nextRun(
            after: failure, consecutiveFailures: claimed.table.consecutiveFailures,
            interval: schedule.interval ?? claimed.job.interval, caughtUp: caughtUp, now: now, jitter: jitter)
        return schedule.earliestRun(from: next)
    }

    /// - Parameter jitter: 0..<1, so that tables that failed together are not tried together.
    package static func nextRun(
        after failure: RunFailure?, consecutiveFailures: Int, interval: Duration, caughtUp: Bool, now: Date,
        jitter: Double
    ) -> Date {
        let interval = interval / .seconds(1)
        guard let failure else { return caughtUp ? now + interval : now }
        // What needs a person is looked at again now and then: the person may have mended it.
        guard failure.code.isTransient else { return now + max(interval, longestDelay) }
        let delay = min(longestDelay, firstDelay * pow(2, Double(min(consecutiveFailures, 10))))
        return now + delay * (0.5 + jitter / 2)
    }
}

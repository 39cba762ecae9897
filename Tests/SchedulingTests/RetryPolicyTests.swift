import Foundation
import Replication
import Scheduling
import Testing

@Suite struct RetryPolicyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var code: ErrorCode?
        var failures = 0
        var interval = 60
        var caughtUp = false
        var jitter = 0.0
        var seconds: Double

        var testDescription: String {
            "\(code?.rawValue ?? "success"), \(failures) before, every \(interval) s, jitter \(jitter): \(seconds) s"
        }
    }

    static let cases = [
        // After success: at once while rows are left, else at the interval.
        Case(caughtUp: true, seconds: 60),
        Case(interval: 1, caughtUp: true, seconds: 1),
        Case(interval: 86_400, caughtUp: true, seconds: 86_400),
        Case(caughtUp: false, seconds: 0),
        // Transient: 5 s, doubled with each failure in a row, at most 5 min, of which jitter takes up to a half.
        Case(code: .destinationUnreachable, failures: 0, jitter: 0, seconds: 2.5),
        Case(code: .destinationUnreachable, failures: 0, jitter: 0.5, seconds: 3.75),
        Case(code: .sourceTimeout, failures: 1, jitter: 0, seconds: 5),
        Case(code: .s3Unreachable, failures: 2, jitter: 0, seconds: 10),
        Case(code: .locked, failures: 3, jitter: 0, seconds: 20),
        Case(code: .interrupted, failures: 5, jitter: 0, seconds: 80),
        Case(code: .destinationLocked, failures: 6, jitter: 0, seconds: 150),
        Case(code: .sourceUnreachable, failures: 7, jitter: 0, seconds: 150),
        Case(code: .sourceUnreachable, failures: 1_000_000, jitter: 0, seconds: 150),
        Case(code: .sourceUnreachable, failures: 20, interval: 1, jitter: 0.5, seconds: 225),
        // Permanent: looked at again now and then, never more often than the interval.
        Case(code: .valueLong, seconds: 300),
        Case(code: .destinationPermission, failures: 9, seconds: 300),
        Case(code: .config, interval: 3600, seconds: 3600),
        Case(code: .internal, interval: 5, jitter: 0.9, seconds: 300),
    ]

    @Test(arguments: cases) func `a table is due again after`(_ given: Case) {
        let now = ManualClock.start
        let failure = given.code.map { RunFailure(code: $0, what: "", why: "", fix: "", at: now) }
        let claimed = Sample.claimed(interval: .seconds(given.interval), failures: given.failures)
        let next = RetryPolicy.nextRun(
            of: claimed, after: failure, caughtUp: given.caughtUp, jitter: given.jitter)
        let date = next.date(from: now)
        if failure == nil, given.caughtUp {
            #expect(next.moment == .beat(Beat(interval: .seconds(given.interval), table: claimed.table.id)))
            #expect(date > now && date <= now + given.seconds * 1.05)
        } else {
            #expect(date.timeIntervalSince(now) == given.seconds)
        }
    }

    @Test func `reading a large table whole takes at most a tenth of the time`() {
        let claimed = Sample.claimed(interval: .seconds(60))
        func next(_ read: Duration, failed: ErrorCode? = nil, caughtUp: Bool = true) -> NextRun {
            let failure = failed.map { RunFailure(code: $0, what: "", why: "", fix: "", at: ManualClock.start) }
            return RetryPolicy.nextRun(of: claimed, after: failure, caughtUp: caughtUp, unindexedRead: read, jitter: 0)
        }
        #expect(next(.seconds(90), failed: .destinationUnreachable).moment == .after(900))
        #expect(next(.seconds(90), caughtUp: false).moment == .after(900))
        #expect(next(.seconds(90)).moment == .after(900))
        #expect(next(.seconds(6)).moment == .beat(Beat(interval: .seconds(60), table: claimed.table.id)))
    }

    @Test(arguments: ErrorCode.allCases) func `no failure is ever due at once, and none is given up`(_ code: ErrorCode)
    {
        let failure = RunFailure(code: code, what: "", why: "", fix: "", at: ManualClock.start)
        for failures in 0...20 {
            for jitter in [0, 0.3, 0.999_999] {
                let wait = RetryPolicy.delay(
                    after: failure, consecutiveFailures: failures, interval: .seconds(60), jitter: jitter)
                #expect(wait >= 2.5 && wait <= 300)
            }
        }
    }
}

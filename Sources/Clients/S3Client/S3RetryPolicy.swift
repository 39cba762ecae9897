import Foundation

/// How often one call is sent, and how long it waits in between: full jitter, so that many workers which failed
/// together do not come back together.
/// Source: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
package struct S3RetryPolicy: Sendable {
    package var maximumAttempts: Int
    /// Timeouts have already cost their waiting time, so they are repeated less.
    package var maximumAttemptsAfterTimeout: Int
    package var firstDelayLimit: Duration
    package var delayLimit: Duration

    package init(
        maximumAttempts: Int = 5, maximumAttemptsAfterTimeout: Int = 2, firstDelayLimit: Duration = .milliseconds(200),
        delayLimit: Duration = .seconds(5)
    ) {
        self.maximumAttempts = maximumAttempts
        self.maximumAttemptsAfterTimeout = maximumAttemptsAfterTimeout
        self.firstDelayLimit = firstDelayLimit
        self.delayLimit = delayLimit
    }

    /// Anywhere between nothing and a limit that doubles with each attempt (counted from 1); `unit` is from 0 to 1.
    package func delay(afterAttempt attempt: Int, unit: Double) -> Duration {
        let doublings = min(max(attempt - 1, 0), 20)
        return min(firstDelayLimit * (1 << doublings), delayLimit) * unit
    }

    /// Repeats what a repetition can mend: 5xx, 429 and broken or refused connections; never another 4xx, nor 501.
    func repeats(_ error: S3Error, attempt: Int) -> Bool {
        switch error.code {
        case .timeout: return attempt < maximumAttemptsAfterTimeout
        case .unreachable, .connectionBroken: return attempt < maximumAttempts
        default:
            guard let status = error.httpStatus else { return false }
            return (status == 429 || (status >= 500 && status != 501)) && attempt < maximumAttempts
        }
    }
}

/// The three things that make a call depend on the moment, injected so that tests decide them.
package struct S3Timing: Sendable {
    package var now: @Sendable () -> Date
    package var sleep: @Sendable (Duration) async throws -> Void
    /// Uniform from 0 to 1.
    package var random: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Date, sleep: @escaping @Sendable (Duration) async throws -> Void,
        random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.sleep = sleep
        self.random = random
    }

    package static let system = S3Timing(
        now: { Date() },
        sleep: { try await Task.sleep(for: $0, clock: .continuous) },
        random: { Double.random(in: 0...1) })
}

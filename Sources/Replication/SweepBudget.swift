import Synchronization

/// The time that one run may spend on a sweep by places; the rest of the sweep is left to the next run.
final class SweepBudget: Sendable {
    private let limit: Duration
    private let end = Mutex<ContinuousClock.Instant?>(nil)

    init(_ limit: Duration) {
        self.limit = limit
    }

    /// Time counts from the first question, whose answer is yes: each run comes further.
    var allowsMore: Bool {
        end.withLock { end in
            guard let end else {
                end = .now + limit
                return true
            }
            return ContinuousClock.now < end
        }
    }
}

import Synchronization

/// The process is gone: whatever it calls after this fails too.
package struct Killed: Error {
    package let place: String
}

/// Counts the steps of a run that reach outside, and kills it at one of them.
package final class FaultPlan: Sendable {
    private struct State {
        var steps: [String] = []
        var isDead = false
    }

    private let killAt: Int?
    private let state = Mutex(State())

    /// - Parameter killAt: Counted from 0; nil never kills.
    package init(killAt: Int? = nil) {
        self.killAt = killAt
    }

    /// Every step so far, in order.
    package var steps: [String] { state.withLock { $0.steps } }

    package func reach(_ place: String) throws {
        let dies = state.withLock { state in
            if state.isDead { return true }
            state.isDead = state.steps.count == killAt
            state.steps.append(place)
            return state.isDead
        }
        if dies { throw Killed(place: place) }
    }
}

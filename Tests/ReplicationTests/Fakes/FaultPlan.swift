import Synchronization

/// The process is gone: whatever it calls after this fails too.
struct Killed: Error {
    let place: String
}

/// Counts the steps of a run that reach outside, and kills it at one of them.
final class FaultPlan: Sendable {
    private struct State {
        var steps: [String] = []
        var isDead = false
    }

    private let killAt: Int?
    private let state = Mutex(State())

    /// - Parameter killAt: Counted from 0; nil never kills.
    init(killAt: Int? = nil) {
        self.killAt = killAt
    }

    /// Every step so far, in order.
    var steps: [String] { state.withLock { $0.steps } }

    func reach(_ place: String) throws {
        let dies = state.withLock { state in
            if state.isDead { return true }
            state.isDead = state.steps.count == killAt
            state.steps.append(place)
            return state.isDead
        }
        if dies { throw Killed(place: place) }
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

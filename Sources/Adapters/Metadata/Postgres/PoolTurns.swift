import Synchronization

/// At most so many tasks at once inside; the others wait in the order of asking.
final class PoolTurns: Sendable {
    private struct Waiting {
        let id: Int
        let turn: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var used = 0
        var waiting: [Waiting] = []
        var nextID = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Runs `body` inside; waits for its turn first.
    /// - Throws: `CancellationError` while waiting; what `body` throws.
    func with<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        try await take()
        defer { giveBack() }
        return try await body()
    }

    private func take() async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { turn in
                let isFree = state.withLock { state in
                    guard state.used >= limit else {
                        state.used += 1
                        return true
                    }
                    state.waiting.append(Waiting(id: id, turn: turn))
                    return false
                }
                if isFree { turn.resume() }
                // A cancellation before the line above found nothing to remove.
                if !isFree, Task.isCancelled { leave(id) }
            }
        } onCancel: {
            leave(id)
        }
    }

    /// A turn goes straight to whoever has waited longest.
    private func giveBack() {
        let next = state.withLock { state -> Waiting? in
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.used -= 1
            return nil
        }
        next?.turn.resume()
    }

    private func leave(_ id: Int) {
        let left = state.withLock { state -> Waiting? in
            guard let place = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiting.remove(at: place)
        }
        left?.turn.resume(throwing: CancellationError())
    }
}

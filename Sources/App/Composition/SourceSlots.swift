import Synchronization

/// At most so many connections of this process to one job's source: other people's work goes first there.
final class SourceSlots: Sendable {
    private struct Waiting {
        let id: Int
        let turn: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var used: [Int64: Int] = [:]
        var waiting: [Int64: [Waiting]] = [:]
        var nextID = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: `SOURCE_MAX_CONNECTIONS`.
    init(limit: Int) {
        self.limit = limit
    }

    /// Runs `body` while holding a slot of the job; waits for one first, in the order of asking.
    /// - Throws: `CancellationError` while waiting; what `body` throws.
    func with<Value: Sendable>(job: Int64, _ body: @Sendable () async throws -> Value) async throws -> Value {
        try await take(job)
        defer { giveBack(job) }
        return try await body()
    }

    private func take(_ job: Int64) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { turn in
                let isFree = state.withLock { state in
                    guard state.used[job, default: 0] >= limit else {
                        state.used[job, default: 0] += 1
                        return true
                    }
                    state.waiting[job, default: []].append(Waiting(id: id, turn: turn))
                    return false
                }
                if isFree { turn.resume() }
                // A cancellation before the line above found nothing to remove.
                if !isFree, Task.isCancelled { leave(job, id) }
            }
        } onCancel: {
            leave(job, id)
        }
    }

    /// A slot goes straight to whoever has waited longest.
    private func giveBack(_ job: Int64) {
        let next = state.withLock { state -> Waiting? in
            if state.waiting[job]?.isEmpty == false { return state.waiting[job]?.removeFirst() }
            state.used[job, default: 1] -= 1
            return nil
        }
        next?.turn.resume()
    }

    private func leave(_ job: Int64, _ id: Int) {
        let left = state.withLock { state -> Waiting? in
            guard let place = state.waiting[job]?.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiting[job]?.remove(at: place)
        }
        left?.turn.resume(throwing: CancellationError())
    }
}

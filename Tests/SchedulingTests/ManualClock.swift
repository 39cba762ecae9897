import Foundation
import Scheduling
import Synchronization

/// A clock that stands until a test moves it; sleepers wake when it passes their time.
final class ManualClock: WallClock {
    private struct Sleeper {
        var id: Int
        var duration: Duration
        var until: Date
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct Watcher {
        var duration: Duration
        var count: Int
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = ManualClock.start
        var elapsed = Duration.zero
        var nextID = 0
        var cancelled: Set<Int> = []
        var sleepers: [Sleeper] = []
        var watchers: [Watcher] = []

        /// Watchers whose sleepers have come, taken out of the list.
        mutating func satisfied() -> [CheckedContinuation<Void, Never>] {
            let ready = watchers.filter { watcher in
                sleepers.filter { $0.duration == watcher.duration }.count >= watcher.count
            }
            watchers.removeAll { watcher in
                sleepers.filter { $0.duration == watcher.duration }.count >= watcher.count
            }
            return ready.map(\.continuation)
        }
    }

    static let start = Date(timeIntervalSince1970: 1_800_000_000)
    private let state = Mutex(State())

    var now: Date { state.withLock { $0.now } }
    var elapsed: Duration { state.withLock { $0.elapsed } }

    func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                register(id, duration, continuation)
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Returns when `count` tasks sleep for exactly `duration`.
    func awaitSleep(_ duration: Duration, count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                state.watchers.append(Watcher(duration: duration, count: count, continuation: continuation))
                return state.satisfied()
            }
            for watcher in ready { watcher.resume() }
        }
    }

    /// Ends all waits for sleepers that will not come.
    func wakeWatchers() {
        let watchers = state.withLock { state in
            defer { state.watchers = [] }
            return state.watchers.map(\.continuation)
        }
        for watcher in watchers { watcher.resume() }
    }

    /// Moves the time and wakes whoever slept up to it.
    func advance(_ duration: Duration) {
        let woken = state.withLock { state in
            state.now += duration / .seconds(1)
            state.elapsed += duration
            let due = state.sleepers.filter { $0.until <= state.now }
            state.sleepers.removeAll { $0.until <= state.now }
            return due.map(\.continuation)
        }
        for sleeper in woken { sleeper.resume() }
    }

    private func register(_ id: Int, _ duration: Duration, _ continuation: CheckedContinuation<Void, any Error>) {
        let (isCancelled, ready) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            if state.cancelled.remove(id) != nil { return (true, []) }
            let until = state.now + duration / .seconds(1)
            state.sleepers.append(Sleeper(id: id, duration: duration, until: until, continuation: continuation))
            return (false, state.satisfied())
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
        for watcher in ready { watcher.resume() }
    }

    private func cancel(_ id: Int) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            return state.sleepers.remove(at: index).continuation
        }
        continuation?.resume(throwing: CancellationError())
    }
}

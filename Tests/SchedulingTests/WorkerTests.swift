import Foundation
import Replication
import Scheduling
import ServiceLifecycle
import Testing

@Suite struct WorkerTests {
    private let clock = ManualClock()
    private let stop = StopSignal()
    private let gate = Gate()

    private static let grace = Duration.seconds(20)

    private func worker(_ store: MemoryStore, concurrency: Int = 2) -> Worker {
        let gate = gate
        let factory = ScriptedRuns { _, journal in
            try await gate.pass()
            return Sample.progress(caughtUp: await !journal.shouldStop())
        }
        let runner = TableRunner(
            leases: store, runs: store, factory: factory, clock: clock, stop: stop, logger: Sample.logger)
        return Worker(
            grace: Self.grace, concurrency: concurrency, slots: 2, owner: Sample.owner, version: "1", leases: store,
            workers: store, runner: runner, clock: clock, stop: stop, spread: { 0.5 }, logger: Sample.logger)
    }

    /// Runs the worker as the program does, and `body` beside it, which ends with a graceful shutdown.
    private func withWorker(
        _ worker: Worker, _ body: @escaping @Sendable (ServiceGroup) async throws -> Void
    ) async throws {
        let services = ServiceGroup(
            configuration: .init(
                services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: Sample.logger))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            try await body(services)
            try await group.waitForAll()
        }
    }

    @Test func `due tables are claimed, run and given back`() async throws {
        let store = MemoryStore(clock: clock, due: (1...5).map { Sample.claimed($0) })
        await gate.open()
        try await withWorker(worker(store)) { services in
            await store.until { $0.endings.count == 5 }
            await services.triggerGracefulShutdown()
        }
        #expect(await store.claimed == [1, 2, 3, 4, 5])
        #expect(await store.claimDurations.allSatisfy { $0 == TableRunner.leaseDuration })
        #expect(await Set(store.endings.map(\.table)) == [1, 2, 3, 4, 5])
        #expect(await store.unregistered == [Sample.owner])
    }

    @Test(arguments: [1, 3]) func `no more tables run at once than it was told`(concurrency: Int) async throws {
        let store = MemoryStore(clock: clock, due: (1...8).map { Sample.claimed($0) })
        let gate = gate
        try await withWorker(worker(store, concurrency: concurrency)) { services in
            await gate.awaitInside(concurrency)
            #expect(await store.claimed.count == concurrency)
            await gate.open()
            await store.until { $0.endings.count == 8 }
            await services.triggerGracefulShutdown()
        }
        #expect(await gate.most == concurrency)
    }

    @Test func `an idle worker looks again after half a second`() async throws {
        let store = MemoryStore(clock: clock)
        let (clock, gate) = (clock, gate)
        await gate.open()
        try await withWorker(worker(store, concurrency: 1)) { services in
            await clock.awaitSleep(.milliseconds(500))
            await store.makeDue(Sample.claimed(1))
            clock.advance(.milliseconds(499))
            #expect(await store.claimed.isEmpty)
            clock.advance(.milliseconds(1))
            await store.until { $0.endings.count == 1 }
            await services.triggerGracefulShutdown()
        }
    }

    @Test func `what is due sooner is looked for sooner, and what waits for a slot at the usual time`() async throws {
        let store = MemoryStore(clock: clock)
        let (clock, gate) = (clock, gate)
        await gate.open()
        await store.setNextDue(.milliseconds(330))
        try await withWorker(worker(store, concurrency: 1)) { services in
            await clock.awaitSleep(.milliseconds(330))
            // Not at once: of several workers all would be there.
            await store.setNextDue(.milliseconds(1))
            clock.advance(.milliseconds(330))
            await clock.awaitSleep(.milliseconds(250))
            await store.setNextDue(.zero)
            clock.advance(.milliseconds(250))
            await clock.awaitSleep(.milliseconds(500))
            await services.triggerGracefulShutdown()
        }
    }

    @Test func `a store that can wake workers is asked every five seconds, and at once when it does`() async throws {
        let (wakeUps, source) = AsyncStream<Void>.makeStream()
        let store = MemoryStore(clock: clock, wakeUps: wakeUps)
        let (clock, gate) = (clock, gate)
        await gate.open()
        try await withWorker(worker(store, concurrency: 1)) { services in
            // The heartbeat sleeps as long as the search.
            await clock.awaitSleep(.seconds(5), count: 2)
            await store.makeDue(Sample.claimed(1))
            source.yield()
            await store.until { $0.endings.count == 1 }
            await services.triggerGracefulShutdown()
        }
        #expect(clock.now == ManualClock.start)
    }

    @Test func `a worker with several places keeps one for short runs`() async throws {
        var long = Sample.claimed(1)
        long.table.runSeconds = FairShare.longSeconds + 1
        let store = MemoryStore(clock: clock, due: [long, Sample.claimed(2)])
        let gate = gate
        try await withWorker(worker(store, concurrency: 3)) { services in
            await gate.awaitInside(2)
            await store.until { $0.terms.count >= 3 }
            await gate.open()
            await store.until { $0.endings.count == 2 }
            await services.triggerGracefulShutdown()
        }
        #expect(await store.terms.prefix(3).map(\.allowsLong) == [true, true, true])
        #expect(!FairShare.allowsLong(longRuns: 2, places: 3) && FairShare.allowsLong(longRuns: 0, places: 1))
    }

    @Test func `it says every five seconds that it lives, also while the store is away`() async throws {
        let store = MemoryStore(clock: clock)
        let clock = clock
        try await withWorker(worker(store)) { services in
            await clock.awaitSleep(.seconds(5))
            clock.advance(.seconds(5))
            await store.until { $0.heartbeats == 2 }
            await clock.awaitSleep(.seconds(5))
            await store.fail(.heartbeat, times: 1)
            clock.advance(.seconds(5))
            await clock.awaitSleep(.seconds(5))
            clock.advance(.seconds(5))
            await store.until { $0.heartbeats == 3 }
            await services.triggerGracefulShutdown()
        }
        #expect(Worker.liveness > .seconds(15))
    }

    @Test func `a graceful stop lets batches under way end, and claims nothing new`() async throws {
        let store = MemoryStore(clock: clock, due: (1...4).map { Sample.claimed($0) })
        let (clock, gate) = (clock, gate)
        try await withWorker(worker(store)) { services in
            await gate.awaitInside(2)
            await services.triggerGracefulShutdown()
            await clock.awaitSleep(Self.grace)
            clock.advance(Self.grace - .seconds(1))
            #expect(await store.unregistered.isEmpty)
            await gate.open()
            await store.until { $0.endings.count == 2 }
        }
        #expect(await store.claimed == [1, 2])
        #expect(await store.endings.map(\.ending.result) == [.stopped, .stopped])
        #expect(await store.endings.map(\.ending.isClean) == [true, true])
        #expect(await store.unregistered.count == 1)
    }

    @Test func `batches that outlast the grace are cancelled, and their leases given back`() async throws {
        let store = MemoryStore(clock: clock, due: (1...2).map { Sample.claimed($0) })
        let (clock, gate) = (clock, gate)
        try await withWorker(worker(store)) { services in
            await gate.awaitInside(2)
            await services.triggerGracefulShutdown()
            await clock.awaitSleep(Self.grace)
            clock.advance(Self.grace)
        }
        #expect(await store.endings.map(\.ending.failure?.code) == [.interrupted, .interrupted])
        #expect(await store.endings.map(\.ending.isClean) == [false, false])
        #expect(await store.unregistered.count == 1)
        #expect(await gate.inside == 0)
    }

    @Test func `an idle worker stops at once`() async throws {
        let store = MemoryStore(clock: clock)
        let clock = clock
        try await withWorker(worker(store)) { services in
            await clock.awaitSleep(.milliseconds(500))
            await services.triggerGracefulShutdown()
        }
        #expect(await store.unregistered.count == 1)
        #expect(clock.now == ManualClock.start)
    }

    @Test(arguments: [MemoryStore.Call.claim, .begin, .finish, .release])
    func `a store that is away for a while does not end it`(_ call: MemoryStore.Call) async throws {
        let store = MemoryStore(clock: clock, due: (1...2).map { Sample.claimed($0) })
        await store.fail(call, times: 1)
        let (clock, gate) = (clock, gate)
        await gate.open()
        try await withWorker(worker(store, concurrency: 1)) { services in
            await clock.awaitSleep(.seconds(2))
            clock.advance(.seconds(2))
            await store.until { $0.claimed.count == 2 && $0.endings.count >= 1 }
            await services.triggerGracefulShutdown()
        }
        #expect(await store.finished.count >= 1)
        #expect(await store.unregistered.count == 1)
    }
}

import Foundation
import Replication
import Scheduling
import Testing

@Suite struct TableRunnerTests {
    private let clock = ManualClock()
    private let store: MemoryStore
    private let stop = StopSignal()

    init() {
        store = MemoryStore(clock: clock)
    }

    private func runner(
        _ script: @escaping @Sendable (ClaimedTable, any RunJournal) async throws -> RunProgress
    ) -> TableRunner {
        TableRunner(
            leases: store, runs: store, factory: ScriptedRuns(script), clock: clock, stop: stop, logger: Sample.logger)
    }

    private func onlyEnding() async throws -> RunEnding {
        let endings = await store.endings
        try #require(endings.count == 1)
        return endings[0].ending
    }

    // MARK: Endings

    @Test func `a run that caught up is ok, clean, and due after the interval`() async throws {
        let clock = clock
        let copy = try await runner { _, journal in
            try await journal.mirror(Sample.checkpoint(batch: 4), progress: Sample.progress(rows: 12))
            clock.advance(.seconds(8))
            return Sample.progress(rows: 12)
        }.run(Sample.claimed())
        #expect(copy.result == .ok && copy.failure == nil && copy.rows == 12 && copy.batches == 1 && copy.bytes == 120)
        #expect(copy.stageSeconds == 1.5 && copy.loadSeconds == 0.25)
        #expect(copy.finishedAt == ManualClock.start + 8)
        #expect(await store.finished == [copy])
        #expect(await store.recorded.map(\.checkpoint) == [Sample.checkpoint(batch: 4)])
        let ending = try await onlyEnding()
        #expect(ending == RunEnding(result: .ok, isClean: true, nextRunAt: ManualClock.start + 68))
    }

    @Test func `a run that was asked to stop is no failure, and due at once`() async throws {
        let copy = try await runner { _, _ in Sample.progress(rows: 3, caughtUp: false) }.run(Sample.claimed())
        #expect(copy.result == .stopped && copy.failure == nil)
        let ending = try await onlyEnding()
        #expect(ending == RunEnding(result: .stopped, isClean: true, nextRunAt: ManualClock.start))
    }

    @Test func `a failure is a record in its own words, unclean, and keeps what was moved before it`() async throws {
        let copy = try await runner { _, journal in
            try await journal.mirror(Sample.checkpoint(batch: 1), progress: Sample.progress(rows: 5, caughtUp: false))
            throw Sample.error(.valueLong)
        }.run(Sample.claimed(interval: .seconds(1)))
        #expect(copy.result == .failed && copy.rows == 5)
        let failure = RunFailure(code: .valueLong, what: "What", why: "why", fix: "Fix.", at: ManualClock.start)
        #expect(copy.failure == failure)
        let ending = try await onlyEnding()
        #expect(
            ending == RunEnding(result: .failed, failure: failure, isClean: false, nextRunAt: ManualClock.start + 300))
    }

    @Test(arguments: [(0, 2.5, 5.0), (3, 20, 40), (40, 150, 300)])
    func `a transient failure is tried again soon, later with each in a row`(
        failures: Int, soonest: Double, latest: Double
    ) async throws {
        _ = try await runner { _, _ in throw Sample.error(.sourceUnreachable) }.run(Sample.claimed(failures: failures))
        let wait = try await onlyEnding().nextRunAt.timeIntervalSince(ManualClock.start)
        #expect(wait >= soonest && wait < latest)
    }

    @Test func `an error that nobody foresaw is E_INTERNAL, and the lease is given back all the same`() async throws {
        struct Odd: Error {}
        let copy = try await runner { _, _ in throw Odd() }.run(Sample.claimed())
        #expect(copy.failure?.code == .internal && copy.failure?.what.contains("shop/table1") == true)
        #expect(try await onlyEnding().isClean == false)
    }

    // MARK: Stop and cancellation

    @Test func `the run sees a stop that was asked for, and generations reach the lease`() async throws {
        let stop = stop
        let copy = try await runner { _, journal in
            let before = await journal.shouldStop()
            stop.raise()
            let after = await journal.shouldStop()
            try await journal.raiseGeneration(to: 9)
            return Sample.progress(rows: before ? 99 : 0, caughtUp: !after)
        }.run(Sample.claimed())
        #expect(copy.result == .stopped && copy.rows == 0)
        #expect(await store.raised == [9])
    }

    @Test func `a cancelled run gives its lease back at once`() async throws {
        let gate = Gate()
        let runner = runner { _, _ in
            try await gate.pass()
            return Sample.progress()
        }
        let copy = try await withThrowingTaskGroup(of: TableCopyRecord.self) { group in
            group.addTask { try await runner.run(Sample.claimed()) }
            await gate.awaitInside(1)
            group.cancelAll()
            return try await group.next()
        }
        #expect(copy?.failure?.code == .interrupted)
        let ending = try await onlyEnding()
        #expect(!ending.isClean && ending.failure?.code == .interrupted)
        #expect(await store.finished.count == 1)
        #expect(await gate.inside == 0)
    }

    // MARK: The lease

    @Test func `the lease is renewed three times as often as it runs out, until the run ends`() async throws {
        let gate = Gate()
        let runner = runner { _, _ in
            try await gate.pass()
            return Sample.progress()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await runner.run(Sample.claimed()) }
            for count in 1...4 {
                await clock.awaitSleep(TableRunner.leaseDuration / 3)
                #expect(await store.renewals.count == count - 1)
                clock.advance(TableRunner.leaseDuration / 3)
                await store.until { $0.renewals.count == count }
            }
            await gate.open()
            try await group.waitForAll()
        }
        #expect(await store.renewals == Array(repeating: .seconds(45), count: 4))
        #expect(try await onlyEnding().result == .ok)
    }

    @Test func `a lost lease cancels the run`() async throws {
        let gate = Gate()
        await store.loseLease()
        let runner = runner { _, _ in
            try await gate.pass()
            return Sample.progress()
        }
        let copy = try await withThrowingTaskGroup(of: TableCopyRecord.self) { group in
            group.addTask { try await runner.run(Sample.claimed()) }
            await gate.awaitInside(1)
            await clock.awaitSleep(.seconds(15))
            clock.advance(.seconds(15))
            return try await group.next()
        }
        #expect(copy?.failure?.code == .locked && copy?.result == .failed)
        #expect(copy?.failure?.why == "another worker took it over")
        #expect(await gate.inside == 0)
        #expect(try await onlyEnding().isClean == false)
    }

    // MARK: A store that is away for a moment

    @Test func `one renewal that the store cannot take does not end the run: the lease lasts for two more`()
        async throws
    {
        let gate = Gate()
        await store.fail(.renew, times: 1)
        let runner = runner { _, _ in
            try await gate.pass()
            return Sample.progress()
        }
        let copy = try await withThrowingTaskGroup(of: TableCopyRecord.self) { group in
            group.addTask { try await runner.run(Sample.claimed()) }
            await gate.awaitInside(1)
            await clock.awaitSleep(.seconds(15))
            clock.advance(.seconds(15))
            // Either the next renewal or the end of the run comes.
            group.addTask {
                await clock.awaitSleep(.seconds(15))
                await gate.open()
                return TableCopyRecord(tableID: 0, startedAt: ManualClock.start)
            }
            var ended = try await group.next()
            if ended?.tableID == 0 { ended = try await group.next() } else { clock.wakeWatchers() }
            return ended
        }
        #expect(copy?.result == .ok)
    }

    @Test func `a record that cannot be opened gives the lease back`() async throws {
        await store.fail(.begin, times: 1)
        await #expect(throws: MemoryStore.Away.self) {
            try await runner { _, _ in Sample.progress() }.run(Sample.claimed())
        }
        #expect(await store.endings.count == 1)
    }

    @Test func `a record that cannot be closed gives the lease back`() async throws {
        await store.fail(.finish, times: 1)
        await #expect(throws: MemoryStore.Away.self) {
            try await runner { _, _ in Sample.progress() }.run(Sample.claimed())
        }
        #expect(await store.endings.count == 1)
    }
}

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
        let beat = NextRun(.beat(Beat(interval: .seconds(60), table: 1)))
        #expect(ending == RunEnding(result: .ok, isClean: true, next: beat, seconds: 8))
    }

    @Test func `a run that was asked to stop is no failure, and due at once`() async throws {
        let copy = try await runner { _, _ in Sample.progress(rows: 3, caughtUp: false) }.run(Sample.claimed())
        #expect(copy.result == .stopped && copy.failure == nil)
        let ending = try await onlyEnding()
        #expect(ending == RunEnding(result: .stopped, isClean: true, next: NextRun(.after(0))))
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
            ending
                == RunEnding(
                    result: .failed, failure: failure, isClean: false, next: NextRun(.after(300))))
    }

    @Test(arguments: [(0, 2.5, 5.0), (3, 20, 40), (40, 150, 300)])
    func `a transient failure is tried again soon, later with each in a row`(
        failures: Int, soonest: Double, latest: Double
    ) async throws {
        _ = try await runner { _, _ in throw Sample.error(.sourceUnreachable) }.run(Sample.claimed(failures: failures))
        let wait = try await onlyEnding().next.date(from: ManualClock.start).timeIntervalSince(ManualClock.start)
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

    @Test func `one renewal that the store cannot take does not end the run: it is tried again soon`()
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
            // Either the next try or the end of the run comes.
            group.addTask {
                await clock.awaitSleep(.seconds(2))
                await gate.open()
                return TableCopyRecord(tableID: 0, startedAt: ManualClock.start)
            }
            var ended = try await group.next()
            if ended?.tableID == 0 { ended = try await group.next() } else { clock.wakeWatchers() }
            return ended
        }
        #expect(copy?.result == .ok)
    }

    @Test func `a run ends before its lease does, where that cannot be renewed`() async throws {
        let gate = Gate()
        await store.fail(.renew, times: .max)
        let runner = runner { _, _ in
            try await gate.pass()
            return Sample.progress()
        }
        let copy = try await withThrowingTaskGroup(of: TableCopyRecord.self) { group in
            group.addTask { try await runner.run(Sample.claimed()) }
            await gate.awaitInside(1)
            await clock.awaitSleep(.seconds(15))
            clock.advance(.seconds(15))
            // Tries two seconds apart, the last one at 40 s: five before the end.
            for _ in 1...12 {
                await clock.awaitSleep(.seconds(2))
                clock.advance(.seconds(2))
            }
            await clock.awaitSleep(.seconds(2))
            clock.advance(.seconds(1))
            return try await group.next()
        }
        #expect(copy?.failure?.code == .interrupted)
        #expect(clock.now == ManualClock.start + 40)
        #expect(await gate.inside == 0)
    }

    @Test func `a store that does not answer at all is not waited for longer than the lease lasts`() async throws {
        let (gate, renewals) = (Gate(), Gate())
        await store.holdRenewals(at: renewals)
        // Looking up a host's name cannot be cancelled: the run ends all the same.
        let runner = runner { _, _ in
            try await gate.pass()
            return Sample.progress()
        }
        let copy = try await withThrowingTaskGroup(of: TableCopyRecord.self) { group in
            group.addTask { try await runner.run(Sample.claimed()) }
            await gate.awaitInside(1)
            await clock.awaitSleep(.seconds(15))
            clock.advance(.seconds(15))
            await renewals.awaitInside(1)
            await clock.awaitSleep(.seconds(40))
            clock.advance(.seconds(25))
            await renewals.open()
            return try await group.next()
        }
        #expect(copy?.failure?.code == .interrupted)
        #expect(clock.now == ManualClock.start + 40)
    }

    // MARK: Turns

    /// Batches of a minute each, until the run is asked to make way.
    private func batches(_ count: Int, others: Bool) async throws -> TableCopyRecord {
        if others { await store.letOthersWait() }
        let clock = clock
        let runner = TableRunner(
            leases: store, runs: store,
            factory: ScriptedRuns { _, journal in
                var progress = Sample.progress(rows: 0, caughtUp: false)
                progress.batches = 0
                for number in 1...count {
                    if await journal.shouldStop() { return progress }
                    clock.advance(.seconds(12))
                    progress.batches = number
                    progress.rows += 10
                    try await journal.mirror(Sample.checkpoint(batch: Int64(number)), progress: progress)
                }
                progress.caughtUp = true
                return progress
            }, clock: clock, stop: stop,
            pace: RunPace(due: store, terms: ClaimTerms(slots: 2), logger: Sample.logger), logger: Sample.logger)
        return try await runner.run(Sample.claimed())
    }

    @Test func `a run that others wait for makes way after its turn, between two batches`() async throws {
        let copy = try await batches(9, others: true)
        #expect(copy.result == .stopped && copy.batches == 2)
        #expect(try await onlyEnding().next == NextRun(.after(0)))
    }

    @Test func `a run that nobody waits for goes on`() async throws {
        #expect(try await batches(9, others: false).batches == 9)
    }

    @Test func `a store that does not say whether others wait ends no run`() async throws {
        await store.fail(.makesWay, times: .max)
        #expect(try await batches(4, others: true).result == .ok)
    }

    @Test func `a run that has moved nothing yet goes on whoever waits`() async throws {
        await store.letOthersWait()
        let clock = clock
        let runner = TableRunner(
            leases: store, runs: store,
            factory: ScriptedRuns { _, journal in
                clock.advance(.seconds(600))
                return Sample.progress(rows: 0, caughtUp: await !journal.shouldStop())
            }, clock: clock, stop: stop,
            pace: RunPace(due: store, terms: ClaimTerms(slots: 2), logger: Sample.logger), logger: Sample.logger)
        #expect(try await runner.run(Sample.claimed()).result == .ok)
    }

    @Test func `how far the source's clock is ahead is kept with the mirror`() async throws {
        _ = try await runner { _, journal in
            await journal.noteSourceClock(SourceTime(microseconds: 1_800_000_090_000_000))
            try await journal.mirror(Sample.checkpoint(batch: 1), progress: Sample.progress(rows: 1))
            return Sample.progress(rows: 1)
        }.run(Sample.claimed())
        #expect(await store.sourceAhead == .seconds(90))
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

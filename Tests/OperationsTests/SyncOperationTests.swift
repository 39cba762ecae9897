import Foundation
import Operations
import Replication
import Scheduling
import Testing

@Suite struct SyncOperationTests {
    private let store = MemoryCatalog()
    private let log = EventLog()

    private func sync(
        clock: SleeplessClock = SleeplessClock(),
        _ script: @escaping @Sendable (ClaimedTable) async throws -> RunProgress
    ) -> SyncOperation {
        let runner = TableRunner(
            leases: store, runs: store, factory: ScriptedRuns(script: script), clock: clock, stop: StopSignal(),
            logger: Sample.logger)
        return SyncOperation(
            store: store, leases: store, requests: store, workers: store, runner: runner, owner: Sample.owner,
            clock: clock, slots: 2)
    }

    private static func caughtUp() -> RunProgress {
        var progress = RunProgress()
        progress.caughtUp = true
        return progress
    }

    // MARK: Asking

    @Test func `a request makes tables due, but for disabled ones`() async throws {
        _ = await store.fill(tables: ["orders", "customers", "products"])
        await store.edit(2) { $0.disabled = true }
        try await sync { _ in Self.caughtUp() }.request(await store.tables(ofJob: 1))
        #expect(await Set(store.requested) == [1, 3])
    }

    // MARK: In this process

    @Test func `without a live worker the tables run here, one after another, each once`() async throws {
        let (_, tables) = await store.fill(tables: ["a", "b", "c"], active: false)
        let log = log
        try await sync { claimed in
            await log.add("run \(claimed.table.mapping.source.name)")
            return Self.caughtUp()
        }.wait(for: tables) { await log.add($0) }
        #expect(
            await log.lines == [
                "started a", "run a", "finished a ok", "started b", "run b", "finished b ok", "started c", "run c",
                "finished c ok",
            ])
        #expect(await store.endings.map(\.table) == [1, 2, 3])
        #expect(await store.requested.isEmpty)
    }

    @Test func `a failure is an event, and the next tables run all the same`() async throws {
        let (_, tables) = await store.fill(tables: ["a", "b"])
        let log = log
        try await sync { claimed in
            if claimed.table.id == 1 { throw Sample.error(.valueLong) }
            return Self.caughtUp()
        }.wait(for: tables) { await log.add($0) }
        #expect(await log.lines == ["started a", "finished a failed E_VALUE_LONG", "started b", "finished b ok"])
    }

    @Test func `disabled tables are skipped`() async throws {
        _ = await store.fill(tables: ["a", "b"])
        await store.edit(1) { $0.disabled = true }
        let log = log
        for live in [0, 1] {
            await store.setLive(live)
            let tables = await store.tables(ofJob: 1)
            try await sync(clock: Self.finishing(2, in: store)) { _ in Self.caughtUp() }
                .wait(for: tables) { await log.add($0) }
        }
        #expect(
            await log.lines == [
                "skipped a: disabled", "started b", "finished b ok", "skipped a: disabled", "started b",
                "finished b ok",
            ])
        #expect(await store.requested == [2])
    }

    @Test func `a lease that its holder gives back is waited for`() async throws {
        let (_, tables) = await store.fill(tables: ["a"])
        await store.hold(1, claims: 5)
        let log = log
        try await sync { _ in Self.caughtUp() }.wait(for: tables) { await log.add($0) }
        #expect(await log.lines == ["started a", "finished a ok"])
    }

    @Test func `a lease that is kept is skipped, after the time in which it would have run out`() async throws {
        let (_, tables) = await store.fill(tables: ["a", "b"])
        await store.hold(1)
        let (log, clock) = (log, SleeplessClock())
        try await sync(clock: clock) { _ in Self.caughtUp() }.wait(for: tables) { await log.add($0) }
        let reason = "another process is syncing it, or uses all connections to its source"
        #expect(await log.lines == ["skipped a: \(reason)", "started b", "finished b ok"])
        #expect(clock.now.timeIntervalSince(Sample.now) >= TableRunner.leaseDuration / .seconds(1))
    }

    @Test func `an interrupted run ends the whole, and gives its lease back`() async throws {
        let (_, tables) = await store.fill(tables: ["a", "b"])
        let log = log
        await #expect(throws: CancellationError.self) {
            let (begun, source) = AsyncStream<Void>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let sync = self.sync { _ in
                        source.yield()
                        let (never, kept) = AsyncStream<Void>.makeStream()
                        for await _ in never {}
                        withExtendedLifetime(kept) {}
                        try Task.checkCancellation()
                        return RunProgress()
                    }
                    try await sync.wait(for: tables) { await log.add($0) }
                }
                // As a signal does, in the middle of the run.
                for await _ in begun { break }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
        #expect(await log.lines == ["started a"])
        #expect(await store.table(1)?.lease.owner == nil)
    }

    // MARK: Through workers

    /// Ends a worker's run of the table in the `nap`-th sleep of who follows.
    private static func finishing(
        _ id: Int64, in store: MemoryCatalog, at nap: Int = 2, copy: TableCopyRecord? = nil, failure: RunFailure? = nil
    ) -> SleeplessClock {
        SleeplessClock { number in
            guard number == nap else { return }
            await store.edit(id) {
                $0.lease.generation += 1
                $0.requestedAt = nil
                $0.failure = failure
                if let copy { $0.lastCopy = copy }
            }
        }
    }

    @Test func `live workers are asked and followed until they have run the tables`() async throws {
        let (_, tables) = await store.fill(tables: ["a"])
        await store.setLive(1)
        let copy = TableCopyRecord(id: 9, tableID: 1, startedAt: Sample.now, result: .ok, rows: 77)
        let log = log
        let clock = Self.finishing(1, in: store, at: 3, copy: copy)
        try await sync(clock: clock) { _ in
            Issue.record("it ran here")
            return Self.caughtUp()
        }.wait(for: tables) { await log.add($0) }
        #expect(await log.lines == ["started a", "finished a ok 77"])
        #expect(await store.requested == [1])
    }

    @Test func `a worker's run without rows has no record of its own, and its failure is told`() async throws {
        let (_, tables) = await store.fill(tables: ["a"])
        await store.setLive(2)
        let log = log
        try await sync(clock: Self.finishing(1, in: store)) { _ in Self.caughtUp() }
            .wait(for: tables) { await log.add($0) }
        let failing = Self.finishing(1, in: store, failure: Sample.failure(.sourceTimeout))
        try await sync(clock: failing) { _ in Self.caughtUp() }
            .wait(for: await store.tables(ofJob: 1)) { await log.add($0) }
        #expect(await log.lines == ["started a", "finished a ok", "started a", "finished a failed E_SRC_TIMEOUT"])
    }

    @Test func `a run that was under way at the request does not count`() async throws {
        let (_, tables) = await store.fill(tables: ["a"])
        await store.edit(1) {
            $0.lease.owner = "worker"
            $0.lease.generation = 4
        }
        let before = await store.tables(ofJob: 1)
        await store.setLive(1)
        let (log, store) = (log, store)
        let clock = SleeplessClock { nap in
            await store.edit(1) {
                switch nap {
                case 1: $0.lease.owner = nil
                case 3: ($0.lease.owner, $0.lease.generation, $0.requestedAt) = ("worker", 5, nil)
                case 5:
                    ($0.lease.owner, $0.lastCopy) = (
                        nil, TableCopyRecord(id: 3, tableID: 1, startedAt: Sample.now, result: .ok)
                    )
                default: break
                }
            }
            if nap < 5 { #expect(await log.lines == ["started a"]) }
        }
        try await sync(clock: clock) { _ in Self.caughtUp() }.wait(for: before) { await log.add($0) }
        #expect(tables.count == 1)
        #expect(await log.lines == ["started a", "finished a ok"])
    }

    @Test func `tables of several jobs are followed together`() async throws {
        let (_, first) = await store.fill(job: "shop", tables: ["a"])
        let (_, second) = await store.fill(job: "crm", tables: ["b"])
        await store.setLive(1)
        let (log, store) = (log, store)
        let clock = SleeplessClock { nap in
            for id in [Int64(1), 2] where nap == 2 {
                await store.edit(id) {
                    $0.lease.generation += 1
                    $0.requestedAt = nil
                }
            }
        }
        try await sync(clock: clock) { _ in Self.caughtUp() }.wait(for: first + second) { await log.add($0) }
        #expect(await Set(log.lines) == ["started a", "started b", "finished a ok", "finished b ok"])
    }

    @Test func `when the last worker goes, the tables stay due and it is told`() async throws {
        let (_, tables) = await store.fill(tables: ["a"])
        await store.setLive(1)
        let (log, store) = (log, store)
        let clock = SleeplessClock { nap in if nap == 2 { await store.setLive(0) } }
        try await sync(clock: clock) { _ in Self.caughtUp() }.wait(for: tables) { await log.add($0) }
        #expect(await log.lines == ["started a", "skipped a: no worker is alive any more; it stays due"])
        #expect(await store.table(1)?.requestedAt != nil)
    }
}

/// What was told, in a line each.
private actor EventLog {
    private(set) var lines: [String] = []

    func add(_ line: String) { lines.append(line) }

    func add(_ event: SyncEvent) {
        switch event {
        case .started(let table): lines.append("started \(table.mapping.source.name)")
        case .finished(let table, let copy):
            let rows = copy.rows > 0 ? " \(copy.rows)" : ""
            let failure = copy.failure.map { " \($0.code.rawValue)" } ?? ""
            lines.append("finished \(table.mapping.source.name) \(copy.result.rawValue)\(rows)\(failure)")
        case .skipped(let table, let reason): lines.append("skipped \(table.mapping.source.name): \(reason)")
        }
    }
}

/// A run that does what a test says.
private struct ScriptedRuns: RunFactory {
    let script: @Sendable (ClaimedTable) async throws -> RunProgress

    func run(_ claimed: ClaimedTable, journal: any RunJournal) async throws -> RunProgress { try await script(claimed) }
}

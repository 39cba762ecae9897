import Operations
import Replication
import Scheduling
import Testing

@Suite struct TableOperationsTests {
    private let store = MemoryCatalog()
    private static let lookback = SourceTime.second * 600
    private static let position = "2026-11-22 17:00:00"

    private func operations(_ connections: MemoryConnections = MemoryConnections()) -> TableOperations {
        TableOperations(
            store: store, leases: store, requests: store, connections: connections, owner: Sample.owner,
            clock: SleeplessClock(), lookback: Self.lookback)
    }

    private func change(_ edit: (inout TableSettingsChange) -> Void) -> TableSettingsChange {
        var change = TableSettingsChange()
        edit(&change)
        return change
    }

    // MARK: Settings

    @Test func `keys are changed, and nothing else is`() async throws {
        _ = await store.fill(tables: ["orders", "customers"])
        let told = try await operations().set(
            change {
                $0.mode = .updateAndInsert
                $0.primaryKey = ["Größe €", "id"]
                $0.updatedKey = "modified_at"
            }, on: "shop/orders")
        #expect(told == ["shop/orders: settings changed."])
        var expected = Sample.mapping("orders")
        expected.primaryKey = ["Größe €", "id"]
        expected.updatedKey = "modified_at"
        #expect(await store.table(1)?.mapping == expected)
        #expect(await store.table(2)?.mapping == Sample.mapping("customers"))
    }

    @Test func `a change that voids the position is told`() async throws {
        _ = await store.fill(tables: ["orders"])
        await store.edit(1) {
            $0.mirror = Sample.mirror(caughtUp: 5)
            $0.mirror?.state.replicaRows = 1_234_567
        }
        let told = try await operations().set(change { $0.updatedKey = "modified_at" }, on: "shop/orders")
        #expect(
            told == [
                "shop/orders: settings changed.",
                "All rows are read again with the next run (about 1,234,567 rows).",
            ])
    }

    @Test func `what is as it was is not saved`() async throws {
        _ = await store.fill(tables: ["orders"])
        #expect(try await operations().set(change { $0.primaryKey = ["id"] }, on: "shop/orders").isEmpty)
        #expect(await store.saves == 0)
        #expect(TableSettingsChange().isEmpty)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout TableSettingsChange) -> Void
        var words: String
    }

    static let refusals = [
        Refusal(
            testDescription: "a key that is no column", change: { $0.primaryKey = ["id", "nte"] },
            words: "public.orders has no column named nte"),
        Refusal(
            testDescription: "a key without columns", change: { $0.primaryKey = [] }, words: "A key needs a column"),
        Refusal(
            testDescription: "an updated_key that is no column", change: { $0.updatedKey = "updated" },
            words: "public.orders has no column named updated"),
        Refusal(
            testDescription: "an updated_key that orders nothing", change: { $0.updatedKey = "note" },
            words: "note cannot order changes"),
        Refusal(
            testDescription: "a position that is no time", change: { $0.maxUpdatedKey = "yesterday" },
            words: "yesterday is no point in time"),
        Refusal(
            testDescription: "a good key beside a bad updated_key",
            change: {
                $0.primaryKey = ["Größe €"]
                $0.updatedKey = "note"
            }, words: "note cannot order changes"),
        Refusal(
            testDescription: "a key that may be NULL", change: { $0.primaryKey = ["note"] },
            words: "note cannot be part of a key"),
        Refusal(
            testDescription: "a good updated_key beside a bad position",
            change: {
                $0.updatedKey = "modified_at"
                $0.maxUpdatedKey = "2026-13-01"
            }, words: "2026-13-01 is no point in time"),
    ]

    @Test(arguments: refusals) func `a setting that the table cannot have is refused, and nothing is changed`(
        _ given: Refusal
    ) async {
        _ = await store.fill(tables: ["orders"])
        let connections = MemoryConnections()
        let error = await #expect(throws: OperationError.self) {
            try await operations(connections).set(change(given.change), on: "shop/orders")
        }
        #expect(error?.code == .usage && error?.what == given.words)
        #expect(await store.table(1)?.mapping == Sample.mapping("orders"))
        #expect(await store.endings.isEmpty)
        #expect(await connections.destination.opened == 0)
    }

    @Test func `a misspelled column gets the nearest one and the list`() async {
        _ = await store.fill(tables: ["orders"])
        let error = await #expect(throws: OperationError.self) {
            try await operations().set(change { $0.updatedKey = "updatd_at" }, on: "shop/orders")
        }
        #expect(
            error?.fix == "Did you mean updated_at? Its columns: id, note, updated_at, modified_at, Größe €.")
    }

    @Test func `one table is set at a time`() async {
        _ = await store.fill(tables: ["orders", "order_lines"])
        for selector in ["shop", "shop/order*", "shop/none", "none/orders"] {
            await #expect(throws: OperationError.self) {
                try await operations().set(change { $0.primaryKey = ["id"] }, on: selector)
            }
        }
        #expect(await store.saves == 0)
    }

    @Test func `tables are disabled and enabled`() async throws {
        let (_, tables) = await store.fill(tables: ["orders", "customers"])
        try await operations().setDisabled(tables, true)
        #expect(await store.tables(ofJob: nil).map(\.disabled) == [true, true])
        try await operations().setDisabled([tables[0]], false)
        #expect(await store.table(1)?.disabled == false)
        #expect(await store.table(2)?.disabled == true)
    }

    // MARK: Positions

    @Test func `a first position becomes a checkpoint: a floor below it, no horizon, under a lease`() async throws {
        _ = await store.fill(tables: ["orders"])
        let connections = MemoryConnections(destination: MemoryDestination(rows: 42))
        let told = try await operations(connections).set(change { $0.maxUpdatedKey = Self.position }, on: "shop/orders")
        #expect(told == ["shop/orders goes on from 2026-11-22 17:00:00.000000, less the lookback."])
        let written = await connections.destination.written
        #expect(written.count == 1 && written[0].expected == nil)
        let next = try #require(written.first?.next)
        #expect(
            next.stamp
                == CheckpointStamp(installation: MemoryCatalog.installation, job: "shop", generation: 1, batch: 1))
        #expect(
            next.state.definition == Sample.mapping("orders").definition && next.state.source == MemorySource.identity)
        #expect(next.state.floor?.text == "2026-11-22 16:50:00.000000")
        #expect(next.state.horizon == nil && next.state.pass == nil && !next.state.sweepDue)
        #expect(next.state.replicaRows == 42)
        try await expectGivenBack()
        #expect(await connections.destination.prepared.count == 1)
        #expect(await connections.destination.closings == connections.destination.opened)
        #expect(await connections.source.closings == 1)
    }

    @Test func `a later position is a batch above the checkpoint's, and shuts out who had read that`() async throws {
        _ = await store.fill(tables: ["orders"])
        var found = Sample.mirror(caughtUp: 10)
        found.stamp = CheckpointStamp(installation: MemoryCatalog.installation, job: "shop", generation: 7, batch: 30)
        found.state.completeUpTo = SourceTime(microseconds: 99)
        found.state.horizon = 1_000
        let connections = MemoryConnections(destination: MemoryDestination(checkpoint: found, rows: 5))
        _ = try await operations(connections).set(
            change { $0.maxUpdatedKey = "2026-11-22T18:00:00+01:00" }, on: "shop/orders")
        let written = await connections.destination.written
        #expect(written.map(\.expected) == [found.stamp])
        #expect(written[0].next.stamp.generation == 8 && written[0].next.stamp.batch == 31)
        #expect(written[0].next.state.completeUpTo == SourceTime(microseconds: 99))
        #expect(
            written[0].next.state.horizon == nil && written[0].next.state.floor?.text == "2026-11-22 16:50:00.000000")
        try await expectGivenBack()
    }

    @Test func `position and key are set together, the position by the new key`() async throws {
        _ = await store.fill(tables: ["orders"])
        let connections = MemoryConnections()
        _ = try await operations(connections).set(
            change {
                $0.updatedKey = "modified_at"
                $0.maxUpdatedKey = Self.position
            }, on: "shop/orders")
        let written = await connections.destination.written
        #expect(written.first?.next.state.definition == (await store.table(1))?.mapping.definition)
        #expect(written.first?.next.state.definition != Sample.mapping("orders").definition)
    }

    @Test func `a table that is being synced is busy, and its settings stay`() async throws {
        _ = await store.fill(tables: ["orders"])
        await store.hold(1)
        let connections = MemoryConnections()
        let error = await #expect(throws: OperationError.self) {
            try await operations(connections).set(
                change {
                    $0.updatedKey = "modified_at"
                    $0.maxUpdatedKey = Self.position
                }, on: "shop/orders")
        }
        #expect(error?.code == .busy && error?.code.exitStatus == 75)
        #expect(await connections.destination.opened == 0)
        #expect(await store.table(1)?.mapping == Sample.mapping("orders"))
    }

    @Test(arguments: [true, false]) func `when a side fails the lease and the connections are given back`(
        atSource: Bool
    ) async throws {
        _ = await store.fill(tables: ["orders"])
        let connections = MemoryConnections(
            source: MemorySource(failure: atSource ? Sample.error(.sourceUnreachable) : nil),
            destination: MemoryDestination(failures: atSource ? [:] : ["orders": Sample.error(.destinationPermission)]))
        let error = await #expect(throws: ReplicationError.self) {
            try await operations(connections).set(change { $0.maxUpdatedKey = Self.position }, on: "shop/orders")
        }
        #expect(error?.code == (atSource ? .sourceUnreachable : .destinationPermission))
        try await expectGivenBack()
        #expect(await connections.source.closings == 1)
        #expect(await connections.destination.closings == connections.destination.opened)
        #expect(await connections.destination.written.isEmpty)
    }

    /// The next run must not trust the mirror.
    private func expectGivenBack() async throws {
        let endings = await store.endings
        try #require(endings.count == 1)
        #expect(!endings[0].ending.isClean && endings[0].ending.failure == nil)
        #expect(endings[0].ending.next == NextRun(.after(0)))
        #expect(await store.table(1)?.lease.owner == nil)
    }
}

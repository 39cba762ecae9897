import Foundation
import Operations
import Replication
import Scheduling
import Testing

/// Going back, starting anew, leaving and counting.
@Suite struct RewindTests {
    private let store = MemoryCatalog()

    private func operations(_ connections: MemoryConnections) -> TableOperations {
        TableOperations(
            store: store, leases: store, requests: store, connections: connections, owner: Sample.owner,
            clock: SleeplessClock(), lookback: SourceTime.second * 600)
    }

    /// A moment so many hours before the tests' clock.
    private static func ago(_ hours: Double) -> SourceTime {
        SourceTime(microseconds: Int64((Sample.now.timeIntervalSince1970 - hours * 3600) * 1_000_000))
    }

    private static func checkpoint(_ mapping: TableMapping, _ edit: (inout CheckpointState) -> Void = { _ in })
        -> Checkpoint
    {
        var state = CheckpointState(
            definition: mapping.definition, source: MemorySource.identity, horizon: 77, floor: ago(1),
            completeUpTo: ago(2), caughtUpAsOf: ago(1), maxUpdatedKey: "x", maxPrimaryKey: ["9"], replicaRows: 990)
        edit(&state)
        return Checkpoint(
            stamp: CheckpointStamp(installation: MemoryCatalog.installation, job: "shop", generation: 3, batch: 8),
            state: state)
    }

    private func fill(
        _ edit: @escaping @Sendable (inout TableMapping) -> Void = { _ in },
        state: @escaping @Sendable (inout CheckpointState) -> Void = { _ in }, count: Int? = 12_345,
        there: ReplicaCount = .rows(990)
    ) async -> MemoryConnections {
        _ = await store.fill(tables: ["orders"])
        await store.edit(1) { table in
            edit(&table.mapping)
            table.mirror = Self.checkpoint(table.mapping, state)
        }
        let mirror = await store.table(1)?.mirror
        return MemoryConnections(
            destination: MemoryDestination(checkpoint: mirror), sourceCount: count, replicaCount: there)
    }

    // MARK: Rewind

    @Test(arguments: ["24h ago", "1d ago", "86400 s ago", "2027-01-14 08:00:00", "2027-01-14T09:00:00+01:00"])
    func `a rewind to a time shows what is read again, and then reads from there less the lookback`(
        _ to: String
    ) async throws {
        let connections = await fill()
        let plan = try await operations(connections).planRewind("shop/orders", to: to)
        let floor = Self.ago(24) - SourceTime.second * 600
        #expect(plan.floor == .time(floor) && plan.rows == 12_345)
        #expect(
            plan.sentence
                == "shop/orders: about 12,345 rows changed since \(floor.text) (UTC, the lookback subtracted) will be read again. "
                + "Rows in Redshift stay and are updated.")
        #expect(connections.counted.withLock { $0 } == [.time(floor)])
        #expect(await connections.destination.written.isEmpty, "nothing has happened yet")
        #expect(await store.endings.isEmpty)

        let told = try await operations(connections).rewind(plan)
        #expect(told.contains("shop/orders goes back to"))
        let written = await connections.destination.written
        #expect(written.count == 1 && written[0].next.stamp.batch == 9 && written[0].next.stamp.generation == 4)
        let state = written[0].next.state
        #expect(state.floor == floor && state.horizon == nil && state.pass == nil)
        #expect(state.completeUpTo == Self.ago(2) && state.maxPrimaryKey == ["9"] && state.replicaRows == 990)
        let ending = try #require(await store.endings.first?.ending)
        #expect(!ending.isClean && !ending.voidsMirror)
    }

    @Test func `a rewind never goes forward`() async throws {
        let connections = await fill(state: { $0.floor = Self.ago(48) })
        let plan = try await operations(connections).planRewind("shop/orders", to: "1h ago")
        #expect(plan.floor == .time(Self.ago(48)))
        _ = try await operations(connections).rewind(plan)
        #expect(await connections.destination.written.first?.next.state.floor == Self.ago(48))
    }

    @Test func `where nothing bounds what is new, all rows are read, and it is told`() async throws {
        let connections = await fill(state: { $0.floor = nil }, count: nil)
        let plan = try await operations(connections).planRewind("shop/orders", to: "1h ago")
        #expect(plan.floor == nil && plan.rows == nil)
        #expect(plan.sentence.contains("rows, too many to count quickly, will be read again; that is all of them"))
    }

    @Test(arguments: [("100", "100"), ("5000", "777")])
    func `a rewind to a key reads from it, and never from further on`(to: String, key: String) async throws {
        let connections = await fill(
            { $0.mode = .insertOnly },
            state: {
                $0.keyFloor = KeyFloor(key: "777", marks: [.init(clock: Self.ago(9), key: "700")])
            })
        let plan = try await operations(connections).planRewind("shop/orders", to: to)
        #expect(plan.floor == .key(key))
        #expect(plan.sentence.hasPrefix("shop/orders: about 12,345 rows from key \(key) on will be read again."))
        _ = try await operations(connections).rewind(plan)
        let state = try #require(await connections.destination.written.first?.next.state)
        #expect(state.keyFloor?.key == key && state.keyFloor?.marks.count == 1 && state.horizon == nil)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var mapping: @Sendable (inout TableMapping) -> Void = { _ in }
        var state: @Sendable (inout CheckpointState) -> Void = { _ in }
        var to = "1h ago"
        var what: String
    }

    static let refusals = [
        Refusal(testDescription: "no time", to: "yesterday", what: "yesterday is no point in time"),
        Refusal(testDescription: "the future", to: "2099-01-01", what: "2099-01-01 lies in the future"),
        Refusal(
            testDescription: "a time for a key", mapping: { $0.mode = .insertOnly }, what: "1h ago is no value of id"),
        Refusal(
            testDescription: "a table that is read whole", mapping: { $0.mode = .fullSync },
            what: "shop/orders has no position to rewind"),
        Refusal(
            testDescription: "changed settings", state: { $0.definition = "other" },
            what: "shop/orders cannot be rewound"),
        Refusal(
            testDescription: "a first load under way",
            state: {
                $0.pass = UnfinishedPass(
                    kind: .firstLoad, startedAt: Self.ago(1), nextHorizon: nil, nextFloor: nil, stretch: .byKey)
            }, what: "shop/orders cannot be rewound"),
    ]

    @Test(arguments: refusals) func `what cannot be rewound is refused`(_ given: Refusal) async {
        let connections = await fill(given.mapping, state: given.state)
        let error = await #expect(throws: OperationError.self) {
            try await operations(connections).planRewind("shop/orders", to: given.to)
        }
        #expect(error?.code == .usage && error?.what == given.what)
        #expect(await connections.destination.opened == 0)
    }

    @Test func `a table that was never loaded, and one that is being synced, are refused`() async throws {
        let connections = await fill()
        let plan = try await operations(connections).planRewind("shop/orders", to: "1h ago")
        await store.hold(1)
        let busy = await #expect(throws: OperationError.self) { try await operations(connections).rewind(plan) }
        #expect(busy?.code == .busy)
        await store.edit(1) { $0.mirror = nil }
        await #expect(throws: OperationError.self) {
            try await operations(connections).planRewind("shop/orders", to: "1h ago")
        }
        await store.remove(tableID: 1)
        let gone = await #expect(throws: OperationError.self) { try await operations(connections).rewind(plan) }
        #expect(gone?.what == "shop/orders is gone")
    }

    // MARK: Resync

    @Test func `a resync forgets the position and keeps the replica`() async throws {
        let connections = await fill()
        let plan = try await operations(connections).planResync("shop/orders", .rereading)
        #expect(!plan.deletes && plan.sourceRows == 12_345)
        #expect(
            plan.sentence
                == "shop/orders: about 12,345 rows will be read again, into the same replica; its rows stay and are updated."
        )
        _ = try await operations(connections).carryOut(plan)
        let written = await connections.destination.written
        #expect(written.count == 1 && written[0].next.state.definition.isEmpty && written[0].next.stamp.batch == 9)
        #expect(await connections.destination.dropped.isEmpty)
        #expect(await store.endings.map(\.ending.voidsMirror) == [true])
        #expect(await store.table(1)?.mirror == nil)
    }

    @Test func `a table without a checkpoint has nothing to forget`() async throws {
        _ = await store.fill(tables: ["orders"])
        let connections = MemoryConnections()
        let plan = try await operations(connections).planResync("shop/orders", .rereading)
        _ = try await operations(connections).carryOut(plan)
        #expect(await connections.destination.written.isEmpty)
    }

    @Test func `a replica made anew is dropped first, and shown with its rows`() async throws {
        let connections = await fill()
        let plan = try await operations(connections).planResync("shop/orders", .recreating)
        #expect(plan.deletes && plan.tableName == "orders" && plan.replicaRows == .rows(990))
        #expect(plan.sentence.contains("app.orders (990 rows) will be dropped"))
        _ = try await operations(connections).carryOut(plan)
        #expect(await connections.destination.dropped.map(\.description) == ["app.orders"])
        #expect(await connections.destination.prepared.count == 1)
        #expect(await connections.destination.installations == [MemoryCatalog.installation])
        #expect(await store.endings.map(\.ending.voidsMirror) == [true])
    }

    @Test(arguments: [ResyncPlan.Kind.recreating, .removing(dropsReplica: true)])
    func `another job's replica is not dropped`(_ kind: ResyncPlan.Kind) async throws {
        _ = await store.fill(tables: ["orders"])
        let connections = MemoryConnections(destination: MemoryDestination(checkpointFailure: Sample.error(.config)))
        let plan = try await operations(connections).planResync("shop/orders", kind)
        await #expect(throws: ReplicationError.self) { try await operations(connections).carryOut(plan) }
        #expect(await connections.destination.dropped.isEmpty)
        #expect(await store.table(1)?.lease.owner == nil, "its lease is given back")
        #expect(await connections.destination.closings == connections.destination.opened)
    }

    // MARK: Remove

    @Test(arguments: [false, true]) func `a removed table is forgotten, its replica only on request`(
        _ drops: Bool
    ) async throws {
        let connections = await fill(there: .tooMany)
        let plan = try await operations(connections).planResync("shop/orders", .removing(dropsReplica: drops))
        #expect(plan.deletes == drops)
        #expect(plan.sentence.contains(drops ? "too many rows to count quickly" : "stays as it is"))
        #expect(plan.sentence.hasPrefix("shop/orders will be forgotten"))
        _ = try await operations(connections).carryOut(plan)
        #expect(await store.table(1) == nil)
        #expect(await connections.destination.dropped.count == (drops ? 1 : 0))
        #expect(connections.counted.withLock { $0 }.isEmpty, "nothing is read again, so nothing is counted")
        #expect(await connections.destination.prepared.isEmpty)
    }

    @Test func `a table that is being synced is not removed`() async throws {
        let connections = await fill()
        let plan = try await operations(connections).planResync("shop/orders", .removing(dropsReplica: true))
        await store.hold(1)
        let error = await #expect(throws: OperationError.self) { try await operations(connections).carryOut(plan) }
        #expect(error?.code == .busy)
        #expect(await store.table(1) != nil)
        #expect(await connections.destination.dropped.isEmpty)
    }

    // MARK: Compare

    @Test(
        arguments: [
            (990, .rows(990), .equal, 0), (1_000, .rows(990), .different, -10), (980, .rows(990), .different, 10),
            (nil, .rows(990), .unknown, nil), (990, .tooMany, .unknown, nil), (990, .missing, .different, nil),
            (nil, .missing, .different, nil),
        ] as [(Int?, ReplicaCount, TableComparison.Outcome, Int?)])
    func `both sides are counted`(
        source: Int?, replica: ReplicaCount, outcome: TableComparison.Outcome, difference: Int?
    ) async throws {
        _ = await store.fill(tables: ["orders", "stock"])
        let connections = MemoryConnections(sourceCount: source, replicaCount: replica)
        let made = try await TableComparison.make(store: store, connections: connections, selector: "shop")
        #expect(made.map(\.table.mapping.source.name) == ["orders", "stock"])
        #expect(made.allSatisfy { $0.outcome == outcome && $0.difference == difference })
        #expect(connections.counted.withLock { $0 } == [nil, nil], "all rows of the mapping, none by position")
    }
}

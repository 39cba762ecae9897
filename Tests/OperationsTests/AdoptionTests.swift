import Foundation
import Replication
import Scheduling
import Testing

@testable import Operations

/// Taking replicas over, and giving them up.
@Suite struct AdoptionTests {
    private let store = MemoryCatalog()

    private func operations(_ connections: MemoryConnections) -> TableOperations {
        TableOperations(
            store: store, leases: store, requests: store, connections: connections, owner: Sample.owner,
            clock: SleeplessClock(), lookback: 0)
    }

    /// A job `shop` with a table, whose replica has this checkpoint.
    private func connections(
        installation: String, job: String = "shop", definition: String? = nil, failure: ReplicationError? = nil
    ) async -> MemoryConnections {
        let (_, tables) = await store.fill(tables: ["orders"])
        let state = CheckpointState(
            definition: definition ?? tables[0].mapping.definition, source: MemorySource.identity, replicaRows: 5)
        let stamp = CheckpointStamp(installation: installation, job: job, generation: 9, batch: 4)
        return MemoryConnections(
            destination: MemoryDestination(
                checkpoint: Checkpoint(stamp: stamp, state: state), rows: 5, checkpointFailure: failure))
    }

    @Test(arguments: [true, false])
    func `another installation's table is taken over with its position, and a reload is said before`(
        _ fits: Bool
    ) async throws {
        let connections = await connections(installation: "elsewhere", definition: fits ? nil : "another")
        let plan = try await operations(connections).planAdoption("shop")
        #expect(plan.changes)
        #expect(plan.sentence.contains("app.orders (5 rows) is taken over"), "\(plan.sentence)")
        #expect(plan.sentence.contains(fits ? "without a reload" : "all rows are read again"), "\(plan.sentence)")
        #expect(await connections.destination.written.isEmpty, "a plan changes nothing")
        let said = try await operations(connections).adopt(plan)
        #expect(said.contains("1 table taken over") && said.contains("sync shop --wait"), "\(said)")
        let written = try #require(await connections.destination.written.first)
        #expect(written.expected?.installation == "elsewhere" && written.expected?.batch == 4)
        #expect(
            written.next.stamp
                == CheckpointStamp(installation: MemoryCatalog.installation, job: "shop", generation: 10, batch: 5))
        #expect(written.next.state.replicaRows == 5)
        // The next run asks the destination.
        #expect(await store.endings.map(\.ending.isClean) == [false])
        #expect(await store.endings.map(\.ending.voidsMirror) == [true])
        #expect(await connections.destination.closings == connections.destination.opened)
    }

    @Test func `a table of our own is left alone`() async throws {
        let connections = await connections(installation: MemoryCatalog.installation)
        let plan = try await operations(connections).planAdoption("shop/orders")
        #expect(!plan.changes && plan.sentence.contains("belongs to this installation already"))
        #expect(try await operations(connections).adopt(plan) == "There is nothing to take over.")
        #expect(await connections.destination.written.isEmpty)
    }

    @Test func `a replica without a checkpoint has nothing to take over`() async throws {
        _ = await store.fill(tables: ["orders"])
        let connections = MemoryConnections()
        let plan = try await operations(connections).planAdoption("shop/orders")
        #expect(!plan.changes && plan.sentence.contains("the next run loads all rows"), "\(plan.sentence)")
    }

    @Test func `a removed job's table can be taken over, a present job's cannot`() async throws {
        let connections = await connections(installation: MemoryCatalog.installation, job: "gone")
        #expect(try await operations(connections).planAdoption("shop").changes)
        _ = await store.fill(job: "gone")
        let error = await #expect(throws: ReplicationError.self) {
            try await operations(connections).planAdoption("shop")
        }
        #expect(error?.description.contains("already belongs to job gone") == true)
    }

    @Test func `a job of another name elsewhere keeps its table`() async throws {
        let connections = await connections(installation: "elsewhere", job: "store")
        let error = await #expect(throws: ReplicationError.self) {
            try await operations(connections).planAdoption("shop")
        }
        #expect(error?.code == .config)
        #expect(error?.description.contains("add the job under the name store") == true, "\(String(describing: error))")
    }

    @Test func `hashed columns are named, because their salt may be another one`() async throws {
        let connections = await connections(installation: "elsewhere")
        await store.edit(1) { $0.mapping.columns[1].treatment = .hashed }
        let plan = try await operations(connections).planAdoption("shop")
        #expect(!plan.sentence.contains("HASH_SALT"), "another definition reads all rows again: \(plan.sentence)")
        let entry = AdoptionPlan.Entry(
            label: "shop/orders", replica: TableName(schema: "app", name: "orders"), rows: nil,
            kind: .takeOver(CheckpointStamp(installation: "e", job: "shop", generation: 1, batch: 1), goesOn: true),
            hashedColumns: ["note"], tableID: 1)
        #expect(entry.sentence.contains("HASH_SALT must be the former one: without it, note of rows"))
    }

    @Test func `discovery sets another installation's table up, and says how to take it over`() async throws {
        let (job, _) = await store.fill()
        let mapping = Sample.mapping("orders")
        let stamp = CheckpointStamp(installation: "elsewhere", job: "shop", generation: 1, batch: 1)
        let state = CheckpointState(definition: mapping.definition, source: MemorySource.identity)
        let connections = MemoryConnections(
            tables: [Sample.table("orders")],
            destination: MemoryDestination(checkpoint: Checkpoint(stamp: stamp, state: state)))
        let discovery = Discovery(store: store, requests: store, connections: connections)
        let survey = try await discovery.create(job, .all)
        #expect(survey.map(\.isAdoptable) == [true])
        #expect(await store.table(1) != nil)
        #expect(DiscoverySummary(survey, job: "shop").result.contains("tables adopt shop"))
        #expect(survey[0].ownershipNote(label: "shop/orders")?.contains("tables adopt shop/orders") == true)
    }

    // MARK: Giving up

    @Test func `a removed table releases its checkpoint`() async throws {
        let connections = await connections(installation: MemoryCatalog.installation)
        let plan = try await operations(connections).planResync("shop/orders", .removing(dropsReplica: false))
        let said = try await operations(connections).carryOut(plan)
        #expect(said.contains("any job may take it"), "\(said)")
        #expect(await connections.destination.released.map(\.batch) == [4])
        #expect(await store.table(1) == nil)
    }

    @Test func `a removed job releases the checkpoints of its tables, and leaves other jobs`() async throws {
        let connections = await connections(installation: MemoryCatalog.installation)
        _ = await store.fill(job: "other", tables: ["orders"])
        let removed = try await operations(connections).removeJob("shop", force: false)
        #expect(removed.job.name == "shop" && removed.tables == 1 && removed.leftBehind == 0)
        #expect(await connections.destination.released.count == 1)
        #expect(await store.jobs().map(\.name) == ["other"])
        #expect(await store.tables(ofJob: nil).map(\.jobID) == [2])
        await #expect(throws: OperationError.self) {
            try await operations(connections).removeJob("shop", force: false)
        }
    }

    @Test func `where Redshift does not answer nothing is removed, unless told so`() async throws {
        let connections = await connections(
            installation: MemoryCatalog.installation, failure: Sample.error(.destinationUnreachable))
        let error = await #expect(throws: OperationError.self) {
            try await operations(connections).removeJob("shop", force: false)
        }
        #expect(error?.code == .unavailable && error?.fix.contains("--force") == true)
        #expect(await store.table(1) != nil)
        #expect(await store.jobs().count == 1)
        #expect(await store.table(1)?.lease.owner == nil, "its lease is given back")
        let removed = try await operations(connections).removeJob("shop", force: true)
        #expect(removed.leftBehind == 1)
        #expect(await store.jobs().isEmpty)
    }

    @Test func `another owner's checkpoint is not released with the table`() async throws {
        let connections = await connections(installation: "elsewhere", failure: Sample.error(.config))
        let plan = try await operations(connections).planResync("shop/orders", .removing(dropsReplica: false))
        _ = try await operations(connections).carryOut(plan)
        #expect(await connections.destination.released.isEmpty)
        #expect(await store.table(1) == nil)
    }

    @Test func `a table with a compare due says so until then`() async throws {
        let (job, tables) = await store.fill(tables: ["orders"])
        var table = tables[0]
        table.mirror = Sample.mirror(caughtUp: 5)
        table.mirror?.state.compareDue = .truncated
        let status = TableStatus(job: job, table: table, now: Sample.now)
        #expect(status.state == .compareDue && status.state.label == "✖ Compare due – needs you")
        #expect(status.compareDue?.fix.contains("tables resync shop/orders --recreate") == true)
        #expect(StatusReport(tables: [status], generatedAt: Sample.now).isBad)
    }
}

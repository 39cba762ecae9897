import Operations
import Replication
import Scheduling
import Testing

@Suite struct DiscoveryTests {
    private let store = MemoryCatalog()

    private func discovery(
        _ tables: [SourceTable], destination: MemoryDestination = MemoryDestination()
    ) -> (Discovery, MemoryDestination) {
        let connections = MemoryConnections(tables: tables, destination: destination)
        return (
            Discovery(store: store, requests: store, connections: connections), destination
        )
    }

    // MARK: Decisions

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var table: SourceTable
        var only: [String] = []
        var decision: DiscoveredTable.Decision
    }

    private static func changed(_ name: String = "orders", _ change: (inout SourceTable) -> Void) -> SourceTable {
        var table = Sample.table(name)
        change(&table)
        return table
    }

    static let cases = [
        Case(testDescription: "a table with key and updated_at", table: Sample.table("orders"), decision: .create),
        Case(
            testDescription: "a framework table", table: Sample.table("schema_migrations"),
            decision: .skip("framework table")),
        Case(
            testDescription: "the other framework table", table: Sample.table("ar_internal_metadata"),
            decision: .skip("framework table")),
        Case(
            testDescription: "a temporary table", table: Sample.table("tmp_x"), decision: .skip("temporary by its name")
        ),
        Case(
            testDescription: "a framework table asked for", table: Sample.table("schema_migrations"),
            only: ["schema_migrations"], decision: .create),
        Case(
            testDescription: "a temporary table asked for", table: Sample.table("tmp_x"), only: ["tmp_*"],
            decision: .create),
        Case(
            testDescription: "not asked for", table: Sample.table("orders"), only: ["customers"],
            decision: .skip("not asked for")),
        Case(
            testDescription: "asked for by the second pattern", table: Sample.table("orders"), only: ["x", "ord*"],
            decision: .create),
        Case(
            testDescription: "not readable",
            table: changed { table in
                table.isReadable = false
                for index in table.columns.indices { table.columns[index].isHidden = true }
            },
            decision: .skip("no SELECT on it: GRANT SELECT ON \"public\".\"orders\" to the loader's user")),
        Case(
            testDescription: "without columns", table: changed { $0.columns = [] }, decision: .skip("it has no columns")
        ),
        Case(
            testDescription: "some columns readable",
            table: changed { table in
                table.isReadable = false
                table.columns[1].isHidden = true
            }, decision: .create),
        Case(testDescription: "a view", table: changed { $0.kind = .view }, decision: .create),
        Case(
            testDescription: "a table without a key", table: changed { $0.uniqueKeys = [] }, decision: .create),
        Case(
            testDescription: "a log without updated_at",
            table: changed { $0.columns.removeAll { $0.name.hasSuffix("_at") } }, decision: .create),
        Case(
            testDescription: "by its name with its schema", table: Sample.table("orders"), only: ["public.ord*"],
            decision: .create),
        Case(
            testDescription: "large, without a key",
            table: changed {
                $0.uniqueKeys = []
                $0.estimatedRows = 5_000_000
            }, decision: .skip("no key, and large")),
    ]

    @Test(arguments: cases) func `each table gets a decision with its reason`(_ given: Case) async throws {
        let (job, _) = await store.fill()
        let (discovery, destination) = discovery([given.table])
        let selection: TableSelection = given.only.isEmpty ? .all : .patterns(given.only)
        let found = try await discovery.survey(job, selection)
        #expect(found.map(\.decision) == [given.decision])
        #expect(await store.tables(ofJob: nil).isEmpty)
        #expect(await destination.opened == 0)
    }

    // MARK: Creating

    @Test func `chosen tables are made in the destination and remembered, due now`() async throws {
        let (job, _) = await store.fill()
        let (discovery, destination) = discovery([
            Sample.table("Orders"), Sample.table("tmp_x"), Sample.table("customers"),
        ])
        let found = try await discovery.create(job, .all)
        #expect(found.map(\.decision) == [.create, .skip("temporary by its name"), .create])
        let tables = await store.tables(ofJob: job.id)
        #expect(tables.map(\.mapping.source.name) == ["Orders", "customers"])
        #expect(tables.map(\.mapping.destination.description) == ["app.orders", "app.customers"])
        #expect(tables.map(\.nextRunAt) == [Sample.now, Sample.now])
        #expect(tables.allSatisfy { !$0.disabled && $0.mirror == nil })
        let mapping = try #require(tables.first?.mapping)
        #expect(mapping.jobName == "shop" && mapping.mode == .updateAndInsert && mapping.primaryKey == ["id"])
        #expect(mapping.updatedKey == "updated_at" && mapping.averageRowBytes == 100)
        #expect(mapping.columns.map(\.destinationName) == ["id", "note", "updated_at", "modified_at", "größe €"])
        #expect(await Set(destination.prepared.map(\.source.name)) == ["Orders", "customers"])
        #expect(await destination.closings == destination.opened)
    }

    @Test func `it works again for new tables, and leaves known ones as they are`() async throws {
        let (job, _) = await store.fill()
        let (first, _) = discovery([Sample.table("orders")])
        _ = try await first.create(job, .all)
        var known = try #require(await store.table(1))
        known.mapping.updatedKey = "modified_at"
        known.disabled = true
        _ = await store.save(known)
        let (second, destination) = discovery([Sample.table("orders"), Sample.table("stock")])
        let found = try await second.create(job, .all)
        #expect(found.map(\.decision) == [.exists, .create])
        #expect(await destination.prepared.map(\.source.name) == ["stock"])
        #expect(await store.tables(ofJob: job.id).map(\.mapping.updatedKey) == ["modified_at", "updated_at"])
        #expect(await store.table(1)?.disabled == true)
        let (third, untouched) = discovery([Sample.table("orders"), Sample.table("stock")])
        #expect(try await third.create(job, .all).map(\.decision) == [.exists, .exists])
        #expect(await untouched.opened == 0)
    }

    @Test func `a table known to another job is new to this one`() async throws {
        _ = await store.fill(job: "other", tables: ["orders"])
        let (job, _) = await store.fill(job: "shop")
        let (discovery, _) = discovery([Sample.table("orders")])
        #expect(try await discovery.survey(job, .all).map(\.decision) == [.create])
    }

    @Test func `names that fall together in Redshift are refused before anything is made`() async throws {
        let (job, _) = await store.fill()
        let tables = [Sample.table("customers"), Sample.table("Orders"), Sample.table("orders")]
        let (discovery, destination) = discovery(tables)
        let error = await #expect(throws: OperationError.self) { try await discovery.create(job, .all) }
        #expect(error?.code == .badInput)
        #expect(error?.what == "Tables Orders and orders would share one name in Redshift")
        #expect(await destination.opened == 0)
        #expect(await store.tables(ofJob: nil).isEmpty)
        let chosen = try await discovery.create(job, .patterns(["orders", "customers"]))
        #expect(chosen.map(\.decision) == [.create, .skip("not asked for"), .create])
    }

    @Test func `a new name that falls together with a known one is refused`() async throws {
        let (job, _) = await store.fill(tables: ["Orders"])
        let (discovery, _) = discovery([Sample.table("Orders"), Sample.table("orders")])
        let error = await #expect(throws: OperationError.self) { try await discovery.create(job, .all) }
        #expect(error?.what.contains("Orders and orders") == true)
    }

    @Test func `columns that fall together skip their table, with the reason, and the others go on`() async throws {
        let (job, _) = await store.fill()
        var odd = Sample.table("odd")
        odd.columns.append(Sample.column("ID", "integer"))
        let (discovery, _) = discovery([odd, Sample.table("orders")])
        let found = try await discovery.create(job, .all)
        guard case .skip(let reason) = found[0].decision else {
            Issue.record("\(found[0].decision)")
            return
        }
        #expect(reason.contains("Columns id and ID of public.odd would share one name"))
        #expect(await store.tables(ofJob: job.id).map(\.mapping.source.name) == ["orders"])
    }

    @Test func `a table that lies there with other columns is skipped, with the reason`() async throws {
        let (job, _) = await store.fill()
        let destination = MemoryDestination(failures: ["odd": Sample.error(.schemaMismatch)])
        let (discovery, _) = discovery([Sample.table("odd"), Sample.table("orders")], destination: destination)
        #expect(try await discovery.create(job, .all).map(\.decision) == [.skip("What: why. Fix."), .create])
        #expect(await store.tables(ofJob: job.id).map(\.mapping.source.name) == ["orders"])
    }

    @Test func `a replica of another job is refused when it is set up, and not remembered`() async throws {
        let (job, _) = await store.fill()
        let destination = MemoryDestination(checkpointFailure: Sample.error(.config))
        let (discovery, _) = discovery([Sample.table("orders")], destination: destination)
        let error = await #expect(throws: ReplicationError.self) { try await discovery.create(job, .all) }
        #expect(error?.code == .config)
        #expect(await store.tables(ofJob: nil).isEmpty)
        #expect(await destination.inspected == 1)
        #expect(await destination.closings == 1)
    }

    @Test func `a destination that fails ends it, closes the connection, and it can be repeated`() async throws {
        let (job, _) = await store.fill()
        let destination = MemoryDestination(failures: ["orders": Sample.error(.destinationPermission)])
        let (broken, _) = discovery([Sample.table("customers"), Sample.table("orders")], destination: destination)
        let error = await #expect(throws: ReplicationError.self) { try await broken.create(job, .all) }
        #expect(error?.code == .destinationPermission)
        #expect(await destination.closings == 1)
        #expect(await store.tables(ofJob: job.id).map(\.mapping.source.name) == ["customers"])
        let (mended, _) = discovery([Sample.table("customers"), Sample.table("orders")])
        #expect(try await mended.create(job, .all).map(\.decision) == [.exists, .create])
    }
}

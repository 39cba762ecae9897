import Foundation
import Operations
import PostgresClient
import Replication
import Scheduling
import TestServers
import Testing

@testable import Metadata

@Suite struct PostgresMetadataTests {
    private let ann = Sample.owner("ann")

    private func open(_ endpoint: PostgresEndpoint, migrating: Bool = true) async throws -> MetadataStore {
        try await MetadataStore.open(
            .postgres(PostgresMetadataServer(endpoint: endpoint)), clock: SettableClock(),
            liveness: ScriptedLiveness(), migrating: migrating)
    }

    @Test func `eight instances that open and migrate one new database at once agree`() async throws {
        try await TestDatabase.with { database in
            let endpoint = database.endpoint
            let names = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let store = try await open(endpoint)
                        let name = try await store.installationID()
                        await store.close()
                        return name
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(names.count == 1)
        }
    }

    @Test func `it lives beside another program's tables of the same names`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE jobs (id int); CREATE TABLE tables (id int)")
            let store = try await open(database.endpoint)
            _ = try await store.add(Sample.job())
            #expect(try await database.run("SELECT count(*) FROM public.jobs").firstValue == "0")
            #expect(try await database.run("SELECT count(*) FROM redshift_loader.jobs").firstValue == "1")
            await store.close()
        }
    }

    @Test func `a store that is not migrated, or newer, is refused`() async throws {
        try await TestDatabase.with { database in
            let endpoint = database.endpoint
            let unmade = await #expect(throws: OperationError.self) {
                _ = try await open(endpoint, migrating: false)
            }
            #expect(unmade?.code == .configuration)
            let store = try await open(endpoint)
            await store.close()
            try await database.run("INSERT INTO redshift_loader.schema_version VALUES (99)")
            let newer = await #expect(throws: OperationError.self) { _ = try await open(endpoint) }
            #expect(newer?.what.contains("newer version") == true)
        }
    }

    @Test func `a user that may not make the schema is told which right is missing`() async throws {
        try await TestDatabase.with { database in
            let role = freshName("guest")
            try await database.run("CREATE ROLE \(role) LOGIN PASSWORD 'guest'")
            var endpoint = database.endpoint
            endpoint.user = role
            endpoint.password = PostgresPassword("guest")
            let guest = endpoint
            let error = await #expect(throws: OperationError.self) { _ = try await open(guest) }
            #expect(error?.code == .notPermitted)
            #expect(error?.fix.contains("GRANT CREATE ON DATABASE") == true)
            #expect(error?.description.contains("guest@") == false)
            try await database.run("DROP ROLE \(role)")
        }
    }

    @Test func `time is the server's`() async throws {
        try await TestDatabase.with { database in
            let store = try await open(database.endpoint)
            let before = try await database.run("SELECT extract(epoch FROM clock_timestamp())").firstValue
            let now = try await store.storeTime().timeIntervalSince1970
            let after = try await database.run("SELECT extract(epoch FROM clock_timestamp())").firstValue
            #expect(now >= Double(before ?? "") ?? .infinity && now <= Double(after ?? "") ?? 0)
            await store.close()
        }
    }

    @Test func `connections that the server has closed are replaced`() async throws {
        try await TestDatabase.with { database in
            let store = try await open(database.endpoint)
            _ = try await store.add(Sample.job())
            let kill = """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """
            try await database.run(kill)
            #expect(try await store.jobs().count == 1)
            await store.close()
        }
    }

    @Test func `a request wakes those that listen, when it is committed`() async throws {
        try await TestDatabase.with { database in
            let store = try await open(database.endpoint)
            let other = try await open(database.endpoint)
            let table = try await store.addShop(tables: ["a"], dueAt: Date() + 900)[0]
            var wakeUps = try #require(other.wakeUps()).makeAsyncIterator()
            // The first says that listening has begun.
            #expect(await wakeUps.next() != nil)
            try await store.request(tableID: table.id)
            #expect(await wakeUps.next() != nil)
            // A listener that lost its connection looks again.
            try await database.run(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
            #expect(await wakeUps.next() != nil)
            await store.close()
            await other.close()
        }
    }

    @Test func `a worker that was cut off in a transaction stops no other`() async throws {
        try await TestDatabase.with { database in
            let store = try await open(database.endpoint)
            let tables = try await store.addShop(tables: ["a", "b"], dueAt: Date() - 60)
            let lost = try #require(try await store.claimDue(by: ann, for: .microseconds(1)))
            #expect(lost.table.id == tables[0].id)
            // As a renewal whose COMMIT never arrives.
            try await database.run(
                "BEGIN; UPDATE redshift_loader.tables SET updated_at = 0 WHERE id = \(tables[0].id)")
            let bob = Sample.owner("bob")
            #expect(try await store.claimDue(by: bob, for: .seconds(30))?.table.id == tables[1].id)
            #expect(try await store.claimDue(by: bob, for: .seconds(30)) == nil)
            try await database.run("ROLLBACK")
            #expect(try await store.claimDue(by: bob, for: .seconds(30))?.table.id == tables[0].id)
            await store.close()
        }
    }

    @Test func `two claims of one job do not wait for each other's transactions`() async throws {
        try await TestDatabase.with { database in
            let store = try await open(database.endpoint)
            let tables = try await store.addShop(tables: ["a", "b"], dueAt: Date() - 60)
            // Somebody holds the first table's row, as a claim that is under way does.
            try await database.run(
                "BEGIN; SELECT id FROM redshift_loader.tables WHERE id = \(tables[0].id) FOR UPDATE")
            #expect(try await store.claimDue(by: ann, for: .seconds(30))?.table.id == tables[1].id)
            try await database.run("ROLLBACK")
            #expect(try await store.claimDue(by: ann, for: .seconds(30))?.table.id == tables[0].id)
            await store.close()
        }
    }
}

@Suite struct NumberedStatementTests {
    @Test func `names become numbers, each once; literals, quoted names and casts stay`() {
        let statement = NumberedStatement(
            "SELECT ':a', \":b\", :c::text, x FROM t WHERE a = :a AND b = :c AND d = 'it''s :d' AND :e1 > 0")
        #expect(
            statement.sql
                == "SELECT ':a', \":b\", $1::text, x FROM t WHERE a = $2 AND b = $1 AND d = 'it''s :d' AND $3 > 0")
        #expect(statement.names == ["c", "a", "e1"])
    }
}

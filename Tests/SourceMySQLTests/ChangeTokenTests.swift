import MySQLClient
import Replication
import SourceTesting
import Testing
import TestServers

@testable import SourceMySQL

/// Whether a table of a `FullSyncTable` was written to since the last time. On servers of their own: an open transaction of
/// anybody's, and a list of them that others read, leave MariaDB's tables without an answer.
@Suite struct ChangeTokenTests {
    private func withServer(_ kind: MySQLServerKind, _ body: (OwnMySQL) async throws -> Void) async throws {
        try await OwnMySQLServers.with { servers in
            let server = try await servers.start(kind)
            try await server.run("CREATE DATABASE d")
            try await body(server)
        }
    }

    private func mapping(_ server: OwnMySQL, _ table: String, mode: SyncMode = .fullSync) async throws -> TableMapping {
        try await withSource(server.endpoint) {
            try await $0.mapping(of: TableName(schema: "d", name: table), updated: nil, mode: mode)
        }
    }

    /// At once.
    private func present(_ server: OwnMySQL, _ mapping: TableMapping) async throws -> String? {
        try await withSource(server.endpoint) { try await $0.startPass(mapping).changeToken }
    }

    /// Waits, bounded, until a token can be told: seconds after the last write.
    private func token(_ server: OwnMySQL, _ mapping: TableMapping) async throws -> String {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if let token = try await present(server, mapping) { return token }
            // The server's list of transactions is made anew only when nobody has read it for a tenth of a second.
            try await server.run("DO SLEEP(0.15)")
        }
        return try #require(nil, "no token within 30 seconds of the last write")
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a write is never hidden behind a token, and rest has one`(_ kind: MySQLServerKind) async throws {
        try await withServer(kind) { server in
            try await server.run(
                "CREATE TABLE d.t (id int PRIMARY KEY, v varchar(10))", "INSERT INTO d.t VALUES (1, 'a'), (2, 'b')")
            let mapping = try await mapping(server, "t")
            let first = try await token(server, mapping)
            for write in ["UPDATE d.t SET v = 'z' WHERE id = 1", "DELETE FROM d.t WHERE id = 2"] {
                let before = ContinuousClock.now
                try await server.run(write)
                let token = try await present(server, mapping)
                // Another write may follow within the same second.
                #expect(token == nil || ContinuousClock.now - before >= .seconds(2), "\(write)")
                #expect(token != first, "\(write)")
            }
            let second = try await token(server, mapping)
            #expect(second != first)
            try await server.run("SELECT COUNT(*) FROM d.t")
            #expect(try await token(server, mapping) == second)
            try await server.run("TRUNCATE d.t")
            #expect(try await present(server, mapping) != second, "a truncated table")
            try await checkOpenTransaction(server, kind)
            try await checkOthers(server)
            try await checkForgotten(server)
        }
    }

    /// MariaDB notes when a transaction began to write: here in the same second as the one before it.
    private func checkOpenTransaction(_ server: OwnMySQL, _ kind: MySQLServerKind) async throws {
        try await server.run("CREATE TABLE d.late (id int PRIMARY KEY)")
        let mapping = try await mapping(server, "late")
        let late = try await server.session(database: "d")
        try await late.execute("START TRANSACTION")
        try await late.execute("INSERT INTO late VALUES (1)")
        try await server.run("INSERT INTO d.late VALUES (2)")
        // Past the seconds in which there is no token anyway.
        let isOver =
            "SELECT UPDATE_TIME + INTERVAL 4 SECOND < NOW() FROM information_schema.TABLES WHERE TABLE_NAME = 'late'"
        let watch = try await server.session()
        if kind == .mysql { try await watch.execute("SET SESSION information_schema_stats_expiry = 0") }
        while try await watch.execute(isOver).firstValue != "1" {}
        await watch.close()
        let before = try await present(server, mapping)
        try await late.execute("COMMIT")
        await late.close()
        let after = try await token(server, mapping)
        #expect(before == nil || before != after)
    }

    /// Views, tables that are followed, and tables of partitions, which are truncated one by one.
    private func checkOthers(_ server: OwnMySQL) async throws {
        try await server.run(
            "CREATE VIEW d.seen AS SELECT * FROM d.late",
            "CREATE TABLE d.parts (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2",
            "INSERT INTO d.parts VALUES (1), (2)", "CREATE TABLE d.rest (id int PRIMARY KEY)",
            "INSERT INTO d.rest VALUES (1)")
        // Written last, so that the others could have one by now.
        _ = try await token(server, try await mapping(server, "rest"))
        for other in ["seen", "parts"] {
            #expect(try await present(server, try await mapping(server, other)) == nil, "\(other)")
        }
        #expect(try await present(server, try await mapping(server, "rest", mode: .insertOnly)) == nil)
    }

    /// The server forgets times of writes when it stops; without one nothing can be told.
    private func checkForgotten(_ server: OwnMySQL) async throws {
        let mapping = try await mapping(server, "rest")
        await server.stop()
        try await server.start()
        let time = try await server.run("SELECT UPDATE_TIME FROM information_schema.TABLES WHERE TABLE_NAME = 'rest'")
        #expect(time.rows == [[nil]])
        #expect(try await present(server, mapping) == nil)
    }
}

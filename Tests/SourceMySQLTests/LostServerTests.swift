import MySQLClient
import Replication
import SourceTesting
import Testing
import TestServers

@testable import SourceMySQL

/// Servers that end a connection, or themselves, in the midst of a batch: an error that is tried again, never a short batch.
@Suite struct LostServerTests {
    private static func fill(_ run: (String) async throws -> Void) async throws {
        try await run("CREATE TABLE t (id int PRIMARY KEY, v longtext)")
        for id in 1...40 { try await run("INSERT INTO t VALUES (\(id), REPEAT('x', 500000))") }
    }

    /// Reads until the batch ends, with `interrupt` after the first chunk.
    private func readInterrupted(_ source: MySQLSource, _ mapping: TableMapping, by interrupt: () async throws -> Void)
        async throws -> Int
    {
        let query = BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 100)
        let extent = try await source.openBatch(query)
        #expect(extent.rows == 40)
        var rows = 0
        var isInterrupted = false
        for try await chunk in try await source.rows(query, extent: extent, format: BatchFormat(nullSentinel: "null")) {
            rows += chunk.rows
            if !isInterrupted {
                isInterrupted = true
                try await interrupt()
            }
        }
        return rows
    }

    private func expectRetry(_ source: MySQLSource, _ mapping: TableMapping, by interrupt: () async throws -> Void)
        async
    {
        let error = await failure {
            let rows = try await readInterrupted(source, mapping, by: interrupt)
            Issue.record("the batch ended after \(rows) rows without an error")
        }
        #expect(error?.isRetryable == true, "\(error?.description ?? "")")
        let after = await failure { try await source.closeBatch() }
        #expect(after?.isRetryable == true, "\(after?.description ?? "")")
        await source.close()
    }

    @Test(arguments: MySQLServerKind.tested, ["KILL CONNECTION", "KILL QUERY"])
    func `a batch that is killed fails, and is read whole the next time`(_ kind: MySQLServerKind, _ kill: String)
        async throws
    {
        try await withSchema(kind) { schema in
            try await Self.fill { try await schema.run($0) }
            let mapping = try await schema.mapping(updated: nil)
            let source = try await MySQLSource.connect(to: schema.endpoint)
            let connection = await source.connection.connectionID
            let error = await failure {
                let rows = try await readInterrupted(source, mapping) { try await schema.run("\(kill) \(connection)") }
                Issue.record("the batch ended after \(rows) rows without an error")
            }
            #expect(error?.isRetryable == true, "\(error?.description ?? "")")
            await source.close()
            #expect(try await schema.rows(mapping).count == 40)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `an idle connection that was killed is an error of the next statement`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            try await schema.run("CREATE TABLE t (id int PRIMARY KEY)")
            let mapping = try await schema.mapping(updated: nil)
            let source = try await MySQLSource.connect(to: schema.endpoint)
            let connection = await source.connection.connectionID
            try await schema.run("KILL CONNECTION \(connection)")
            let error = await failure { _ = try await source.startPass(mapping) }
            #expect(error?.isRetryable == true && error?.code == .sourceUnreachable)
            await source.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a server that stops, crashes and starts anew loses no row`(_ kind: MySQLServerKind) async throws {
        try await OwnMySQLServers.with { servers in
            let server = try await servers.start(kind)
            try await server.run("CREATE DATABASE d")
            try await Self.fill { try await server.run($0, database: "d") }
            let table = TableName(schema: "d", name: "t")
            let mapping = try await withSource(server.endpoint) {
                try await $0.mapping(of: table, updated: nil, mode: .insertOnly)
            }
            let endpoint = server.endpoint
            let follower = TableFollower(mapping, rowLimit: 10) { try await MySQLSource.connect(to: endpoint) }
            for crashes in [false, true] {
                let source = try await MySQLSource.connect(to: endpoint)
                await expectRetry(source, mapping) { if crashes { await server.kill() } else { await server.stop() } }
                let refused = await failure { _ = try await MySQLSource.connect(to: endpoint) }
                #expect(refused?.code == .sourceUnreachable && refused?.isRetryable == true)
                try await server.start()
                try await follower.follow()
                #expect(await follower.replica.count == 40)
            }
            // The checkpoint is of the same server: what was kept in mind still counts, but for the doubt a restart leaves.
            let start = try #require(await follower.lastStart)
            #expect(await follower.state?.source == start.identity)
            try await server.run("INSERT INTO d.t VALUES (50, 'new')")
            #expect(try await follower.followKeys().contains("50"))
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a statement that takes too long is told so`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            try await schema.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
            var mapping = try await schema.mapping(updated: nil)
            // Servers end reads that take too long, and SLEEP with them.
            mapping.scope.filter = "SLEEP(20) = 0 AND id IN (SELECT id FROM t WHERE SLEEP(20) = 0)"
            let source = try await MySQLSource.connect(to: schema.endpoint, statementTimeout: .milliseconds(200))
            let query = BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 5)
            let error = await failure { _ = try await source.openBatch(query) }
            #expect(error?.code == .sourceTimeout, "\(error?.description ?? "")")
            await source.close()
            try await schema.withSource { source in
                let counted = try await source.count(mapping, from: nil, within: .milliseconds(200))
                #expect(counted == nil)
                // The usual limit is back.
                mapping.scope.filter = nil
                #expect(try await source.count(mapping, from: nil, within: .seconds(20)) == 2)
            }
        }
    }
}

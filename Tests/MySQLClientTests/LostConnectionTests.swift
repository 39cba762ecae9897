import MySQLClient
import TestServers
import Testing

/// Whatever breaks a connection off, no reader may take the rows so far for all rows.
@Suite(.serialized) struct LostConnectionTests {
    @Test(arguments: MySQLServerKind.tested)
    func `a connection killed while idle is lost`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let session = try await schema.session()
            try await schema.run("KILL \(session.connectionID)")
            try await waitUntil(schema.connection, sessions(session), gives: "0")
            let first = await failure { try await session.execute("SELECT 1") }
            #expect(first?.code == .connectionLost && first?.isRetryable == true, "\(first?.description ?? "")")
            let second = await failure { try await session.execute("SELECT 1") }
            #expect(second?.code == .connectionLost)
            #expect(await !session.isUsable)
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a connection killed in the midst of a statement is lost, not cancelled`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            let session = try await schema.session()
            let error = await failure {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await session.execute(
                            "SELECT count(*) FROM numbers a JOIN numbers b JOIN numbers c WHERE a.n + b.n + c.n < 0")
                    }
                    try await waitUntil(schema.connection, running(session), gives: "1")
                    try await schema.run("KILL \(session.connectionID)")
                    try await group.waitForAll()
                }
            }
            #expect(error?.code == .connectionLost && error?.isRetryable == true, "\(error?.description ?? "")")
            #expect(await !session.isUsable)
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a connection killed in the midst of rows is lost, never a short end`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            let session = try await schema.session()
            _ = try await session.beginRows(endlessRows)
            _ = try await session.nextChunk(maximumBytes: 100_000, encoder: LineEncoder())
            try await schema.run("KILL \(session.connectionID)")
            let error = await failure { try await readAll(session) }
            #expect(error?.code == .connectionLost, "\(error?.description ?? "")")
            let again = await failure {
                _ = try await session.nextChunk(maximumBytes: 10, encoder: LineEncoder())
            }
            #expect(again?.code == .connectionLost)
            let dropped = await failure { try await session.dropRows() }
            #expect(dropped?.code == .connectionLost)
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested, [true, false])
    func `a server that goes away in the midst of rows is a lost connection`(
        kind: MySQLServerKind, crashes: Bool
    ) async throws {
        try await OwnMySQLServers.with { servers in
            let server = try await servers.start(kind)
            let session = try await server.session()
            _ = try await session.beginRows(
                "SELECT a.table_name, REPEAT('x', 4000) FROM information_schema.columns a, information_schema.columns b"
            )
            _ = try await session.nextChunk(maximumBytes: 100_000, encoder: LineEncoder())
            if crashes { await server.kill() } else { await server.stop() }
            let error = await failure { try await readAll(session) }
            #expect(error?.code == .connectionLost && error?.isRetryable == true, "\(error?.description ?? "")")
            await session.close()
            let gone = await failure { _ = try await server.session() }
            #expect(gone?.code == .unreachable)
            try await server.start()
            #expect(try await server.run("SELECT 1").firstValue == "1")
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a reader slower than net_write_timeout gets an error, never a short end`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            let session = try await schema.session()
            try await session.execute("SET SESSION net_write_timeout = 1")
            _ = try await session.beginRows(endlessRows)
            _ = try await session.nextChunk(maximumBytes: 100_000, encoder: LineEncoder())
            try await waitUntil(schema.connection, sessions(session), gives: "0")
            let error = await failure { try await readAll(session) }
            #expect(error?.code == .connectionLost && error?.isRetryable == true, "\(error?.description ?? "")")
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a slow reader with time to spare gets every row`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            let session = try await schema.session()
            try await session.execute("SET SESSION net_write_timeout = 600")
            _ = try await session.beginRows("SELECT n, REPEAT('x', 4000) FROM numbers")
            _ = try await session.nextChunk(maximumBytes: 100_000, encoder: LineEncoder())
            // The server's own clock: longer than the second that was too short above.
            try await schema.run("SELECT SLEEP(3)")
            let chunks = try await allChunks(of: session, maximumBytes: 1 << 20)
            let rows = chunks.reduce(0) { $0 + $1.rows }
            #expect((9970..<10000).contains(rows), "\(rows)")
            await session.close()
        }
    }

    /// Reads on to the end, keeping nothing.
    private func readAll(_ session: MySQLConnection) async throws {
        while try await session.nextChunk(maximumBytes: 1 << 20, encoder: LineEncoder()).chunk != nil {}
    }
}

import PostgresClient
import Testing
import TestServers

@Suite(.serialized) struct CancellationTests {
    private static func running(_ text: String) -> String {
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
            + "AND datname = current_database() AND query LIKE '\(text)%'"
    }

    @Test func `a cancelled task cancels its statement at the server`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let observer = database.connection
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await session.execute("SELECT pg_sleep(600)") }
                    try await waitUntil(observer, Self.running("SELECT pg_sleep"), gives: "1")
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            try await waitUntil(observer, Self.running("SELECT pg_sleep"), gives: "0")
            // A late cancel request could hit the next statement, so there is none.
            #expect(await !session.isUsable)
            let error = await failure { try await session.execute("SELECT 1") }
            #expect(error?.code == .connectionLost)
            await session.close()
        }
    }

    @Test func `a cancelled task ends a COPY that waits for rows`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let observer = database.connection
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await session.beginCopyOut(
                            "COPY (SELECT i, pg_sleep(CASE i WHEN 3 THEN 600 ELSE 0 END) FROM generate_series(1, 9) i) TO STDOUT"
                        )
                        _ = try await allChunks(of: session, maximumBytes: 1)
                    }
                    try await waitUntil(
                        observer,
                        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
                            + "AND datname = current_database()", gives: "1")
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            try await waitUntil(observer, Self.running("COPY"), gives: "0")
            await session.close()
        }
    }

    @Test func `a task cancelled before it began sends nothing`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (a int)")
            let session = try await database.session()
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.cancelAll()
                    group.addTask { try await session.execute("INSERT INTO t VALUES (1)") }
                    try await group.waitForAll()
                }
            }
            await session.close()
            #expect(try await database.run("SELECT count(*) FROM t").firstValue == "0")
        }
    }

    @Test func `a requested cancel ends the statement and leaves the connection usable`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let observer = database.connection
            let error = await failure {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await session.execute("SELECT pg_sleep(600)") }
                    try await waitUntil(observer, Self.running("SELECT pg_sleep"), gives: "1")
                    session.requestCancel()
                    try await group.waitForAll()
                }
            }
            #expect(error?.code == .cancelled && error?.sqlState == "57014")
            #expect(await session.isUsable)
            #expect(try await session.execute("SELECT 2").firstValue == "2")
            await session.close()
        }
    }

    @Test func `a killed backend is a lost connection`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let pid = try #require(try await session.execute("SELECT pg_backend_pid()").firstValue)
            let gone = "SELECT count(*) FROM pg_stat_activity WHERE pid = \(pid)"
            try await database.run("SELECT pg_terminate_backend(\(pid))")
            try await waitUntil(database.connection, gone, gives: "0")
            let first = await failure { try await session.execute("SELECT 1") }
            #expect(first?.code == .connectionLost && first?.isRetryable == true)
            let second = await failure { try await session.execute("SELECT 1") }
            #expect(second?.code == .connectionLost)
            #expect(await !session.isUsable)
            await session.close()
        }
    }

    @Test func `a backend killed in the midst of a COPY is a lost connection, never a short end`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let pid = try #require(try await session.execute("SELECT pg_backend_pid()").firstValue)
            try await session.beginCopyOut("COPY (SELECT repeat('x', 4000) FROM generate_series(1, 100000)) TO STDOUT")
            _ = try await session.nextCopyChunk(maximumBytes: 100_000)
            try await database.run("SELECT pg_terminate_backend(\(pid))")
            let error = await failure { _ = try await allChunks(of: session, maximumBytes: 1 << 20) }
            #expect(error?.code == .connectionLost)
            await session.close()
        }
    }

    @Test func `a closed connection refuses statements, and closing twice is fine`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            try await session.execute("CREATE TABLE t (a int)")
            try await session.execute("BEGIN; INSERT INTO t VALUES (1)")
            await session.close()
            await session.close()
            #expect(await !session.isUsable)
            #expect(await session.transactionStatus == .unknown)
            let error = await failure { try await session.execute("SELECT 1") }
            #expect(error?.code == .connectionLost)
            try await waitUntil(database.connection, Self.running("INSERT"), gives: "0")
            #expect(try await database.run("SELECT count(*) FROM t").firstValue == "0")
        }
    }
}

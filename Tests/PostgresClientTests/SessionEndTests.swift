import PostgresClient
import Testing
import TestServers

/// How a session's wait for its server ends early: by a cancelled task, or by its limit.
@Suite(.serialized) struct SessionEndTests {
    private static let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"

    @Test(arguments: [false, true])
    func `a cancelled task cancels a body's statement at the server`(catches: Bool) async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let observer = database.connection
            let started = ContinuousClock.now
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        _ = try await session.withSession { session in
                            do {
                                try session.execute("SELECT pg_sleep($1)", [.integer(60)])
                            } catch  where catches {
                                // Even a body that hides the error cannot go on.
                            }
                        }
                    }
                    try await waitUntil(observer, Self.sleeping, gives: "1")
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            #expect(ContinuousClock.now - started < .seconds(30))
            try await waitUntil(observer, Self.sleeping, gives: "0")
            #expect(await !session.isUsable)
            await session.close()
        }
    }

    @Test func `a task cancelled before its session began sends nothing`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (a int)")
            let session = try await database.session()
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.cancelAll()
                    group.addTask {
                        _ = try await session.withSession { session in
                            try session.execute("INSERT INTO t VALUES ($1)", [.integer(1)])
                        }
                    }
                    try await group.waitForAll()
                }
            }
            await session.close()
            #expect(try await database.run("SELECT count(*) FROM t").firstValue == "0")
        }
    }

    @Test func `a passed limit throws timeout, ends the statement at the server and the connection`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let started = ContinuousClock.now
            let error = await failure {
                try await session.withSession(limit: .milliseconds(400)) { session in
                    try session.execute("SELECT pg_sleep($1)", [.integer(60)])
                }
            }
            let waited = ContinuousClock.now - started
            #expect(waited >= .milliseconds(400) && waited < .seconds(8))
            #expect(error?.code == .timeout && error?.isRetryable == true)
            #expect(error?.what.contains("did not answer within 0.") == true, "\(error?.what ?? "")")
            try await waitUntil(database.connection, Self.sleeping, gives: "0")
            #expect(await !session.isUsable)
            let second = await failure { try await session.withSession { try $0.execute("SELECT 1") } }
            #expect(second?.code == .connectionLost)
            await session.close()
        }
    }

    @Test func `the limit is for all statements of a body together`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let error = await failure {
                try await session.withSession(limit: .milliseconds(500)) { session in
                    for _ in 0..<100 { try session.execute("SELECT pg_sleep(0.1)") }
                }
            }
            #expect(error?.code == .timeout)
            await session.close()
        }
    }

    // MARK: Silent servers

    /// A session whose server never sees, or never answers, the script that it sends next.
    private func withSilentServer(
        _ database: TestDatabase, _ body: (PostgresConnection, FaultProxy) async throws -> Void
    ) async throws {
        let proxy = try FaultProxy(.postgres, to: UInt16(database.endpoint.port))
        defer { proxy.close() }
        var endpoint = database.endpoint
        endpoint.host = "127.0.0.1"
        endpoint.port = Int(proxy.port)
        // The proxy reads what passes.
        endpoint.tls = PostgresTLS(mode: .disable)
        let session = try await PostgresConnection.connect(to: endpoint)
        try await body(session, proxy)
        #expect(await !session.isUsable)
        await session.close()
    }

    @Test(arguments: [FaultProxy.Fault.stopBefore, .stopAfter])
    func `a server that has gone silent is given up at the limit`(fault: FaultProxy.Fault) async throws {
        try await TestDatabase.with { database in
            try await withSilentServer(database) { session, proxy in
                proxy.arm(fault, after: 0) { $0.contains("'unheard'") }
                let started = ContinuousClock.now
                let error = await failure {
                    try await session.withSession(limit: .seconds(2)) { session in
                        try session.execute("SELECT $1", [.text("heard")])
                        try session.executeScript("SELECT 'unheard'")
                    }
                }
                #expect(error?.code == .timeout && proxy.hit == "SELECT 'unheard'")
                #expect(ContinuousClock.now - started < .seconds(10))
            }
        }
    }

    @Test func `a cancelled task leaves a server that has gone silent`() async throws {
        try await TestDatabase.with { database in
            try await withSilentServer(database) { session, proxy in
                proxy.arm(.stopBefore, after: 0) { $0.contains("'unheard'") }
                let stopped = proxy.stopped()
                let started = ContinuousClock.now
                await #expect(throws: CancellationError.self) {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            _ = try await session.withSession(limit: .seconds(600)) { session in
                                try session.executeScript("SELECT 'unheard'")
                            }
                        }
                        for await _ in stopped { group.cancelAll() }
                        try await group.waitForAll()
                    }
                }
                #expect(ContinuousClock.now - started < .seconds(8))
            }
        }
    }
}

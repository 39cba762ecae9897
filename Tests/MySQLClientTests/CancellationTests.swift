import MySQLClient
import TestServers
import Testing

@Suite(.serialized) struct CancellationTests {
    @Test(arguments: MySQLServerKind.tested)
    func `a cancelled task ends its statement at the server`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let session = try await schema.session()
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await session.execute("SELECT SLEEP(600)") }
                    try await waitUntil(schema.connection, running(session), gives: "1")
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            try await waitUntil(schema.connection, running(session), gives: "0")
            // A late request could hit the next statement, so there is none.
            #expect(await !session.isUsable)
            let error = await failure { try await session.execute("SELECT 1") }
            #expect(error?.code == .connectionLost)
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a cancelled task ends rows that are waited for`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let session = try await schema.session()
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        _ = try await session.beginRows("SELECT 1 UNION ALL SELECT SLEEP(600)")
                        _ = try await allChunks(of: session, maximumBytes: 1)
                    }
                    try await waitUntil(schema.connection, running(session), gives: "1")
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            try await waitUntil(schema.connection, running(session), gives: "0")
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a task cancelled before it began sends nothing`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await schema.run("CREATE TABLE t (a int)")
            let session = try await schema.session()
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.cancelAll()
                    group.addTask { try await session.execute("INSERT INTO t VALUES (1)") }
                    try await group.waitForAll()
                }
            }
            await session.close()
            #expect(try await schema.run("SELECT count(*) FROM t").firstValue == "0")
        }
    }

    /// Where the second connection cannot be had, the first one is broken off.
    @Test(arguments: MySQLServerKind.tested)
    func `a task is cancelled without a second connection too`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let limited = try await schema.user()
            try await schema.run("ALTER USER '\(limited.endpoint.user)'@'%' WITH MAX_USER_CONNECTIONS 1")
            let session = try await MySQLConnection.connect(to: limited.endpoint)
            let started = ContinuousClock.now
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await session.execute("SELECT SLEEP(600)") }
                    try await waitUntil(schema.connection, running(session), gives: "1")
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            #expect(ContinuousClock.now - started < .seconds(30))
            try await schema.run("KILL \(session.connectionID)")
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a requested cancel ends the statement and leaves the connection usable`(kind: MySQLServerKind) async throws {
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
                    session.requestCancel()
                    try await group.waitForAll()
                }
            }
            #expect(error?.code == .cancelled && error?.errno == 1317)
            #expect(await session.isUsable)
            #expect(try await session.execute("SELECT 2").firstValue == "2")
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a closed connection refuses statements, and closing twice is fine`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let session = try await schema.session()
            try await session.execute("CREATE TABLE t (a int)")
            try await session.execute("BEGIN")
            try await session.execute("INSERT INTO t VALUES (1)")
            await session.close()
            await session.close()
            #expect(await !session.isUsable)
            let error = await failure { try await session.execute("SELECT 1") }
            #expect(error?.code == .connectionLost)
            try await waitUntil(schema.connection, sessions(session), gives: "0")
            #expect(try await schema.run("SELECT count(*) FROM t").firstValue == "0")
        }
    }
}

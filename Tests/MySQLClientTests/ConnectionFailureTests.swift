import Foundation
import MySQLClient
import TestServers
import Testing

/// Each way not to get a connection has a code and a sentence of its own, and none shows the password.
@Suite(.serialized) struct ConnectionFailureTests {
    private func failure(
        _ kind: MySQLServerKind = .mariadb, sourceLocation: SourceLocation = #_sourceLocation,
        _ edit: (inout MySQLEndpoint) throws -> Void
    ) async throws -> MySQLError {
        var endpoint = try kind.endpoint()
        endpoint.password = MySQLPassword("CANARY")
        try edit(&endpoint)
        let reached = endpoint
        let error = await #expect(throws: MySQLError.self, sourceLocation: sourceLocation) {
            try await MySQLConnection.connect(to: reached)
        }
        let found = try #require(error, sourceLocation: sourceLocation)
        #expect(!"\(found) \(String(reflecting: found))".contains("CANARY"), sourceLocation: sourceLocation)
        return found
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a wrong password names the user`(kind: MySQLServerKind) async throws {
        let user = try kind.endpoint().user
        let error = try await failure(kind) { _ in }
        #expect(error.code == .authentication && !error.isRetryable && error.errno == 1045)
        #expect(error.what.contains("refused the sign-in of user \(user)"))
    }

    @Test(arguments: MySQLServerKind.tested)
    func `an unknown user is a refused sign-in`(kind: MySQLServerKind) async throws {
        let error = try await failure(kind) { $0.user = "nobody_at_all" }
        #expect(error.code == .authentication && error.what.contains("nobody_at_all"))
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a missing database is named`(kind: MySQLServerKind) async throws {
        let error = try await failure(kind) { endpoint in
            endpoint = try kind.endpoint()
            endpoint.database = "no_such_database"
        }
        #expect(error.code == .missingDatabase && !error.isRetryable)
        #expect(error.what.hasSuffix("has no database named no_such_database"))
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a database that is closed to the user is named`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let limited = try await schema.user(grants: []).endpoint
            let error = try await failure(kind) { $0 = limited }
            #expect(error.code == .permission && error.what.contains(schema.name) && error.what.contains(limited.user))
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a user's limit on connections is named, and passes`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let limited = try await schema.user().endpoint
            try await schema.run("ALTER USER '\(limited.user)'@'%' WITH MAX_USER_CONNECTIONS 1")
            let first = try await MySQLConnection.connect(to: limited)
            let error = try await failure(kind) { $0 = limited }
            #expect(error.code == .tooManyConnections && error.isRetryable)
            await first.close()
        }
    }

    @Test func `a refused port names host and port`() async throws {
        let closed = try LoopbackSocket(listens: false)
        let error = try await failure { $0.port = closed.port }
        #expect(error.code == .unreachable && error.isRetryable)
        #expect(error.what.hasPrefix("127.0.0.1:\(closed.port)/") && error.what.hasSuffix("cannot be reached"))
    }

    @Test(arguments: MySQLTLS.Mode.allCases)
    func `a silent host is given up after the connect timeout`(mode: MySQLTLS.Mode) async throws {
        let silent = try LoopbackSocket(listens: true)
        let started = ContinuousClock.now
        let error = try await failure { endpoint in
            endpoint.port = silent.port
            endpoint.tls.mode = mode
            endpoint.connectTimeout = .seconds(1)
        }
        #expect(error.code == .timeout && error.isRetryable)
        #expect(error.what.contains("did not answer within 1"))
        let waited = ContinuousClock.now - started
        #expect(waited >= .seconds(1) && waited < .seconds(8))
    }

    @Test(arguments: [true, false])
    func `a server that falls silent after its greeting is given up`(offersTLS: Bool) async throws {
        let server = try LoopbackSocket(listens: true)
        async let said = server.talk(LoopbackSocket.greeting(offersTLS: offersTLS))
        let started = ContinuousClock.now
        let error = try await failure { endpoint in
            endpoint.port = server.port
            endpoint.tls.mode = offersTLS ? .require : .disable
            endpoint.connectTimeout = .seconds(1)
        }
        #expect(error.code == .timeout, "\(error)")
        #expect(ContinuousClock.now - started < .seconds(8))
        #expect(await !said.isEmpty)
    }

    @Test func `a cancelled task stops connecting`() async throws {
        let silent = try LoopbackSocket(listens: true)
        var endpoint = try MySQLServerKind.mariadb.endpoint()
        endpoint.port = silent.port
        endpoint.connectTimeout = .seconds(60)
        let reached = endpoint
        let started = ContinuousClock.now
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await (try MySQLConnection.connect(to: reached)).close() }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
        #expect(ContinuousClock.now - started < .seconds(20))
    }

    @Test func `an unknown host is named`() async throws {
        let error = try await failure { $0.host = "no-such-host.invalid" }
        #expect(error.code == .unreachable && error.isRetryable)
        #expect(error.what.contains("no-such-host.invalid"), "\(error)")
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "\u{1}\0\0\0\u{9}"])
    func `something else that listens there is told from MySQL`(greeting: String) async throws {
        let other = try LoopbackSocket(listens: true)
        async let said = other.talk(Array(greeting.utf8))
        let error = try await failure { $0.port = other.port }
        #expect(error.code == .unreachable && error.what.hasSuffix("does not speak MySQL"), "\(error)")
        #expect(await said.isEmpty)
    }

    @Test(arguments: MySQLServerKind.tested)
    func `an answer that does not come is given up after the read timeout`(kind: MySQLServerKind) async throws {
        var endpoint = try kind.endpoint()
        endpoint.readTimeout = .seconds(1)
        let session = try await MySQLConnection.connect(to: endpoint)
        let started = ContinuousClock.now
        let error = await #expect(throws: MySQLError.self) { try await session.execute("SELECT SLEEP(600)") }
        #expect(error?.code == .timeout && error?.isRetryable == true, "\(error?.description ?? "")")
        #expect(ContinuousClock.now - started < .seconds(10))
        #expect(await !session.isUsable)
        let observer = try await MySQLConnection.connect(to: kind.endpoint())
        try await observer.execute("KILL \(session.connectionID)")
        await session.close()
        await observer.close()
    }
}

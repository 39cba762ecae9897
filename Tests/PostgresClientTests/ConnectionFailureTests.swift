import Foundation
import PostgresClient
import Testing
import TestServers

/// Each way not to get a connection has a code and a sentence of its own, and none shows the password.
@Suite(.serialized) struct ConnectionFailureTests {
    private func failure(
        sourceLocation: SourceLocation = #_sourceLocation, _ edit: (inout PostgresEndpoint) throws -> Void
    ) async throws -> PostgresError {
        var endpoint = try TestServers.postgres()
        endpoint.password = PostgresPassword("CANARY")
        try edit(&endpoint)
        let reached = endpoint
        let error = await #expect(throws: PostgresError.self, sourceLocation: sourceLocation) {
            try await PostgresConnection.connect(to: reached)
        }
        let found = try #require(error, sourceLocation: sourceLocation)
        #expect(!"\(found) \(String(reflecting: found))".contains("CANARY"), sourceLocation: sourceLocation)
        return found
    }

    @Test func `a wrong password names the user`() async throws {
        let user = try TestServers.postgres().user
        let error = try await failure { _ in }
        #expect(error.code == .authentication && !error.isRetryable)
        #expect(error.what.contains("refused the sign-in of user \(user)"))
    }

    @Test func `an unknown user is a refused sign-in`() async throws {
        let error = try await failure { $0.user = "nobody_at_all" }
        #expect(error.code == .authentication && error.what.contains("nobody_at_all"))
    }

    @Test func `a missing database is named`() async throws {
        let error = try await failure { endpoint in
            endpoint = try TestServers.postgres()
            endpoint.database = "no_such_database"
        }
        #expect(error.code == .missingDatabase && !error.isRetryable)
        #expect(error.what.hasSuffix("has no database named no_such_database"))
    }

    @Test func `a refused port names host and port`() async throws {
        let closed = try LoopbackSocket(listens: false)
        let error = try await failure { $0.port = closed.port }
        #expect(error.code == .unreachable && error.isRetryable)
        #expect(error.what.hasPrefix("127.0.0.1:\(closed.port)/") && error.what.hasSuffix("cannot be reached"))
    }

    @Test func `a silent host is given up after the connect timeout`() async throws {
        let silent = try LoopbackSocket(listens: true)
        let started = ContinuousClock.now
        let error = try await failure { endpoint in
            endpoint.port = silent.port
            endpoint.connectTimeout = .seconds(1)
        }
        #expect(error.code == .timeout && error.isRetryable)
        #expect(error.what.contains("did not answer within 1"))
        let waited = ContinuousClock.now - started
        #expect(waited >= .seconds(1) && waited < .seconds(8))
    }

    @Test func `a cancelled task stops connecting`() async throws {
        let silent = try LoopbackSocket(listens: true)
        var endpoint = try TestServers.postgres()
        endpoint.port = silent.port
        endpoint.connectTimeout = .seconds(60)
        let reached = endpoint
        let started = ContinuousClock.now
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await (try PostgresConnection.connect(to: reached)).close() }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
        #expect(ContinuousClock.now - started < .seconds(20))
    }

    @Test func `an unknown host is named`() async throws {
        let error = try await failure { $0.host = "no-such-host.invalid" }
        #expect(error.code == .unreachable)
        #expect(error.what.contains("no-such-host.invalid"))
    }

    @Test func `a server without TLS is refused where TLS is required`() async throws {
        let error = try await failure { endpoint in
            // The stand-in speaks no TLS.
            endpoint = try TestServers.standIn()
            endpoint.tls = PostgresTLS(mode: .require)
        }
        #expect(error.code == .tls && error.what.contains("127.0.0.1"))
    }
}

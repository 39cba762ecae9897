import PostgresClient
import Synchronization

/// Open connections to the store that wait for their next use; at most so many at once.
final class PostgresPool: Sendable {
    private static let setUpLimit = Duration.seconds(5)

    private let server: PostgresMetadataServer
    private let turns: PoolTurns
    private let idle = Mutex<[PostgresConnection]>([])

    init(_ server: PostgresMetadataServer) {
        self.server = server
        turns = PoolTurns(limit: server.connections)
    }

    /// Runs `body` on a connection that nobody else uses, a new one where none is idle.
    ///
    /// An idle connection may have been closed by the server or on the way: `isLost` says whether an error means so
    /// before anything was done, and then a new one is tried once.
    func with<Value: Sendable>(
        _ body: @Sendable (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        try await turns.with {
            if let used = idle.withLock({ $0.popLast() }) {
                do {
                    return try await returning(used, body)
                } catch is StaleConnection {
                    // Whatever ended this one has ended the others.
                    await close()
                }
            }
            return try await returning(try await connect(), body)
        }
    }

    /// The connection goes back while it can be used.
    private func returning<Value: Sendable>(
        _ connection: PostgresConnection, _ body: @Sendable (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        do {
            let value = try await body(connection)
            // A task that was cancelled after its last answer leaves a connection that a late cancel could still hit.
            if await connection.isUsable { idle.withLock { $0.append(connection) } } else { await connection.close() }
            return value
        } catch {
            if await connection.isUsable, await connection.transactionStatus == .idle {
                idle.withLock { $0.append(connection) }
            } else {
                await connection.close()
            }
            throw error
        }
    }

    func connect() async throws -> PostgresConnection {
        let connection = try await PostgresConnection.connect(to: server.endpoint)
        do {
            try await connection.withSession(limit: Self.setUpLimit) {
                try $0.executeScript(PostgresSchemaStatements.session)
            }
            return connection
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Closes those that are idle.
    func close() async {
        let connections = idle.withLock { idle in
            defer { idle = [] }
            return idle
        }
        for connection in connections { await connection.close() }
    }
}

/// The connection was lost before a transaction began on it: nothing was done.
struct StaleConnection: Error {
    let underlying: PostgresError
}

import Foundation
import Logging
import Operations
import PostgresClient
import Scheduling

/// A schema `redshift_loader` in a PostgreSQL database that all machines share. Time is the server's.
final class PostgresDatabase: MetadataDatabase {
    /// The longest that a connection is waited for that may be dead without a word.
    private static let answerLimit = Duration.seconds(3)
    /// Tries of what must be recorded.
    private static let tries = 2

    private let server: PostgresMetadataServer
    private let pool: PostgresPool
    private let statements = NumberedStatements()
    private let logger: Logger

    init(_ server: PostgresMetadataServer, logger: Logger) {
        self.server = server
        self.logger = logger
        pool = PostgresPool(server)
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value {
        try await transaction(PostgresSchemaStatements.beginReading, limit: MetadataPatience.usual, body)
    }

    func write<Value: Sendable>(
        limit: Duration, _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value {
        try await transaction(PostgresSchemaStatements.beginWriting, limit: limit, body)
    }

    /// Once more where the server was away: a lease that could not be given back would keep its table for as long as it
    /// lasts.
    func finish<Value: Sendable>(
        _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value {
        // A task of its own, awaited, because it must not end half-way when the caller is cancelled.
        let cleanup = Task {
            var tries = 1
            while true {
                do {
                    return try await write(limit: MetadataPatience.usual, body)
                } catch let error as OperationError where error.isRetryable && tries < Self.tries {
                    logger.info("\(error.what): \(error.why); trying again")
                    tries += 1
                    try await Task.sleep(for: .seconds(1))
                }
            }
        }
        return try await cleanup.value
    }

    func wakeUps() -> AsyncStream<Void>? { PostgresWakeUps(pool: pool, logger: logger).stream() }

    func close() async { await pool.close() }

    /// - Parameter limit: The longest that its statements may take together.
    func transaction<Value: Sendable>(
        _ begin: String, limit: Duration,
        _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value {
        let (statements, clock) = (statements, server.clock)
        do {
            return try await pool.with { connection in
                let servers = try await Self.open(begin, on: connection)
                return try await connection.withSession(limit: limit) { session in
                    let transaction = PostgresTransaction(
                        session: session, statements: statements, now: clock?.now.storedMicroseconds ?? servers)
                    do {
                        let value = try body(transaction)
                        _ = try session.execute(PostgresSchemaStatements.commit)
                        return value
                    } catch {
                        // A connection that cannot even roll back is closed by its pool, which ends the transaction.
                        _ = try? session.executeScript(PostgresSchemaStatements.rollback)
                        throw error
                    }
                }
            }
        } catch let error as StaleConnection {
            throw PostgresFailure.sentence(for: error.underlying, server: server.endpoint.displayName)
        } catch {
            throw PostgresFailure.sentence(for: error, server: server.endpoint.displayName)
        }
    }

    /// - Returns: The server's clock, microseconds since 1970.
    /// - Throws: `StaleConnection` where the connection is gone, or nobody answers any more.
    private static func open(_ begin: String, on connection: PostgresConnection) async throws -> Int64 {
        do {
            let answer = try await connection.withSession(limit: answerLimit) { try $0.executeScript(begin) }
            guard let time = answer.firstValue.flatMap({ Int64($0) }) else { throw UnexpectedColumn(name: "clock") }
            return time
        } catch let error as PostgresError where error.code == .connectionLost || error.code == .timeout {
            throw StaleConnection(underlying: error)
        }
    }
}

/// A transaction on PostgreSQL.
struct PostgresTransaction: MetadataSession {
    let session: PostgresSession
    let statements: NumberedStatements
    let now: Int64
    var dialect: MetadataDialect { .postgres }

    func rows(_ statement: MetadataStatement) throws -> [StoredRow] {
        let result = try execute(statement)
        let names = result.columns.map(\.name)
        let columns = Dictionary(zip(names, names.indices)) { first, _ in first }
        let areBytes = result.columns.map { $0.typeOID == Self.bytea }
        return try result.rows.map { row in
            StoredRow(columns: columns, cells: try zip(row, areBytes).map(Self.cell))
        }
    }

    func run(_ statement: MetadataStatement) throws -> Int { try execute(statement).affectedRows }

    func wakeWorkers() throws { _ = try session.execute(PostgresSchemaStatements.notify) }

    /// `pg_type.oid` of bytea.
    private static let bytea: UInt32 = 17

    private func execute(_ statement: MetadataStatement) throws -> PostgresResult {
        let numbered = statements.numbered(statement)
        do {
            return try session.execute(
                numbered.sql, numbered.parameters(statement.values), isKept: statement.isKept)
        } catch let error as PostgresError where error.code == .uniqueViolation {
            throw StoreConflict.notUnique(error)
        } catch let error as PostgresError where error.code == .foreignKeyViolation {
            throw StoreConflict.noSuchParent(error)
        }
    }

    /// Bytes come as `\x` and two hexadecimal digits each.
    private static func cell(_ text: String?, isBytes: Bool) throws -> StoredCell {
        guard let text else { return .null }
        guard isBytes else { return .text(text) }
        let digits = Array(text.utf8.dropFirst(2))
        var bytes = Data(capacity: digits.count / 2)
        for place in stride(from: 0, to: digits.count - 1, by: 2) {
            guard let byte = UInt8(String(decoding: digits[place...place + 1], as: UTF8.self), radix: 16) else {
                throw UnexpectedColumn(name: "bytea")
            }
            bytes.append(byte)
        }
        return .bytes(bytes)
    }
}

import Dispatch
import Foundation
import GRDB
import Operations
import Scheduling

/// A SQLite file that `serve` and commands of one machine share, each through connections of its own.
///
/// Writes are IMMEDIATE transactions and wait up to 10 s for each other; reads wait for nobody (write-ahead log).
struct SQLiteDatabase: MetadataDatabase {
    /// How long a write waits for another process's.
    private static let busySeconds = 10.0

    let path: String
    private let clock: any WallClock
    private let pool: DatabasePool

    /// Opens the file, and makes it (mode 0600) and its folder (0700) where they do not exist. Blocks the thread.
    init(path: String, clock: any WallClock) throws {
        self.path = path
        self.clock = clock
        do {
            try PrivateFile.create(path)
            var configuration = Configuration()
            configuration.busyMode = .timeout(Self.busySeconds)
            configuration.label = "metadata"
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.read { try Self.checkOwnership(SQLiteSession(database: $0, now: 0)) }
        } catch {
            throw MetadataFailure.sentence(for: error, path: path)
        }
    }

    /// Opens the file off the shared pool.
    static func open(path: String, clock: any WallClock) async throws -> SQLiteDatabase {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try SQLiteDatabase(path: path, clock: clock) })
            }
        }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.read { try body(session($0)) }
        } catch {
            throw MetadataFailure.sentence(for: error, path: path)
        }
    }

    func write<Value: Sendable>(
        limit: Duration, _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.write { try body(session($0)) }
        } catch {
            throw MetadataFailure.sentence(for: error, path: path)
        }
    }

    /// By callback, because the library's async functions roll back when the task is cancelled.
    func finish<Value: Sendable>(
        _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                pool.asyncWriteWithoutTransaction { database in
                    continuation.resume(with: Result { try database.committing { try body(session(database)) } })
                }
            }
        } catch {
            throw MetadataFailure.sentence(for: error, path: path)
        }
    }

    /// Other processes look for themselves, twice a second.
    func wakeUps() -> AsyncStream<Void>? { nil }

    /// The library closes its connections with the last reference.
    func close() async {}

    private func session(_ database: Database) -> SQLiteSession {
        SQLiteSession(database: database, now: clock.now.storedMicroseconds)
    }
}

/// A transaction on SQLite.
struct SQLiteSession: MetadataSession {
    let database: Database
    let now: Int64
    var dialect: MetadataDialect { .sqlite }

    func rows(_ statement: MetadataStatement) throws -> [StoredRow] {
        try Self.translatingConflicts {
            let compiled = try database.cachedStatement(sql: statement.sql)
            let names = compiled.columnNames
            let columns = Dictionary(zip(names, names.indices)) { first, _ in first }
            return try Row.fetchAll(compiled, arguments: Self.arguments(statement.values)).map { row in
                StoredRow(columns: columns, cells: row.databaseValues.map(Self.cell))
            }
        }
    }

    func run(_ statement: MetadataStatement) throws -> Int {
        try Self.translatingConflicts {
            try database.cachedStatement(sql: statement.sql).execute(arguments: Self.arguments(statement.values))
            return database.changesCount
        }
    }

    func wakeWorkers() {}

    private static func arguments(_ values: StatementValues) -> StatementArguments {
        StatementArguments(
            values.byName.mapValues { value -> (any DatabaseValueConvertible)? in
                switch value {
                case .integer(let number): number
                case .real(let number): number
                case .text(let text): text
                case .bytes(let bytes): bytes
                }
            })
    }

    private static func cell(_ value: DatabaseValue) -> StoredCell {
        switch value.storage {
        case .null: .null
        case .int64(let number): .integer(number)
        case .double(let number): .real(number)
        case .string(let text): .text(text)
        case .blob(let bytes): .bytes(bytes)
        }
    }

    private static func translatingConflicts<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            throw StoreConflict.notUnique(error)
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_FOREIGNKEY {
            throw StoreConflict.noSuchParent(error)
        }
    }
}

extension Database {
    fileprivate func committing<Value>(_ body: () throws -> Value) throws -> Value {
        var value: Value?
        try inTransaction(.immediate) {
            value = try body()
            return .commit
        }
        guard let value else { throw DatabaseError(resultCode: .SQLITE_INTERNAL) }
        return value
    }
}

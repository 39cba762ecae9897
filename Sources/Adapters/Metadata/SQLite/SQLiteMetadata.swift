import Dispatch
import Foundation
import GRDB
import Logging
import Operations
import Scheduling

/// The metadata store of one machine: a SQLite file that `serve` and commands share, each through connections of its
/// own.
///
/// Writes are IMMEDIATE transactions and wait up to 10 s for each other; reads wait for nobody (write-ahead log). Every
/// method throws `OperationError`, or `CancellationError`. What ends a run (`record`, `finishCopy`, `release`,
/// `unregister`) is carried out even in a cancelled task.
package struct SQLiteMetadata: Sendable {
    /// How long a write waits for another process's.
    private static let busySeconds = 10.0

    let path: String
    let clock: any WallClock
    let liveness: any OwnerLiveness
    let logger: Logger
    private let pool: DatabasePool

    /// Opens the file, and makes it (mode 0600) and its folder (0700) where they do not exist. Blocks the thread; runs
    /// no migration.
    package init(
        path: String, clock: any WallClock, liveness: any OwnerLiveness, logger: Logger = Logger(label: "metadata")
    ) throws {
        self.path = path
        self.clock = clock
        self.liveness = liveness
        self.logger = logger
        do {
            try PrivateFile.create(path)
            var configuration = Configuration()
            configuration.busyMode = .timeout(Self.busySeconds)
            configuration.label = "metadata"
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.read(Self.checkOwnership)
        } catch {
            throw MetadataFailure.sentence(for: error, path: path)
        }
    }

    /// Opens the file off the shared pool.
    /// - Parameter migrating: Bring the schema up to date; otherwise a store that is not is refused.
    package static func open(
        path: String, clock: any WallClock, liveness: any OwnerLiveness, logger: Logger = Logger(label: "metadata"),
        migrating: Bool = true
    ) async throws -> SQLiteMetadata {
        let store = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result { try SQLiteMetadata(path: path, clock: clock, liveness: liveness, logger: logger) })
            }
        }
        let pending = try await store.pendingMigrations()
        guard !pending.isEmpty else { return store }
        guard migrating else {
            throw OperationError(
                .configuration, what: "The metadata store \(path) is not up to date",
                why: "\(pending.count) migration(s) have not run", fix: "Run: redshift-loader migrate")
        }
        try await store.migrate()
        return store
    }

    /// Reads from one snapshot.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await pool.read(body)
        } catch {
            throw MetadataFailure.sentence(for: error, path: path)
        }
    }

    /// One IMMEDIATE transaction; a cancelled task's is rolled back.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await pool.write(body)
        } catch {
            throw MetadataFailure.sentence(for: error, path: path)
        }
    }

    /// One IMMEDIATE transaction that a cancelled task carries out as well: by callback, because the library's async
    /// functions roll back when the task is cancelled.
    func finish<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                pool.asyncWriteWithoutTransaction { database in
                    continuation.resume(
                        with: Result {
                            try database.committing { try body(database) }
                        })
                }
            }
        } catch {
            throw MetadataFailure.sentence(for: error, path: path)
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

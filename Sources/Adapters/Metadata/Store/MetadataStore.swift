import Foundation
import Logging
import Operations
import Scheduling

/// The metadata store, on SQLite for one machine or on PostgreSQL for many: one set of statements and rules.
///
/// Every method throws `OperationError`, or `CancellationError`. What ends a run (`record`, `finishCopy`, `release`,
/// `unregister`) is carried out even in a cancelled task.
package struct MetadataStore: Sendable {
    let database: any MetadataDatabase
    let liveness: any OwnerLiveness
    let retention: RunRetention
    let logger: Logger

    init(database: any MetadataDatabase, liveness: any OwnerLiveness, retention: RunRetention, logger: Logger) {
        self.database = database
        self.liveness = liveness
        self.retention = retention
        self.logger = logger
    }

    /// - Parameter migrating: Bring the schema up to date; otherwise a store that is not is refused.
    package static func open(
        _ location: MetadataLocation, clock: any WallClock, liveness: any OwnerLiveness,
        retention: RunRetention = RunRetention(), logger: Logger = Logger(label: "metadata"), migrating: Bool = true
    ) async throws -> MetadataStore {
        let database: any MetadataDatabase =
            switch location {
            case .sqlite(let path): try await SQLiteDatabase.open(path: path, clock: clock)
            case .postgres(let server): PostgresDatabase(server, logger: logger)
            }
        let store = MetadataStore(database: database, liveness: liveness, retention: retention, logger: logger)
        do {
            try await store.prepare(location, migrating: migrating)
            return store
        } catch {
            await database.close()
            throw error
        }
    }

    private func prepare(_ location: MetadataLocation, migrating: Bool) async throws {
        let pending = try await database.pendingMigrations()
        guard !pending.isEmpty else { return }
        guard migrating else {
            throw OperationError(
                .configuration, what: "The metadata store \(location.displayName) is not up to date",
                why: "\(pending.count) migration(s) have not run", fix: "Run: redshift-loader migrate")
        }
        try await migrate()
    }

    /// All steps in one transaction; of several processes the first migrates and the others find nothing to do.
    package func migrate() async throws {
        for step in try await database.migrate() { logger.info("Metadata store migrated: \(step)") }
    }

    /// Names of the steps that `migrate` would run.
    package func pendingMigrations() async throws -> [String] { try await database.pendingMigrations() }

    package func close() async { await database.close() }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value { try await database.read(body) }

    func write<Value: Sendable>(
        limit: Duration = MetadataPatience.usual, _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value { try await database.write(limit: limit, body) }

    func finish<Value: Sendable>(
        _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value { try await database.finish(body) }
}

/// How much of the runs' history stays.
package struct RunRetention: Sendable, Hashable {
    /// Runs of a table that are kept at most.
    package static let runsOfTable = 1_000

    /// Older ones are removed: `RUN_RETENTION`.
    package var age: Duration
    /// Only the last run of each table is kept: `LOG_TABLE_COPIES=false`.
    package var keepsLastOnly: Bool

    package init(age: Duration = .seconds(30 * 86_400), keepsLastOnly: Bool = false) {
        self.age = age
        self.keepsLastOnly = keepsLastOnly
    }

    var runs: Int { keepsLastOnly ? 1 : Self.runsOfTable }
}

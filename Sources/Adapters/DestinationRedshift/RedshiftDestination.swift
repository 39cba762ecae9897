import Foundation
import Logging
import PostgresClient
import Replication

/// How this process reaches and loads a Redshift database.
package struct RedshiftSettings: Sendable {
    package var endpoint: PostgresEndpoint
    /// Asked for each COPY, since keys may be short-lived.
    package var authorization: @Sendable () async throws -> CopyAuthorization
    /// Of the bucket; nil leaves it to Redshift.
    package var region: String?
    /// Where checkpoint tables go; nil: `redshift_loader`, or the destination schema where that cannot be made.
    package var checkpointSchema: String?
    /// Enforced by the server on each statement, unless `session` has a limit of its own.
    package var statementTimeout: Duration
    /// What the job asks of its sessions.
    package var session: DestinationSession
    /// How long the rename of a swap waits for readers: while it waits, every later reader queues behind it.
    package var swapTimeout: Duration
    /// Rows in an INSERT, for batches that do not go through S3.
    package var insertRows: Int
    /// Who may read every replica.
    package var readOnlyUsers: [ReadOnlyGrantee]

    package init(
        endpoint: PostgresEndpoint, authorization: @escaping @Sendable () async throws -> CopyAuthorization,
        region: String? = nil, checkpointSchema: String? = nil, statementTimeout: Duration = .seconds(600),
        session: DestinationSession = DestinationSession(), swapTimeout: Duration = .seconds(10),
        insertRows: Int = 10_000, readOnlyUsers: [ReadOnlyGrantee] = []
    ) {
        self.endpoint = endpoint
        self.authorization = authorization
        self.region = region
        self.checkpointSchema = checkpointSchema
        self.statementTimeout = statementTimeout
        self.session = session
        self.swapTimeout = swapTimeout
        self.insertRows = insertRows
        self.readOnlyUsers = readOnlyUsers
    }
}

/// A Redshift database as destination, over one connection that is opened with the first statement: idle runs never
/// wake the cluster.
package actor RedshiftDestination: ReplicaDestination {
    let settings: RedshiftSettings
    let logger: Logger
    var opened: PostgresConnection?
    private var checkpointTables: [TableName: CheckpointTable] = [:]
    private var slices: Int?

    package init(settings: RedshiftSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    // MARK: Setting up

    package func prepare(_ mapping: TableMapping) async throws -> PreparedReplica {
        let table = mapping.destination
        let present = try await run(ReplicaStatements.columns(of: table), table).rows.compactMap(ReplicaColumn.init)
        if present.isEmpty {
            try await createSchemaIfMissing(table.schema, for: table)
            // A checkpoint that outlived its replica speaks of rows that are gone. It goes before the new table comes:
            // a run that found both would believe it.
            if let checkpoint = try await checkpointTable(for: table, creating: true) {
                try await run(checkpoint.void, table)
            }
            try await create(mapping)
            return PreparedReplica()
        }
        let comparison = ReplicaComparison(mapping: mapping, columns: present)
        try comparison.check(otherOwner: try await run(ReplicaStatements.otherOwner(of: table), table).firstValue)
        _ = try await checkpointTable(for: table, creating: true)
        return PreparedReplica(
            rows: try await number(ReplicaStatements.count(table), table), narrowColumns: comparison.narrowColumns)
    }

    package func drop(_ mapping: TableMapping) async throws {
        let table = mapping.destination
        if let checkpoint = try await checkpointTable(for: table, creating: false) {
            try await run(checkpoint.void, table)
        }
        for name in [table, SwapStatements.former(table), SwapStatements.building(table)] {
            try await run(SwapStatements.drop(name), table)
        }
    }

    private func create(_ mapping: TableMapping) async throws {
        let table = mapping.destination
        do {
            try await run(ReplicaStatements.createTable(mapping), table)
        } catch let error as ReplicationError where error.code == .copyRejected {
            throw ReplicationError(
                .schemaMismatch, what: "Redshift refuses to make \(table)", why: error.why,
                fix:
                    "Give the column another type (redshift-loader tables set \(mapping.label) --column X --type T) or "
                    + "leave it out (--exclude X).", underlying: error)
        }
        try await grantReading(on: table)
    }

    /// `READ_ONLY_USERS` may read each table that is made.
    func grantReading(on table: TableName) async throws {
        for grantee in settings.readOnlyUsers {
            do {
                try await run(GrantStatements.select(on: table, to: grantee), table)
            } catch let error as ReplicationError where error.code == .copyRejected {
                throw ReplicationError(
                    .config, what: "\(grantee.sql) of READ_ONLY_USERS cannot be given SELECT on \(table)",
                    why: error.why, fix: "Name users, GROUP x or ROLE y that exist in the destination.",
                    underlying: error)
            }
        }
    }

    /// The cluster's slices. Serverless does not tell: 8 files keep a small workgroup busy.
    package func sliceCount() async throws -> Int {
        if let slices { return slices }
        let counted: Int
        do {
            counted = try await number(ReplicaStatements.slices, nil)
        } catch let error as ReplicationError where !error.isRetryable {
            logger.debug("stv_slices cannot be read, assuming 8 slices: \(error.code.rawValue)")
            counted = 8
        }
        slices = max(1, counted)
        return max(1, counted)
    }

    /// The server's version: the answer of `jobs test`.
    package func probe() async throws -> String {
        try await run("SELECT version()", nil).firstValue ?? "unknown"
    }

    package func close() async {
        await opened?.close()
        opened = nil
    }

    // MARK: Checkpoints

    package func readCheckpoint(_ mapping: TableMapping, installation: String) async throws -> Checkpoint? {
        guard let table = try await checkpointTable(for: mapping.destination, creating: false) else { return nil }
        guard let row = try await run(table.read, mapping.destination).rows.first else { return nil }
        let checkpoint = try CheckpointTable.decode(row, of: table.table)
        try checkpoint.stamp.requireOwner(of: mapping, installation: installation)
        return checkpoint
    }

    package func writeCheckpoint(_ next: Checkpoint, expected: CheckpointStamp?, mapping: TableMapping) async throws {
        try await transaction(mapping.destination) { table in
            try await self.expect(expected, in: table, mapping, writer: next.stamp)
            let write = try table.write(next, sourceName: mapping.source.description, isFirst: expected == nil)
            try await self.run(write, mapping.destination)
        }
    }

    // MARK: Helpers

    /// BEGIN, LOCK of the checkpoint as first statement, `body`, COMMIT; any error rolls back. A lost connection is
    /// rolled back by the server, or was committed: the next run asks the checkpoint.
    func transaction(
        _ replica: TableName, _ body: (CheckpointTable) async throws -> Void
    ) async throws {
        guard let table = try await checkpointTable(for: replica, creating: true) else { return }
        try await run("BEGIN", replica)
        do {
            try await run(table.lock, replica)
            try await body(table)
            try await run("COMMIT", replica)
        } catch {
            await abandonTransaction()
            throw error
        }
    }

    /// A connection that cannot even roll back is dropped; the server rolls back then.
    func abandonTransaction() async {
        do {
            try await opened?.execute("ROLLBACK")
        } catch {
            await close()
        }
    }

    static func check(_ staged: Int, _ load: ReplicaLoad) throws {
        guard staged == load.staged.rows else {
            throw ReplicationError(
                .copyRejected,
                what: "Redshift staged \(staged) rows of \(load.mapping.source), \(load.staged.rows) were read",
                why: "COPY left rows out without an error", fix: "Nothing was loaded. Report this as a bug.")
        }
    }

    func checkpointTable(for replica: TableName, creating: Bool) async throws -> CheckpointTable? {
        if let known = checkpointTables[replica] { return known }
        let name = CheckpointTable.name(for: replica)
        let schemas = settings.checkpointSchema.map { [$0] } ?? [CheckpointTable.preferredSchema, replica.schema]
        let found = try await run(CheckpointTable.find(name, in: schemas), replica).rows.compactMap { $0.first ?? nil }
        // Where both exist the preferred one wins, as it would have when it was made.
        if let schema = schemas.first(where: found.contains) {
            return remember(CheckpointTable(table: TableName(schema: schema, name: name)), for: replica)
        }
        guard creating else { return nil }
        for schema in schemas {
            let table = CheckpointTable(table: TableName(schema: schema, name: name))
            do {
                try await createSchemaIfMissing(schema, for: replica)
                try await run(table.create, replica)
                return remember(table, for: replica)
            } catch let error as ReplicationError where error.code == .destinationPermission && schema != schemas.last {
                logger.info("schema \(schema) cannot be used for checkpoints; using the destination schema")
            }
        }
        return nil
    }

    private func remember(_ table: CheckpointTable, for replica: TableName) -> CheckpointTable {
        checkpointTables[replica] = table
        return table
    }

    private func createSchemaIfMissing(_ schema: String, for replica: TableName) async throws {
        let exists = try await run(ReplicaStatements.schemaExists(schema), replica)
        guard exists.rows.isEmpty else { return }
        try await run(ReplicaStatements.createSchema(schema), replica)
        guard schema == replica.schema else { return }
        for grantee in settings.readOnlyUsers {
            try await run(GrantStatements.usage(on: schema, to: grantee), replica)
        }
    }

    func number(_ statement: String, _ table: TableName?) async throws -> Int {
        try await run(statement, table).firstValue.flatMap { Int($0) } ?? 0
    }

    @discardableResult
    func run(_ statement: String, _ table: TableName?) async throws -> PostgresResult {
        do {
            return try await connection().execute(statement)
        } catch let error as PostgresError {
            throw ReplicationError(destination: error, table: table)
        }
    }

    func connection() async throws -> PostgresConnection {
        if let opened { return opened }
        let connection = try await openSession()
        opened = connection
        return connection
    }
}

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
    /// Enforced by the server on each statement.
    package var statementTimeout: Duration

    package init(
        endpoint: PostgresEndpoint, authorization: @escaping @Sendable () async throws -> CopyAuthorization,
        region: String? = nil, checkpointSchema: String? = nil, statementTimeout: Duration = .seconds(600)
    ) {
        self.endpoint = endpoint
        self.authorization = authorization
        self.region = region
        self.checkpointSchema = checkpointSchema
        self.statementTimeout = statementTimeout
    }
}

/// A Redshift database as destination, over one connection that is opened with the first statement: idle runs never
/// wake the cluster.
package actor RedshiftDestination: ReplicaDestination {
    private let settings: RedshiftSettings
    private let logger: Logger
    private var opened: PostgresConnection?
    private var checkpointTables: [TableName: CheckpointTable] = [:]
    private var slices: Int?

    package init(settings: RedshiftSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    // MARK: Setting up

    package func prepare(_ mapping: TableMapping) async throws {
        let table = mapping.destination
        let present = try await columns(of: table)
        if present.isEmpty {
            try await createSchemaIfMissing(table.schema, for: table)
            try await run(ReplicaStatements.createTable(mapping), table)
            // A checkpoint that outlived its replica speaks of rows that are gone.
            if let checkpoint = try await checkpointTable(for: table, creating: true) {
                try await run(checkpoint.void, table)
            }
        } else {
            let missing = mapping.columns.map(\.destinationName).filter { !present.contains($0) }
            guard missing.isEmpty else {
                throw ReplicationError(
                    .schemaMismatch, what: "\(table) in Redshift lacks columns that \(mapping.source) has",
                    why: "missing: \(missing.joined(separator: ", "))",
                    fix: "Add them there, or drop the table so that the loader makes it.")
            }
        }
        _ = try await checkpointTable(for: table, creating: true)
    }

    /// Column names of a table, none when it does not exist or may not be seen.
    package func columns(of table: TableName) async throws -> [String] {
        try await run(ReplicaStatements.columns(of: table), table).rows.compactMap { $0.first ?? nil }
    }

    package func countRows(_ mapping: TableMapping) async throws -> Int {
        try await number(ReplicaStatements.count(mapping.destination), mapping.destination)
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
        guard checkpoint.stamp.job == mapping.jobName else {
            throw ReplicationError(
                .config, what: "\(mapping.destination) already belongs to job \(checkpoint.stamp.job)",
                why: "its checkpoint names that job", fix: "Give job \(mapping.jobName) another destination schema.")
        }
        guard checkpoint.stamp.installation == installation else {
            throw ReplicationError(
                .config, what: "\(mapping.destination) belongs to another installation of the loader",
                why: "its checkpoint was written under another metadata database",
                fix: "Use that metadata database (DATABASE_URL), or another destination schema.")
        }
        return checkpoint
    }

    package func writeCheckpoint(_ next: Checkpoint, expected: CheckpointStamp?, mapping: TableMapping) async throws {
        try await transaction(mapping.destination) { table in
            try await self.expect(expected, in: table, mapping.destination)
            let write = try table.write(next, sourceName: mapping.source.description, isFirst: expected == nil)
            try await self.run(write, mapping.destination)
        }
    }

    // MARK: Loading

    package func load(_ load: ReplicaLoad) async throws -> Checkpoint {
        let replica = load.mapping.destination
        let authorization = try await settings.authorization()
        var committed = load.next
        try await transaction(replica) { table in
            try await self.expect(load.expected, in: table, replica)
            committed.state.replicaRows += try await self.move(load, authorization)
            let write = try table.write(
                committed, sourceName: load.mapping.source.description, isFirst: load.expected == nil)
            try await self.run(write, replica)
        }
        return committed
    }

    /// Brings the staged rows into the replica, within the transaction at hand.
    /// - Returns: By how many rows the replica grew.
    private func move(_ load: ReplicaLoad, _ authorization: CopyAuthorization) async throws -> Int {
        let mapping = load.mapping
        let replica = mapping.destination
        if load.appends {
            try await copy(into: RedshiftText.table(replica), load, authorization)
            try Self.check(try await number(ReplicaStatements.lastCopyCount, replica), load)
            return load.staged.rows
        }
        let staging = "loader_stage_" + StableDigest.hex(replica.description)
        try await run(ReplicaStatements.createStaging(staging, like: replica), replica)
        try await copy(into: RedshiftText.identifier(staging), load, authorization)
        try Self.check(try await number(ReplicaStatements.countStaged(staging), replica), load)
        let deleted = try await run(ReplicaStatements.deleteOlder(staging, mapping), replica).affectedRows
        let inserted = try await run(ReplicaStatements.insertStaged(staging, mapping), replica).affectedRows
        try await run(ReplicaStatements.dropStaging(staging), replica)
        return inserted - deleted
    }

    private func copy(into target: String, _ load: ReplicaLoad, _ authorization: CopyAuthorization) async throws {
        let statement = ReplicaStatements.copy(
            into: target, load, authorization: authorization, region: settings.region)
        do {
            try await connection().execute(statement)
        } catch let error as PostgresError {
            let plain = ReplicationError(
                destination: error, table: load.mapping.destination, secrets: authorization.secrets)
            guard plain.code == .copyRejected, let detail = await loadErrorDetail() else { throw plain }
            throw ReplicationError.rejected(detail, table: load.mapping.destination)
        }
    }

    /// What the load-error tables say of the COPY that just failed; they outlive the rollback that comes first.
    private func loadErrorDetail() async -> LoadErrorDetail? {
        do {
            try await run("ROLLBACK", nil)
            guard let id = try await run(ReplicaStatements.lastCopyID, nil).firstValue, let number = Int64(id) else {
                return nil
            }
            for query in [ReplicaStatements.loadErrors, ReplicaStatements.oldLoadErrors] {
                if let detail = await firstDetail(query("\(number)")) { return detail }
            }
        } catch {
            logger.debug("the load-error tables cannot be read: \(error)")
        }
        return nil
    }

    private func firstDetail(_ query: String) async -> LoadErrorDetail? {
        do {
            guard let row = try await run(query, nil).rows.first, row.count == 6 else { return nil }
            return LoadErrorDetail(
                column: row[0] ?? "", type: row[1] ?? "", length: row[2] ?? "", code: row[3].flatMap { Int($0) } ?? 0,
                reason: row[4] ?? "", line: row[5] ?? "")
        } catch {
            return nil
        }
    }

    // MARK: Helpers

    /// BEGIN, LOCK of the checkpoint as first statement, `body`, COMMIT; any error rolls back. A lost connection is
    /// rolled back by the server, or was committed: the next run asks the checkpoint.
    private func transaction(
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
    private func abandonTransaction() async {
        do {
            try await opened?.execute("ROLLBACK")
        } catch {
            await close()
        }
    }

    private func expect(_ expected: CheckpointStamp?, in table: CheckpointTable, _ replica: TableName) async throws {
        let row = try await run(table.read, replica).rows.first
        let found = try row.map { try CheckpointTable.decode($0, of: table.table).stamp }
        guard found == expected else { throw ReplicationError.overtaken(replica, found: found) }
    }

    private static func check(_ staged: Int, _ load: ReplicaLoad) throws {
        guard staged == load.staged.rows else {
            throw ReplicationError(
                .copyRejected,
                what: "Redshift staged \(staged) rows of \(load.mapping.source), \(load.staged.rows) were read",
                why: "COPY left rows out without an error", fix: "Nothing was loaded. Report this as a bug.")
        }
    }

    private func checkpointTable(for replica: TableName, creating: Bool) async throws -> CheckpointTable? {
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
        if exists.rows.isEmpty { try await run(ReplicaStatements.createSchema(schema), replica) }
    }

    private func number(_ statement: String, _ table: TableName?) async throws -> Int {
        try await run(statement, table).firstValue.flatMap { Int($0) } ?? 0
    }

    @discardableResult
    private func run(_ statement: String, _ table: TableName?) async throws -> PostgresResult {
        do {
            return try await connection().execute(statement)
        } catch let error as PostgresError {
            throw ReplicationError(destination: error, table: table)
        }
    }

    private func connection() async throws -> PostgresConnection {
        if let opened { return opened }
        let connection = try await PostgresConnection.connect(to: settings.endpoint)
        try await connection.execute("SET timezone TO 'UTC'")
        try await connection.execute("SET query_group TO 'redshift-loader'")
        try await connection.execute("SET statement_timeout TO \(Int(settings.statementTimeout / .milliseconds(1)))")
        opened = connection
        return connection
    }
}

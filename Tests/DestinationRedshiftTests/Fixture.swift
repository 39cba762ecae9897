import Logging
import PostgresClient
import Replication
import S3Client
import StagingS3
import TestServers

@testable import DestinationRedshift

/// A schema in the stand-in and a bucket that it reads, for one test.
struct Fixture: Sendable {
    static let installation = "installation-1"
    /// Values hold no letters like these.
    static let format = BatchFormat(nullSentinel: "NULLxNULL")

    let replica: TestReplica
    let bucket: TestBucket

    static func with(
        isolation: isolated (any Actor)? = #isolation, _ body: (Fixture) async throws -> Void
    ) async throws {
        try await TestReplica.with { replica in
            try await TestBucket.with { bucket in try await body(Fixture(replica: replica, bucket: bucket)) }
        }
    }

    var keys: CopyAuthorization {
        .keys(
            accessKeyID: bucket.credentials.accessKeyID, secretAccessKey: bucket.credentials.secretAccessKey,
            sessionToken: nil)
    }

    /// A replica that its destination has just made, and closes however `body` ends.
    static func withReplica(
        _ columns: KeyValuePairs<String, ReplicaType>, key: [String] = ["id"], mode: SyncMode = .updateAndInsert,
        _ change: (inout RedshiftSettings) -> Void = { _ in }, isolation: isolated (any Actor)? = #isolation,
        _ body: (Fixture, TableMapping, RedshiftDestination) async throws -> Void
    ) async throws {
        try await with { fixture in
            let mapping = fixture.mapping(columns, key: key, mode: mode)
            let destination = fixture.destination(change)
            do {
                _ = try await destination.prepare(mapping)
                try await body(fixture, mapping, destination)
                await destination.close()
            } catch {
                await destination.close()
                throw error
            }
        }
    }

    /// - Parameter checkpointSchema: The replica's own unless given; nil for the product's choice.
    func destination(
        endpoint: PostgresEndpoint? = nil, authorization: CopyAuthorization? = nil, checkpointSchema: String?? = .none,
        _ change: (inout RedshiftSettings) -> Void = { _ in }
    ) -> RedshiftDestination {
        let authorization = authorization ?? keys
        var settings = RedshiftSettings(
            endpoint: endpoint ?? replica.endpoint, authorization: { authorization }, region: TestBucket.region,
            checkpointSchema: checkpointSchema ?? replica.schema)
        change(&settings)
        return RedshiftDestination(
            settings: settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    // MARK: Rows

    func mapping(
        _ columns: KeyValuePairs<String, ReplicaType>, key: [String] = ["id"], updated: String? = nil,
        table: String = "items", mode: SyncMode = .updateAndInsert
    ) -> TableMapping {
        Self.mapping(
            columns, key: key, updated: updated, destination: TableName(schema: replica.schema, name: table), mode: mode
        )
    }

    static func mapping(
        _ columns: KeyValuePairs<String, ReplicaType>, key: [String], updated: String?, destination: TableName,
        mode: SyncMode = .updateAndInsert
    ) -> TableMapping {
        TableMapping(
            jobName: "shop", source: TableName(schema: "public", name: "Items"), destination: destination,
            mode: mode, primaryKey: key, updatedKey: updated,
            columns: columns.map { name, type in
                ColumnMapping(
                    source: SourceColumn(name: name, typeName: "any", isNullable: true, replicaType: type),
                    destinationName: ReplicaNaming.replicaName(name), destinationType: type)
            })
    }

    /// Stages rows as the source writes them: a field is quoted only where CSV needs it, and NULL is the sentinel.
    func stage(
        _ rows: [[String?]], compression: StagedCompression = .zstd, targetFileBytes: Int = 1 << 20
    ) async throws -> StagedBatch {
        var plan = StagingPlan(estimatedBytes: 0, slices: 1)
        plan.targetFileBytes = targetFileBytes
        let area = S3StagingArea(client: bucket.client, prefix: "staged", compression: compression)
        return try await area.stage(CSVFeed(rows).stream, folder: freshName("batch"), plan: plan)
    }

    /// With the fields behind the columns' own that say which binary values are empty.
    static func marked(_ rows: [[String?]], _ mapping: TableMapping) -> [[String?]] {
        let places = mapping.columns.indices.filter { place in
            mapping.markedColumns.contains { $0.destinationName == mapping.columns[place].destinationName }
        }
        return places.isEmpty ? rows : rows.map { row in row + places.map { row[$0] == "" ? "t" : "f" } }
    }

    /// Rows of id and noise, so wide that the 100 of a chunk fill a block of either compressor.
    static func wideRows(_ count: Int) -> [[String?]] {
        (1...count).map { id in
            [String(id), (1...100).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()]
        }
    }

    /// Where a batch lies before it is loaded.
    enum Path: String, Sendable, CaseIterable {
        case objects, inserts
    }

    static let methods: [LoadMethod] = [.append, .merge, .replace, .swap]

    /// Rows that stay with this process, to be sent as INSERTs.
    static func kept(_ rows: [[String?]]) -> StagedBatch {
        StagedBatch(
            content: .rows { CSVFeed(rows).stream }, rows: rows.count, bytes: rows.count, compressedBytes: rows.count)
    }

    @discardableResult
    func load(
        _ rows: [[String?]], into mapping: TableMapping, by destination: RedshiftDestination,
        _ method: LoadMethod = .merge, path: Path = .objects, widening: [String: Int] = [:], after previous: Checkpoint?
    ) async throws -> Checkpoint {
        let rows = Self.marked(rows, mapping)
        let staged = path == .objects ? try await stage(rows) : Self.kept(rows)
        return try await destination.load(
            ReplicaLoad(
                mapping: mapping, staged: staged, format: Self.format, method: method, widenedColumns: widening,
                expected: previous?.stamp, next: Self.checkpoint(after: previous)))
    }

    /// What the replica holds, in the mapping's columns, ordered by all of them.
    /// - Parameter table: Another table of the same columns.
    func rows(_ mapping: TableMapping, in table: TableName? = nil) async throws -> [[String?]] {
        let columns = mapping.columns.map { PostgresSQL.identifier($0.destinationName) }.joined(separator: ", ")
        let table = RedshiftText.table(table ?? mapping.destination)
        return Self.ordered(try await replica.rows("SELECT \(columns) FROM \(table)"))
    }

    /// The names of all tables of the schema, but for checkpoints.
    func tables() async throws -> [String] {
        let rows = try await replica.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = '\(replica.schema)' "
                + "AND table_type = 'BASE TABLE' ORDER BY 1")
        return rows.compactMap { $0[0] }.filter { !$0.hasPrefix(CheckpointTable.prefix) }
    }

    /// The number that makes a table what it is, whatever its name.
    func identity(of table: TableName) async throws -> String? {
        try await replica.connection.execute("SELECT \(RedshiftText.literal(RedshiftText.table(table)))::regclass::oid")
            .firstValue
    }

    func count(_ mapping: TableMapping) async throws -> Int? {
        try await replica.connection.execute(ReplicaStatements.count(mapping.destination)).firstValue.flatMap {
            Int($0)
        }
    }

    /// Runs statements as the stand-in's owner.
    @discardableResult
    func run(_ statement: String) async throws -> PostgresResult {
        try await replica.connection.execute(statement)
    }

    /// Runs `body` while another session's transaction has done `statement`.
    func holding(
        _ statement: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
    ) async throws {
        let session = try await PostgresConnection.connect(to: replica.endpoint)
        do {
            try await session.execute("BEGIN")
            try await session.execute(statement)
            try await body()
            try await session.execute("ROLLBACK")
            await session.close()
        } catch {
            await session.close()
            throw error
        }
    }

    static func ordered(_ rows: [[String?]]) -> [[String?]] {
        func sortKey(_ row: [String?]) -> String { row.map { $0.map { "1" + $0 } ?? "0" }.joined(separator: "\u{1}") }
        return rows.sorted { sortKey($0) < sortKey($1) }
    }

    // MARK: Checkpoints

    static func checkpoint(after previous: Checkpoint?, replicaRows: Int? = nil) -> Checkpoint {
        guard var next = previous else {
            return Checkpoint(
                stamp: CheckpointStamp(installation: installation, job: "shop", generation: 1, batch: 1),
                state: CheckpointState(
                    definition: "d", source: SourceIdentity(system: "1", timeline: "1", database: "db"),
                    replicaRows: replicaRows ?? 0))
        }
        next.stamp = next.stamp.next(generation: next.stamp.generation)
        next.state.replicaRows = replicaRows ?? next.state.replicaRows
        return next
    }

    /// What lies in the destination, read by a session of its own.
    func storedCheckpoint(_ mapping: TableMapping) async throws -> Checkpoint? {
        let reader = destination()
        let found = try await reader.readCheckpoint(mapping, installation: Self.installation)
        await reader.close()
        return found
    }
}

extension StagedBatch {
    /// What lies in S3; nothing where the rows stayed with this process.
    var objects: StagedObjects? {
        if case .objects(let objects) = content { objects } else { nil }
    }
}

/// Rows as CSV, a few at a time.
private actor CSVFeed {
    private static let rowsEach = 100
    private var waiting: ArraySlice<[String?]>

    init(_ rows: [[String?]]) {
        waiting = rows[...]
    }

    nonisolated var stream: RowStream { RowStream { await self.next() } }

    private func next() -> RowChunk? {
        let portion = waiting.prefix(Self.rowsEach)
        guard !portion.isEmpty else { return nil }
        waiting = waiting.dropFirst(Self.rowsEach)
        let lines = portion.map { Array($0.map(Self.field).joined(separator: ",").utf8) + [10] }
        return RowChunk(
            bytes: Array(lines.joined()), rows: lines.count, longestRowBytes: lines.map(\.count).max() ?? 0)
    }

    private static func field(_ value: String?) -> String {
        guard let value else { return Fixture.format.nullSentinel }
        let needsQuotes = value.unicodeScalars.contains { [",", "\"", "\n", "\r"].contains($0) }
        return needsQuotes ? "\"" + value.replacing("\"", with: "\"\"") + "\"" : value
    }
}

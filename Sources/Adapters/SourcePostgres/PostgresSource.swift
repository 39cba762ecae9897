import Logging
import PostgresClient
import Replication

/// A PostgreSQL server as a source of rows, over one connection.
package actor PostgresSource: TableSource {
    let connection: PostgresConnection
    private let statementTimeout: Duration
    private let hashSalt: String
    /// The database keeps text in an encoding that it does not know. Read at each pass's start.
    private var isASCII = false
    /// `LOCK TABLE` is allowed, which needs more than rights on single columns. Read at each pass's start.
    private var locksTable = false
    /// Highest value of the `updated_key` column, read once a pass where its unit must be known.
    private var updatedSample: String?
    /// The number that the next transaction would have taken at the pass's start.
    private var nextTransaction: UInt64 = 0
    /// What the opened batch of a scan by places reads.
    private var openBlocks: Range<Int>?

    /// Blocks looked at in one statement: 128 MiB.
    private static let sweepBlocks = 16_384
    /// Rows arrive in chunks of about this many bytes.
    private static let chunkBytes = 1 << 20

    private init(connection: PostgresConnection, statementTimeout: Duration, hashSalt: String) {
        self.connection = connection
        self.statementTimeout = statementTimeout
        self.hashSalt = hashSalt
    }

    /// - Parameters:
    ///   - statementTimeout: Enforced by the server on each statement.
    ///   - hashSalt: Put before values of hashed columns.
    /// - Throws: `ReplicationError`, in the words of a source.
    package static func connect(
        to endpoint: PostgresEndpoint, statementTimeout: Duration = .seconds(600), hashSalt: String = ""
    ) async throws -> PostgresSource {
        try await asSource {
            let connection = try await PostgresConnection.connect(to: endpoint)
            return PostgresSource(connection: connection, statementTimeout: statementTimeout, hashSalt: hashSalt)
        }
    }

    /// All tables of a schema, partitions left to their parents.
    package func tables(inSchema schema: String) async throws -> [SourceTable] {
        try await asSource { try await PostgresCatalog(connection: connection).tables(schema: schema) }
    }

    package func describe(_ table: TableName) async throws -> SourceTable {
        try await asSource(table) {
            let found = try await PostgresCatalog(connection: connection).tables(
                schema: table.schema, table: table.name)
            guard let first = found.first else {
                throw ReplicationError(
                    .sourceTableGone, what: "The source has no table \(table)", why: "it was dropped or renamed",
                    fix: "Restore it, or disable the table: redshift-loader tables disable.")
            }
            return first
        }
    }

    package func startPass(_ mapping: TableMapping, scanLimit: Int64?) async throws -> PassStart {
        try await asSource(reading: mapping) {
            // The order is part of the cursor's proof: activity, prepared transactions, then the snapshot.
            let activity = try await readActivity()
            // Whether the table may be read whole comes before what reads it whole.
            let early = mapping.mode == .fullSync ? try await relation(of: mapping) : nil
            let mayReadWhole = !ScanRule.needsPermission(mapping.mode, early?.storage, over: scanLimit)
            let token = early != nil && mayReadWhole ? try await changeToken(of: mapping.source) : nil
            try await begin()
            let row = try await connection.execute(BatchStatements.horizon).rows.first ?? []
            try await checkColumns(of: mapping)
            let found = early == nil ? try await relation(of: mapping) : early
            guard let relation = found else { throw Self.unreadable("the table") }
            let maySample = !ScanRule.needsPermission(mapping.mode, relation.storage, over: scanLimit)
            updatedSample = maySample ? try await sample(mapping) : nil
            let files = try await readFiles(of: mapping.source)
            try await connection.execute("COMMIT")
            guard row.count == 7, let horizon = row[0].flatMap({ UInt64($0) }), let end = row[1].flatMap({ UInt64($0) })
            else { throw Self.unreadable("the snapshot") }
            let identity = SourceIdentity(system: row[2] ?? "", timeline: row[3] ?? "", database: row[4] ?? "")
            (isASCII, locksTable) = (relation.isASCII, relation.mayBeLocked)
            nextTransaction = end
            return PassStart(
                identity: identity, activity: activity, horizon: relation.showsVersions ? horizon : nil,
                nextTransaction: end, changeToken: token, files: files, guaranteesUTF8: !isASCII,
                estimatedRows: relation.estimatedRows, storage: relation.storage,
                sweepsByPlaces: relation.sweepsByPlaces, moment: Self.moment(row[5], row[6], activity))
        }
    }

    package func openBatch(_ query: BatchQuery) async throws -> BatchExtent {
        openBlocks = nil
        return try await asSource(reading: query.mapping) {
            try await begin(locking: locksTable ? query.mapping.source : nil)
            switch query.scan {
            case .whole: return BatchExtent(rows: try await estimate(query.mapping), last: nil, highestCursor: nil)
            case .places(let place): return try await openSweep(query, from: place)
            case .byKey, .changes, .unstamped: return try await openStretch(query)
            }
        }
    }

    private func openStretch(_ query: BatchQuery) async throws -> BatchExtent {
        let statement = BatchStatements.extent(query, updatedSample: updatedSample)
        guard let row = try await connection.execute(statement).rows.first else {
            return BatchExtent(
                rows: 0, last: nil, highestCursor: query.highestCursor, transactions: try await transactions(query, 0))
        }
        guard let count = row[0].flatMap({ Int($0) }) else { throw Self.unreadable("a batch's count") }
        let width = query.mapping.primaryKey.count
        let key = row[3..<(3 + width)].compactMap { $0 }
        guard key.count == width, row.last != "t" || row.count == 3 + width else {
            throw Self.nullKey(query.mapping)
        }
        return BatchExtent(
            rows: count, last: CursorPosition(updated: row[1], key: Array(key)), highestCursor: row[2],
            transactions: try await transactions(query, count))
    }

    /// The answer to `BatchQuery.listsTransactionsFrom`, asked only where somebody holds the horizon back.
    private func transactions(_ query: BatchQuery, _ rows: Int) async throws -> [UInt64]? {
        let hasUnstamped = query.mapping.cursorColumn?.source.isNullable == true
        guard let number = query.listsTransactionsFrom, number < nextTransaction, rows < query.rowLimit,
            rows > 0 || hasUnstamped
        else { return nil }
        let statement = BatchStatements.transactions(query, from: number, updatedSample: updatedSample)
        let found = try await connection.execute(statement).rows.compactMap { row in row[0].flatMap { UInt32($0) } }
        guard found.count <= SettledTransactions.limit else { return nil }
        return found.map { number &+ UInt64($0 &- UInt32(truncatingIfNeeded: number)) }
    }

    /// The measure locks the table's files, so what is read of them afterwards holds for this batch. A table that was
    /// rewritten since the last one is swept from its beginning: its rows may lie where nobody looks any more.
    private func openSweep(_ query: BatchQuery, from place: String?) async throws -> BatchExtent {
        let parts = (place ?? "").split(separator: "@").map(String.init)
        var first = parts.count == 2 ? Int(parts[1]) ?? 0 : 0
        var count = Self.sweepBlocks
        var files = parts.first
        while true {
            let blocks = first..<(first + count)
            let row = try await connection.execute(BatchStatements.extent(query, blocks: blocks)).rows.first ?? []
            let storage =
                try await connection.execute(BatchStatements.storage(of: query.mapping.source)).rows.first ?? []
            guard row.count == 2, let rows = row[0].flatMap({ Int($0) }), storage.count == 2, let found = storage[0],
                let total = storage[1].flatMap({ Int($0) })
            else { throw Self.unreadable("a batch's count") }
            if let known = files, known != found {
                (first, files) = (0, found)
                continue
            }
            if rows > query.rowLimit, count > 1 {
                count /= 2
                continue
            }
            openBlocks = blocks
            return BatchExtent(
                rows: rows, last: nil, highestCursor: row[1],
                nextPlace: blocks.upperBound < total ? "\(found)@\(blocks.upperBound)" : nil)
        }
    }

    package func rows(_ query: BatchQuery, extent: BatchExtent, format: BatchFormat) async throws -> RowStream {
        let mapping = query.mapping
        try await asSource(reading: mapping) {
            try await self.connection.beginCopyOut(
                BatchStatements.copy(
                    query, extent: extent, format: format, updatedSample: updatedSample, hashSalt: hashSalt,
                    isASCII: isASCII, blocks: openBlocks))
        }
        let connection = connection
        return RowStream {
            try await asSource(reading: mapping) {
                guard let chunk = try await connection.nextCopyChunk(maximumBytes: Self.chunkBytes) else { return nil }
                return RowChunk(bytes: chunk.bytes, rows: chunk.rows, longestRowBytes: chunk.longestRowBytes)
            }
        }
    }

    package func closeBatch() async throws {
        try await asSource { try await connection.execute("COMMIT") }
    }

    package func close() async {
        await connection.close()
    }

    /// The server's name with its version, and what the user may see: the answers of `jobs test`.
    package func probe() async throws -> (version: String, isStandby: Bool, clock: SourceTime) {
        try await asSource {
            let version = try await connection.execute("SHOW server_version").firstValue ?? "unknown"
            let activity = try await readActivity()
            return ("PostgreSQL " + version, activity.isStandby, activity.clock)
        }
    }

    /// Rows at or above a floor, for people who are about to read them again.
    /// - Returns: nil where counting takes longer than `limit`.
    package func count(
        _ mapping: TableMapping, from floor: CursorFloor?, within limit: Duration
    ) async throws -> Int? {
        let sample = try await asSource(reading: mapping) { try await self.sample(mapping) }
        let statement = BatchStatements.count(mapping, from: floor, updatedSample: sample)
        do {
            return try await asSource(reading: mapping) {
                try await connection.execute(BatchStatements.begin(statementTimeout: limit))
                let count = try await connection.execute(statement).firstValue.flatMap { Int($0) }
                try await connection.execute("COMMIT")
                return count
            }
        } catch let error as ReplicationError where error.code == .sourceTimeout {
            try await asSource { try await connection.execute("ROLLBACK") }
            return nil
        }
    }

    /// - Throws: `ReplicationError` `E_CONFIG` with the server's words where the mapping's filter is no condition.
    package func checkFilter(of mapping: TableMapping) async throws {
        guard let filter = mapping.scope.filter else { return }
        try await asSource(mapping.source) {
            try await begin()
            do {
                try await connection.execute(BatchStatements.checkFilter(filter, of: mapping))
            } catch let error as PostgresError where ![.connectionLost, .cancelled].contains(error.code) {
                try await connection.execute("ROLLBACK")
                throw ReplicationError(
                    .config, what: "The filter of \(mapping.source) cannot be used", why: error.why,
                    fix: "Give a condition over its columns, for example --where \"status <> 'draft'\".",
                    underlying: error)
            }
            try await connection.execute("COMMIT")
        }
    }

    // MARK: Helpers

    private func relation(of mapping: TableMapping) async throws -> PostgresRelation? {
        let row = try await connection.execute(CatalogStatements.relation(of: mapping)).rows.first
        return row.flatMap { PostgresRelation($0, of: mapping) }
    }

    private func changeToken(of table: TableName) async throws -> String? {
        guard try await connection.execute(BatchStatements.showsVersions(table)).firstValue == "t" else { return nil }
        return try await connection.execute(BatchStatements.changeToken(of: table)).firstValue
    }

    private func estimate(_ mapping: TableMapping) async throws -> Int {
        let relations = CatalogStatements.relations(schema: mapping.source.schema, table: mapping.source.name)
        return max(0, try await connection.execute(relations).rows.first?[3].flatMap { Int($0) } ?? 0)
    }

    func begin(locking table: TableName? = nil) async throws {
        let lock = table.map { "; " + BatchStatements.lock($0) } ?? ""
        try await connection.execute(BatchStatements.begin(statementTimeout: statementTimeout) + lock)
    }

    private func readActivity() async throws -> SourceActivity {
        let row = try await connection.execute(BatchStatements.activity).rows.first ?? []
        let prepared = try await connection.execute(BatchStatements.preparedTransactions).firstValue
        guard row.count == 6, let clock = Self.time(row[0]) else { throw Self.unreadable("the clock") }
        return SourceActivity(
            clock: clock, oldestTransaction: Self.time(row[1]), newestTransaction: Self.time(row[5]),
            hasHiddenSessions: row[2] == "t",
            hasPreparedTransaction: prepared == "t", isStandby: row[3] == "t", replayedUpTo: Self.time(row[4]))
    }

    /// The columns must still be what the replica was made for; a new column is left out until the table is set up
    /// anew.
    private func checkColumns(of mapping: TableMapping) async throws {
        let present = try await PostgresCatalog(connection: connection).columns(of: mapping.source)
        guard !present.isEmpty else {
            throw ReplicationError(
                .sourceTableGone, what: "The source has no table \(mapping.source)", why: "it was dropped or renamed",
                fix: "Restore it, or disable the table: redshift-loader tables disable \(mapping.label).")
        }
        if let drift = SchemaDrift.first(of: mapping, present: present) { throw drift.error(mapping) }
    }

    /// An epoch's unit shows only in its values; the highest is one step down the index.
    private func sample(_ mapping: TableMapping) async throws -> String? {
        guard let updated = mapping.updatedColumn, UpdatedKeyKind(typeName: updated.source.typeName) == .epoch else {
            return nil
        }
        return try await connection.execute(BatchStatements.sample(mapping, column: updated.source.name)).firstValue
    }

    private static func moment(_ position: String?, _ startedAt: String?, _ activity: SourceActivity) -> SourceMoment? {
        position.flatMap { UInt64($0) }.map {
            SourceMoment(position: $0, time: activity.showsUpTo, startedAt: Self.time(startedAt))
        }
    }

    private static func time(_ text: String?) -> SourceTime? {
        text.flatMap { Int64($0) }.map { SourceTime(microseconds: $0) }
    }

    private static func unreadable(_ what: String) -> ReplicationError {
        ReplicationError(
            .internal, what: "The source's answer about \(what) cannot be read", why: "its form is not known",
            fix: "Check that the source is PostgreSQL 13 or later.")
    }

    private static func nullKey(_ mapping: TableMapping) -> ReplicationError {
        ReplicationError(
            .keyMissing, what: "A row of \(mapping.source) has no key",
            why: "\(mapping.primaryKey.joined(separator: ", ")) is NULL in it",
            fix: "Choose a key whose columns are NOT NULL: redshift-loader tables set \(mapping.label) --primary-key.")
    }
}

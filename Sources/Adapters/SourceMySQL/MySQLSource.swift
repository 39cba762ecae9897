import Logging
import MySQLClient
import Replication

/// A MySQL or MariaDB server as a source of rows, over one connection.
///
/// Rows show no transaction numbers here. Rows above the floor are told from those of the last pass by digests, and what
/// lies below it by checksums over ranges of keys; both are kept in mind from run to run.
package actor MySQLSource: RecallingSource {
    let connection: MySQLConnection
    let isMariaDB: Bool
    private let hashSalt: String
    private let statementTimeout: Duration
    /// Highest value of the `updated_key` column, read once a pass where its unit or zone must be known.
    private var updatedSample: String?
    /// By the server's statistics, at the pass's start.
    private var estimatedRows = 0
    /// Rows that a range of a sweep has at first.
    var rangeRows = 5_000
    var digests = WindowDigests()
    var ranges = RangeSums()
    var touched = TouchedKeys()
    var sweeping = TouchedKeys()
    /// What `memory` is true of.
    private var server = ""
    /// What the opened batch of a scan by places reads.
    var openRange: KeyRange?
    /// Of the batch whose rows are being read.
    private var writer: MySQLRowWriter?

    /// Rows arrive in chunks of about this many bytes.
    private static let chunkBytes = 1 << 20

    private init(connection: MySQLConnection, statementTimeout: Duration, hashSalt: String) {
        self.connection = connection
        self.statementTimeout = statementTimeout
        self.hashSalt = hashSalt
        isMariaDB = connection.serverVersion.contains("MariaDB")
    }

    /// - Parameters:
    ///   - statementTimeout: Enforced by the server on each statement.
    ///   - hashSalt: Put before values of hashed columns.
    /// - Throws: `ReplicationError`, in the words of a source.
    package static func connect(
        to endpoint: MySQLEndpoint, statementTimeout: Duration = .seconds(600), hashSalt: String = ""
    ) async throws -> MySQLSource {
        try await asSource {
            let connection = try await MySQLConnection.connect(to: endpoint)
            let source = MySQLSource(connection: connection, statementTimeout: statementTimeout, hashSalt: hashSalt)
            do {
                try await source.setUpSession(statementTimeout)
            } catch {
                await connection.close()
                throw error
            }
            return source
        }
    }

    private func setUpSession(_ timeout: Duration) async throws {
        for statement in MySQLBatchStatements.session(isMariaDB: isMariaDB, statementTimeout: timeout) {
            try await connection.execute(statement)
        }
    }

    private var catalog: MySQLCatalog { MySQLCatalog(connection: connection, isMariaDB: isMariaDB) }

    /// All tables of a database.
    package func tables(inSchema schema: String) async throws -> [SourceTable] {
        try await asSource { try await catalog.tables(schema: schema) }
    }

    package func describe(_ table: TableName) async throws -> SourceTable {
        try await asSource(table) {
            let found = try await catalog.tables(schema: table.schema, table: table.name)
            guard let first = found.first else { throw Self.missing(table) }
            return first
        }
    }

    // MARK: Passes

    package func startPass(_ mapping: TableMapping, scanLimit: Int64?) async throws -> PassStart {
        digests.finishPass()
        return try await asSource(reading: mapping) {
            // The order is part of the cursor's proof: clock and open transactions, then the batches' snapshots.
            let readings = try await readActivity()
            server = readings.identity.system
            try await checkColumns(of: mapping)
            let statement = MySQLCatalogStatements.table(of: mapping)
            let rows = try await connection.execute(statement).rows
            let table = rows.first { $0.last == mapping.source.name } ?? rows.first ?? []
            guard table.count == 7 else { throw Self.missing(mapping.source) }
            let estimate = table[0].flatMap { Int($0) }
            estimatedRows = estimate ?? 0
            rangeRows = max(5_000, (estimate ?? 0) / (RangeSums.limit / 2))
            let kind = mapping.updatedColumn.flatMap { UpdatedKeyKind(typeName: $0.source.typeName) }
            let storage = Self.storage(table, of: mapping)
            let maySample = !ScanRule.needsPermission(mapping.mode, storage, over: scanLimit)
            updatedSample = maySample && (kind == .epoch || kind == .timestamp) ? try await sample(mapping) : nil
            return PassStart(
                identity: readings.identity, activity: readings.activity, horizon: nil, nextTransaction: 0,
                changeToken: mapping.mode == .fullSync && !readings.activity.isStandby
                    ? changeToken(table, readings) : nil,
                guaranteesUTF8: false, estimatedRows: estimate, storage: storage,
                sweepsByPlaces: mapping.mode != .fullSync,
                moment: readings.moment, highestStamp: kind == .timestamp ? updatedSample : nil)
        }
    }

    /// nil for views.
    private static func storage(_ table: [String?], of mapping: TableMapping) -> TableStorage? {
        table[4].flatMap { Int64($0) }.map { bytes in
            let isIndexed = table[5] == "1"
            return TableStorage(
                bytes: bytes, isCursorIndexed: isIndexed,
                indexStatement: isIndexed ? nil : MySQLCatalogStatements.createIndex(of: mapping))
        }
    }

    /// Creation and last write; nil where the server forgot, or where that was just now: a write may follow within the
    /// same second, or be noted before it is in sight.
    ///
    /// MariaDB notes when a transaction began to write, not when it committed (seen on 10.11): one that is still open may
    /// leave the same time.
    private func changeToken(_ table: [String?], _ readings: MySQLReadings) -> String? {
        guard let created = table[1], let written = table[2], table[3] == "1" else { return nil }
        if isMariaDB {
            guard !readings.activity.hasPreparedTransaction, let oldest = readings.activity.oldestTransaction,
                let time = SourceTime(parsing: written), oldest > time + 2 * SourceTime.second
            else { return nil }
        }
        return "\(readings.identity.system) \(created) \(written)"
    }

    package func openBatch(_ query: BatchQuery) async throws -> BatchExtent {
        openRange = nil
        return try await asSource(reading: query.mapping) {
            try await connection.execute(MySQLBatchStatements.begin)
            switch query.scan {
            case .whole: return BatchExtent(rows: estimatedRows, last: nil, highestCursor: nil)
            case .places(let place): return try await openSweep(query, from: place)
            case .byKey(let key): return try await openChunk(query, behind: key)
            case .changes(let position):
                digests.open(resuming: position != nil)
                return try await openWindow(query)
            case .unstamped: return try await measure(query)
            }
        }
    }

    /// Counts and finds the last row.
    private func measure(_ query: BatchQuery) async throws -> BatchExtent {
        let count = try await connection.execute(MySQLBatchStatements.count(query, sample: updatedSample))
        guard let rows = count.firstValue.flatMap({ Int($0) }) else { throw Self.unreadable("a batch's count") }
        guard rows > 0 else { return BatchExtent(rows: 0, last: nil, highestCursor: query.highestCursor) }
        let statement = MySQLBatchStatements.last(query, rows: rows, sample: updatedSample)
        let row = try await connection.execute(statement).rows.first ?? []
        let width = query.mapping.primaryKey.count
        guard row.count == width + 3 else { throw Self.unreadable("a batch's last row") }
        let key = row[1..<(1 + width)].compactMap { $0 }
        guard key.count == width else { throw Self.nullKey(query.mapping) }
        let highest = row[width + 1] == "1" ? query.highestCursor : row[width + 2]
        return BatchExtent(
            rows: rows, last: CursorPosition(updated: row[0], key: key), highestCursor: highest ?? query.highestCursor)
    }

    /// Rows above the floor; those that the last pass handed out are left out.
    private func openWindow(_ query: BatchQuery) async throws -> BatchExtent {
        var extent = try await measure(query)
        guard extent.rows > 0, !digests.known.isEmpty, extent.rows <= WindowDigests.limit else { return extent }
        let statement = MySQLBatchStatements.rows(query, extent: extent, sample: updatedSample, hashSalt: hashSalt)
        let columns = try await connection.beginRows(statement)
        let reader = DigestReader(columns: columns.count, known: digests.known, limit: WindowDigests.limit)
        let read = try await connection.nextChunk(maximumBytes: Self.chunkBytes, encoder: reader).encoder
        digests.see(read.digests, isWhole: !read.isOverfull)
        extent.scanned = extent.rows
        extent.rows -= read.familiar
        return extent
    }

    /// A chunk of a load by key, which is a range of the sweeps after it.
    private func openChunk(_ query: BatchQuery, behind lower: [String]?) async throws -> BatchExtent {
        var extent = try await measure(query)
        if lower == nil {
            (digests, ranges, touched, sweeping) = (WindowDigests(), RangeSums(), TouchedKeys(), TouchedKeys())
        }
        digests.open(resuming: lower != nil)
        guard extent.rows > 0, let last = extent.last else { return extent }
        let isEnd = extent.rows < query.rowLimit
        let range = KeyRange(lower: lower, upper: isEnd ? nil : last.key)
        let found = try await sum(query, range)
        ranges.replace(behind: lower, with: [RangeSum(upper: range.upper, rows: found.rows, sum: found.sum)])
        extent.highestCursor = found.highest ?? extent.highestCursor
        return extent
    }

    package func rows(_ query: BatchQuery, extent: BatchExtent, format: BatchFormat) async throws -> RowStream {
        let mapping = query.mapping
        switch query.scan {
        case .changes:
            // Of a window that was not looked through, no row may be left out: it was counted whole.
            let isLookedThrough = extent.scanned > extent.rows
            writer = MySQLRowWriter(
                mapping, format: format, known: isLookedThrough ? digests.known : [],
                collectsDigests: digests.known.isEmpty, collectsKeys: true)
        // The window of the pass after a load begins before the load.
        case .byKey: writer = MySQLRowWriter(mapping, format: format, collectsDigests: digests.keepsMore)
        case .whole, .places, .unstamped: writer = MySQLRowWriter(mapping, format: format)
        }
        try await asSource(reading: mapping) {
            try await connection.beginRows(
                MySQLBatchStatements.rows(
                    query, extent: extent, sample: updatedSample, hashSalt: hashSalt, range: openRange))
        }
        return RowStream { try await self.nextRows(mapping) }
    }

    private func nextRows(_ mapping: TableMapping) async throws -> RowChunk? {
        guard let writer else { return nil }
        let (chunk, after) = try await asSource(reading: mapping) {
            try await connection.nextChunk(maximumBytes: Self.chunkBytes, encoder: writer)
        }
        self.writer = after
        guard let chunk else {
            noteHandedOut(after)
            self.writer = nil
            return nil
        }
        return RowChunk(bytes: chunk.bytes, rows: chunk.rows, longestRowBytes: chunk.longestRowBytes)
    }

    private func noteHandedOut(_ written: MySQLRowWriter) {
        if let collected = written.digests { digests.see(collected, isWhole: !written.isOverfull) }
        switch written.keys {
        case .none: break
        case .integers(let keys): touched.touch(keys)
        case .any: touched.touchAll()
        }
    }

    package func closeBatch() async throws {
        try await asSource {
            // Of rows that were given up midway the rest is still to come.
            if writer != nil { try await connection.dropRows() }
            writer = nil
            try await connection.execute("COMMIT")
        }
    }

    package func relations(
        of mapping: TableMapping, among relations: [UInt32], withRowsBelow horizon: UInt64
    ) async throws -> Set<UInt32> { [] }

    package func close() async {
        await connection.close()
    }

    // MARK: Memory

    package func recall(_ memory: [UInt8]?) async {
        guard let memory, let recalled = MySQLMemory(stored: memory), recalled.server == server else { return }
        digests = WindowDigests(known: Set(recalled.digests))
        (ranges, touched, sweeping) = (recalled.ranges, recalled.touched, recalled.sweeping)
    }

    package func memory() async throws -> [UInt8] {
        digests.finishPass()
        let memory = MySQLMemory(
            server: server, digests: digests.known.sorted(), ranges: ranges, touched: touched, sweeping: sweeping)
        return try memory.stored()
    }
}

// MARK: For people

extension MySQLSource {
    /// The server's version and what the user may see: the answers of `jobs test`.
    package func probe() async throws -> (version: String, isStandby: Bool, clock: SourceTime) {
        try await asSource {
            let activity = try await readActivity().activity
            return ((isMariaDB ? "" : "MySQL ") + connection.serverVersion, activity.isStandby, activity.clock)
        }
    }

    /// Rows at or above a floor, for people who are about to read them again.
    /// - Returns: nil where counting takes longer than `limit`.
    package func count(
        _ mapping: TableMapping, from floor: CursorFloor?, within limit: Duration
    ) async throws -> Int? {
        let sample = try await asSource(reading: mapping) { try await self.sample(mapping) }
        let statement = MySQLBatchStatements.count(mapping, from: floor, sample: sample)
        do {
            return try await asSource(reading: mapping) {
                try await setUpSession(limit)
                let count = try await connection.execute(statement).firstValue.flatMap { Int($0) }
                try await setUpSession(statementTimeout)
                return count
            }
        } catch let error as ReplicationError where error.code == .sourceTimeout {
            try await asSource { try await setUpSession(statementTimeout) }
            return nil
        }
    }

    /// - Throws: `ReplicationError` `E_CONFIG` with the server's words where the mapping's filter is no condition.
    package func checkFilter(of mapping: TableMapping) async throws {
        guard let filter = mapping.scope.filter else { return }
        try await asSource(mapping.source) {
            do {
                try await connection.execute(MySQLBatchStatements.checkFilter(filter, of: mapping))
            } catch let error as MySQLError where ![.connectionLost, .cancelled].contains(error.code) {
                throw ReplicationError(
                    .config, what: "The filter of \(mapping.source) cannot be used", why: error.why,
                    fix: "Give a condition over its columns, for example --where \"status <> 'draft'\".",
                    underlying: error)
            }
        }
    }

    /// The columns must still be what the replica was made for; a new column is left out until the table is set up
    /// anew.
    private func checkColumns(of mapping: TableMapping) async throws {
        let present = try await catalog.columns(of: mapping.source)
        guard !present.isEmpty else { throw Self.missing(mapping.source) }
        if let drift = SchemaDrift.first(of: mapping, present: present) { throw drift.error(mapping) }
    }

    private func sample(_ mapping: TableMapping) async throws -> String? {
        guard let updated = mapping.updatedColumn else { return nil }
        return try await connection.execute(MySQLBatchStatements.highest(mapping, column: updated.source)).firstValue
    }

    static func unreadable(_ what: String) -> ReplicationError {
        ReplicationError(
            .internal, what: "The source's answer about \(what) cannot be read", why: "its form is not known",
            fix: "Check that the source is MySQL 8.0 or MariaDB 10.5, or later.")
    }

    private static func missing(_ table: TableName) -> ReplicationError {
        ReplicationError(
            .sourceTableGone, what: "The source has no table \(table)", why: "it was dropped or renamed",
            fix: "Restore it, or disable the table: redshift-loader tables disable.")
    }

    private static func nullKey(_ mapping: TableMapping) -> ReplicationError {
        ReplicationError(
            .keyMissing, what: "A row of \(mapping.source) has no key",
            why: "\(mapping.primaryKey.joined(separator: ", ")) is NULL in it",
            fix: "Choose a key whose columns are NOT NULL: redshift-loader tables set \(mapping.label) --primary-key.")
    }
}

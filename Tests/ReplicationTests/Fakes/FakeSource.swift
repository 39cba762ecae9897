import Replication
import TestServers

/// One session on a fake database; the source of one run.
actor FakeSource: TableSource {
    /// Ways to misbehave.
    enum Lie: Sendable {
        /// The rows of a batch lack one that was measured.
        case dropsRow
        /// The rows of a batch hold one twice.
        case repeatsRow
        /// It is a standby that cancels every read of more rows.
        case cancelsOver(Int)
    }

    private let database: FakeDatabase
    private let fault: FaultPlan
    private let lie: Lie?
    /// Whether it can tell that nothing was written.
    private let knowsChanges: Bool
    private let storage: TableStorage?
    /// Called between the readings of a pass's start, and before each snapshot: others work meanwhile.
    private let meanwhile: @Sendable () -> Void
    private var snapshot: [FakeVersion]?

    init(
        database: FakeDatabase, fault: FaultPlan, lie: Lie? = nil, knowsChanges: Bool = true,
        storage: TableStorage? = nil,
        meanwhile: @escaping @Sendable () -> Void = {}
    ) {
        self.database = database
        self.fault = fault
        self.lie = lie
        self.knowsChanges = knowsChanges
        self.storage = storage
        self.meanwhile = meanwhile
    }

    func describe(_ table: TableName) async throws -> SourceTable {
        SourceTable(name: table, kind: .table, columns: [])
    }

    func startPass(_ mapping: TableMapping, scanLimit: Int64?) async throws -> PassStart {
        try fault.reach("source.startPass")
        let activity = database.activity()
        let token = mapping.mode == .fullSync && knowsChanges ? database.changeToken : nil
        meanwhile()
        let snapshot = database.snapshot()
        return PassStart(
            identity: snapshot.identity, activity: activity, horizon: snapshot.xmin, nextTransaction: snapshot.xmax,
            changeToken: token, files: database.files, estimatedRows: snapshot.versions.count, storage: storage,
            sweepsByPlaces: true)
    }

    func relations(
        of mapping: TableMapping, among relations: [UInt32], withRowsBelow horizon: UInt64
    ) async throws -> Set<UInt32> {
        try fault.reach("source.relations")
        let older = database.snapshot().versions.filter { $0.xmin < horizon }
        return Set(older.map(\.relation)).intersection(relations)
    }

    func openBatch(_ query: BatchQuery) async throws -> BatchExtent {
        try fault.reach("source.openBatch")
        meanwhile()
        snapshot = database.snapshot().versions
        // An estimate, and a bad one.
        if query.scan == .whole { return BatchExtent(rows: 77, last: nil, highestCursor: nil) }
        let rows = select(query)
        if case .places(let place) = query.scan { return sweepExtent(rows, from: place, query) }
        let cursor = Cursor(query.mapping)
        let known = query.highestCursor.flatMap { Int($0) }
        let highest = (rows.compactMap(cursor.value) + [known].compactMap { $0 }).max().map(String.init)
        guard let last = rows.last else {
            return BatchExtent(
                rows: 0, last: nil, highestCursor: highest, transactions: transactions(query, rows: 0))
        }
        let leading = cursor.isLeading ? last.updated.map(String.init) : nil
        return BatchExtent(
            rows: rows.count, last: CursorPosition(updated: leading, key: [String(last.key)]), highestCursor: highest,
            transactions: transactions(query, rows: rows.count))
    }

    /// As many keys a stretch as the row limit allows, whatever is in them.
    private func sweepExtent(_ rows: [FakeRow], from place: String?, _ query: BatchQuery) -> BatchExtent {
        let next = (place.flatMap { Int($0) } ?? 0) + query.rowLimit
        let end = (snapshot ?? []).map(\.row.key).max() ?? 0
        let cursor = Cursor(query.mapping)
        let known = query.highestCursor.flatMap { Int($0) }
        return BatchExtent(
            rows: rows.count, last: nil,
            highestCursor: (rows.compactMap(cursor.value) + [known].compactMap { $0 }).max().map(String.init),
            nextPlace: next <= end ? String(next) : nil)
    }

    /// Of all that the pass has in sight, rows without a stamp included.
    private func transactions(_ query: BatchQuery, rows: Int) -> [UInt64]? {
        guard let number = query.listsTransactionsFrom, rows < query.rowLimit else { return nil }
        let cursor = Cursor(query.mapping)
        let floor = Self.floor(query)
        let seen = (snapshot ?? []).filter { version in
            guard version.xmin >= number, !query.leftOut.contains(version.xmin) else { return false }
            if case .byKey = query.scan { return true }
            return cursor.value(version.row).map { $0 >= floor } ?? true
        }
        return Set(seen.map(\.xmin)).sorted()
    }

    func rows(_ query: BatchQuery, extent: BatchExtent, format: BatchFormat) async throws -> RowStream {
        try fault.reach("source.rows")
        var rows = select(query)
        switch lie {
        case .dropsRow: rows.removeLast()
        case .repeatsRow: rows += rows.suffix(1)
        case .cancelsOver(let limit) where rows.count > limit:
            throw ReplicationError(.sourceConflict, what: "cancelled", why: "replay", fix: "none")
        case .cancelsOver, nil: break
        }
        let chunks = ChunkQueue(rows: rows, format: format)
        return RowStream { try await chunks.next() }
    }

    func closeBatch() async throws {
        try fault.reach("source.closeBatch")
        snapshot = nil
    }

    func close() async {}

    /// The rows of a query, in the order of its scan.
    private func select(_ query: BatchQuery) -> [FakeRow] {
        let rows = (snapshot ?? []).filter {
            $0.xmin >= query.horizon ?? 0 && !query.leftOut.contains($0.xmin)
        }.map(\.row)
        let selected: [FakeRow]
        switch query.scan {
        case .whole:
            return rows.sorted { $0.value > $1.value }
        case .byKey(let after):
            selected = Self.byKey(rows, after: after)
        case .unstamped(let after):
            selected = Self.byKey(rows.filter { $0.updated == nil }, after: after)
        case .places(let place):
            let first = place.flatMap { Int($0) } ?? 0
            return rows.filter { $0.key >= first && $0.key < first + query.rowLimit }
        case .changes(let position):
            selected = changes(rows, after: position, query)
        }
        return Array(selected.prefix(query.rowLimit))
    }

    private func changes(_ rows: [FakeRow], after position: CursorPosition?, _ query: BatchQuery) -> [FakeRow] {
        let cursor = Cursor(query.mapping)
        let floor = Self.floor(query)
        let last = position.map { ($0.updated.flatMap { Int($0) } ?? .min, Int($0.key[0]) ?? .min) } ?? (.min, .min)
        return rows.filter { row in
            guard let value = cursor.value(row), value >= floor else { return false }
            return cursor.place(row) > last
        }.sorted { cursor.place($0) < cursor.place($1) }
    }

    private static func floor(_ query: BatchQuery) -> Int {
        switch query.floor {
        case nil: .min
        case .time(let time): Int(time.microseconds / SourceTime.second)
        case .key(let key): Int(key) ?? .max
        }
    }

    private static func byKey(_ rows: [FakeRow], after: [String]?) -> [FakeRow] {
        let last = after.flatMap { Int($0[0]) } ?? .min
        return rows.filter { $0.key > last }.sorted { $0.key < $1.key }
    }
}

/// What a mapping's passes follow: the key itself, or a column before it.
private struct Cursor {
    let isLeading: Bool

    init(_ mapping: TableMapping) {
        isLeading = mapping.leadingColumn != nil
    }

    func value(_ row: FakeRow) -> Int? { isLeading ? row.updated : row.key }
    /// Its place in the order of a pass.
    func place(_ row: FakeRow) -> (Int, Int) { (isLeading ? row.updated ?? .min : .min, row.key) }
}

/// Rows as CSV, two a chunk.
private actor ChunkQueue {
    private var rows: [FakeRow]
    private let format: BatchFormat

    init(rows: [FakeRow], format: BatchFormat) {
        self.rows = rows
        self.format = format
    }

    func next() throws -> RowChunk? {
        guard !rows.isEmpty else { return nil }
        let lines = rows.prefix(2).map { row in
            "\(row.key),\(row.updated.map(String.init) ?? format.nullSentinel),\(row.value)\n"
        }
        rows.removeFirst(lines.count)
        return RowChunk(
            bytes: lines.flatMap { Array($0.utf8) }, rows: lines.count,
            longestRowBytes: lines.map(\.utf8.count).max() ?? 0)
    }
}

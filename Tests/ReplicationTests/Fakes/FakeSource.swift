import Replication

/// One session on a fake database; the source of one run.
actor FakeSource: TableSource {
    /// Ways to misbehave.
    enum Lie: Sendable {
        /// The rows of a batch lack one that was measured.
        case dropsRow
        /// The rows of a batch hold one twice.
        case repeatsRow
    }

    private let database: FakeDatabase
    private let fault: FaultPlan
    private let lie: Lie?
    /// Called between the readings of a pass's start, and before each snapshot: others work meanwhile.
    private let meanwhile: @Sendable () -> Void
    private var snapshot: [FakeVersion]?

    init(
        database: FakeDatabase, fault: FaultPlan, lie: Lie? = nil, meanwhile: @escaping @Sendable () -> Void = {}
    ) {
        self.database = database
        self.fault = fault
        self.lie = lie
        self.meanwhile = meanwhile
    }

    func describe(_ table: TableName) async throws -> SourceTable {
        SourceTable(name: table, kind: .table, columns: [])
    }

    func startPass(_ mapping: TableMapping) async throws -> PassStart {
        try fault.reach("source.startPass")
        let activity = database.activity()
        meanwhile()
        let snapshot = database.snapshot()
        return PassStart(
            identity: snapshot.identity, activity: activity, horizon: snapshot.xmin, nextTransaction: snapshot.xmax)
    }

    func openBatch(_ query: BatchQuery) async throws -> BatchExtent {
        try fault.reach("source.openBatch")
        meanwhile()
        snapshot = database.snapshot().versions
        let rows = select(query)
        guard let last = rows.last else { return BatchExtent(rows: 0, last: nil, highestUpdatedKey: nil) }
        return BatchExtent(
            rows: rows.count,
            last: CursorPosition(updated: last.updated.map(String.init), key: [String(last.key)]),
            highestUpdatedKey: rows.compactMap(\.updated).max().map(String.init))
    }

    func rows(_ query: BatchQuery, extent: BatchExtent, format: BatchFormat) async throws -> RowStream {
        try fault.reach("source.rows")
        var rows = select(query)
        switch lie {
        case .dropsRow: rows.removeLast()
        case .repeatsRow: rows += rows.suffix(1)
        case nil: break
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
        let floor = query.floor.map { Int($0.microseconds / SourceTime.second) }
        let rows = (snapshot ?? []).filter { $0.xmin >= query.horizon ?? 0 }.map(\.row)
        let selected: [FakeRow]
        switch query.scan {
        case .byKey(let after):
            selected = Self.byKey(rows, after: after)
        case .unstamped(let after):
            selected = Self.byKey(rows.filter { $0.updated == nil }, after: after)
        case .changes(let position):
            selected = rows.filter { row in
                guard let updated = row.updated, updated >= floor ?? .min else { return false }
                guard let position, let last = position.updated.flatMap({ Int($0) }) else { return true }
                return (updated, row.key) > (last, Int(position.key[0]) ?? .min)
            }.sorted { ($0.updated ?? 0, $0.key) < ($1.updated ?? 0, $1.key) }
        }
        return Array(selected.prefix(query.rowLimit))
    }

    private static func byKey(_ rows: [FakeRow], after: [String]?) -> [FakeRow] {
        let last = after.flatMap { Int($0[0]) } ?? .min
        return rows.filter { $0.key > last }.sorted { $0.key < $1.key }
    }
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

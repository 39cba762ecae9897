import Replication

/// What a pass must know of its table beside the columns: the answer to `CatalogStatements.relation`.
struct PostgresRelation: Sendable, Hashable {
    /// Rows show transaction numbers: not those of views and foreign tables, nor where we may read single columns alone.
    var showsVersions: Bool
    /// The database keeps text in an encoding that it does not know.
    var isASCII: Bool
    var estimatedRows: Int?
    var sweepsByPlaces: Bool
    var mayBeLocked: Bool
    /// nil for views and foreign tables.
    var storage: TableStorage?

    /// - Returns: nil for a row of another form.
    init?(_ row: [String?], of mapping: TableMapping) {
        guard row.count == 8 else { return nil }
        showsVersions = ["r", "p"].contains(row[0]) && row[1] == "t"
        isASCII = row[2] == "SQL_ASCII"
        estimatedRows = row[3].flatMap { Int($0) }
        sweepsByPlaces = showsVersions && row[4] == "t"
        mayBeLocked = row[5] == "t"
        guard let bytes = row[6].flatMap({ Int64($0) }) else { return }
        let isIndexed = row[7] == "t"
        storage = TableStorage(
            bytes: bytes, isCursorIndexed: isIndexed,
            indexStatement: isIndexed
                ? nil : CatalogStatements.createIndex(of: mapping, isPartitioned: row[0] == "p"))
    }
}

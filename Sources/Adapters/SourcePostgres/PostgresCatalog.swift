import PostgresClient
import Replication

/// Reads what discovery shows. Each call is three catalog queries for a whole schema.
struct PostgresCatalog {
    let connection: PostgresConnection

    /// - Parameter table: Only this one; nil for all of the schema, partitions left out.
    /// - Throws: `ReplicationError` `E_SRC_TABLE_GONE` for a schema that does not exist.
    func tables(schema: String, table: String? = nil) async throws -> [SourceTable] {
        let relations = try await connection.execute(CatalogStatements.relations(schema: schema, table: table))
        if relations.rows.isEmpty {
            let exists = try await connection.execute(CatalogStatements.schemaExists(schema))
            guard !exists.rows.isEmpty else { throw Self.missingSchema(schema) }
        }
        let columns = try await connection.execute(CatalogStatements.columns(schema: schema, table: table))
        let indexes = try await connection.execute(CatalogStatements.indexes(schema: schema, table: table))
        let columnRows = Dictionary(grouping: columns.rows) { $0[0] }
        let indexRows = Dictionary(grouping: indexes.rows) { $0[0] }
        return relations.rows.compactMap { row in
            Self.table(row, schema: schema, columns: columnRows[row[0]] ?? [], indexes: indexRows[row[0]] ?? [])
        }
    }

    /// Only the columns of one table: what every pass looks at.
    func columns(of table: TableName) async throws -> [SourceColumn] {
        let statement = CatalogStatements.columns(schema: table.schema, table: table.name)
        return try await connection.execute(statement).rows.compactMap(Self.column)
    }

    private static func column(_ row: [String?]) -> SourceColumn? {
        guard let name = row[1], let typeName = row[2] else { return nil }
        let type = PostgresType(name: typeName, kind: row[4]?.first ?? "b", category: row[5]?.first ?? "U")
        let mapping = PostgresTypeMapping(type: type)
        return SourceColumn(
            name: name, typeName: typeName, isNullable: row[3] == "t", replicaType: mapping.replicaType,
            warnings: mapping.warnings, isHidden: row[7] == "f" ? true : nil)
    }

    private static func table(
        _ row: [String?], schema: String, columns: [[String?]], indexes: [[String?]]
    ) -> SourceTable? {
        guard let name = row[1], let kind = kinds[row[2] ?? ""] else { return nil }
        var table = SourceTable(name: TableName(schema: schema, name: name), kind: kind, columns: [])
        table.estimatedRows = row[3].flatMap { Int($0) } ?? -1
        table.bytes = row[4].flatMap { Int($0) } ?? 0
        table.isReadable = row[5] == "t"
        for column in columns {
            guard let found = Self.column(column) else { continue }
            table.columns.append(found)
            if column[6] == "t" { table.sequentialColumns.insert(found.name) }
        }
        addIndexes(indexes, to: &table)
        return table
    }

    private static func addIndexes(_ rows: [[String?]], to table: inout SourceTable) {
        var order: [String] = []
        var byIndex: [String: [[String?]]] = [:]
        for row in rows {
            guard let index = row[1] else { continue }
            if byIndex[index] == nil { order.append(index) }
            byIndex[index, default: []].append(row)
        }
        for index in order {
            let parts = byIndex[index] ?? []
            if let leading = parts.first?[5] { table.leadingIndexColumns.insert(leading) }
            guard parts.allSatisfy({ $0[3] == "t" && $0[6] == "f" }) else { continue }
            table.uniqueKeys.append(
                SourceTable.UniqueKey(columns: parts.compactMap { $0[5] }, isPrimary: parts.first?[2] == "t"))
        }
    }

    private static let kinds: [String: SourceTable.Kind] = [
        "r": .table, "p": .partitioned, "v": .view, "m": .materializedView, "f": .foreign,
    ]

    private static func missingSchema(_ schema: String) -> ReplicationError {
        ReplicationError(
            .sourceTableGone, what: "The source has no schema named \(schema)", why: "it is not in its catalog",
            fix: "Give the right one by --source-schema.")
    }
}

import MySQLClient
import Replication

/// Reads what discovery shows. Each call is a few catalog queries for a whole schema.
struct MySQLCatalog {
    let connection: MySQLConnection
    let isMariaDB: Bool

    /// - Parameter table: Only this one; nil for all of the schema.
    /// - Throws: `ReplicationError` `E_SRC_TABLE_GONE` for a schema that does not exist.
    func tables(schema: String, table: String? = nil) async throws -> [SourceTable] {
        let found = try await connection.execute(MySQLCatalogStatements.tables(schema: schema, table: table)).rows
        if found.isEmpty {
            let exists = try await connection.execute(MySQLCatalogStatements.schemaExists(schema))
            guard !exists.rows.isEmpty else { throw Self.missingSchema(schema) }
        }
        let columns = try await connection.execute(MySQLCatalogStatements.columns(schema: schema, table: table)).rows
        let indexes = try await connection.execute(MySQLCatalogStatements.indexes(schema: schema, table: table)).rows
        let documents = try await jsonColumns(schema: schema, table: table)
        let (columnRows, indexRows) = (
            Dictionary(grouping: columns) { $0[0] }, Dictionary(grouping: indexes) { $0[0] }
        )
        return Self.named(table, in: found).compactMap { row in
            Self.table(
                row, schema: schema, columns: columnRows[row[0]] ?? [], indexes: indexRows[row[0]] ?? [],
                documents: documents)
        }
    }

    /// Only the columns of one table: what every pass looks at.
    func columns(of table: TableName) async throws -> [SourceColumn] {
        let statement = MySQLCatalogStatements.columns(schema: table.schema, table: table.name)
        let rows = Self.named(table.name, in: try await connection.execute(statement).rows)
        let documents = try await jsonColumns(schema: table.schema, table: table.name)
        return rows.compactMap { Self.column($0, documents) }
    }

    /// Where names ignore case the catalog's comparison does too; where they do not, one of several is meant.
    private static func named(_ table: String?, in rows: [[String?]]) -> [[String?]] {
        let exact = rows.filter { $0[0] == table }
        return table == nil || exact.isEmpty ? rows : exact
    }

    /// `table.column` of MariaDB's JSON columns.
    private func jsonColumns(schema: String, table: String?) async throws -> Set<String> {
        guard isMariaDB else { return [] }
        let rows = try await connection.execute(MySQLCatalogStatements.jsonChecks(schema: schema, table: table)).rows
        return Set(
            rows.compactMap { row in
                guard let table = row[0], let match = row[1]?.wholeMatch(of: /json_valid\(`((?:[^`]|``)+)`\)/) else {
                    return nil
                }
                return table + "." + String(match.1).replacing("``", with: "`")
            })
    }

    private static func column(_ row: [String?], _ documents: Set<String>) -> SourceColumn? {
        guard let table = row[0], let name = row[1], let declared = row[2] else { return nil }
        let typeName = documents.contains(table + "." + name) ? "json" : declared
        let mapping = MySQLTypeMapping(MySQLType(typeName))
        return SourceColumn(
            name: name, typeName: typeName, isNullable: row[3] == "YES", replicaType: mapping.replicaType,
            warnings: mapping.warnings, isHidden: row[5]?.contains("select") == false ? true : nil)
    }

    private static func table(
        _ row: [String?], schema: String, columns: [[String?]], indexes: [[String?]], documents: Set<String>
    ) -> SourceTable? {
        guard let name = row[0] else { return nil }
        let isView = row[1] == "VIEW"
        var table = SourceTable(
            name: TableName(schema: schema, name: name), kind: isView ? .view : .table, columns: [])
        table.estimatedRows = row[3].flatMap { Int($0) } ?? -1
        table.bytes = row[4].flatMap { Int($0) } ?? 0
        for column in columns {
            guard let found = Self.column(column, documents) else { continue }
            table.columns.append(found)
            let extra = column[4]?.lowercased() ?? ""
            if extra.contains("auto_increment") || column[6]?.lowercased().hasPrefix("nextval(") == true {
                table.sequentialColumns.insert(found.name)
            }
            if extra.contains("on update current_timestamp") { table.stampedColumns.append(found.name) }
        }
        table.isReadable = table.columns.contains(where: \.isReadable)
        addIndexes(indexes, to: &table)
        if !isView, let engine = row[2], engine.lowercased() != "innodb" {
            table.warnings.append(
                "engine \(engine) has no snapshots: a row that is written while others are read may arrive with the next "
                    + "sweep only")
        }
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
            // An index over a value's beginning orders nothing, but is as unique as the whole.
            if let first = parts.first, first[4] == nil, let leading = first[3] {
                table.leadingIndexColumns.insert(leading)
            }
            guard parts.allSatisfy({ $0[2] == "0" && $0[3] != nil && $0[5] != "YES" }) else { continue }
            table.uniqueKeys.append(
                SourceTable.UniqueKey(columns: parts.compactMap { $0[3] }, isPrimary: index == "PRIMARY"))
        }
    }

    private static func missingSchema(_ schema: String) -> ReplicationError {
        ReplicationError(
            .sourceTableGone, what: "The source has no database named \(schema)",
            why: "it does not exist, or the loader's user has no right in it",
            fix: "Give the right one by --source-schema.")
    }
}

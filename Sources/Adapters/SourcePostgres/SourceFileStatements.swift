import PostgresClient
import Replication

/// What tells that a table was truncated, rewritten or replaced.
enum SourceFileStatements {
    /// Relation, file, and whether it is the table itself, of the table with its partitions and children. The file is
    /// read from the row of `pg_class` as the snapshot shows it: `pg_relation_filenode` may be ahead of the snapshot.
    /// None for views and other relations whose files say nothing.
    static func files(of table: TableName) -> String {
        """
        WITH RECURSIVE family AS (\
        SELECT c.oid, true AS is_root FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = \(CatalogStatements.literal(table.schema)) \
        AND c.relname = \(CatalogStatements.literal(table.name)) AND c.relkind IN ('r', 'p') \
        UNION SELECT i.inhrelid, false FROM pg_inherits i JOIN family f ON f.oid = i.inhparent) \
        SELECT DISTINCT ON (f.oid) f.oid, c.relfilenode, f.is_root FROM family f JOIN pg_class c ON c.oid = f.oid \
        ORDER BY f.oid, f.is_root DESC LIMIT \(SourceFiles.limit + 1)
        """
    }

    /// Those of the relations that have rows older than the horizon. Asked of the table itself, because its partitions
    /// need not be readable one by one; one relation is found out with its first such row.
    static func withOlderRows(_ table: TableName, among relations: [UInt32], below horizon: UInt64) -> String {
        let name = BatchStatements.quoted(table.schema) + "." + BatchStatements.quoted(table.name)
        let list = relations.map(String.init).joined(separator: ", ")
        let (distinct, limit) = relations.count == 1 ? ("", " LIMIT 1") : ("DISTINCT ", "")
        return """
            SELECT \(distinct)t.tableoid::bigint FROM \(name) AS t WHERE t.tableoid IN (\(list)) \
            AND NOT age(t.xmin) BETWEEN 0 AND age('\(horizon)'::xid8::xid)\(limit)
            """
    }
}

extension PostgresSource {
    package func relations(
        of mapping: TableMapping, among relations: [UInt32], withRowsBelow horizon: UInt64
    ) async throws -> Set<UInt32> {
        guard !relations.isEmpty else { return [] }
        return try await asSource(reading: mapping) {
            try await begin()
            let statement = SourceFileStatements.withOlderRows(mapping.source, among: relations, below: horizon)
            let rows = try await connection.execute(statement).rows
            try await connection.execute("COMMIT")
            return Set(rows.compactMap { $0.first??.description }.compactMap { UInt32($0) })
        }
    }

    /// In the transaction at hand.
    /// - Returns: nil for views, and for tables of more relations than are kept track of.
    func readFiles(of table: TableName) async throws -> SourceFiles? {
        let rows = try await connection.execute(SourceFileStatements.files(of: table)).rows
        guard !rows.isEmpty, rows.count <= SourceFiles.limit else { return nil }
        var files: [UInt32: UInt32] = [:]
        var root: UInt32?
        for row in rows where row.count == 3 {
            guard let relation = row[0].flatMap({ UInt32($0) }), let file = row[1].flatMap({ UInt32($0) }) else {
                return nil
            }
            files[relation] = file
            if row[2] == "t" { root = relation }
        }
        return root.map { SourceFiles(root: $0, files: files) }
    }
}

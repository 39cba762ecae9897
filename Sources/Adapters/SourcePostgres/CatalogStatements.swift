import PostgresClient
import Replication

/// What discovery asks of `pg_catalog`. Names arrive as literals: catalogs hold them exactly as spelled.
enum CatalogStatements {
    /// A string literal that reads the same whatever `standard_conforming_strings` says.
    static func literal(_ text: String) -> String {
        let quoted = "'" + text.replacing("'", with: "''") + "'"
        return text.contains("\\") ? "E" + quoted.replacing("\\", with: "\\\\") : quoted
    }

    /// Columns: oid, name, relkind, estimated rows, bytes, readable. Partitions are left to their parent.
    static func relations(schema: String, table: String?) -> String {
        """
        SELECT c.oid, c.relname, c.relkind, \
        CASE WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(greatest(p.reltuples, 0)), 0)::bigint \
        FROM pg_partition_tree(c.oid) tree JOIN pg_class p ON p.oid = tree.relid WHERE tree.isleaf) \
        ELSE c.reltuples::bigint END, \
        CASE WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(pg_table_size(tree.relid)), 0) \
        FROM pg_partition_tree(c.oid) tree WHERE tree.isleaf) \
        WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid) ELSE 0 END, \
        has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') \
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = \(literal(schema)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
        \(table.map { "AND c.relname = \(literal($0))" } ?? "AND NOT c.relispartition") ORDER BY c.relname
        """
    }

    /// Columns: relation oid, name, type, nullable, type kind, type category, sequential, readable; domains are resolved
    /// to what they are made of.
    static func columns(schema: String, table: String?) -> String {
        """
        WITH RECURSIVE resolved AS (\
        SELECT a.attrelid, a.attnum, a.attname, a.attnotnull, a.attidentity, a.atttypid AS type, a.atttypmod AS modifier \
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = \(literal(schema)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
        \(table.map { "AND c.relname = \(literal($0)) " } ?? "")\
        AND a.attnum > 0 AND NOT a.attisdropped \
        UNION ALL \
        SELECT r.attrelid, r.attnum, r.attname, r.attnotnull, r.attidentity, t.typbasetype, \
        CASE WHEN r.modifier = -1 THEN t.typtypmod ELSE r.modifier END \
        FROM resolved r JOIN pg_type t ON t.oid = r.type WHERE t.typtype = 'd') \
        SELECT r.attrelid, r.attname, format_type(r.type, r.modifier), NOT r.attnotnull, t.typtype, t.typcategory, \
        r.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), \
        has_column_privilege(r.attrelid, r.attnum, 'SELECT') \
        FROM resolved r JOIN pg_type t ON t.oid = r.type \
        LEFT JOIN pg_attrdef d ON d.adrelid = r.attrelid AND d.adnum = r.attnum \
        WHERE t.typtype <> 'd' ORDER BY r.attrelid, r.attnum
        """
    }

    /// One row an index column: relation oid, index oid, primary, unique, place from 1, column, nullable.
    static func indexes(schema: String, table: String?) -> String {
        """
        SELECT i.indrelid, i.indexrelid, i.indisprimary, i.indisunique AND i.indimmediate, k.place, a.attname, \
        NOT a.attnotnull FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
        JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class x ON x.oid = i.indexrelid \
        JOIN pg_am m ON m.oid = x.relam CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) \
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number \
        WHERE n.nspname = \(literal(schema)) \(table.map { "AND c.relname = \(literal($0)) " } ?? "")\
        AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND m.amname = 'btree' \
        AND k.place <= i.indnkeyatts ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid, k.place
        """
    }

    /// Columns: `relkind` (r table, p partitioned table, v view, m materialized view, f foreign table), whether the
    /// user may read rows' transaction numbers, the database's encoding, estimated rows or NULL, whether a range of
    /// rows' places may be read without the rest (PostgreSQL 14 learnt that), whether it may be locked, bytes or NULL, and
    /// whether an index begins with the cursor column.
    ///
    /// A table that was never analysed has at most a row of 64 bytes behind another. Who copies a table whole reads its
    /// long values as well, others only those of the rows that they find.
    static func relation(of mapping: TableMapping) -> String {
        let table = mapping.source
        func size(_ relation: String) -> String {
            mapping.mode == .fullSync ? "pg_table_size(\(relation).oid)" : bytes(relation)
        }
        return """
            SELECT c.relkind, CASE WHEN c.relkind IN ('r', 'p') THEN has_column_privilege(c.oid, 'xmin', 'SELECT') END, \
            (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()), \
            CASE c.relkind WHEN 'r' THEN \(estimatedRows("c")) \
            WHEN 'p' THEN (SELECT coalesce(sum(\(estimatedRows("p"))), 0)::bigint \
            FROM pg_partition_tree(c.oid) tree JOIN pg_class p ON p.oid = tree.relid WHERE tree.isleaf) END, \
            current_setting('server_version_num')::integer >= 140000 \
            AND CASE WHEN c.relkind IN ('r', 'p') THEN has_column_privilege(c.oid, 'ctid', 'SELECT') END, \
            c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT'), \
            CASE WHEN c.relkind IN ('r', 'm') THEN \(size("c")) \
            WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(\(size("p"))), 0)::bigint \
            FROM pg_partition_tree(c.oid) tree JOIN pg_class p ON p.oid = tree.relid WHERE p.relkind = 'r') END, \
            \(mapping.cursorColumn.map { isIndexed($0.source.name) } ?? "false") \
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = \(literal(table.schema)) AND c.relname = \(literal(table.name))
            """
    }

    /// As the server last counted; of a table that was never analysed, or truncated since, its file is looked at.
    private static func bytes(_ relation: String) -> String {
        "CASE WHEN \(relation).relpages > 0 THEN \(relation).relpages::bigint * current_setting('block_size')::bigint "
            + "ELSE pg_relation_size(\(relation).oid) END"
    }

    private static func isIndexed(_ column: String) -> String {
        """
        EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam \
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid \
        AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND a.attname = \(literal(column)))
        """
    }

    /// Makes the index that leads to what is new; a partitioned table cannot have one made CONCURRENTLY.
    /// - Returns: nil where no column orders the changes.
    static func createIndex(of mapping: TableMapping, isPartitioned: Bool) -> String? {
        mapping.cursorColumn.map { column in
            "CREATE INDEX \(isPartitioned ? "" : "CONCURRENTLY ")ON \(PostgresSQL.identifier(mapping.source.schema))."
                + "\(PostgresSQL.identifier(mapping.source.name)) (\(PostgresSQL.identifier(column.source.name)))"
        }
    }

    private static func estimatedRows(_ relation: String) -> String {
        "CASE WHEN \(relation).reltuples >= 0 THEN \(relation).reltuples::bigint "
            + "ELSE pg_relation_size(\(relation).oid) / 64 END"
    }

    static func schemaExists(_ schema: String) -> String {
        "SELECT 1 FROM pg_namespace WHERE nspname = \(literal(schema))"
    }
}

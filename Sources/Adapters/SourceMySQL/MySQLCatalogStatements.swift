import MySQLClient
import Replication

/// What discovery asks of `information_schema`, whose column names MySQL shows in upper case and MariaDB as written.
enum MySQLCatalogStatements {
    /// Columns: name, type, engine, estimated rows, bytes.
    static func tables(schema: String, table: String?) -> String {
        """
        SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH FROM information_schema.TABLES \
        WHERE TABLE_SCHEMA = \(literal(schema)) \(named(table))\
        AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW') ORDER BY TABLE_NAME
        """
    }

    /// Columns: table, name, type, nullable, extra attributes, privileges, default. Invisible ones are columns like any
    /// other.
    static func columns(schema: String, table: String?) -> String {
        """
        SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, EXTRA, PRIVILEGES, COLUMN_DEFAULT \
        FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = \(literal(schema)) \(named(table))\
        ORDER BY TABLE_NAME, ORDINAL_POSITION
        """
    }

    /// One row an index column: table, index, not unique, column, prefix length, nullable. Of expressions the column is
    /// NULL.
    static func indexes(schema: String, table: String?) -> String {
        """
        SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART, NULLABLE FROM information_schema.STATISTICS \
        WHERE TABLE_SCHEMA = \(literal(schema)) \(named(table))AND INDEX_TYPE = 'BTREE' \
        ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX
        """
    }

    /// MariaDB's JSON is a LONGTEXT with a check: table and condition, as in ``json_valid(`body`)``.
    static func jsonChecks(schema: String, table: String?) -> String {
        """
        SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
        WHERE CONSTRAINT_SCHEMA = \(literal(schema)) \(named(table))AND CHECK_CLAUSE LIKE 'json_valid(%'
        """
    }

    /// Columns: estimated rows, creation and last write of the table, and whether that write is old enough to be told
    /// from one that follows: its time has whole seconds, and may be noted a moment before the write is in sight. The
    /// server's zone or the session's, whichever the time is shown in. Never of an empty or partitioned table: MariaDB
    /// notes no time when a table or a partition is truncated. Then bytes or NULL, whether an index over whole values
    /// begins with the cursor column, and the name.
    static func table(of mapping: TableMapping) -> String {
        let table = mapping.source
        let place = "TABLE_SCHEMA = \(literal(table.schema)) AND TABLE_NAME = \(literal(table.name))"
        let index = mapping.cursorColumn.map {
            "EXISTS (SELECT 1 FROM information_schema.STATISTICS WHERE \(place) AND INDEX_TYPE = 'BTREE' "
                + "AND SEQ_IN_INDEX = 1 AND SUB_PART IS NULL AND COLUMN_NAME = \(literal($0.source.name)))"
        }
        return """
            SELECT TABLE_ROWS, CREATE_TIME, UPDATE_TIME, \
            MOD(ABS(TIMESTAMPDIFF(SECOND, UPDATE_TIME, UTC_TIMESTAMP())) + 2, 900) > 4 \
            AND TABLE_ROWS > 0 AND CREATE_OPTIONS NOT LIKE '%partitioned%', DATA_LENGTH, \(index ?? "0"), TABLE_NAME \
            FROM information_schema.TABLES WHERE \(place)
            """
    }

    /// Makes the index that leads to what is new.
    /// - Returns: nil where no column orders the changes.
    static func createIndex(of mapping: TableMapping) -> String? {
        mapping.cursorColumn.map { column in
            let name = MySQLSQL.identifier("\(column.source.name.prefix(60))_idx")
            return "CREATE INDEX \(name) ON \(MySQLBatchStatements.table(mapping)) "
                + "(\(MySQLSQL.identifier(column.source.name)))"
        }
    }

    static func schemaExists(_ schema: String) -> String {
        "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = \(literal(schema))"
    }

    private static func named(_ table: String?) -> String {
        table.map { "AND TABLE_NAME = \(literal($0)) " } ?? ""
    }

    static func literal(_ text: String) -> String { MySQLSQL.literal(text) }
}

import GRDB
import Replication

/// The text of what runs had to change.
enum RepairStatements {
    /// One row a key and column: seen again, it counts on.
    static func record(_ value: RepairedValue, table: Int64, now: Int64) throws -> SQLiteStatement {
        SQLiteStatement(
            """
            INSERT INTO repaired_values (table_id, key, column_name, reason, original_bytes, first_seen_at,
                last_seen_at, count)
            VALUES (:table, :key, :column, :reason, :bytes, :now, :now, 1)
            ON CONFLICT (table_id, key, column_name) DO UPDATE SET reason = :reason, original_bytes = :bytes,
                last_seen_at = :now, count = count + 1
            """,
            [
                "table": table, "key": try StoredJSON.text(value.key), "column": value.column,
                "reason": value.reason.rawValue, "bytes": value.originalBytes, "now": now,
            ])
    }

    /// Latest first.
    static func latest(table: Int64, limit: Int) -> SQLiteStatement {
        SQLiteStatement(
            """
            SELECT * FROM repaired_values WHERE table_id = :table
            ORDER BY last_seen_at DESC, key, column_name LIMIT :limit
            """, ["table": table, "limit": limit])
    }

    static func count(table: Int64) -> SQLiteStatement {
        SQLiteStatement("SELECT count(*) FROM repaired_values WHERE table_id = :table", ["table": table])
    }
}

import Replication

/// The text of what runs had to change.
enum RepairStatements {
    /// Values in one statement: as many as keep it well below SQLite's 32,766 and PostgreSQL's 65,535 bound values.
    static let atOnce = 200

    /// One row a key and column: seen again, it counts on. No key and column may come twice in one statement.
    static func record(_ repairs: ArraySlice<RepairRow>, table: Int64, now: Int64) -> MetadataStatement {
        var values: StatementValues = ["table": table, "now": now]
        var tuples: [String] = []
        for (index, row) in repairs.enumerated() {
            tuples.append(
                "(:table, :key\(index), :column\(index), :reason\(index), :bytes\(index), :now, :now, :count\(index))")
            values =
                values + [
                    "key\(index)": row.key, "column\(index)": row.value.column,
                    "reason\(index)": row.value.reason.rawValue,
                    "bytes\(index)": row.value.originalBytes, "count\(index)": row.count,
                ]
        }
        return MetadataStatement(
            """
            INSERT INTO repaired_values (table_id, key, column_name, reason, original_bytes, first_seen_at,
                last_seen_at, count)
            VALUES \(tuples.joined(separator: ", "))
            ON CONFLICT (table_id, key, column_name) DO UPDATE SET reason = excluded.reason,
                original_bytes = excluded.original_bytes, last_seen_at = :now,
                count = repaired_values.count + excluded.count
            """, values, isKept: repairs.count == atOnce)
    }

    /// Latest first.
    static func latest(table: Int64, limit: Int) -> MetadataStatement {
        MetadataStatement(
            """
            SELECT * FROM repaired_values WHERE table_id = :table
            ORDER BY last_seen_at DESC, key, column_name LIMIT :limit
            """, ["table": table, "limit": limit])
    }

    static func count(table: Int64) -> MetadataStatement {
        MetadataStatement("SELECT count(*) FROM repaired_values WHERE table_id = :table", ["table": table])
    }
}

/// A repaired value as one row of a statement.
struct RepairRow: Sendable {
    let key: String
    /// The last one, where several came together.
    var value: RepairedValue
    var count: Int

    /// One row a key and column, in the order in which they came first.
    static func rows(_ repairs: [RepairedValue]) throws -> [RepairRow] {
        var rows: [RepairRow] = []
        var places: [[String]: Int] = [:]
        for value in repairs {
            let identity = value.key + [value.column]
            if let place = places[identity] {
                rows[place].value = value
                rows[place].count += 1
            } else {
                places[identity] = rows.count
                rows.append(RepairRow(key: try StoredJSON.text(value.key), value: value, count: 1))
            }
        }
        return rows
    }
}

import MySQLClient
import Replication

/// The statements of a pass: each batch's measure and rows.
enum MySQLBatchStatements {
    /// One snapshot for a batch's measure and its rows.
    static let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"

    /// What a session must have, one statement each. Times are read in UTC; dates that are none are data here; backslashes
    /// escape; and a slow upload must not make the server give the connection up
    /// (https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_net_write_timeout).
    static func session(isMariaDB: Bool, statementTimeout: Duration) -> [String] {
        let milliseconds = max(0, Int(statementTimeout / .milliseconds(1)))
        return [
            "SET SESSION time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION', net_write_timeout = 3600, "
                + "net_read_timeout = 3600, lock_wait_timeout = 10",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            isMariaDB
                ? "SET SESSION max_statement_time = \(milliseconds / 1000).\(Self.padded(milliseconds % 1000))"
                // Otherwise sizes and times of tables are up to a day old.
                : "SET SESSION max_execution_time = \(milliseconds), information_schema_stats_expiry = 0",
        ]
    }

    private static func padded(_ milliseconds: Int) -> String {
        String(String(1000 + milliseconds).dropFirst())
    }

    /// The batch's rows, at most as many as it may have: the only statement when nothing is new.
    static func count(_ query: BatchQuery, sample: String?) -> String {
        "SELECT COUNT(*) FROM (SELECT 1 FROM \(table(query.mapping)) AS t\(whereClause(query, sample: sample)) "
            + "LIMIT \(query.rowLimit)) AS batch"
    }

    /// The batch's last row: its leading column or NULL, its key, and last whether its cursor value is below the highest
    /// one known.
    /// - Parameter rows: As counted.
    static func last(_ query: BatchQuery, rows: Int, sample: String?) -> String {
        let mapping = query.mapping
        let leading = mapping.leadingColumn.map { MySQLColumnExpression($0.source).position } ?? "NULL"
        let cursor = mapping.cursorColumn.map { MySQLColumnExpression($0.source) }
        let list =
            [leading] + keys(mapping).map(\.position) + [isBelowKnown(cursor?.name, query), cursor?.position ?? "NULL"]
        let isFull = rows >= query.rowLimit
        let direction = isFull ? "" : " DESC"
        let order = orderColumns(query).map { $0 + direction }.joined(separator: ", ")
        return
            "SELECT \(list.joined(separator: ", ")) FROM \(table(mapping)) AS t\(whereClause(query, sample: sample)) "
            + "ORDER BY \(order) LIMIT 1" + (isFull ? " OFFSET \(rows - 1)" : "")
    }

    /// The rows, in the mapping's column order, bounded by the last one that was measured instead of a sort.
    static func rows(
        _ query: BatchQuery, extent: BatchExtent, sample: String?, hashSalt: String, range: KeyRange? = nil
    ) -> String {
        let list = query.mapping.columns.map { column in
            let expression = MySQLColumnExpression(column.source)
            return column.treatment == .hashed ? expression.hashed(salt: hashSalt) : expression.value
        }
        let isOpenEnded = extent.scanned < query.rowLimit
        let condition = whereClause(query, last: isOpenEnded ? nil : extent.last, sample: sample, range: range)
        return "SELECT \(list.joined(separator: ", ")) FROM \(table(query.mapping)) AS t\(condition)"
    }

    /// Count, checksum and highest cursor value of a range of keys, whether that is below the one known, and how many rows
    /// the checksum covers: all but rows longer than the server puts together.
    static func sum(_ query: BatchQuery, range: KeyRange) -> String {
        let cursor = query.mapping.cursorColumn.map { "MAX(\(MySQLColumnExpression($0.source).name))" } ?? "NULL"
        let fields = query.mapping.columns.map { MySQLColumnExpression($0.source).digested }
        let row = fields.map { "IF(\($0) IS NULL, 'N', CONCAT(LENGTH(\($0)), ':', \($0)))" }.joined(separator: ", ")
        let number = "CAST(CONV(LEFT(SHA2(CONCAT(\(row)), 256), 16), 16, 10) AS UNSIGNED)"
        return "SELECT COUNT(*), BIT_XOR(\(number)), \(cursor), \(isBelowKnown(cursor, query)), COUNT(\(number)) "
            + "FROM \(table(query.mapping)) AS t\(whereClause(query, sample: nil, range: range))"
    }

    /// The key of the row at this place of a range, counted from 1; none where the range has fewer.
    static func key(at place: Int, of query: BatchQuery, in range: KeyRange) -> String {
        let list = keys(query.mapping).map(\.position).joined(separator: ", ")
        let order = keys(query.mapping).map(\.name).joined(separator: ", ")
        return "SELECT \(list) FROM \(table(query.mapping)) AS t\(whereClause(query, sample: nil, range: range)) "
            + "ORDER BY \(order) LIMIT 1 OFFSET \(place - 1)"
    }

    /// The column's highest value, for the unit of an epoch or the zone of a stamp.
    static func highest(_ mapping: TableMapping, column: SourceColumn) -> String {
        "SELECT MAX(\(MySQLColumnExpression(column).name)) FROM \(table(mapping)) AS t"
    }

    /// Rows that a pass with this floor would look at.
    static func count(_ mapping: TableMapping, from floor: CursorFloor?, sample: String?) -> String {
        let query = BatchQuery(mapping: mapping, scan: .whole, floor: floor, horizon: nil, rowLimit: .max)
        return "SELECT COUNT(*) FROM \(table(mapping)) AS t\(whereClause(query, sample: sample))"
    }

    /// Fails where the filter is no condition over the table's columns; reads no row. Within two kinds of brackets, so
    /// that a filter which closes the first one and opens another is a syntax error.
    static func checkFilter(_ filter: String, of mapping: TableMapping) -> String {
        "SELECT CASE WHEN \(filter)\n THEN 1 END FROM \(table(mapping)) AS t WHERE \(parenthesised(filter)) LIMIT 0"
    }

    // MARK: Pieces

    static func table(_ mapping: TableMapping) -> String {
        MySQLSQL.identifier(mapping.source.schema) + "." + MySQLSQL.identifier(mapping.source.name)
    }

    private static func keys(_ mapping: TableMapping) -> [MySQLColumnExpression] {
        mapping.keyColumns.map { MySQLColumnExpression($0.source) }
    }

    /// A line end before the bracket, so that a comment at the filter's end does not swallow it.
    private static func parenthesised(_ filter: String) -> String { "(\(filter)\n)" }

    private static func isBelowKnown(_ value: String?, _ query: BatchQuery) -> String {
        guard let value, let known = query.highestCursor, let cursor = query.mapping.cursorColumn else { return "NULL" }
        return "\(value) < \(MySQLColumnExpression(cursor.source).literal(known))"
    }

    /// The columns that order the scan: the key alone, or behind the leading column.
    private static func orderColumns(_ query: BatchQuery) -> [String] {
        let key = keys(query.mapping).map(\.name)
        guard case .changes = query.scan, let leading = query.mapping.leadingColumn else { return key }
        return [MySQLColumnExpression(leading.source).name] + key
    }

    private static func whereClause(
        _ query: BatchQuery, last: CursorPosition? = nil, sample: String?, range: KeyRange? = nil
    ) -> String {
        let mapping = query.mapping
        var conditions = mapping.scope.filter.map { [parenthesised($0)] } ?? []
        if let cursor = mapping.cursorColumn {
            let expression = MySQLColumnExpression(cursor.source)
            switch query.scan {
            case .whole, .byKey, .places: break
            case .unstamped: conditions.append("\(expression.name) IS NULL")
            case .changes where cursor.source.isNullable: conditions.append("\(expression.name) IS NOT NULL")
            case .changes: break
            }
            if let bound = lowerBound(query, of: cursor, sample: sample) {
                conditions.append("\(expression.name) >= \(expression.literal(bound))")
            }
        }
        switch query.scan {
        case .whole: break
        case .places:
            if let lower = range?.lower { conditions.append(compare(mapping, nil, lower, .above)) }
            if let upper = range?.upper { conditions.append(compare(mapping, nil, upper, .upTo)) }
        case .byKey(let key), .unstamped(let key):
            if let key { conditions.append(compare(mapping, nil, key, .above)) }
            if let last { conditions.append(compare(mapping, nil, last.key, .upTo)) }
        case .changes(let position):
            if let position { conditions.append(compare(mapping, position.updated, position.key, .above)) }
            if let last { conditions.append(compare(mapping, last.updated, last.key, .upTo)) }
        }
        return conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
    }

    private static func lowerBound(_ query: BatchQuery, of cursor: ColumnMapping, sample: String?) -> String? {
        switch query.floor {
        case nil: nil
        case .key(let key): key
        case .time(let time):
            UpdatedKeyKind(typeName: cursor.source.typeName)?.lowerBound(
                of: time, sample: sample, keptOffset: query.keptOffset)
        }
    }

    private enum Side {
        case above, upTo
    }

    /// A comparison of rows, written out: an index bounds it this way, but not a comparison of row constructors
    /// (https://dev.mysql.com/doc/refman/8.4/en/row-constructor-optimization.html).
    private static func compare(_ mapping: TableMapping, _ leading: String?, _ key: [String], _ side: Side) -> String {
        var parts: [(name: String, value: String)] = []
        if let leading, let column = mapping.leadingColumn {
            let expression = MySQLColumnExpression(column.source)
            parts.append((expression.name, expression.literal(leading)))
        }
        for (expression, value) in zip(keys(mapping), key) {
            parts.append((expression.name, expression.literal(value)))
        }
        return compare(parts[...], side)
    }

    private static func compare(_ parts: ArraySlice<(name: String, value: String)>, _ side: Side) -> String {
        guard let first = parts.first else { return "TRUE" }
        let rest = parts.dropFirst()
        let strict = side == .above ? ">" : "<"
        if rest.isEmpty { return "\(first.name) \(side == .above ? ">" : "<=") \(first.value)" }
        return "\(first.name) \(strict)= \(first.value) AND (\(first.name) \(strict) \(first.value) OR "
            + "\(compare(rest, side)))"
    }
}

/// Keys above `lower` and up to `upper`, one text a key column as `CursorPosition` has them; nil: no bound.
struct KeyRange: Sendable, Hashable {
    var lower: [String]?
    var upper: [String]?
}

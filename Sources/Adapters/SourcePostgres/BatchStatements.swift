import PostgresClient
import Replication

/// The statements of a pass: its readings, and each batch's measure and rows.
enum BatchStatements {
    /// Clock and sessions; the order of the readings is part of the cursor's proof, so each is its own statement.
    static let activity = """
        SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, \
        (extract(epoch FROM min(a.xact_start)) * 1000000)::bigint, \
        coalesce(bool_or((a.state IS NULL AND a.backend_type IS NULL) OR a.state = 'disabled'), false), \
        pg_is_in_recovery(), \
        CASE WHEN pg_is_in_recovery() \
        THEN (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000000)::bigint END, \
        (extract(epoch FROM max(a.xact_start)) * 1000000)::bigint \
        FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() \
        AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
        """

    static let preparedTransactions =
        "SELECT EXISTS (SELECT FROM pg_prepared_xacts WHERE database = current_database())"

    /// The snapshot's lowest open transaction, its upper end, and who the server is; then its place in the log, and on a
    /// primary the start of its processes, which all end together when one crashes. A standby's control file learns of
    /// its primary's new timeline minutes late, its receiver at once.
    static let horizon = """
        SELECT pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmax(pg_current_snapshot()), \
        (SELECT system_identifier FROM pg_control_system()), \
        CASE WHEN pg_is_in_recovery() \
        THEN upper(lpad(to_hex(greatest((SELECT min_recovery_end_timeline FROM pg_control_recovery()), \
        (SELECT received_tli FROM pg_stat_wal_receiver))), 8, '0')) \
        ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END, current_database(), \
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
        ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn, \
        CASE WHEN NOT pg_is_in_recovery() THEN (extract(epoch FROM coalesce((SELECT max(backend_start) \
        FROM pg_stat_activity WHERE backend_type = 'checkpointer'), pg_postmaster_start_time())) \
        * 1000000)::bigint END
        """

    /// What no write to the table, to its partitions or children leaves unchanged: its files, and of the rows that are
    /// there how many there are and the sum of the transactions that wrote them. New row versions carry higher numbers
    /// than all before them, so that no mixture of writes leaves both as they were. The server's counters of writes would
    /// cost no scan, but lag behind commits, for as long as a session stays idle.
    static func changeToken(of table: TableName) -> String {
        """
        \(family(of: table)) \
        SELECT concat_ws(' ', string_agg(concat_ws(':', f.oid, pg_relation_filenode(f.oid)), ' ' ORDER BY f.oid), \
        (SELECT concat_ws(':', count(*), sum(t.xmin::text::bigint)) FROM \(quotedName(table)) AS t)) FROM family f
        """
    }

    /// Waits for whoever rewrites the table before the snapshot is taken: to an older snapshot a table looks empty that
    /// ALTER TABLE has written anew. Nothing else is locked out by it that a SELECT would not.
    static func lock(_ table: TableName) -> String { "LOCK TABLE \(quotedName(table)) IN ACCESS SHARE MODE" }

    /// Whether `changeToken` can be asked: not on a standby; rows of views and foreign tables show no transaction, and
    /// not everybody may see it.
    static func showsVersions(_ table: TableName) -> String {
        """
        \(family(of: table)) \
        SELECT NOT pg_is_in_recovery() AND bool_and(c.relkind IN ('r', 'p', 'm')) \
        AND has_column_privilege(\(CatalogStatements.literal(quotedName(table))), 'xmin', 'SELECT') \
        FROM family f JOIN pg_class c ON c.oid = f.oid
        """
    }

    /// The table with its partitions and children.
    private static func family(of table: TableName) -> String {
        """
        WITH RECURSIVE family AS (SELECT \(CatalogStatements.literal(quotedName(table)))::regclass::oid AS oid UNION \
        SELECT i.inhrelid FROM pg_inherits i JOIN family f ON f.oid = i.inhparent)
        """
    }

    private static func quotedName(_ table: TableName) -> String { quoted(table.schema) + "." + quoted(table.name) }

    /// A read-only snapshot with the output formats of the journey. The settings end with the transaction, so that a
    /// pooler that shares sessions does no harm.
    static func begin(statementTimeout: Duration) -> String {
        let milliseconds = max(0, statementTimeout / .milliseconds(1))
        return """
            BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL DateStyle TO 'ISO, YMD'; \
            SET LOCAL TimeZone TO 'UTC'; SET LOCAL IntervalStyle TO 'iso_8601'; SET LOCAL extra_float_digits TO 1; \
            SET LOCAL bytea_output TO 'hex'; SET LOCAL statement_timeout TO \(Int(milliseconds)); \
            SET LOCAL lock_timeout TO '10s'; SET LOCAL idle_in_transaction_session_timeout TO '10min'
            """
    }

    /// Measures a batch: one row with the count, the last row's position and the highest cursor value; none when
    /// nothing is new.
    ///
    /// Columns: count, the leading column of the last row or NULL, the highest cursor value or NULL, then the key.
    static func extent(_ query: BatchQuery, updatedSample: String?) -> String {
        let mapping = query.mapping
        let order = orderColumns(query).map { "t.\(quoted($0))" }.joined(separator: ", ")
        let leading = mapping.leadingColumn.map { "t.\(quoted($0.source.name))" } ?? "NULL::text"
        let keys = mapping.primaryKey.indices.map { "k\($0)::text" }.joined(separator: ", ")
        let rawKeys = mapping.primaryKey.enumerated().map { "t.\(quoted($1)) AS k\($0)" }.joined(separator: ", ")
        // Only a key that may be NULL is looked at; the flag comes last.
        let nullable = mapping.keyColumns.filter(\.source.isNullable).map { "t.\(quoted($0.source.name)) IS NULL" }
        let flag = nullable.isEmpty ? "" : ", m"
        let rawFlag =
            nullable.isEmpty ? "" : ", bool_or(\(nullable.joined(separator: " OR "))) OVER w AS m"
        return """
            SELECT n, u::text, h::text, \(keys)\(flag) FROM (\
            SELECT row_number() OVER w AS n, \(leading) AS u, \(highestCursor(query)) AS h, \(rawKeys)\(rawFlag) \
            FROM \(table(mapping)) AS t \(whereClause(query, last: nil, updatedSample: updatedSample))\
            WINDOW w AS (ORDER BY \(order) ROWS UNBOUNDED PRECEDING) ORDER BY \(order) LIMIT \(query.rowLimit)\
            ) AS batch ORDER BY n DESC LIMIT 1
            """
    }

    /// Measures rows of a range of blocks: their count, and the highest cursor value among them and the one known.
    static func extent(_ query: BatchQuery, blocks: Range<Int>) -> String {
        let condition = whereClause(query, last: nil, updatedSample: nil, blocks: blocks)
        let highest = query.mapping.cursorColumn.map { atLeastKnown(largest($0, over: ""), $0, query) } ?? "NULL"
        return "SELECT count(*), (\(highest))::text FROM \(table(query.mapping)) AS t \(condition)"
    }

    /// Which files hold the table's rows and its partitions', and how many blocks the longest of them has: a rewritten
    /// table has other files, and its rows other places.
    static func storage(of table: TableName) -> String {
        """
        \(family(of: table)) \
        SELECT md5(string_agg(concat_ws(':', f.oid, pg_relation_filenode(f.oid)), ' ' ORDER BY f.oid)), \
        coalesce(max(pg_relation_size(f.oid) / current_setting('block_size')::bigint), 0) FROM family f
        """
    }

    /// Transactions from a number on whose rows the pass has in sight, one a row as 32 bits; one more than the limit
    /// says that there are too many.
    static func transactions(_ query: BatchQuery, from number: UInt64, updatedSample: String?) -> String {
        var whole = query
        whole.horizon = number
        let select = "SELECT t.xmin::text FROM \(table(query.mapping)) AS t "
        var parts = [select + whereClause(whole, last: nil, updatedSample: updatedSample)]
        if case .changes = query.scan, query.mapping.cursorColumn?.source.isNullable == true {
            whole.scan = .unstamped(after: nil)
            whole.floor = nil
            parts.append(select + whereClause(whole, last: nil, updatedSample: updatedSample))
        }
        return parts.joined(separator: "UNION ") + "GROUP BY 1 LIMIT \(SettledTransactions.limit + 1)"
    }

    /// The batch's rows, bounded by its measured last row instead of a sort, in the mapping's column order.
    /// - Parameter isASCII: The database does not know the encoding of its text, and would refuse to convert it.
    static func copy(
        _ query: BatchQuery, extent: BatchExtent, format: BatchFormat, updatedSample: String?, hashSalt: String,
        isASCII: Bool = false, blocks: Range<Int>? = nil
    ) -> String {
        let encoding = isASCII ? "SQL_ASCII" : "UTF8"
        let list =
            query.mapping.columns.map { ColumnExpression.sql(for: $0, hashSalt: hashSalt, encoding: encoding) }
            + query.mapping.markedColumns.map(ColumnExpression.isEmpty)
        let isOpenEnded = extent.rows < query.rowLimit
        let condition = whereClause(
            query, last: isOpenEnded ? nil : extent.last, updatedSample: updatedSample, blocks: blocks)
        return """
            COPY (SELECT \(list.joined(separator: ", ")) FROM \(table(query.mapping)) AS t \(condition)) TO STDOUT \
            (FORMAT csv, NULL '\(format.nullSentinel)', ENCODING '\(encoding)')
            """
    }

    /// Some value of the column, for the unit of an epoch.
    static func sample(_ mapping: TableMapping, column: String) -> String {
        "SELECT max(t.\(quoted(column)))::text FROM \(table(mapping)) AS t"
    }

    /// Rows that a pass with this floor would look at, whoever wrote them.
    static func count(_ mapping: TableMapping, from floor: CursorFloor?, updatedSample: String?) -> String {
        let query = BatchQuery(mapping: mapping, scan: .whole, floor: floor, horizon: nil, rowLimit: .max)
        let condition = whereClause(query, last: nil, updatedSample: updatedSample)
        return "SELECT count(*) FROM \(table(mapping)) AS t \(condition)"
    }

    /// Fails where the filter is no condition over the table's columns; reads no row. Within two kinds of brackets, so
    /// that a filter which closes the first one and opens another is a syntax error.
    static func checkFilter(_ filter: String, of mapping: TableMapping) -> String {
        "SELECT (ARRAY[\(filter)\n])[1] FROM \(table(mapping)) AS t WHERE \(parenthesised(filter)) LIMIT 0"
    }

    // MARK: Pieces

    static func quoted(_ name: String) -> String { PostgresSQL.identifier(name) }

    private static func table(_ mapping: TableMapping) -> String {
        quoted(mapping.source.schema) + "." + quoted(mapping.source.name)
    }

    /// A line end before the bracket, so that a comment at the filter's end does not swallow it.
    private static func parenthesised(_ filter: String) -> String { "(\(filter)\n)" }

    /// The highest cursor value among the rows up to the present one and the one known so far.
    private static func highestCursor(_ query: BatchQuery) -> String {
        guard let cursor = query.mapping.cursorColumn else { return "NULL::text" }
        // Rows come in the cursor's order, but for those of a load by another key.
        if case .byKey = query.scan, query.mapping.leadingColumn != nil {
            return atLeastKnown(largest(cursor, over: " OVER w"), cursor, query)
        }
        return atLeastKnown("t." + quoted(cursor.source.name), cursor, query)
    }

    /// The maximum of a column; there is none of uuid.
    private static func largest(_ cursor: ColumnMapping, over window: String) -> String {
        let name = "t." + quoted(cursor.source.name)
        return cursor.source.typeName == "uuid" ? "(max(\(name)::text)\(window))::uuid" : "max(\(name))\(window)"
    }

    private static func atLeastKnown(_ highest: String, _ cursor: ColumnMapping, _ query: BatchQuery) -> String {
        guard let known = query.highestCursor, isLiteral(known, of: cursor) else { return highest }
        return "greatest(\(highest), \(typed(known, cursor.source)))"
    }

    /// A position set by hand is written as a time, whatever the column's type.
    private static func isLiteral(_ value: String, of column: ColumnMapping) -> Bool {
        UpdatedKeyKind(typeName: column.source.typeName) != .epoch || Int64(value) != nil
    }

    /// The columns that order the scan: the key alone, or behind the leading column.
    private static func orderColumns(_ query: BatchQuery) -> [String] {
        switch query.scan {
        case .whole, .byKey, .unstamped, .places: query.mapping.primaryKey
        case .changes: [query.mapping.leadingColumn?.source.name].compactMap { $0 } + query.mapping.primaryKey
        }
    }

    private static func whereClause(
        _ query: BatchQuery, last: CursorPosition?, updatedSample: String?, blocks: Range<Int>? = nil
    ) -> String {
        let mapping = query.mapping
        var conditions = mapping.scope.filter.map { [parenthesised($0)] } ?? []
        if let cursor = mapping.cursorColumn {
            let name = "t." + quoted(cursor.source.name)
            switch query.scan {
            case .whole, .byKey, .places: break
            case .unstamped: conditions.append("\(name) IS NULL")
            case .changes where cursor.source.isNullable: conditions.append("\(name) IS NOT NULL")
            case .changes: break
            }
            if let bound = lowerBound(query.floor, of: cursor, updatedSample: updatedSample) {
                conditions.append("\(name) >= \(typed(bound, cursor.source))")
            }
        }
        if let horizon = query.horizon {
            conditions.append("age(t.xmin) BETWEEN 0 AND age('\(horizon)'::xid8::xid)")
        }
        if !query.leftOut.isEmpty {
            // Numbers of a table's rows have 32 bits.
            let numbers = query.leftOut.map { String(UInt32(truncatingIfNeeded: $0)) }.joined(separator: ",")
            conditions.append("t.xmin <> ALL ('{\(numbers)}'::xid[])")
        }
        if let blocks {
            conditions.append("t.ctid >= '(\(blocks.lowerBound),0)'::tid AND t.ctid < '(\(blocks.upperBound),0)'::tid")
        }
        switch query.scan {
        case .whole, .places: break
        case .byKey(let key), .unstamped(let key):
            if let key { conditions.append(compare(mapping, nil, key, ">")) }
            if let last { conditions.append(compare(mapping, nil, last.key, "<=")) }
        case .changes(let position):
            if let position { conditions.append(compare(mapping, position.updated, position.key, ">")) }
            if let last { conditions.append(compare(mapping, last.updated, last.key, "<=")) }
        }
        return conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ") + " "
    }

    private static func lowerBound(
        _ floor: CursorFloor?, of cursor: ColumnMapping, updatedSample: String?
    ) -> String? {
        switch floor {
        case nil: nil
        case .key(let key): key
        case .time(let time):
            UpdatedKeyKind(typeName: cursor.source.typeName)?.lowerBound(of: time, sample: updatedSample)
        }
    }

    /// A row comparison, which an index on its first column bounds.
    private static func compare(
        _ mapping: TableMapping, _ leading: String?, _ key: [String], _ operation: String
    ) -> String {
        var names: [String] = []
        var values: [String] = []
        if let leading, let column = mapping.leadingColumn {
            names.append("t." + quoted(column.source.name))
            values.append(typed(leading, column.source))
        }
        for (column, value) in zip(mapping.keyColumns, key) {
            names.append("t." + quoted(column.source.name))
            values.append(typed(value, column.source))
        }
        let isSingle = names.count == 1
        return isSingle
            ? "\(names[0]) \(operation) \(values[0])"
            : "(\(names.joined(separator: ", "))) \(operation) (\(values.joined(separator: ", ")))"
    }

    private static func typed(_ value: String, _ column: SourceColumn) -> String {
        "\(CatalogStatements.literal(value))::\(column.typeName)"
    }
}

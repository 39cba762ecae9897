import Replication

/// The statements that make, fill and describe a replica table.
enum ReplicaStatements {
    static func schemaExists(_ schema: String) -> String {
        "SELECT 1 FROM pg_namespace WHERE nspname = \(RedshiftText.literal(schema))"
    }

    static func createSchema(_ schema: String) -> String {
        "CREATE SCHEMA IF NOT EXISTS \(RedshiftText.identifier(schema))"
    }

    /// Columns: see `ReplicaColumn`.
    static func columns(of table: TableName) -> String {
        """
        SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable, \
        column_default FROM information_schema.columns \
        WHERE table_schema = \(RedshiftText.literal(table.schema)) \
        AND table_name = \(RedshiftText.literal(table.name)) ORDER BY ordinal_position
        """
    }

    /// The owner where it is not the present user; no row otherwise.
    static func otherOwner(of table: TableName) -> String {
        """
        SELECT tableowner FROM pg_tables WHERE schemaname = \(RedshiftText.literal(table.schema)) \
        AND tablename = \(RedshiftText.literal(table.name)) AND tableowner <> CURRENT_USER
        """
    }

    /// The replica: rows of one key on one slice, sorted by what analysts filter by, unless told otherwise.
    ///
    /// Only key columns are NOT NULL: a source may drop the constraint of any other. Columns of 65,535 bytes cost what
    /// their values take.
    /// - Parameter table: The table's name; nil for the replica's own.
    static func createTable(_ mapping: TableMapping, named table: TableName? = nil) -> String {
        let columns = mapping.columns.map { column in
            let isKey = mapping.primaryKey.contains(column.source.name)
            let name = RedshiftText.identifier(column.destinationName)
            return "\(name) \(column.destinationType.sql)\(isKey ? " NOT NULL" : "")"
        }
        let key = mapping.keyColumns.map { RedshiftText.identifier($0.destinationName) }
        // It only informs the planner, and the documents do not say whether it may have binary columns.
        let isPlain = mapping.keyColumns.allSatisfy(\.destinationType.canBeSortKey)
        let primaryKey = key.isEmpty || !isPlain ? "" : ", PRIMARY KEY (\(key.joined(separator: ", ")))"
        let list = columns.joined(separator: ", ") + primaryKey
        let name = RedshiftText.table(table ?? mapping.destination)
        return "CREATE TABLE IF NOT EXISTS \(name) (\(list))\(distribution(mapping))\(sorting(mapping))"
    }

    private static func distribution(_ mapping: TableMapping) -> String {
        if mapping.layout.distributionKey?.isEmpty == true { return " DISTSTYLE AUTO" }
        let natural = mapping.keyColumns.first { $0.destinationType.canBeSortKey }
        guard let column = mapping.layout.distributionKey ?? natural?.destinationName else { return "" }
        return " DISTSTYLE KEY DISTKEY (\(RedshiftText.identifier(column)))"
    }

    private static func sorting(_ mapping: TableMapping) -> String {
        let natural = mapping.mode == .fullSync ? mapping.updatedColumn : mapping.cursorColumn
        let fitting = natural.flatMap { $0.destinationType.canBeSortKey ? [$0.destinationName] : nil }
        let columns = mapping.layout.sortKey ?? fitting ?? []
        guard !columns.isEmpty else { return "" }
        return " COMPOUND SORTKEY (\(columns.map(RedshiftText.identifier).joined(separator: ", ")))"
    }

    /// Redshift widens text only outside of transactions.
    static func widen(_ column: String, of table: TableName, to bytes: Int) -> String {
        "ALTER TABLE \(RedshiftText.table(table)) ALTER COLUMN \(RedshiftText.identifier(column)) TYPE VARCHAR(\(bytes))"
    }

    static func count(_ table: TableName) -> String {
        "SELECT COUNT(*) FROM \(RedshiftText.table(table))"
    }

    // MARK: Loading

    /// Shaped like the table, with the defaults, because columns of the replica that no row brings may be NOT NULL.
    ///
    /// An empty binary key is NULL until its marker is looked at, and LIKE would take over that keys are NOT NULL; so a
    /// table with such a key is shaped by a query instead, which leaves its distribution to Redshift.
    static func createStaging(_ name: String, like table: TableName, _ mapping: TableMapping) -> String {
        let staging = RedshiftText.identifier(name)
        let model = RedshiftText.table(table)
        guard mapping.keyColumns.contains(where: mapping.markedColumns.contains) else {
            return "CREATE TEMP TABLE \(staging) (LIKE \(model) INCLUDING DEFAULTS)"
        }
        return "CREATE TEMP TABLE \(staging) AS SELECT \(columnList(mapping)) FROM \(model) WHERE FALSE"
    }

    /// - Parameter target: A quoted table, permanent or temporary.
    static func copy(
        into target: String, _ load: ReplicaLoad, _ objects: StagedObjects, authorization: CopyAuthorization,
        region: String?
    ) -> String {
        """
        COPY \(target) (\(columnList(load.mapping, withMarkers: true))) FROM \(RedshiftText.literal(objects.copyFrom)) \
        \(authorization.sql) FORMAT AS CSV NULL AS \(RedshiftText.literal(load.format.nullSentinel)) \
        \(objects.compression.rawValue)\(objects.isManifest ? " MANIFEST" : "")\
        \(region.map { " REGION " + RedshiftText.literal($0) } ?? "") \
        DATEFORMAT 'auto' TIMEFORMAT 'auto' MAXERROR 0 COMPUPDATE OFF STATUPDATE OFF
        """
    }

    static let lastCopyCount = "SELECT pg_last_copy_count()"
    static let lastCopyID = "SELECT pg_last_copy_id()"

    /// Removes the older versions of the staged rows. Redshift ignores trailing blanks when it compares text, so the
    /// lengths must agree too, or `'a '` would delete `'a'`.
    static func deleteOlder(_ staging: String, _ mapping: TableMapping, hasMarkers: Bool) -> String {
        let target = RedshiftText.table(mapping.destination)
        let source = RedshiftText.identifier(staging)
        let conditions = mapping.keyColumns.flatMap { column -> [String] in
            let old = "\(target).\(RedshiftText.identifier(column.destinationName))"
            let new = stagedValue(of: column, in: source, mapping, hasMarkers: hasMarkers)
            let equal = "\(old) = \(new)"
            return column.destinationType.isText ? [equal, "OCTET_LENGTH(\(old)) = OCTET_LENGTH(\(new))"] : [equal]
        }
        return "DELETE FROM \(target) USING \(source) WHERE \(conditions.joined(separator: " AND "))"
    }

    static func deleteAll(_ table: TableName) -> String { "DELETE FROM \(RedshiftText.table(table))" }

    /// - Parameter table: Where the rows go; nil for the replica.
    static func insertStaged(
        _ staging: String, _ mapping: TableMapping, hasMarkers: Bool, into table: TableName? = nil
    ) -> String {
        let source = RedshiftText.identifier(staging)
        let values = mapping.columns.map { stagedValue(of: $0, in: source, mapping, hasMarkers: hasMarkers) }
        return """
            INSERT INTO \(RedshiftText.table(table ?? mapping.destination)) (\(columnList(mapping))) \
            SELECT \(values.joined(separator: ", ")) FROM \(source)
            """
    }

    /// What a staged row says of a column, its marker heeded.
    private static func stagedValue(
        of column: ColumnMapping, in staging: String, _ mapping: TableMapping, hasMarkers: Bool
    ) -> String {
        let name = "\(staging).\(RedshiftText.identifier(column.destinationName))"
        guard hasMarkers, let marker = markerNames(mapping)[column.destinationName] else { return name }
        return "CASE WHEN \(staging).\(marker) THEN FROM_HEX('') ELSE \(name) END"
    }

    static func dropStaging(_ name: String) -> String { "DROP TABLE \(RedshiftText.identifier(name))" }

    static func columnList(_ mapping: TableMapping, withMarkers: Bool = false) -> String {
        let names = mapping.columns.map { RedshiftText.identifier($0.destinationName) }
        let markers = markerNames(mapping)
        let marked = withMarkers ? mapping.markedColumns.compactMap { markers[$0.destinationName] } : []
        return (names + marked).joined(separator: ", ")
    }

    /// Columns of the staging table that say which values are empty, quoted, by the column that they speak of.
    private static func markerNames(_ mapping: TableMapping) -> [String: String] {
        Dictionary(
            mapping.markedColumns.enumerated().map { place, column in
                (column.destinationName, RedshiftText.identifier("loader_empty_\(place + 1)"))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Redshift adds one column a statement.
    static func addMarkers(_ staging: String, _ mapping: TableMapping) -> [String] {
        let markers = markerNames(mapping)
        return mapping.markedColumns.compactMap { markers[$0.destinationName] }.map {
            "ALTER TABLE \(RedshiftText.identifier(staging)) ADD COLUMN \($0) BOOLEAN"
        }
    }

    // MARK: Load errors and the cluster

    /// Columns: column, type, longest, code, reason, line. Provisioned clusters and Serverless have it.
    static func loadErrors(copyID: String) -> String {
        """
        SELECT TRIM(column_name), TRIM(column_type), TRIM(column_length), error_code, TRIM(error_message), line_number \
        FROM sys_load_error_detail WHERE query_id = \(copyID) ORDER BY start_time DESC LIMIT 1
        """
    }

    /// The same from the table of older provisioned clusters.
    static func oldLoadErrors(copyID: String) -> String {
        """
        SELECT TRIM(colname), TRIM(type), TRIM(col_length), err_code, TRIM(err_reason), line_number \
        FROM stl_load_errors WHERE query = \(copyID) ORDER BY starttime DESC LIMIT 1
        """
    }

    /// Serverless has no such table.
    static let slices = "SELECT COUNT(*) FROM stv_slices"
}

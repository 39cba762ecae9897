import Replication
import Scheduling

/// Jobs and tables as a file that people read, keep and change: all settings, no positions and no secrets.
enum JobDocument {
    static let version = 1
    static let secretNote = "stored encrypted where this was exported: name the environment variable that holds it"

    static func document(_ jobs: [(job: JobRecord, tables: [TableRecord])]) -> DocumentValue {
        .map([
            DocumentField("version", .plain("\(version)")),
            DocumentField("jobs", .list(jobs.map { job($0.job, $0.tables) })),
        ])
    }

    private static func job(_ job: JobRecord, _ tables: [TableRecord]) -> DocumentValue {
        .map(
            [
                DocumentField("name", .text(job.name)), reference("source_url_env", job.source),
                reference("destination_url_env", job.destination),
                DocumentField("source_schemas", .texts(job.sourceSchemas)),
                DocumentField("destination_schema", .text(job.destinationSchema)),
                DocumentField("destination_prefix", .text(job.destinationPrefix)),
                DocumentField("active", .plain(job.active ? "true" : "false")),
                DocumentField("interval_seconds", number(job.interval)),
            ] + session(job.destinationSession) + [DocumentField("tables", .list(tables.map(table)))])
    }

    /// Settings without a value are left out. The timeout has its unit: Redshift's setting of that name means
    /// milliseconds.
    private static func session(_ session: DestinationSession) -> [DocumentField] {
        [
            session.queryGroup.map { DocumentField("query_group", .text($0)) },
            session.statementTimeout.map { DocumentField("statement_timeout", .text(SpelledDuration.text($0))) },
            session.slotCount.map { DocumentField("wlm_query_slot_count", .plain("\($0)")) },
        ].compactMap(\.self)
    }

    private static func reference(_ name: String, _ reference: ConnectionReference) -> DocumentField {
        switch reference {
        case .environment(let variable): DocumentField(name, .text(variable))
        case .sealed: DocumentField(name, .null, note: secretNote)
        }
    }

    /// Settings that have their defaults are left out.
    private static func table(_ table: TableRecord) -> DocumentValue {
        let mapping = table.mapping
        var fields = [
            DocumentField("source_schema", .text(mapping.source.schema)),
            DocumentField("source_name", .text(mapping.source.name)),
            DocumentField("destination_schema", .text(mapping.destination.schema)),
            DocumentField("destination_name", .text(mapping.destination.name)),
            DocumentField("table_copy_type", .text(mapping.mode.rawValue)),
            DocumentField("primary_key", .texts(mapping.primaryKey)),
        ]
        func add(_ name: String, _ value: DocumentValue?) {
            if let value { fields.append(DocumentField(name, value)) }
        }
        add("updated_key", mapping.updatedKey.map { .text($0) })
        add("cursor_key", mapping.cursorKey.map { .text($0) })
        add("disabled", table.disabled ? .plain("true") : nil)
        add("excluded_columns", mapping.scope.excludedColumns.isEmpty ? nil : .texts(mapping.scope.excludedColumns))
        add("where", mapping.scope.filter.map { .text($0) })
        add("on_bad_value", mapping.badValues == .repair ? nil : .text(mapping.badValues.rawValue))
        add("refresh", mapping.refresh == .swap ? nil : .text(mapping.refresh.rawValue))
        add("distkey", mapping.layout.distributionKey.map { .text($0) })
        add("sortkey", mapping.layout.sortKey.map { .texts($0) })
        add("interval_seconds", table.schedule.interval.map(number))
        add("window", table.schedule.window.map { .text($0.text) })
        add("freshness_target_seconds", table.schedule.freshnessTarget.map(number))
        add("row_limit", table.schedule.rowLimit.map { .plain("\($0)") })
        add("chunk_size", table.schedule.chunkSize.map { .plain("\($0)") })
        add("time_travel_scan_back_period", table.schedule.scanBack.map(number))
        add("allow_scan", table.schedule.allowsScan ? .plain("true") : nil)
        add("average_row_bytes", .plain("\(mapping.averageRowBytes)"))
        add("columns", .list(mapping.columns.map(column)))
        return .map(fields)
    }

    private static func column(_ column: ColumnMapping) -> DocumentValue {
        var fields = [
            DocumentField("name", .text(column.source.name)), DocumentField("type", .text(column.source.typeName)),
            DocumentField("nullable", .plain(column.source.isNullable ? "true" : "false")),
            DocumentField("destination_name", .text(column.destinationName)),
            DocumentField("redshift_type", .text(column.destinationType.sql)),
        ]
        if column.source.replicaType != column.destinationType {
            fields.append(DocumentField("default_redshift_type", .text(column.source.replicaType.sql)))
        }
        if column.treatment == .hashed { fields.append(DocumentField("hashed", .plain("true"))) }
        return .map(fields, isCompact: true)
    }

    private static func number(_ duration: Duration) -> DocumentValue {
        let seconds = duration / .seconds(1)
        return .plain(seconds.rounded() == seconds ? "\(Int(seconds))" : "\(seconds)")
    }
}

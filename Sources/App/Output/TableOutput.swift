import Operations
import Replication
import Scheduling

/// How one table is printed: settings, position and columns.
enum TableOutput {
    static func page(_ status: TableStatus) -> String {
        let mapping = status.table.mapping
        let facts = (identity(status) + settings(status) + position(status)).map { label, value in
            label.padding(toLength: 18, withPad: " ", startingAt: 0) + value
        }
        let columns = Terminal.table(
            ["COLUMN", "TYPE", "IN REDSHIFT"],
            mapping.columns.map {
                let note = $0.treatment == .hashed ? ", hashed" : ""
                return [$0.source.name, $0.source.typeName, "\($0.destinationName) \($0.destinationType.sql)\(note)"]
            })
        return (facts + ["", columns] + StatusOutput.problems([status])).joined(separator: "\n")
    }

    private static func identity(_ status: TableStatus) -> [(String, String)] {
        let mapping = status.table.mapping
        var facts = [
            ("Table", mapping.label), ("State", status.state.label), ("Mode", mapping.mode.rawValue),
            ("Source", mapping.source.description), ("Destination", mapping.destination.description),
            ("Key", mapping.primaryKey.isEmpty ? "–" : mapping.primaryKey.joined(separator: ", ")),
        ]
        switch mapping.mode {
        case .updateAndInsert: facts.append(("Updated key", mapping.updatedKey ?? "–"))
        case .insertOnly: facts.append(("Cursor key", mapping.cursorColumn?.source.name ?? "–"))
        case .fullSync: facts.append(("Refresh", mapping.refresh.rawValue))
        }
        return facts
    }

    /// Settings that differ from their defaults.
    private static func settings(_ status: TableStatus) -> [(String, String)] {
        let (mapping, schedule) = (status.table.mapping, status.table.schedule)
        let facts: [(String, String?)] = [
            ("Left out", listed(mapping.scope.excludedColumns)), ("Where", mapping.scope.filter),
            ("Bad values", mapping.badValues == .fail ? "fail" : nil),
            ("Distkey", mapping.layout.distributionKey.map { $0.isEmpty ? "auto" : $0 }),
            ("Sortkey", mapping.layout.sortKey.map { listed($0) ?? "none" }),
            ("Interval", schedule.interval.map(DurationText.text)),
            ("Freshness target", schedule.freshnessTarget.map(DurationText.text)),
            ("Window (UTC)", schedule.window?.text), ("Row limit", schedule.rowLimit.map(Terminal.grouped)),
            ("Chunk size", schedule.chunkSize.map(Terminal.grouped)),
            ("Scan back", schedule.scanBack.map(DurationText.text)), ("Scan", schedule.allowsScan ? "allowed" : nil),
        ]
        return facts.compactMap { label, value in value.map { (label, $0) } }
    }

    private static func position(_ status: TableStatus) -> [(String, String)] {
        let state = status.table.mirror?.state
        let target = DurationText.rough(seconds: status.targetSeconds)
        let position = [state?.maxUpdatedKey, state?.maxPrimaryKey?.joined(separator: ", ")].compactMap { $0 }
        return [
            ("Rows", state.map { Terminal.grouped($0.replicaRows) } ?? "–"),
            ("Behind", (status.behindSeconds.map { DurationText.rough(seconds: $0) } ?? "–") + " (target \(target))"),
            ("Position", position.joined(separator: ", key ")), ("Complete up to", state?.completeUpTo?.iso8601 ?? "–"),
        ]
    }

    private static func listed(_ names: [String]) -> String? { names.isEmpty ? nil : names.joined(separator: ", ") }

    // MARK: JSON

    static func json(_ status: TableStatus) -> JSONValue {
        let (mapping, schedule) = (status.table.mapping, status.table.schedule)
        let more: [(String, JSONValue)] = [
            ("source_schema", .string(mapping.source.schema)),
            ("destination_schema", .string(mapping.destination.schema)),
            ("primary_key", strings(mapping.primaryKey)), ("updated_key", .optional(mapping.updatedKey)),
            ("cursor_key", .optional(mapping.cursorKey)), ("excluded_columns", strings(mapping.scope.excludedColumns)),
            ("where", .optional(mapping.scope.filter)), ("on_bad_value", .string(mapping.badValues.rawValue)),
            ("refresh", .string(mapping.refresh.rawValue)), ("distkey", .optional(mapping.layout.distributionKey)),
            ("sortkey", mapping.layout.sortKey.map(strings) ?? .null),
            ("interval_seconds", seconds(schedule.interval)), ("window", .optional(schedule.window?.text)),
            ("row_limit", .optional(schedule.rowLimit)), ("chunk_size", .optional(schedule.chunkSize)),
            ("time_travel_scan_back_period", seconds(schedule.scanBack)), ("allow_scan", .bool(schedule.allowsScan)),
            ("columns", .array(mapping.columns.map(column))),
        ]
        return .object([("schema_version", .integer(1)), ("table", .object(StatusOutput.fields(status) + more))])
    }

    private static func column(_ column: ColumnMapping) -> JSONValue {
        .object([
            ("name", .string(column.source.name)), ("type", .string(column.source.typeName)),
            ("destination_name", .string(column.destinationName)),
            ("redshift_type", .string(column.destinationType.sql)), ("hashed", .bool(column.treatment == .hashed)),
        ])
    }

    private static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    private static func seconds(_ duration: Duration?) -> JSONValue { .optional(duration.map { $0 / .seconds(1) }) }
}

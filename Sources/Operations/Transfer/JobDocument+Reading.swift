import Foundation
import Replication
import Scheduling

/// A job as a file names it.
struct DocumentedJob: Sendable {
    var name: String
    /// nil where the file names no variable.
    var source: ConnectionReference?
    var destination: ConnectionReference?
    var sourceSchemas: [String]
    var destinationSchema: String
    var destinationPrefix: String
    /// nil: as it is; false for a new job.
    var active: Bool?
    var interval: Duration
    var session: DestinationSession
    var tables: [DocumentedTable]
}

/// A table as a file names it.
struct DocumentedTable: Sendable {
    var mapping: TableMapping
    var schedule: TableSchedule
    var disabled: Bool
}

extension JobDocument {
    /// - Returns: The jobs, as far as they could be read, and everything that is wrong with the file.
    static func read(_ document: DocumentValue) -> (jobs: [DocumentedJob], problems: [String]) {
        var reader = DocumentReader(document, at: "the file")
        if let number = reader.text("version"), number != "\(version)" {
            reader.problem("version \(number) is not known; this release reads \(version)")
        }
        let values = reader.list("jobs") ?? []
        if values.isEmpty { reader.problem("jobs is missing or empty") }
        reader.refuseOthers()
        var jobs: [DocumentedJob] = []
        var problems = reader.problems
        for (index, value) in values.enumerated() {
            let (job, found) = job(value, number: index + 1)
            problems += found
            if jobs.contains(where: { $0.name == job.name }) { problems.append("job \(job.name): it is named twice") }
            jobs.append(job)
        }
        return (jobs, problems)
    }

    private static func job(_ value: DocumentValue, number: Int) -> (DocumentedJob, [String]) {
        var name = "job \(number)"
        if case .map(let fields, _) = value, case .text(let text)? = fields.first(where: { $0.name == "name" })?.value {
            name = "job \(text)"
        }
        var reader = DocumentReader(value, at: name)
        var job = DocumentedJob(
            name: reader.required("name"), source: reader.text("source_url_env").map { .environment(variable: $0) },
            destination: reader.text("destination_url_env").map { .environment(variable: $0) },
            sourceSchemas: reader.texts("source_schemas") ?? ["public"],
            destinationSchema: reader.text("destination_schema") ?? "public",
            destinationPrefix: reader.text("destination_prefix") ?? "", active: reader.boolean("active"),
            interval: reader.seconds("interval_seconds", atLeast: 1) ?? .seconds(60), session: session(&reader),
            tables: [])
        let tables = reader.list("tables") ?? []
        reader.refuseOthers()
        var problems = reader.problems
        for (index, value) in tables.enumerated() {
            let (table, found) = table(value, number: index + 1, of: job)
            problems += found
            if let table {
                if job.tables.contains(where: { $0.mapping.source == table.mapping.source }) {
                    problems.append("\(table.mapping.label): it is named twice")
                }
                job.tables.append(table)
            }
        }
        return (job, problems)
    }

    private static func session(_ reader: inout DocumentReader) -> DestinationSession {
        DestinationSession(
            queryGroup: reader.text("query_group"),
            statementTimeout: reader.parsed(
                "statement_timeout", "a time with its unit such as 300s or 5m", SpelledDuration.parse),
            slotCount: reader.integer("wlm_query_slot_count", in: JobRules.slotCounts))
    }

    private static func table(
        _ value: DocumentValue, number: Int, of job: DocumentedJob
    ) -> (DocumentedTable?, [String]) {
        var place = "\(job.name), table \(number)"
        if case .map(let fields, _) = value,
            case .text(let text)? = fields.first(where: { $0.name == "source_name" })?.value
        {
            place = "\(job.name)/\(text)"
        }
        var reader = DocumentReader(value, at: place)
        let source = TableName(
            schema: reader.text("source_schema") ?? job.sourceSchemas.first ?? "public",
            name: reader.required("source_name"))
        let suggested = DestinationNaming.suggested(for: source, job: (job.destinationSchema, job.destinationPrefix))
        let mode = reader.parsed(
            "table_copy_type", "one of \(SyncMode.allCases.map(\.rawValue).joined(separator: ", "))"
        ) {
            SyncMode(spelled: $0)
        }
        if mode == nil, reader.text("table_copy_type") == nil { reader.problem("table_copy_type is missing") }
        var mapping = TableMapping(
            jobName: job.name, source: source,
            destination: TableName(
                schema: reader.text("destination_schema") ?? suggested.schema,
                name: reader.text("destination_name") ?? suggested.name),
            mode: mode ?? .fullSync, primaryKey: reader.texts("primary_key") ?? [],
            updatedKey: reader.text("updated_key"), cursorKey: reader.text("cursor_key"), columns: [],
            scope: CopyScope(excludedColumns: reader.texts("excluded_columns") ?? [], filter: reader.text("where")),
            badValues: reader.choice("on_bad_value", BadValuePolicy.self) ?? .repair,
            refresh: reader.choice("refresh", RefreshMethod.self) ?? .swap,
            layout: ReplicaLayout(distributionKey: reader.text("distkey"), sortKey: reader.texts("sortkey")),
            averageRowBytes: reader.integer("average_row_bytes", in: 1...1_000_000_000) ?? 200)
        let schedule = schedule(&reader)
        let disabled = reader.boolean("disabled") ?? false
        let columns = reader.list("columns") ?? []
        if columns.isEmpty { reader.problem("columns is missing or empty") }
        reader.refuseOthers()
        var problems = reader.problems
        for (index, value) in columns.enumerated() {
            let (column, found) = column(value, at: "\(place), column \(index + 1)")
            problems += found
            if let column { mapping.columns.append(column) }
        }
        if problems.isEmpty { problems += rulesBroken(mapping).map { "\(place): \($0)" } }
        return (DocumentedTable(mapping: mapping, schedule: schedule, disabled: disabled), problems)
    }

    private static func schedule(_ reader: inout DocumentReader) -> TableSchedule {
        TableSchedule(
            interval: reader.seconds("interval_seconds", atLeast: 1),
            window: reader.parsed("window", "hours such as 22:00-06:00") { DailyWindow($0) },
            freshnessTarget: reader.seconds("freshness_target_seconds", atLeast: 1),
            rowLimit: reader.integer("row_limit", in: 1...100_000_000),
            chunkSize: reader.integer("chunk_size", in: 1...1_000_000),
            scanBack: reader.seconds("time_travel_scan_back_period", atLeast: 0),
            allowsScan: reader.boolean("allow_scan") ?? false)
    }

    private static func column(_ value: DocumentValue, at place: String) -> (ColumnMapping?, [String]) {
        var reader = DocumentReader(value, at: place)
        let name = reader.required("name")
        let typeName = reader.required("type")
        let isNullable = reader.boolean("nullable") ?? true
        let destinationName = reader.text("destination_name") ?? ReplicaNaming.replicaName(name)
        let type = reader.parsed("redshift_type", "a type of Redshift") { ReplicaType(sql: $0) }
        let standard = reader.parsed("default_redshift_type", "a type of Redshift") { ReplicaType(sql: $0) }
        let isHashed = reader.boolean("hashed") ?? false
        if type == nil, reader.text("redshift_type") == nil { reader.problem("redshift_type is missing") }
        reader.refuseOthers()
        guard let type, reader.problems.isEmpty else { return (nil, reader.problems) }
        let source = SourceColumn(
            name: name, typeName: typeName, isNullable: isNullable, replicaType: standard ?? type)
        return (
            ColumnMapping(
                source: source, destinationName: destinationName, destinationType: type,
                treatment: isHashed ? .hashed : nil), []
        )
    }

    /// What `tables set` would refuse.
    private static func rulesBroken(_ mapping: TableMapping) -> [String] {
        var broken: [String] = []
        func check(_ body: () throws -> Void) {
            do {
                try body()
            } catch let error as OperationError {
                broken.append("\(error.what): \(error.why)")
            } catch {
                broken.append("\(error)")
            }
        }
        check { try ModeRules.check(mapping) }
        check { _ = try DestinationNaming.checked(mapping.destination.name, schema: mapping.destination.schema) }
        check { _ = try DestinationNaming.checked(mapping.destination.schema, schema: "") }
        check {
            // An edit that changes nothing checks what is there.
            var edit = MappingEdit(mapping)
            try edit.apply(TableSettingsChange())
        }
        let names = mapping.columns.map(\.destinationName)
        if Set(names.map(ReplicaNaming.folded)).count != names.count {
            broken.append("two columns would share one name in Redshift, which folds names to lower case")
        }
        for column in mapping.columns {
            let name = column.source.name
            if column.treatment == .hashed, column.destinationType != MappingEdit.hashType {
                broken.append("\(name) is hashed: its redshift_type is VARCHAR(64)")
            } else if column.treatment == nil, !column.destinationType.carries(column.source.replicaType) {
                broken.append("\(name) cannot arrive as \(column.destinationType.sql): not every value fits into it")
            }
        }
        return broken
    }
}

import Foundation
import Operations
import Replication
import Scheduling

/// How discovery is printed.
enum DiscoveryOutput {
    static func tell(_ survey: [DiscoveredTable], job: JobRecord, created: Bool, json: Bool) {
        if json {
            Terminal.answer(Self.json(survey, job: job, created: created).text)
            return
        }
        let header = ["", "TABLE", "SIZE", "ROWS~", "SUGGESTED MODE", "WHY"]
        let rows = survey.map { found in
            [
                mark(found.decision), found.table.name.name, Terminal.bytes(found.table.bytes),
                found.table.estimatedRows < 0 ? "?" : Terminal.grouped(found.table.estimatedRows),
                found.suggestion.mode?.rawValue ?? "–", why(found),
            ]
        }
        Terminal.answer(Terminal.table(header, rows, rightAligned: [2, 3]))
        for found in survey where found.decision == .create {
            for warning in found.suggestion.warnings { Terminal.message("▲ \(found.table.name.name): \(warning)") }
        }
        let count = survey.filter { $0.decision == .create }.count
        if created {
            Terminal.message("\(count) tables created. Next: redshift-loader sync \(job.name) --wait")
        } else {
            Terminal.message(
                "Nothing was created. To create \(count) tables: redshift-loader tables discover \(job.name) --create --all"
            )
        }
    }

    private static func mark(_ decision: DiscoveredTable.Decision) -> String {
        switch decision {
        case .create: "[x]"
        case .exists: "[=]"
        case .skip: "[ ]"
        }
    }

    private static func why(_ found: DiscoveredTable) -> String {
        switch found.decision {
        case .create: found.suggestion.reason
        case .exists: "replicated already"
        case .skip(let reason): "skipped: \(reason)"
        }
    }

    private static func json(_ survey: [DiscoveredTable], job: JobRecord, created: Bool) -> JSONValue {
        let tables = survey.map { found in
            let decision: String =
                switch found.decision {
                case .create: created ? "created" : "create"
                case .exists: "exists"
                case .skip: "skip"
                }
            let reason: String? = if case .skip(let text) = found.decision { text } else { nil }
            return JSONValue.object([
                ("job", .string(job.name)), ("source_name", .string(found.table.name.name)),
                ("source_schema", .string(found.table.name.schema)), ("kind", .string(found.table.kind.rawValue)),
                ("bytes", .integer(found.table.bytes)), ("estimated_rows", .integer(found.table.estimatedRows)),
                ("table_copy_type", .optional(found.suggestion.mode?.rawValue)),
                ("primary_key", .array(found.suggestion.primaryKey.map { .string($0) })),
                ("updated_key", .optional(found.suggestion.updatedKey)), ("reason", .string(found.suggestion.reason)),
                ("decision", .string(decision)), ("skipped_because", .optional(reason)),
                ("warnings", .array(found.suggestion.warnings.map { .string($0) })),
                ("columns", .array(found.table.columns.map(column))),
            ])
        }
        return .object([("schema_version", .integer(1)), ("tables", .array(tables))])
    }

    private static func column(_ column: SourceColumn) -> JSONValue {
        .object([
            ("name", .string(column.name)), ("type", .string(column.typeName)), ("nullable", .bool(column.isNullable)),
            ("redshift_type", .string(column.replicaType.sql)),
        ])
    }
}

import Foundation
import Operations
import Replication
import Scheduling

/// How discovery is printed.
struct DiscoveryOutput {
    private let survey: [DiscoveredTable]
    private let job: JobRecord
    private let selection: TableSelection
    private let summary: DiscoverySummary
    private let isCreated: Bool

    /// - Parameter only: The globs that tables were chosen by, as they were given.
    init(
        _ survey: [DiscoveredTable], job: JobRecord, selection: TableSelection = .all, only: String? = nil,
        isCreated: Bool
    ) {
        self.survey = survey
        self.job = job
        self.selection = selection
        self.isCreated = isCreated
        summary = DiscoverySummary(survey, job: job.name, only: only)
    }

    /// - Parameter columns: With what becomes of each column of the tables that were asked for.
    func tell(json: Bool, columns: Bool) {
        if json {
            Terminal.answer(document.text)
            return
        }
        Terminal.answer(table)
        if columns {
            for found in survey where selection.includes(found.table.name) { Terminal.answer(columnTable(found)) }
        }
        for found in survey where found.decision == .create { tellNotes(found) }
        Terminal.message(isCreated ? summary.result : summary.proposal)
    }

    // MARK: Text

    private var table: String {
        let rows = survey.map { found in
            [
                mark(found.decision), name(found.table.name), Terminal.bytes(found.table.bytes),
                found.table.estimatedRows < 0 ? "?" : Terminal.grouped(found.table.estimatedRows),
                (found.decision == .exists ? found.mapping?.mode : found.suggestion.mode)?.rawValue ?? "–", why(found),
            ]
        }
        return Terminal.table(["", "TABLE", "SIZE", "ROWS~", "SUGGESTED MODE", "WHY"], rows, rightAligned: [2, 3])
    }

    /// With its schema where there are several.
    private func name(_ table: TableName) -> String { job.sourceSchemas.count > 1 ? "\(table)" : table.name }

    private func tellNotes(_ found: DiscoveredTable) {
        let name = name(found.table.name)
        for warning in found.warnings { Terminal.message("▲ \(name): \(warning)") }
        if let interval = found.interval {
            Terminal.message(
                "▲ \(name): read whole, so it is due every \(DurationText.text(interval)), not every "
                    + "\(DurationText.text(job.interval)); tables set \(job.name)/\(name) --interval changes that")
        }
        if let note = found.ownershipNote(label: "\(job.name)/\(name)") { Terminal.message("▲ \(name): \(note)") }
        for note in found.exclusionNotes(label: "\(job.name)/\(name)") { Terminal.message("▲ \(name): \(note)") }
    }

    private func columnTable(_ found: DiscoveredTable) -> String {
        let reasons = Dictionary(
            found.exclusions.map { ($0.column, $0.reason) }, uniquingKeysWith: { first, _ in first })
        let rows = found.table.columns.map { column -> [String] in
            let mapped = found.mapping?.column(column.name)
            let note = reasons[column.name].map { "left out: \($0)" } ?? column.warnings.joined(separator: "; ")
            return [
                column.name, column.typeName, mapped?.destinationName ?? "–", mapped?.destinationType.sql ?? "–", note,
            ]
        }
        let replica = found.mapping.map { " → \($0.destination)" } ?? ""
        return "\n\(found.table.name)\(replica)\n"
            + Terminal.table(["COLUMN", "TYPE", "IN REDSHIFT", "TYPE", "NOTE"], rows)
    }

    private func mark(_ decision: DiscoveredTable.Decision) -> String {
        switch decision {
        case .create: "[x]"
        case .exists: "[=]"
        case .skip: "[ ]"
        }
    }

    private func why(_ found: DiscoveredTable) -> String {
        switch found.decision {
        case .create: found.suggestion.reason
        case .exists: "replicated already"
        case .skip(let reason): "skipped: \(reason)"
        }
    }

    // MARK: JSON

    private var document: JSONValue {
        .object([("schema_version", .integer(1)), ("tables", .array(survey.map(entry)))])
    }

    private func entry(_ found: DiscoveredTable) -> JSONValue {
        let decision: String =
            switch found.decision {
            case .create: isCreated ? "created" : "create"
            case .exists: "exists"
            case .skip: "skip"
            }
        let reason: String? = if case .skip(let text) = found.decision { text } else { nil }
        let excluded = found.exclusions.map {
            JSONValue.object([("name", .string($0.column)), ("reason", .string($0.reason))])
        }
        return .object([
            ("job", .string(job.name)), ("source_name", .string(found.table.name.name)),
            ("source_schema", .string(found.table.name.schema)), ("kind", .string(found.table.kind.rawValue)),
            ("destination_schema", .optional(found.mapping?.destination.schema)),
            ("destination_name", .optional(found.mapping?.destination.name)),
            ("bytes", .integer(found.table.bytes)), ("estimated_rows", .integer(found.table.estimatedRows)),
            ("table_copy_type", .optional((found.mapping?.mode ?? found.suggestion.mode)?.rawValue)),
            ("primary_key", .array(found.suggestion.primaryKey.map { .string($0) })),
            ("updated_key", .optional(found.suggestion.updatedKey)), ("reason", .string(found.suggestion.reason)),
            ("interval_seconds", .optional(found.interval.map { $0 / .seconds(1) })),
            ("decision", .string(decision)), ("skipped_because", .optional(reason)),
            ("warnings", .array(found.warnings.map { .string($0) })),
            ("excluded_columns", .array(excluded)),
            ("columns", .array(found.table.columns.map { column($0, of: found) })),
        ])
    }

    private func column(_ column: SourceColumn, of found: DiscoveredTable) -> JSONValue {
        let mapped = found.mapping?.column(column.name)
        return .object([
            ("name", .string(column.name)), ("type", .string(column.typeName)), ("nullable", .bool(column.isNullable)),
            ("destination_name", .optional(mapped?.destinationName)),
            ("redshift_type", .string((mapped?.destinationType ?? column.replicaType).sql)),
            ("excluded", .bool(found.exclusions.contains { $0.column == column.name })),
            ("warnings", .array(column.warnings.map { .string($0) })),
        ])
    }
}

import Foundation
import Operations
import Replication
import Scheduling

/// How state is printed: the same facts for people and machines.
enum StatusOutput {
    // MARK: Text

    /// One line a job, worst state first.
    static func jobs(_ report: StatusReport) -> String {
        let byJob = Dictionary(grouping: report.tables) { $0.job.name }
        let rows = byJob.sorted { $0.key < $1.key }.map { name, tables -> [String] in
            let worst = TableState.worstFirst.first { state in tables.contains { $0.state == state } } ?? .new
            let behind =
                tables.filter { $0.state != .disabled }.compactMap(\.behindSeconds).max().map {
                    DurationText.rough(seconds: $0)
                } ?? "–"
            func count(_ states: TableState...) -> String { String(tables.filter { states.contains($0.state) }.count) }
            return [
                name, worst.label, String(tables.count), count(.onTime, .syncing, .compareDue), count(.late, .initial),
                count(.failed, .retrying), behind,
            ]
        }
        return Terminal.table(
            ["JOB", "STATE", "TABLES", "ON TIME", "LATE", "FAILED", "BEHIND"], rows, rightAligned: [2, 3, 4, 5, 6])
    }

    static func tables(_ tables: [TableStatus]) -> String {
        let rows = tables.map { status -> [String] in
            let state = status.table.mirror?.state
            return [
                status.table.mapping.label, status.state.label, status.table.mapping.mode.rawValue,
                state.map { Terminal.grouped($0.replicaRows) } ?? "–",
                status.behindSeconds.map { DurationText.rough(seconds: $0) } ?? "–",
                state?.completeUpTo?.text.prefix(19).description ?? "–",
            ]
        }
        return Terminal.table(
            ["TABLE", "STATE", "MODE", "ROWS", "BEHIND", "COMPLETE UP TO (UTC)"], rows, rightAligned: [3, 4])
    }

    /// What went wrong and what to do, a paragraph a table.
    static func problems(_ tables: [TableStatus]) -> [String] {
        tables.flatMap { status -> [String] in
            guard status.state != .disabled else { return [] }
            let label = status.table.mapping.label
            let failure = status.table.failure.map { failure in
                """
                \(label)  \(status.state.label): \(failure.what): \(failure.why). (\(failure.code.rawValue))
                  Fix:  \(failure.fix)
                  Then: redshift-loader sync \(label) --wait
                """
            }
            let doubt = status.compareDue.map { notice in
                """
                \(label)  \(TableState.compareDue.label): \(notice.message).
                  Fix:  \(notice.fix)
                  Then: redshift-loader sync \(label) --wait
                """
            }
            return [failure, doubt].compactMap { $0 }
        }
    }

    static func runs(_ copies: [TableCopyRecord]) -> String {
        let rows = copies.map { copy -> [String] in
            let seconds = copy.finishedAt.map { $0.timeIntervalSince(copy.startedAt) }
            func rounded(_ value: Double) -> String { "\((value * 10).rounded() / 10) s" }
            return [
                copy.startedAt.formatted(.iso8601), copy.result.rawValue, Terminal.grouped(copy.rows),
                String(copy.batches), rounded(copy.stageSeconds), rounded(copy.loadSeconds),
                seconds.map(rounded) ?? "–", details(copy).joined(separator: "; "),
            ]
        }
        return Terminal.table(
            ["STARTED", "RESULT", "ROWS", "BATCHES", "READ+STAGE", "LOAD", "TOTAL", "DETAIL"], rows,
            rightAligned: [2, 3, 4, 5, 6])
    }

    private static func details(_ copy: TableCopyRecord) -> [String] {
        var details = copy.failure.map { ["\($0.message) (\($0.code.rawValue))"] } ?? []
        if copy.repaired > 0 { details.append("\(Terminal.grouped(copy.repaired)) values repaired") }
        return details + copy.notices
    }

    // MARK: JSON

    static func json(_ report: StatusReport) -> JSONValue {
        .object([
            ("schema_version", .integer(1)), ("generated_at", .time(report.generatedAt)),
            ("tables", .array(report.tables.map { .object(fields($0)) })),
        ])
    }

    static func fields(_ status: TableStatus) -> [(String, JSONValue)] {
        let mapping = status.table.mapping
        let state = status.table.mirror?.state
        return [
            ("job", .string(status.job.name)), ("source_name", .string(mapping.source.name)),
            ("destination_name", .string(mapping.destination.name)),
            ("table_copy_type", .string(mapping.mode.rawValue)),
            ("state", .string(status.state.rawValue)), ("active", .bool(status.job.active)),
            ("disabled", .bool(status.table.disabled)), ("rows", state.map { .integer($0.replicaRows) } ?? .null),
            ("behind_seconds", .optional(status.behindSeconds)),
            ("freshness_target_seconds", .number(status.targetSeconds)),
            ("max_primary_key", maxPrimaryKey(state, mapping)), ("max_updated_key", .optional(state?.maxUpdatedKey)),
            ("complete_up_to", .optional(state?.completeUpTo?.iso8601)),
            (
                "compare_due",
                status.compareDue.map {
                    .object([
                        ("reason", .string($0.reason.rawValue)), ("message", .string($0.message)),
                        ("fix", .string($0.fix)),
                    ])
                } ?? .null
            ),
            ("last_copy", status.table.lastCopy.map(copy) ?? .null),
            ("error", status.table.failure.map(failure) ?? .null),
        ]
    }

    /// A number where the key is one integer, else its text; an array for a composite key.
    private static func maxPrimaryKey(_ state: CheckpointState?, _ mapping: TableMapping) -> JSONValue {
        guard let key = state?.maxPrimaryKey, !key.isEmpty else { return .null }
        let parts = zip(key, mapping.keyColumns).map { text, column -> JSONValue in
            switch column.destinationType {
            case .smallint, .integer, .bigint: Int(text).map { .integer($0) } ?? .string(text)
            default: .string(text)
            }
        }
        return parts.count == 1 ? parts[0] : .array(parts)
    }

    static func copy(_ copy: TableCopyRecord) -> JSONValue {
        .object([
            ("id", .integer(Int(copy.id))), ("started_at", .time(copy.startedAt)),
            ("finished_at", .time(copy.finishedAt)),
            ("seconds", .optional(copy.finishedAt.map { $0.timeIntervalSince(copy.startedAt) })),
            ("result", .string(copy.result.rawValue)), ("rows", .integer(copy.rows)),
            ("batches", .integer(copy.batches)),
            ("bytes", .integer(copy.bytes)), ("stage_seconds", .number(copy.stageSeconds)),
            ("load_seconds", .number(copy.loadSeconds)), ("repaired", .integer(copy.repaired)),
            ("notices", .array(copy.notices.map { .string($0) })), ("error", copy.failure.map(failure) ?? .null),
        ])
    }

    static func failure(_ failure: RunFailure) -> JSONValue {
        .object([
            ("code", .string(failure.code.rawValue)), ("message", .string(failure.message)),
            ("fix", .string(failure.fix)),
            ("needs_you", .bool(!failure.code.isTransient)), ("at", .time(failure.at)),
        ])
    }
}

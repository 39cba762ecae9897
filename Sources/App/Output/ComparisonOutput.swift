import Operations
import Replication

/// How counts of both sides are printed.
enum ComparisonOutput {
    static func table(_ comparisons: [TableComparison]) -> String {
        let rows = comparisons.map { comparison -> [String] in
            let difference =
                comparison.difference.map { $0 == 0 ? "0" : ($0 > 0 ? "+" : "") + Terminal.grouped($0) } ?? "–"
            return [
                mark(comparison.outcome), comparison.table.mapping.label,
                comparison.sourceRows.map(Terminal.grouped) ?? "too many", replica(comparison.replicaRows), difference,
            ]
        }
        return Terminal.table(["", "TABLE", "SOURCE", "REPLICA", "DIFFERENCE"], rows, rightAligned: [2, 3, 4])
    }

    /// What explains a difference; nothing where there is none.
    static func notes(_ comparisons: [TableComparison]) -> [String] {
        var notes = comparisons.filter { $0.outcome == .different && $0.replicaRows != .missing }.map { comparison in
            let asOf = comparison.table.mirror?.state.caughtUpAsOf
            return
                "\(comparison.table.mapping.label): synced up to \(asOf.map { "\($0.text.prefix(19)) UTC" } ?? "no time yet")."
        }
        if !notes.isEmpty {
            notes.append("Rows newer than that, and rows deleted at the source, explain a difference.")
        }
        for comparison in comparisons where comparison.replicaRows == .missing {
            notes.append(
                "\(comparison.table.mapping.label): \(comparison.table.mapping.destination) does not exist yet.")
        }
        if comparisons.contains(where: { $0.outcome == .unknown }) {
            notes.append("A side was not counted within 5 s.")
        }
        return notes
    }

    static func json(_ comparisons: [TableComparison]) -> JSONValue {
        let tables = comparisons.map { comparison in
            let replica: JSONValue =
                if case .rows(let count) = comparison.replicaRows { .integer(count) } else { .null }
            return JSONValue.object([
                ("job", .string(comparison.table.mapping.jobName)),
                ("source_schema", .string(comparison.table.mapping.source.schema)),
                ("source_name", .string(comparison.table.mapping.source.name)),
                ("source_rows", comparison.sourceRows.map { .integer($0) } ?? .null), ("replica_rows", replica),
                ("replica_exists", .bool(comparison.replicaRows != .missing)),
                ("outcome", .string(comparison.outcome.rawValue)),
                ("synced_up_to", .optional(comparison.table.mirror?.state.caughtUpAsOf?.iso8601)),
            ])
        }
        return .object([("schema_version", .integer(1)), ("tables", .array(tables))])
    }

    private static func mark(_ outcome: TableComparison.Outcome) -> String {
        switch outcome {
        case .equal: "✔"
        case .different: "✖"
        case .unknown: "?"
        }
    }

    private static func replica(_ count: ReplicaCount) -> String {
        switch count {
        case .rows(let rows): Terminal.grouped(rows)
        case .tooMany: "too many"
        case .missing: "no table"
        }
    }
}

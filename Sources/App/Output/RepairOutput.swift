import Foundation
import Operations
import Replication
import Scheduling

/// How repaired values are printed: where they lie and why, never what they say.
enum RepairOutput {
    static func table(_ repairs: [RepairRecord], of table: TableRecord) -> String {
        let key = table.mapping.primaryKey.isEmpty ? "ROW" : table.mapping.primaryKey.joined(separator: ", ")
        let rows = repairs.map { repair in
            [
                repair.value.key.joined(separator: ", "), repair.value.column, repair.value.reason.rawValue,
                Terminal.grouped(repair.value.originalBytes), time(repair.firstSeenAt), time(repair.lastSeenAt),
                Terminal.grouped(repair.count),
            ]
        }
        return Terminal.table(
            [key, "COLUMN", "REASON", "BYTES", "FIRST SEEN (UTC)", "LAST SEEN (UTC)", "TIMES"], rows,
            rightAligned: [3, 6])
    }

    /// What the reasons mean, and how many are not shown.
    static func notes(_ repairs: [RepairRecord], count: Int) -> [String] {
        var notes = Set(repairs.map(\.value.reason)).sorted { $0.rawValue < $1.rawValue }
            .map { "\($0.rawValue): \($0.sentence)" }
        if count > repairs.count { notes.append("\(Terminal.grouped(count)) in all; more by --limit.") }
        return notes
    }

    static func json(_ repairs: [RepairRecord], of table: TableRecord, count: Int) -> JSONValue {
        let values = repairs.map { repair in
            JSONValue.object([
                ("key", .array(repair.value.key.map { .string($0) })), ("column", .string(repair.value.column)),
                ("reason", .string(repair.value.reason.rawValue)),
                ("original_bytes", .integer(repair.value.originalBytes)),
                ("first_seen_at", .time(repair.firstSeenAt)), ("last_seen_at", .time(repair.lastSeenAt)),
                ("count", .integer(repair.count)),
            ])
        }
        return .object([
            ("schema_version", .integer(1)), ("job", .string(table.mapping.jobName)),
            ("source_name", .string(table.mapping.source.name)),
            ("primary_key", .array(table.mapping.primaryKey.map { .string($0) })),
            ("repaired_total", .integer(count)), ("repaired_values", .array(values)),
        ])
    }

    private static func time(_ date: Date) -> String {
        date.formatted(.iso8601.year().month().day().dateTimeSeparator(.space).time(includingFractionalSeconds: false))
    }
}

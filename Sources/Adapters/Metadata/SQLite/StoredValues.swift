import Foundation
import GRDB
import Operations
import Replication
import Scheduling

extension Date {
    /// Microseconds since 1970.
    var storedMicroseconds: Int64 { Int64((timeIntervalSince1970 * 1_000_000).rounded()) }

    init(storedMicroseconds: Int64) {
        self.init(timeIntervalSince1970: Double(storedMicroseconds) / 1_000_000)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}

/// JSON columns, with sorted keys so that equal values are equal texts.
enum StoredJSON {
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// None where they cannot be read: they are only shown.
    static func texts(_ text: String) -> [String] { (try? value([String].self, from: text)) ?? [] }

    static func value<Value: Decodable>(_ type: Value.Type, from text: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}

extension Optional where Wrapped == RunFailure {
    /// The five `error_…` columns; all NULL without a failure.
    var storedColumns: StatementArguments {
        [
            "error_code": self?.code.rawValue, "error_what": self?.what, "error_why": self?.why, "error_fix": self?.fix,
            "error_at": self?.at.storedMicroseconds,
        ]
    }
}

extension RunFailure {
    /// - Returns: nil where no failure is stored.
    init?(row: Row, prefix: String) {
        guard let code: String = row[prefix + "error_code"] else { return nil }
        self.init(
            // A code of another version of this program.
            code: ErrorCode(rawValue: code) ?? .internal, what: row[prefix + "error_what"] ?? "",
            why: row[prefix + "error_why"] ?? "", fix: row[prefix + "error_fix"] ?? "",
            at: Date(storedMicroseconds: row[prefix + "error_at"] ?? 0))
    }
}

extension TableCopyRecord {
    /// - Returns: nil where a table's row carries no copy.
    init?(row: Row) {
        guard let id: Int64 = row["copy_id"] else { return nil }
        let finished: Int64? = row["copy_finished_at"]
        self.init(
            id: id, tableID: row["copy_table_id"], startedAt: Date(storedMicroseconds: row["copy_started_at"]),
            finishedAt: finished.map(Date.init(storedMicroseconds:)),
            result: Result(rawValue: row["copy_result"]) ?? .failed, rows: row["copy_rows"],
            batches: row["copy_batches"], bytes: row["copy_bytes"], stageSeconds: row["copy_stage_seconds"],
            loadSeconds: row["copy_load_seconds"], repaired: row["copy_repaired"],
            notices: StoredJSON.texts(row["copy_notices"]), failure: RunFailure(row: row, prefix: "copy_"),
            owner: row["copy_owner"])
    }
}

extension Scheduling.TableRecord {
    /// - Throws: `OperationError` where the mapping cannot be read. A mirror that cannot counts as none: the next run
    ///   then asks the destination.
    init(row: Row) throws {
        let checkpoint: String? = row["checkpoint"]
        let requested: Int64? = row["requested_at"]
        self.init(
            id: row["id"], jobID: row["job_id"], mapping: try Self.mapping(row), schedule: try Self.schedule(row),
            disabled: row["disabled"], nextRunAt: Date(storedMicroseconds: row["next_run_at"]),
            requestedAt: requested.map(Date.init(storedMicroseconds:)), lease: TableLease(row: row),
            mirror: checkpoint.flatMap { try? StoredJSON.value(Checkpoint.self, from: $0) },
            consecutiveFailures: row["consecutive_failures"], failure: RunFailure(row: row, prefix: ""),
            lastCopy: TableCopyRecord(row: row))
    }

    /// The job's present name stands in for the one that the mapping was stored with.
    private static func mapping(_ row: Row) throws -> TableMapping {
        do {
            var mapping = try StoredJSON.value(TableMapping.self, from: row["mapping"])
            mapping.jobName = row["job_name"]
            return mapping
        } catch {
            throw unreadable("mapping", row, error)
        }
    }

    private static func schedule(_ row: Row) throws -> TableSchedule {
        do {
            return try StoredJSON.value(TableSchedule.self, from: row["schedule"])
        } catch {
            throw unreadable("schedule", row, error)
        }
    }

    private static func unreadable(_ part: String, _ row: Row, _ error: any Error) -> OperationError {
        let job: String = row["job_name"]
        let name: String = row["source_name"]
        return OperationError(
            .configuration, what: "The metadata of \(job)/\(name) cannot be read",
            why: "its \(part) was written by another version or by hand",
            fix: "Run the version that wrote it, or remove the job and add it again.", underlying: error)
    }
}

extension TableLease {
    fileprivate init(row: Row) {
        let expires: Int64? = row["lease_expires_at"]
        let heartbeat: Int64? = row["lease_heartbeat_at"]
        self.init(
            owner: row["lease_owner"], generation: row["lease_generation"],
            expiresAt: expires.map(Date.init(storedMicroseconds:)),
            heartbeatAt: heartbeat.map(Date.init(storedMicroseconds:)), endedCleanly: row["ended_cleanly"])
    }
}

extension JobRecord {
    init(row: Row) {
        self.init(
            id: row["id"], name: row["name"], source: Self.reference(row, "source_url"),
            destination: Self.reference(row, "destination_url"),
            sourceSchemas: [row["source_schema"]] + StoredJSON.texts(row["more_source_schemas"]),
            destinationSchema: row["destination_schema"], destinationPrefix: row["destination_prefix"],
            active: row["active"], interval: .seconds(row["interval_seconds"] as Double))
    }

    /// The schema's CHECK keeps exactly one of the two columns set.
    private static func reference(_ row: Row, _ column: String) -> ConnectionReference {
        if let variable: String = row[column + "_env"] { return .environment(variable: variable) }
        return .sealed(row[column + "_sealed"])
    }
}

extension RepairRecord {
    /// A reason of another version of this program counts as a cut.
    init(row: Row) {
        let reason: String = row["reason"]
        self.init(
            value: RepairedValue(
                key: StoredJSON.texts(row["key"]), column: row["column_name"],
                reason: RepairedValue.Reason(rawValue: reason) ?? .cut, originalBytes: row["original_bytes"]),
            firstSeenAt: Date(storedMicroseconds: row["first_seen_at"]),
            lastSeenAt: Date(storedMicroseconds: row["last_seen_at"]), count: row["count"])
    }
}

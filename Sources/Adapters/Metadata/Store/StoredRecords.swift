import Foundation
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
    var storedColumns: StatementValues {
        [
            "error_code": self?.code.rawValue, "error_what": self?.what, "error_why": self?.why, "error_fix": self?.fix,
            "error_at": self?.at.storedMicroseconds,
        ]
    }
}

extension RunFailure {
    /// - Returns: nil where no failure is stored.
    init?(row: StoredRow, prefix: String) throws {
        guard let code: String = try row[prefix + "error_code"] else { return nil }
        self.init(
            // A code of another version of this program.
            code: ErrorCode(rawValue: code) ?? .internal, what: try row[prefix + "error_what"] ?? "",
            why: try row[prefix + "error_why"] ?? "", fix: try row[prefix + "error_fix"] ?? "",
            at: Date(storedMicroseconds: try row[prefix + "error_at"] ?? 0))
    }
}

extension TableCopyRecord {
    /// - Returns: nil where a table's row carries no copy.
    init?(row: StoredRow) throws {
        guard let id: Int64 = try row["copy_id"] else { return nil }
        let finished: Int64? = try row["copy_finished_at"]
        self.init(
            id: id, tableID: try row["copy_table_id"], startedAt: Date(storedMicroseconds: try row["copy_started_at"]),
            finishedAt: finished.map(Date.init(storedMicroseconds:)),
            result: Result(rawValue: try row["copy_result"]) ?? .failed, rows: try row["copy_rows"],
            batches: try row["copy_batches"], bytes: try row["copy_bytes"], stageSeconds: try row["copy_stage_seconds"],
            loadSeconds: try row["copy_load_seconds"], repaired: try row["copy_repaired"],
            notices: StoredJSON.texts(try row["copy_notices"]), failure: try RunFailure(row: row, prefix: "copy_"),
            owner: try row["copy_owner"])
    }
}

extension TableRecord {
    /// - Throws: `OperationError` where the mapping cannot be read. A mirror that cannot counts as none: the next run
    ///   then asks the destination.
    init(row: StoredRow) throws {
        let checkpoint: String? = try row["checkpoint"]
        let (requested, ahead): (Int64?, Int64?) = (try row["requested_at"], try row["source_ahead"])
        self.init(
            id: try row["id"], jobID: try row["job_id"], mapping: try Self.mapping(row),
            schedule: try Self.schedule(row),
            disabled: try row["disabled"], nextRunAt: Date(storedMicroseconds: try row["next_run_at"]),
            requestedAt: requested.map(Date.init(storedMicroseconds:)), lease: try TableLease(row: row),
            mirror: checkpoint.flatMap { try? StoredJSON.value(Checkpoint.self, from: $0) },
            consecutiveFailures: try row["consecutive_failures"], failure: try RunFailure(row: row, prefix: ""),
            lastCopy: try TableCopyRecord(row: row), runSeconds: try row["run_seconds"],
            sourceAhead: ahead.map { .microseconds($0) })
    }

    /// The job's present name stands in for the one that the mapping was stored with.
    private static func mapping(_ row: StoredRow) throws -> TableMapping {
        do {
            var mapping = try StoredJSON.value(TableMapping.self, from: try row["mapping"])
            mapping.jobName = try row["job_name"]
            return mapping
        } catch {
            throw try unreadable("mapping", row, error)
        }
    }

    private static func schedule(_ row: StoredRow) throws -> TableSchedule {
        do {
            return try StoredJSON.value(TableSchedule.self, from: try row["schedule"])
        } catch {
            throw try unreadable("schedule", row, error)
        }
    }

    private static func unreadable(_ part: String, _ row: StoredRow, _ error: any Error) throws -> OperationError {
        let job: String = try row["job_name"]
        let name: String = try row["source_name"]
        return OperationError(
            .configuration, what: "The metadata of \(job)/\(name) cannot be read",
            why: "its \(part) was written by another version or by hand",
            fix: "Run the version that wrote it, or remove the job and add it again.", underlying: error)
    }
}

extension TableLease {
    fileprivate init(row: StoredRow) throws {
        let expires: Int64? = try row["lease_expires_at"]
        let heartbeat: Int64? = try row["lease_heartbeat_at"]
        self.init(
            owner: try row["lease_owner"], generation: try row["lease_generation"],
            expiresAt: expires.map(Date.init(storedMicroseconds:)),
            heartbeatAt: heartbeat.map(Date.init(storedMicroseconds:)), endedCleanly: try row["ended_cleanly"])
    }
}

extension JobRecord {
    init(row: StoredRow) throws {
        let timeout: Double? = try row["statement_timeout_seconds"]
        self.init(
            id: try row["id"], name: try row["name"], source: try Self.reference(row, "source_url"),
            destination: try Self.reference(row, "destination_url"),
            sourceSchemas: [try row["source_schema"]] + StoredJSON.texts(try row["more_source_schemas"]),
            destinationSchema: try row["destination_schema"], destinationPrefix: try row["destination_prefix"],
            active: try row["active"], interval: .seconds(try row["interval_seconds"] as Double),
            destinationSession: DestinationSession(
                queryGroup: try row["query_group"], statementTimeout: timeout.map { .seconds($0) },
                slotCount: try row["wlm_query_slot_count"]))
    }

    /// The schema's CHECK keeps exactly one of the two columns set.
    private static func reference(_ row: StoredRow, _ column: String) throws -> ConnectionReference {
        if let variable: String = try row[column + "_env"] { return .environment(variable: variable) }
        return .sealed(try row[column + "_sealed"])
    }
}

extension RepairRecord {
    /// A reason of another version of this program counts as a cut.
    init(row: StoredRow) throws {
        let reason: String = try row["reason"]
        self.init(
            value: RepairedValue(
                key: StoredJSON.texts(try row["key"]), column: try row["column_name"],
                reason: RepairedValue.Reason(rawValue: reason) ?? .cut, originalBytes: try row["original_bytes"]),
            firstSeenAt: Date(storedMicroseconds: try row["first_seen_at"]),
            lastSeenAt: Date(storedMicroseconds: try row["last_seen_at"]), count: try row["count"])
    }
}

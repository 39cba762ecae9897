import Foundation
import Logging
import Operations
import Replication
import Scheduling

/// Values that the suites share.
enum Sample {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let owner = LeaseOwner(id: "cli", host: "host", processID: 7)
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func job(_ name: String = "shop", active: Bool = true) -> JobRecord {
        JobRecord(
            name: name, source: .environment(variable: "S"), destination: .environment(variable: "D"),
            destinationSchema: "App", active: active)
    }

    static let columns = [
        column("id", "bigint", isNullable: false), column("note", "text"),
        column("updated_at", "timestamp with time zone"),
        column("modified_at", "timestamp without time zone"), column("Größe €", "integer", isNullable: false),
    ]

    static func column(_ name: String, _ type: String, isNullable: Bool = true) -> SourceColumn {
        SourceColumn(
            name: name, typeName: type, isNullable: isNullable, replicaType: type == "text" ? .widestText : .bigint)
    }

    static func mapping(_ name: String, job: String = "shop") -> TableMapping {
        TableMapping(
            jobName: job, source: TableName(schema: "public", name: name),
            destination: TableName(schema: "app", name: name.lowercased()), mode: .updateAndInsert, primaryKey: ["id"],
            updatedKey: "updated_at",
            columns: columns.map {
                ColumnMapping(source: $0, destinationName: $0.name.lowercased(), destinationType: $0.replicaType)
            })
    }

    /// A table that UpdateAndInsertTable fits.
    static func table(_ name: String) -> SourceTable {
        SourceTable(
            name: TableName(schema: "public", name: name), kind: .table, columns: columns,
            uniqueKeys: [.init(columns: ["id"], isPrimary: true)], leadingIndexColumns: ["id", "updated_at"],
            sequentialColumns: ["id"], estimatedRows: 100, bytes: 10_000)
    }

    static func mirror(caughtUp secondsAgo: Double?) -> Checkpoint {
        let asOf = secondsAgo.map { SourceTime(microseconds: Int64((now.timeIntervalSince1970 - $0) * 1_000_000)) }
        return Checkpoint(
            stamp: CheckpointStamp(installation: "i", job: "shop", generation: 1, batch: 1),
            state: CheckpointState(
                definition: "d", source: SourceIdentity(system: "s", timeline: "1", database: "db"), caughtUpAsOf: asOf)
        )
    }

    static func failure(_ code: ErrorCode) -> RunFailure {
        RunFailure(code: code, what: "what", why: "why", fix: "fix", at: now)
    }

    static func error(_ code: ErrorCode) -> ReplicationError {
        ReplicationError(code, what: "What", why: "why", fix: "Fix.")
    }
}

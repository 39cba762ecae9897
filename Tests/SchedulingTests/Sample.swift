import Foundation
import Logging
import Replication
import Scheduling

/// Values that the suites share.
enum Sample {
    static let owner = LeaseOwner(id: "worker", host: "host", processID: 7)
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func claimed(
        _ id: Int64 = 1, interval: Duration = .seconds(60), failures: Int = 0, schedule: TableSchedule = TableSchedule()
    ) -> ClaimedTable {
        let column = SourceColumn(name: "id", typeName: "bigint", isNullable: false, replicaType: .bigint)
        let mapping = TableMapping(
            jobName: "shop", source: TableName(schema: "public", name: "table\(id)"),
            destination: TableName(schema: "app", name: "table\(id)"), mode: .updateAndInsert, primaryKey: ["id"],
            updatedKey: "updated_at",
            columns: [ColumnMapping(source: column, destinationName: "id", destinationType: .bigint)])
        let job = JobRecord(
            id: 1, name: "shop", source: .environment(variable: "S"), destination: .environment(variable: "D"),
            active: true, interval: interval)
        let table = TableRecord(
            id: id, jobID: 1, mapping: mapping, schedule: schedule, nextRunAt: ManualClock.start,
            lease: TableLease(owner: "worker", generation: 3),
            consecutiveFailures: failures)
        return ClaimedTable(table: table, job: job, previousEndedCleanly: true)
    }

    static func progress(rows: Int = 0, caughtUp: Bool = true) -> RunProgress {
        var progress = RunProgress()
        progress.rows = rows
        progress.batches = rows > 0 ? 1 : 0
        progress.bytes = rows * 10
        progress.readAndStage = .milliseconds(1500)
        progress.load = .milliseconds(250)
        progress.caughtUp = caughtUp
        return progress
    }

    static func checkpoint(batch: Int64) -> Checkpoint {
        Checkpoint(
            stamp: CheckpointStamp(installation: "i", job: "shop", generation: 3, batch: batch),
            state: CheckpointState(
                definition: "d", source: SourceIdentity(system: "s", timeline: "1", database: "db")))
    }

    static func error(_ code: ErrorCode) -> ReplicationError {
        ReplicationError(code, what: "What", why: "why", fix: "Fix.")
    }
}

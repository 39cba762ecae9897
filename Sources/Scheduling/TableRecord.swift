import Foundation
import Replication

/// Why a run failed, in the words that people read.
package struct RunFailure: Sendable, Hashable, Codable {
    package var code: ErrorCode
    package var what: String
    package var why: String
    package var fix: String
    package var at: Date

    package init(code: ErrorCode, what: String, why: String, fix: String, at: Date) {
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
        self.at = at
    }

    package var message: String { "\(what): \(why)" }
}

/// One run of a table: the predecessor's table copy.
package struct TableCopyRecord: Sendable, Hashable, Identifiable {
    package enum Result: String, Sendable, Codable {
        case running, ok, failed
        /// Ended between two batches by request.
        case stopped
        /// Its process vanished; the next run took over.
        case lost
    }

    package var id: Int64
    package var tableID: Int64
    package var startedAt: Date
    package var finishedAt: Date?
    package var result: Result
    package var rows: Int
    package var batches: Int
    package var bytes: Int
    /// Seconds spent reading and staging, and loading.
    package var stageSeconds: Double
    package var loadSeconds: Double
    /// Values changed because Redshift cannot hold them.
    package var repaired: Int
    /// Why the run did not simply go on, in sentences.
    package var notices: [String]
    package var failure: RunFailure?
    package var owner: String

    package init(
        id: Int64 = 0, tableID: Int64, startedAt: Date, finishedAt: Date? = nil, result: Result = .running,
        rows: Int = 0, batches: Int = 0, bytes: Int = 0, stageSeconds: Double = 0, loadSeconds: Double = 0,
        repaired: Int = 0, notices: [String] = [], failure: RunFailure? = nil, owner: String = ""
    ) {
        self.id = id
        self.tableID = tableID
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.result = result
        self.rows = rows
        self.batches = batches
        self.bytes = bytes
        self.stageSeconds = stageSeconds
        self.loadSeconds = loadSeconds
        self.repaired = repaired
        self.notices = notices
        self.failure = failure
        self.owner = owner
    }
}

/// A table as the store holds it.
package struct TableRecord: Sendable, Hashable, Identifiable {
    package var id: Int64
    package var jobID: Int64
    package var mapping: TableMapping
    package var schedule: TableSchedule
    package var disabled: Bool
    package var nextRunAt: Date
    /// Set by `sync`: due at once, even where the job is not active.
    package var requestedAt: Date?
    package var lease: TableLease
    /// The checkpoint as last seen.
    package var mirror: Checkpoint?
    /// Failed runs since the last that ended well.
    package var consecutiveFailures: Int
    package var failure: RunFailure?
    package var lastCopy: TableCopyRecord?
    /// How long its last run took.
    package var runSeconds: Double?
    /// By how much the source's clock was ahead of the store's when it was last read.
    package var sourceAhead: Duration?

    package init(
        id: Int64 = 0, jobID: Int64, mapping: TableMapping, schedule: TableSchedule = TableSchedule(),
        disabled: Bool = false, nextRunAt: Date, requestedAt: Date? = nil, lease: TableLease = TableLease(),
        mirror: Checkpoint? = nil, consecutiveFailures: Int = 0, failure: RunFailure? = nil,
        lastCopy: TableCopyRecord? = nil, runSeconds: Double? = nil, sourceAhead: Duration? = nil
    ) {
        self.id = id
        self.jobID = jobID
        self.mapping = mapping
        self.schedule = schedule
        self.disabled = disabled
        self.nextRunAt = nextRunAt
        self.requestedAt = requestedAt
        self.lease = lease
        self.mirror = mirror
        self.consecutiveFailures = consecutiveFailures
        self.failure = failure
        self.lastCopy = lastCopy
        self.runSeconds = runSeconds
        self.sourceAhead = sourceAhead
    }

    /// Its runs must not take the places of short ones; see `FairShare`.
    package var isLong: Bool { (runSeconds ?? 0) > FairShare.longSeconds }
}

/// Who may run a table now.
package struct TableLease: Sendable, Hashable {
    /// nil when nobody holds it.
    package var owner: String?
    /// Grows with every claim.
    package var generation: Int64
    /// On the store's clock.
    package var expiresAt: Date?
    package var heartbeatAt: Date?
    /// The last holder gave it back after a run whose end is known.
    package var endedCleanly: Bool

    package init(
        owner: String? = nil, generation: Int64 = 0, expiresAt: Date? = nil, heartbeatAt: Date? = nil,
        endedCleanly: Bool = false
    ) {
        self.owner = owner
        self.generation = generation
        self.expiresAt = expiresAt
        self.heartbeatAt = heartbeatAt
        self.endedCleanly = endedCleanly
    }
}

/// A table that this process holds the lease of.
package struct ClaimedTable: Sendable, Hashable {
    /// As of the claim; `table.lease` is this process's.
    package var table: TableRecord
    package var job: JobRecord
    /// What the holder before left behind.
    package var previousEndedCleanly: Bool

    package init(table: TableRecord, job: JobRecord, previousEndedCleanly: Bool) {
        self.table = table
        self.job = job
        self.previousEndedCleanly = previousEndedCleanly
    }
}

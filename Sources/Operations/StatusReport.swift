import Foundation
import Replication
import Scheduling

/// The states that every surface of the product names alike; the first that fits, from the top, is a table's.
package enum TableState: String, Sendable, CaseIterable {
    case disabled, paused, failed, retrying, initial, syncing, new, late
    /// The replica may hold rows that the source has not; runs go on.
    case compareDue = "compare_due"
    case onTime = "on_time"

    /// A glyph and words: state is never told by colour alone.
    package var label: String {
        switch self {
        case .disabled: "○ Disabled"
        case .paused: "◼ Paused"
        case .failed: "✖ Failed – needs you"
        case .retrying: "▲ Retrying"
        case .initial: "↻ First load"
        case .syncing: "↻ Syncing"
        case .new: "○ Waiting for first run"
        case .late: "▲ Late"
        case .compareDue: "✖ Compare due – needs you"
        case .onTime: "● On time"
        }
    }

    /// Worst first, for a job's badge.
    package static let worstFirst: [TableState] = [
        .failed, .compareDue, .retrying, .late, .initial, .syncing, .new, .onTime, .paused, .disabled,
    ]
}

/// A table as `status` shows it.
package struct TableStatus: Sendable, Hashable {
    package var job: JobRecord
    package var table: TableRecord
    package var state: TableState
    /// Seconds since the replica was last known complete, on the source's clock; nil before that.
    package var behindSeconds: Double?
    package var targetSeconds: Double

    /// Pure: the state at `now`, on the store's clock.
    package init(job: JobRecord, table: TableRecord, now: Date) {
        self.job = job
        self.table = table
        targetSeconds = table.schedule.freshnessSeconds(jobInterval: job.interval)
        let sourceNow = now.timeIntervalSince1970 + (table.sourceAhead ?? .zero) / .seconds(1)
        behindSeconds = table.mirror?.state.caughtUpAsOf.map { max(0, sourceNow - $0.seconds) }
        state = Self.state(job: job, table: table, behind: behindSeconds, target: targetSeconds, now: now)
    }

    /// Behind its target, whether or not a run is under way.
    package var isLate: Bool { [.late, .syncing, .compareDue].contains(state) && (behindSeconds ?? 0) > targetSeconds }

    private static func state(
        job: JobRecord, table: TableRecord, behind: Double?, target: Double, now: Date
    ) -> TableState {
        let isRunning = table.lease.owner != nil && (table.lease.expiresAt ?? .distantPast) > now
        if table.disabled { return .disabled }
        if !job.active, !isRunning { return .paused }
        if let failure = table.failure {
            let isOver = !failure.code.isTransient || table.consecutiveFailures > RetryPolicy.retries
            return isOver ? .failed : .retrying
        }
        if behind == nil { return isRunning || table.mirror != nil ? .initial : .new }
        if table.mirror?.state.compareDue != nil { return .compareDue }
        if isRunning { return .syncing }
        return (behind ?? 0) > target ? .late : .onTime
    }
}

/// What `status` answers.
package struct StatusReport: Sendable {
    package var tables: [TableStatus]
    package var generatedAt: Date

    /// - Parameter selector: `JOB`, `JOB/TABLE`, or nil for all.
    package static func make(
        store: any CatalogStore & RequestStore, selector: String?
    ) async throws -> StatusReport {
        let now = try await store.storeTime()
        if let selector {
            let (job, tables) = try await Catalog(store: store).tables(selector)
            return StatusReport(tables: tables.map { TableStatus(job: job, table: $0, now: now) }, generatedAt: now)
        }
        let jobs = Dictionary(uniqueKeysWithValues: try await store.jobs().map { ($0.id, $0) })
        let tables = try await store.tables(ofJob: nil).compactMap { table in
            jobs[table.jobID].map { TableStatus(job: $0, table: table, now: now) }
        }
        return StatusReport(tables: tables, generatedAt: now)
    }

    /// Whether something needs attention: the exit status of `status`.
    package var isBad: Bool { tables.contains { [.failed, .retrying, .compareDue].contains($0.state) || $0.isLate } }
}

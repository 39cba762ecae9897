import Foundation
import Replication
import Scheduling

/// What `sync --wait` tells while it goes on.
package enum SyncEvent: Sendable {
    case started(TableRecord)
    case finished(TableRecord, TableCopyRecord)
    /// Nobody ran it, with the reason.
    case skipped(TableRecord, String)
}

/// One pass of chosen tables: through live workers, or in this process where there are none.
package struct SyncOperation: Sendable {
    let store: any CatalogStore
    let leases: any LeaseStore
    let requests: any RequestStore
    let workers: any WorkerStore
    let runner: TableRunner
    let owner: LeaseOwner
    let clock: any WallClock
    /// Runs of one job at once, over all workers.
    let slots: Int

    package init(
        store: any CatalogStore, leases: any LeaseStore, requests: any RequestStore, workers: any WorkerStore,
        runner: TableRunner, owner: LeaseOwner, clock: any WallClock, slots: Int
    ) {
        self.store = store
        self.leases = leases
        self.requests = requests
        self.workers = workers
        self.runner = runner
        self.owner = owner
        self.clock = clock
        self.slots = slots
    }

    /// Makes the tables due at once, for workers to find.
    package func request(_ tables: [TableRecord]) async throws {
        for table in tables where !table.disabled { try await requests.request(tableID: table.id) }
    }

    /// Runs the tables one after another here, or has live workers run them and follows; each once.
    ///
    /// - Throws: What the store throws; `CancellationError`. A failed run is an event.
    package func wait(for tables: [TableRecord], _ tell: @Sendable (SyncEvent) async -> Void) async throws {
        if try await workers.liveWorkers(within: Worker.liveness) > 0 {
            try await follow(tables, tell)
            return
        }
        for table in tables {
            if table.disabled {
                await tell(.skipped(table, "disabled"))
                continue
            }
            try await runHere(table, tell)
        }
    }

    private func runHere(_ table: TableRecord, _ tell: @Sendable (SyncEvent) async -> Void) async throws {
        guard let (claimed, asked) = try await claim(table) else {
            await tell(.skipped(table, "another process is syncing it, or uses all connections to its source"))
            return
        }
        await tell(.started(table))
        let copy = try await runner.run(claimed, asked: asked)
        // A run is interrupted by a signal, which ends the waiting; or because the store went away, which is told.
        if copy.failure?.code == .interrupted { try Task.checkCancellation() }
        await tell(.finished(try await store.table(id: table.id) ?? table, copy))
    }

    /// Waits out a lease that its holder may still give back.
    /// - Returns: With the moment at which it was asked for, by the clock's `elapsed`.
    private func claim(_ table: TableRecord) async throws -> (claimed: ClaimedTable, asked: Duration)? {
        let deadline = clock.elapsed + TableRunner.leaseDuration + .seconds(5)
        while true {
            let asked = clock.elapsed
            let claimed = try await leases.claim(
                tableID: table.id, by: owner, for: TableRunner.leaseDuration, ClaimTerms(slots: slots))
            if let claimed { return (claimed, asked) }
            guard clock.elapsed < deadline else { return nil }
            try await clock.sleep(for: .milliseconds(250))
        }
    }

    /// Watches the requested tables until a run that was claimed after the request has ended.
    private func follow(_ tables: [TableRecord], _ tell: @Sendable (SyncEvent) async -> Void) async throws {
        var waiting: [Int64: TableRecord] = [:]
        for table in tables {
            if table.disabled {
                await tell(.skipped(table, "disabled"))
                continue
            }
            try await requests.request(tableID: table.id)
            waiting[table.id] = table
            await tell(.started(table))
        }
        while !waiting.isEmpty {
            // Each table is asked for: the more are waited for, the less often.
            try await clock.sleep(for: .milliseconds(min(3_000, 300 + 3 * waiting.count)))
            guard try await workers.liveWorkers(within: Worker.liveness) > 0 else {
                for table in waiting.values { await tell(.skipped(table, "no worker is alive any more; it stays due")) }
                return
            }
            for (id, before) in waiting {
                guard let now = try await store.table(id: id) else {
                    waiting[id] = nil
                    await tell(.skipped(before, "it was removed"))
                    continue
                }
                if now.disabled, now.lease.owner == nil {
                    waiting[id] = nil
                    await tell(.skipped(now, "disabled"))
                    continue
                }
                guard now.lease.generation > before.lease.generation, now.lease.owner == nil, now.requestedAt == nil
                else { continue }
                waiting[id] = nil
                await tell(.finished(now, Self.outcome(of: now, since: before)))
            }
        }
    }

    /// A run without rows leaves no record of its own: then the lease tells that it ended, and `failure` how.
    private static func outcome(of now: TableRecord, since before: TableRecord) -> TableCopyRecord {
        if let copy = now.lastCopy, copy.id != before.lastCopy?.id { return copy }
        return TableCopyRecord(
            tableID: now.id, startedAt: now.nextRunAt, finishedAt: now.nextRunAt,
            result: now.failure == nil ? .ok : .failed, failure: now.failure)
    }
}

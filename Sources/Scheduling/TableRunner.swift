import Foundation
import Logging
import Replication
import Synchronization

/// Carries out the run of a claimed table; the composition knows the adapters.
package protocol RunFactory: Sendable {
    func run(_ claimed: ClaimedTable, journal: any RunJournal) async throws -> RunProgress
}

/// A request to end between two batches, seen by all runs of a process.
package final class StopSignal: Sendable {
    private let isRaised = Mutex(false)

    package init() {}
    package func raise() { isRaised.withLock { $0 = true } }
    package var raised: Bool { isRaised.withLock { $0 } }
}

/// Runs one claimed table under its lease: heartbeats while it runs, and a record however it ends.
package struct TableRunner: Sendable {
    /// A lost process's tables are free after this; renewed three times as often.
    package static let leaseDuration = Duration.seconds(45)
    private static let heartbeat = Duration.seconds(15)
    /// After a renewal that failed.
    private static let renewalRetry = Duration.seconds(2)
    /// A run whose lease ends sooner than this, and cannot be renewed, is given up.
    private static let lastCall = Duration.seconds(5)

    private let leases: any LeaseStore
    private let runs: any RunStore
    private let factory: any RunFactory
    private let clock: any WallClock
    private let stop: StopSignal
    private let pace: RunPace?
    private let logger: Logger

    /// - Parameter pace: nil where runs need not make way for others.
    package init(
        leases: any LeaseStore, runs: any RunStore, factory: any RunFactory, clock: any WallClock, stop: StopSignal,
        pace: RunPace? = nil, logger: Logger
    ) {
        self.leases = leases
        self.runs = runs
        self.factory = factory
        self.clock = clock
        self.stop = stop
        self.pace = pace
        self.logger = logger
    }

    /// Runs the table and gives its lease back.
    /// - Parameter asked: When the claim was asked for, by the clock's `elapsed`: the lease may count from then on.
    /// - Returns: The run's record; a failed run is a record with a failure, not an error.
    /// - Throws: What the store throws; `CancellationError` when the process is going down.
    package func run(_ claimed: ClaimedTable, asked: Duration? = nil) async throws -> TableCopyRecord {
        let began = clock.elapsed
        let journal = LeasedRunJournal(
            claimed: claimed, copy: try await beginCopy(claimed), leases: leases, runs: runs, clock: clock, stop: stop,
            pace: pace)
        var failure: RunFailure?
        var progress = RunProgress()
        do {
            progress = try await runWithHeartbeat(claimed, journal, since: asked ?? began)
        } catch let error as ReplicationError {
            failure = RunFailure(code: error.code, what: error.what, why: error.why, fix: error.fix, at: clock.now)
        } catch is CancellationError {
            failure = RunFailure(
                code: .interrupted, what: "The run of \(claimed.table.mapping.label) was interrupted",
                why: "the process was told to stop", fix: "It goes on with the next run.", at: clock.now)
        } catch {
            failure = RunFailure(
                code: .internal, what: "The run of \(claimed.table.mapping.label) failed", why: "\(error)",
                fix: "Report this as a bug.", at: clock.now)
        }
        return try await close(claimed, journal, began: began, failure: failure, progress: progress)
    }

    /// Without a record there is no run: the lease goes back, and failures and requests stay as they were.
    private func beginCopy(_ claimed: ClaimedTable) async throws -> TableCopyRecord {
        do {
            return try await runs.beginCopy(claimed)
        } catch {
            // It may be there although its opening was not confirmed: the next claim closes it as lost.
            let ending = RunEnding(untouched: NextRun(.after(0)))
            try await leases.release(claimed, ending)
            throw error
        }
    }

    /// The lease is renewed beside the run; losing it cancels the run, whose next write would be refused anyway.
    private func runWithHeartbeat(
        _ claimed: ClaimedTable, _ journal: LeasedRunJournal, since held: Duration
    ) async throws -> RunProgress {
        let term = LeaseTerm(held: held)
        return try await withThrowingTaskGroup(of: RunProgress?.self) { group in
            group.addTask { try await factory.run(claimed, journal: journal) }
            group.addTask { try await keepLease(claimed, term) }
            group.addTask { try await endBeforeLease(term) }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let progress = finished { return progress }
            }
            throw CancellationError()
        }
    }

    /// When a lease was last known to be held, by the clock's `elapsed`.
    private final class LeaseTerm: Sendable {
        private let moment: Mutex<Duration>

        init(held: Duration) {
            moment = Mutex(held)
        }

        var held: Duration { moment.withLock { $0 } }
        func renewed(at asked: Duration) { moment.withLock { $0 = asked } }
    }

    /// Renews until cancelled. A store that cannot be reached is asked again soon.
    private func keepLease(_ claimed: ClaimedTable, _ term: LeaseTerm) async throws -> RunProgress? {
        var wait = Self.heartbeat
        while true {
            try await clock.sleep(for: wait)
            let asked = clock.elapsed
            do {
                guard try await leases.renew(claimed, for: Self.leaseDuration) else {
                    throw ReplicationError(
                        .locked, what: "The lease of \(claimed.table.mapping.label) was lost",
                        why: "another worker took it over", fix: "Nothing is lost; that worker goes on.")
                }
                term.renewed(at: asked)
                wait = Self.heartbeat
            } catch let error where !(error is ReplicationError || error is CancellationError) {
                logger.warning("the lease of \(claimed.table.mapping.label) could not be renewed: \(error)")
                wait = Self.renewalRetry
            }
        }
    }

    /// The run must end before the lease does, or another worker's would go on beside it: whatever a renewal under way
    /// may still wait for.
    private func endBeforeLease(_ term: LeaseTerm) async throws -> RunProgress? {
        while true {
            let left = term.held + Self.leaseDuration - Self.lastCall - clock.elapsed
            guard left > .zero else { throw Self.storeFailed(LeaseNotRenewed()) }
            try await clock.sleep(for: left)
        }
    }

    private struct LeaseNotRenewed: Error, CustomStringConvertible {
        var description: String { "the lease could not be renewed in time" }
    }

    /// The store's trouble passes; nothing is wrong with the table.
    static func storeFailed(_ error: any Error) -> ReplicationError {
        ReplicationError(
            .interrupted, what: "The metadata store did not take what a run had to record", why: "\(error)",
            fix: "Nothing is lost; the next run goes on from the destination's checkpoint.", underlying: error)
    }

    /// Must run although the task may be cancelled, or the lease would stay until it expires: hence a task of its own,
    /// awaited.
    private func close(
        _ claimed: ClaimedTable, _ journal: LeasedRunJournal, began: Duration, failure: RunFailure?,
        progress: RunProgress
    ) async throws -> TableCopyRecord {
        let cleanup = Task {
            var copy = await journal.copy
            // On the store's clock, as its beginning is.
            let length = clock.elapsed - began
            copy.finishedAt = copy.startedAt + length / .seconds(1)
            copy.failure = failure
            copy.result = failure != nil ? .failed : progress.caughtUp ? .ok : .stopped
            // A run that mirrored nothing may still have something to say.
            if failure == nil { copy.notices = progress.notices.map(\.sentence) }
            var storeError: (any Error)?
            do { try await runs.finishCopy(copy) } catch { storeError = error }
            // Of a run that failed before it could tell, all its time counts.
            var unindexedRead = await journal.unindexedRead ?? progress.unindexedRead
            if failure != nil, claimed.table.schedule.allowsScan { unindexedRead = unindexedRead ?? length }
            let next = RetryPolicy.nextRun(
                of: claimed, after: failure, caughtUp: progress.caughtUp, unindexedRead: unindexedRead,
                jitter: Double.random(in: 0..<1))
            try await leases.release(
                claimed,
                RunEnding(
                    result: copy.result, failure: failure,
                    isClean: failure == nil && storeError == nil && !progress.leftStaged, next: next,
                    seconds: FairShare.length(of: copy, took: length)))
            log(claimed, copy)
            if let storeError { throw storeError }
            return copy
        }
        return try await cleanup.value
    }

    /// One canonical line a run; runs that found nothing are for debugging only.
    private func log(_ claimed: ClaimedTable, _ copy: TableCopyRecord) {
        let level: Logger.Level =
            copy.result == .failed ? .error : copy.rows == 0 ? .debug : .info
        let seconds = (copy.finishedAt ?? copy.startedAt).timeIntervalSince(copy.startedAt)
        logger.log(
            level: level, "sync.finished",
            metadata: [
                "job": "\(claimed.job.name)", "table": "\(claimed.table.mapping.source.name)",
                "mode": "\(claimed.table.mapping.mode.rawValue)", "result": "\(copy.result.rawValue)",
                "rows": "\(copy.rows)", "repaired": "\(copy.repaired)", "batches": "\(copy.batches)",
                "bytes": "\(copy.bytes)",
                "total_ms": "\(Int(seconds * 1000))", "stage_ms": "\(Int(copy.stageSeconds * 1000))",
                "load_ms": "\(Int(copy.loadSeconds * 1000))",
                "error_code": "\(copy.failure?.code.rawValue ?? "")", "error": "\(copy.failure?.message ?? "")",
            ])
    }
}

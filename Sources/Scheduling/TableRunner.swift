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
    /// - Returns: The run's record; a failed run is a record with a failure, not an error.
    /// - Throws: What the store throws; `CancellationError` when the process is going down.
    package func run(_ claimed: ClaimedTable) async throws -> TableCopyRecord {
        let journal = LeasedRunJournal(
            claimed: claimed, copy: try await beginCopy(claimed), leases: leases, runs: runs, clock: clock, stop: stop,
            pace: pace)
        var failure: RunFailure?
        var progress = RunProgress()
        do {
            progress = try await runWithHeartbeat(claimed, journal)
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
        return try await close(claimed, journal, failure: failure, progress: progress)
    }

    /// Without a record there is no run, and the lease goes back as it came.
    private func beginCopy(_ claimed: ClaimedTable) async throws -> TableCopyRecord {
        do {
            return try await runs.beginCopy(claimed)
        } catch {
            let ending = RunEnding(
                result: .stopped, isClean: claimed.previousEndedCleanly, next: NextRun(.after(0)))
            try await leases.release(claimed, ending)
            throw error
        }
    }

    /// The lease is renewed beside the run; losing it cancels the run, whose next write would be refused anyway.
    private func runWithHeartbeat(_ claimed: ClaimedTable, _ journal: LeasedRunJournal) async throws -> RunProgress {
        try await withThrowingTaskGroup(of: RunProgress?.self) { group in
            group.addTask { try await factory.run(claimed, journal: journal) }
            group.addTask { try await keepLease(claimed) }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let progress = finished { return progress }
            }
            throw CancellationError()
        }
    }

    /// Renews until cancelled. A store that cannot be reached is asked again soon: the run must end before the lease
    /// does, or another worker's would go on beside it.
    private func keepLease(_ claimed: ClaimedTable) async throws -> RunProgress? {
        var renewedAt = clock.now
        var wait = Self.heartbeat
        while true {
            try await clock.sleep(for: wait)
            let asked = clock.now
            do {
                guard try await leases.renew(claimed, for: Self.leaseDuration) else {
                    throw ReplicationError(
                        .locked, what: "The lease of \(claimed.table.mapping.label) was lost",
                        why: "another worker took it over", fix: "Nothing is lost; that worker goes on.")
                }
                renewedAt = asked
                wait = Self.heartbeat
            } catch let error where !(error is ReplicationError || error is CancellationError) {
                logger.warning("the lease of \(claimed.table.mapping.label) could not be renewed: \(error)")
                wait = Self.renewalRetry
                let left = Self.leaseDuration / .seconds(1) - clock.now.timeIntervalSince(renewedAt)
                guard left > Self.lastCall / .seconds(1) else { throw Self.storeFailed(error) }
            }
        }
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
        _ claimed: ClaimedTable, _ journal: LeasedRunJournal, failure: RunFailure?, progress: RunProgress
    ) async throws -> TableCopyRecord {
        let cleanup = Task {
            var copy = await journal.copy
            copy.finishedAt = clock.now
            copy.failure = failure
            copy.result = failure != nil ? .failed : progress.caughtUp ? .ok : .stopped
            // A run that mirrored nothing may still have something to say.
            if failure == nil { copy.notices = progress.notices.map(\.sentence) }
            var storeError: (any Error)?
            do { try await runs.finishCopy(copy) } catch { storeError = error }
            let next = RetryPolicy.nextRun(
                of: claimed, after: failure, caughtUp: progress.caughtUp, unindexedRead: progress.unindexedRead,
                jitter: Double.random(in: 0..<1))
            try await leases.release(
                claimed,
                RunEnding(
                    result: copy.result, failure: failure, isClean: failure == nil && !progress.leftStaged, next: next,
                    seconds: clock.now.timeIntervalSince(copy.startedAt)))
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

/// Ties a run to its lease and its record.
package actor LeasedRunJournal: RunJournal {
    private let claimed: ClaimedTable
    private(set) var copy: TableCopyRecord
    private let leases: any LeaseStore
    private let runs: any RunStore
    private let clock: any WallClock
    private let stop: StopSignal
    private let pace: RunPace?
    private let startedAt: Date
    private var askedAt: Date
    private var sourceAhead: Duration?

    init(
        claimed: ClaimedTable, copy: TableCopyRecord, leases: any LeaseStore, runs: any RunStore,
        clock: any WallClock, stop: StopSignal, pace: RunPace?
    ) {
        self.claimed = claimed
        self.copy = copy
        self.leases = leases
        self.runs = runs
        self.clock = clock
        self.stop = stop
        self.pace = pace
        startedAt = clock.now
        askedAt = startedAt
    }

    package func mirror(_ checkpoint: Checkpoint, progress: RunProgress) async throws {
        copy.rows = progress.rows
        copy.batches = progress.batches
        copy.bytes = progress.bytes
        copy.stageSeconds = progress.readAndStage / .seconds(1)
        copy.loadSeconds = progress.load / .seconds(1)
        copy.repaired = progress.repairedValues
        copy.notices = progress.notices.map(\.sentence)
        do {
            try await runs.record(checkpoint, copy: copy, sourceAhead: sourceAhead, of: claimed)
        } catch let error where !(error is CancellationError) {
            throw TableRunner.storeFailed(error)
        }
    }

    package func recordRepairs(_ repairs: [RepairedValue]) async throws {
        do {
            try await runs.recordRepairs(repairs, of: claimed)
        } catch let error where !(error is CancellationError) {
            throw TableRunner.storeFailed(error)
        }
    }

    package func sourceMemory() async throws -> SourceMemory? {
        do {
            return try await runs.sourceMemory(of: claimed)
        } catch let error where !(error is CancellationError) {
            throw TableRunner.storeFailed(error)
        }
    }

    package func keep(_ memory: SourceMemory) async throws {
        do {
            try await runs.keep(memory, of: claimed)
        } catch let error where !(error is CancellationError) {
            throw TableRunner.storeFailed(error)
        }
    }

    package func raiseGeneration(to generation: Int64) async throws {
        do {
            try await leases.raiseGeneration(of: claimed, to: generation)
        } catch let error where !(error is CancellationError) {
            throw TableRunner.storeFailed(error)
        }
    }

    package func noteSourceClock(_ source: SourceTime) {
        let ours = Int64((clock.now.timeIntervalSince1970 * 1_000_000).rounded())
        sourceAhead = .microseconds(source.microseconds - ours)
    }

    /// When the process is going down; and after its turn, where others wait and this run has moved something: one that
    /// gave way before its first batch would read the same rows again each time.
    package func shouldStop() async -> Bool {
        if stop.raised { return true }
        let now = clock.now
        guard let pace, copy.batches > 0, now.timeIntervalSince(startedAt) >= FairShare.turn / .seconds(1),
            now.timeIntervalSince(askedAt) >= FairShare.turnCheck / .seconds(1)
        else { return false }
        askedAt = now
        return await pace.makesWay(claimed)
    }
}

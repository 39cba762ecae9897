import Foundation
import Replication

/// Ties a run to its lease and its record.
package actor LeasedRunJournal: RunJournal {
    private let claimed: ClaimedTable
    private(set) var copy: TableCopyRecord
    private let leases: any LeaseStore
    private let runs: any RunStore
    private let clock: any WallClock
    private let stop: StopSignal
    private let pace: RunPace?
    private let startedAt: Duration
    private var askedAt: Duration
    /// By how much the store's clock is ahead of this machine's, as of the claim.
    private let storeAhead: Double
    private var sourceAhead: Duration?
    /// See `RunProgress`; so far.
    private(set) var unindexedRead: Duration?

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
        startedAt = clock.elapsed
        askedAt = startedAt
        storeAhead = copy.startedAt.timeIntervalSince(clock.now)
    }

    package func mirror(_ checkpoint: Checkpoint, progress: RunProgress) async throws {
        unindexedRead = progress.unindexedRead
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
        let store = clock.now.timeIntervalSince1970 + storeAhead
        sourceAhead = .microseconds(source.microseconds - Int64((store * 1_000_000).rounded()))
    }

    /// When the process is going down; and after its turn, where others wait and this run has moved something: one that
    /// gave way before its first batch would read the same rows again each time.
    package func shouldStop() async -> Bool {
        if stop.raised { return true }
        let now = clock.elapsed
        guard let pace, copy.batches > 0, now - startedAt >= FairShare.turn, now - askedAt >= FairShare.turnCheck
        else { return false }
        askedAt = now
        return await pace.makesWay(claimed)
    }
}

import Foundation
import Replication

/// A process that runs tables, told apart from every other one, past ones included.
package struct LeaseOwner: Sendable, Hashable, Codable {
    /// Random, made once a process.
    package var id: String
    package var host: String
    package var processID: Int32

    package init(id: String, host: String, processID: Int32) {
        self.id = id
        self.host = host
        self.processID = processID
    }
}

/// What a worker may claim: it takes one of its job's slots with the lease.
package struct ClaimTerms: Sendable, Hashable {
    /// Runs of one job at once, over all workers: `SOURCE_MAX_CONNECTIONS`.
    package var slots: Int
    /// Whether a table may be claimed whose last run was long; see `FairShare`.
    package var allowsLong: Bool

    package init(slots: Int, allowsLong: Bool = true) {
        self.slots = slots
        self.allowsLong = allowsLong
    }
}

/// Leases: at most one holder a table, and at most so many a job, on the store's clock.
package protocol LeaseStore: Sendable {
    /// Claims the next table by `FairShare` among those due of active jobs, within their windows, and those asked for
    /// at any time; or none.
    func claimDue(by owner: LeaseOwner, for duration: Duration, _ terms: ClaimTerms) async throws -> ClaimedTable?

    /// Claims one table, due or not; nil while another live owner holds it.
    /// - Parameter terms: nil for what does not read the source: it takes no slot.
    func claim(
        tableID: Int64, by owner: LeaseOwner, for duration: Duration, _ terms: ClaimTerms?
    ) async throws -> ClaimedTable?

    /// Extends a lease, and its slot.
    /// - Returns: false when it is no longer this owner's.
    func renew(_ claimed: ClaimedTable, for duration: Duration) async throws -> Bool

    /// Raises the generation of a lease that is held.
    func raiseGeneration(of claimed: ClaimedTable, to generation: Int64) async throws

    /// Gives a lease and its slot back and says how the run ended and when the table is due again.
    func release(_ claimed: ClaimedTable, _ ending: RunEnding) async throws
}

extension LeaseStore {
    /// Without a slot.
    package func claim(
        tableID: Int64, by owner: LeaseOwner, for duration: Duration
    ) async throws -> ClaimedTable? {
        try await claim(tableID: tableID, by: owner, for: duration, nil)
    }
}

/// What workers ask in order to know when to look again.
package protocol DueStore: Sendable {
    /// Time until a table may be due: zero where one is now, whether or not a slot is free for it; nil for none at all.
    func untilNextDue() async throws -> Duration?

    /// Whether a run that has had its turn makes way: for a table that has been due for a second and could run then, one
    /// of the same job or of a job that has slots left; or because its own table was disabled, its job paused, or its
    /// window closed.
    func makesWay(_ claimed: ClaimedTable, _ terms: ClaimTerms) async throws -> Bool

    /// An element each time that something may have become due; ends never. Nil where the store has no way to tell.
    func wakeUps() -> AsyncStream<Void>?
}

/// How a run ended.
package struct RunEnding: Sendable, Hashable {
    package var result: TableCopyRecord.Result
    /// nil after success.
    package var failure: RunFailure?
    /// Nothing is in doubt: the next run may trust the mirror.
    package var isClean: Bool
    package var next: NextRun
    /// What the mirror says is void, and is forgotten.
    package var voidsMirror: Bool
    /// How long the run took; nil where nothing ran.
    package var seconds: Double?
    private(set) package var hasRun = true

    package init(
        result: TableCopyRecord.Result, failure: RunFailure? = nil, isClean: Bool, next: NextRun,
        voidsMirror: Bool = false, seconds: Double? = nil
    ) {
        self.result = result
        self.failure = failure
        self.isClean = isClean
        self.next = next
        self.voidsMirror = voidsMirror
        self.seconds = seconds
    }

    /// A claim under which nothing ran: the table's failures and requests stay as they were, and what its mirror says is
    /// in doubt.
    package init(untouched next: NextRun, voidsMirror: Bool = false) {
        self.init(result: .stopped, isClean: false, next: next, voidsMirror: voidsMirror)
        hasRun = false
    }

    /// It ended before its time, through no fault of the table's: what was asked for stays asked for.
    package var isUnfinished: Bool { result == .stopped || failure?.code == .interrupted }

    package init(
        result: TableCopyRecord.Result, failure: RunFailure? = nil, isClean: Bool, nextRunAt: Date,
        voidsMirror: Bool = false
    ) {
        self.init(
            result: result, failure: failure, isClean: isClean, next: NextRun(.at(nextRunAt)), voidsMirror: voidsMirror)
    }
}

/// What runs leave behind.
package protocol RunStore: Sendable {
    /// Opens the record of a run.
    func beginCopy(_ claimed: ClaimedTable) async throws -> TableCopyRecord

    /// Stores the mirror and the figures so far, in one transaction; ignored when the lease is lost.
    /// - Parameter sourceAhead: By how much the source's clock is ahead of this machine's; nil where it is not known.
    func record(
        _ checkpoint: Checkpoint, copy: TableCopyRecord, sourceAhead: Duration?, of claimed: ClaimedTable
    ) async throws

    /// Remembers repaired values, one a key and column; ignored when the lease is lost.
    func recordRepairs(_ repairs: [RepairedValue], of claimed: ClaimedTable) async throws

    /// What the source of a table kept in mind; nil where nothing was kept.
    func sourceMemory(of claimed: ClaimedTable) async throws -> SourceMemory?

    /// Keeps it in place of the last one; ignored when the lease is lost.
    func keep(_ memory: SourceMemory, of claimed: ClaimedTable) async throws

    /// Closes the record of a run. A run that ended well without rows is not kept: the mirror says when it looked.
    func finishCopy(_ copy: TableCopyRecord) async throws
}

extension RunStore {
    package func record(_ checkpoint: Checkpoint, copy: TableCopyRecord, of claimed: ClaimedTable) async throws {
        try await record(checkpoint, copy: copy, sourceAhead: nil, of: claimed)
    }
}

/// Which workers are alive.
package protocol WorkerStore: Sendable {
    func heartbeat(_ owner: LeaseOwner, version: String) async throws
    func unregister(_ owner: LeaseOwner) async throws
    /// Workers heard of within `age`.
    func liveWorkers(within age: Duration) async throws -> Int
}

/// The present, as an argument: tests bring their own.
package protocol WallClock: Sendable {
    var now: Date { get }
    /// Time since some moment, which no setting of the clock changes: what lengths are measured by.
    var elapsed: Duration { get }
    func sleep(for duration: Duration) async throws
}

extension WallClock {
    /// For clocks that only ever go forward.
    package var elapsed: Duration { .seconds(now.timeIntervalSince1970) }
}

/// The machine's clock.
package struct SystemWallClock: WallClock {
    private let began = ContinuousClock.now

    package init() {}
    package var elapsed: Duration { ContinuousClock.now - began }
    package var now: Date { Date() }
    package func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

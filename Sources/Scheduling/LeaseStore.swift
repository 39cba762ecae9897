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

/// Leases: at most one holder a table, on the store's clock.
package protocol LeaseStore: Sendable {
    /// Claims the table that has been due longest among those of active jobs, within their windows, and those asked
    /// for at any time; or none.
    func claimDue(by owner: LeaseOwner, for duration: Duration) async throws -> ClaimedTable?

    /// Claims one table, due or not; nil while another live owner holds it.
    func claim(tableID: Int64, by owner: LeaseOwner, for duration: Duration) async throws -> ClaimedTable?

    /// Extends a lease.
    /// - Returns: false when it is no longer this owner's.
    func renew(_ claimed: ClaimedTable, for duration: Duration) async throws -> Bool

    /// Raises the generation of a lease that is held.
    func raiseGeneration(of claimed: ClaimedTable, to generation: Int64) async throws

    /// Gives a lease back and says how the run ended and when the table is due again.
    func release(_ claimed: ClaimedTable, _ ending: RunEnding) async throws
}

/// How a run ended.
package struct RunEnding: Sendable, Hashable {
    package var result: TableCopyRecord.Result
    /// nil after success.
    package var failure: RunFailure?
    /// Nothing is in doubt: the next run may trust the mirror.
    package var isClean: Bool
    package var nextRunAt: Date
    /// What the mirror says is void, and is forgotten.
    package var voidsMirror: Bool

    package init(
        result: TableCopyRecord.Result, failure: RunFailure? = nil, isClean: Bool, nextRunAt: Date,
        voidsMirror: Bool = false
    ) {
        self.result = result
        self.failure = failure
        self.isClean = isClean
        self.nextRunAt = nextRunAt
        self.voidsMirror = voidsMirror
    }
}

/// What runs leave behind.
package protocol RunStore: Sendable {
    /// Opens the record of a run.
    func beginCopy(_ claimed: ClaimedTable) async throws -> TableCopyRecord

    /// Stores the mirror and the figures so far, in one transaction; ignored when the lease is lost.
    func record(_ checkpoint: Checkpoint, copy: TableCopyRecord, of claimed: ClaimedTable) async throws

    /// Remembers repaired values, one a key and column; ignored when the lease is lost.
    func recordRepairs(_ repairs: [RepairedValue], of claimed: ClaimedTable) async throws

    /// What the source of a table kept in mind; nil where nothing was kept.
    func sourceMemory(of claimed: ClaimedTable) async throws -> SourceMemory?

    /// Keeps it in place of the last one; ignored when the lease is lost.
    func keep(_ memory: SourceMemory, of claimed: ClaimedTable) async throws

    /// Closes the record of a run. A run that ended well without rows is not kept: the mirror says when it looked.
    func finishCopy(_ copy: TableCopyRecord) async throws
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
    func sleep(for duration: Duration) async throws
}

/// The machine's clock.
package struct SystemWallClock: WallClock {
    package init() {}
    package var now: Date { Date() }
    package func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

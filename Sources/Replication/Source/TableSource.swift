/// Who the source is: a failover, a restore or another server behind the same name changes it, and transaction numbers
/// of the old one then mean nothing.
package struct SourceIdentity: Sendable, Hashable, Codable {
    /// The cluster's number from its creation.
    package var system: String
    /// Raised by every promotion.
    package var timeline: String
    package var database: String

    package init(system: String, timeline: String, database: String) {
        self.system = system
        self.timeline = timeline
        self.database = database
    }
}

/// What other sessions at the source were doing, read before the snapshot that it bounds.
package struct SourceActivity: Sendable, Hashable {
    package var clock: SourceTime
    /// Start of the oldest transaction of another session of this database.
    package var oldestTransaction: SourceTime?
    /// Start of the newest one; later than the clock where that was set back meanwhile.
    package var newestTransaction: SourceTime?
    /// Some session's state is hidden from our user.
    package var hasHiddenSessions: Bool
    /// This database has a prepared (two-phase) transaction.
    package var hasPreparedTransaction: Bool
    package var isStandby: Bool
    /// On a standby: the commit time of the last replayed transaction.
    package var replayedUpTo: SourceTime?
    /// A standby that does not say how far behind it is, and never will: time alone must be enough.
    package var hidesLag = false

    /// Commits up to then are in sight; nil where a standby does not say.
    package var showsUpTo: SourceTime? { isStandby ? replayedUpTo.map { min(clock, $0) } : clock }

    package init(
        clock: SourceTime, oldestTransaction: SourceTime? = nil, newestTransaction: SourceTime? = nil,
        hasHiddenSessions: Bool = false,
        hasPreparedTransaction: Bool = false, isStandby: Bool = false, replayedUpTo: SourceTime? = nil
    ) {
        self.clock = clock
        self.oldestTransaction = oldestTransaction
        self.newestTransaction = newestTransaction
        self.hasHiddenSessions = hasHiddenSessions
        self.hasPreparedTransaction = hasPreparedTransaction
        self.isStandby = isStandby
        self.replayedUpTo = replayedUpTo
    }
}

/// The readings that bound a pass, taken in this order before its first row.
package struct PassStart: Sendable, Hashable {
    package var identity: SourceIdentity
    package var activity: SourceActivity
    /// Every transaction numbered below it had ended; nil where rows show no usable number (views, foreign tables).
    package var horizon: UInt64?
    /// The number that the next transaction would take, at the least.
    package var nextTransaction: UInt64
    /// Of a `FullSyncTable`: the same text means that nothing was written since; nil where that cannot be told.
    package var changeToken: String?
    /// The files that the table lies in; nil where that cannot be told.
    package var files: SourceFiles?
    /// False where the source hands on text without knowing its encoding.
    package var guaranteesUTF8: Bool
    /// Rows of the table by the server's statistics; nil where it has none.
    package var estimatedRows: Int?
    /// nil where the table has no size of its own, as views and foreign tables.
    package var storage: TableStorage?
    /// Whether `BatchScan.places` can be asked for.
    package var sweepsByPlaces: Bool
    /// nil where the server does not say.
    package var moment: SourceMoment?
    /// The highest value of a zone-less `updated_key`; nil elsewhere, and where the zone need not be known.
    package var highestStamp: String?

    /// Rows show no transaction numbers, but sweeps tell cheaply where rows differ from those of the last one.
    package var leansOnSweeps: Bool { horizon == nil && sweepsByPlaces }

    package init(
        identity: SourceIdentity, activity: SourceActivity, horizon: UInt64?, nextTransaction: UInt64,
        changeToken: String? = nil, files: SourceFiles? = nil, guaranteesUTF8: Bool = true, estimatedRows: Int? = nil,
        storage: TableStorage? = nil, sweepsByPlaces: Bool = false, moment: SourceMoment? = nil,
        highestStamp: String? = nil
    ) {
        self.identity = identity
        self.activity = activity
        self.horizon = horizon
        self.nextTransaction = nextTransaction
        self.changeToken = changeToken
        self.files = files
        self.guaranteesUTF8 = guaranteesUTF8
        self.estimatedRows = estimatedRows
        self.storage = storage
        self.sweepsByPlaces = sweepsByPlaces
        self.moment = moment
        self.highestStamp = highestStamp
    }
}

/// Rows of one source, one snapshot at a time. One instance serves one run and is not shared.
package protocol TableSource: Sendable {
    /// The table as the catalog has it now.
    /// - Throws: `ReplicationError` `E_SRC_TABLE_GONE` when it does not exist or cannot be seen.
    func describe(_ table: TableName) async throws -> SourceTable

    /// Takes the readings of a pass's start: clock and activity, prepared transactions, then a snapshot's horizon.
    /// - Parameter scanLimit: Bytes. A larger table that each pass would have to read whole is not read here either:
    ///   readings that need that are left out, and it will be refused. nil: any size is allowed.
    func startPass(_ mapping: TableMapping, scanLimit: Int64?) async throws -> PassStart

    /// Opens a snapshot and measures the batch: one statement, the only one when nothing is new. A scan of the whole
    /// table is not measured, only estimated.
    func openBatch(_ query: BatchQuery) async throws -> BatchExtent

    /// The rows of the opened batch, from the same snapshot, CSV with `format.nullSentinel` for NULL.
    func rows(_ query: BatchQuery, extent: BatchExtent, format: BatchFormat) async throws -> RowStream

    /// Ends the snapshot that `openBatch` opened.
    func closeBatch() async throws

    /// Which of a table's relations have rows that transactions below `horizon` wrote. Asked only when its files have
    /// changed.
    func relations(
        of mapping: TableMapping, among relations: [UInt32], withRowsBelow horizon: UInt64
    ) async throws -> Set<UInt32>

    /// Closes the connection. Safe to call twice.
    func close() async
}

extension TableSource {
    /// Whatever the table's size.
    package func startPass(_ mapping: TableMapping) async throws -> PassStart {
        try await startPass(mapping, scanLimit: nil)
    }
}

/// A source that keeps in mind, from run to run, which rows it has handed out: where rows show no transaction numbers,
/// it is the only way not to hand them out again and again.
package protocol RecallingSource: TableSource {
    /// Called once, before the first batch.
    /// - Parameter memory: What `memory` returned at the end of the run before; nil where it may not be relied on.
    func recall(_ memory: [UInt8]?) async

    /// What to keep in mind after a pass whose rows are all loaded.
    func memory() async throws -> [UInt8]
}

/// A source's memory, bound to the checkpoint it was written after: another one may stand for other rows.
package struct SourceMemory: Sendable, Hashable {
    package var stamp: CheckpointStamp
    /// In the source's own form.
    package var content: [UInt8]

    package init(stamp: CheckpointStamp, content: [UInt8]) {
        self.stamp = stamp
        self.content = content
    }
}

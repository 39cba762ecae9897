/// Who wrote a checkpoint, and as which write: a writer that does not find exactly what it read has been overtaken.
package struct CheckpointStamp: Sendable, Hashable, Codable {
    /// The metadata store that the writer belongs to.
    package var installation: String
    package var job: String
    /// The lease's generation at the write.
    package var generation: Int64
    /// Counts writes.
    package var batch: Int64

    package init(installation: String, job: String, generation: Int64, batch: Int64) {
        self.installation = installation
        self.job = job
        self.generation = generation
        self.batch = batch
    }

    /// The stamp of the next write, made under a lease of `generation`.
    package func next(generation: Int64) -> CheckpointStamp {
        CheckpointStamp(installation: installation, job: job, generation: generation, batch: batch + 1)
    }
}

/// How far a table has come. It lies in the destination and commits with the rows it covers.
package struct Checkpoint: Sendable, Hashable, Codable {
    package var stamp: CheckpointStamp
    package var state: CheckpointState

    package init(stamp: CheckpointStamp, state: CheckpointState) {
        self.stamp = stamp
        self.state = state
    }
}

/// The position of a table: what the next pass starts from and, while a pass is unfinished, where it stands.
package struct CheckpointState: Sendable, Hashable, Codable {
    /// `TableMapping.definition` under which this was made.
    package var definition: String
    package var source: SourceIdentity
    /// Every row version of a lower transaction number has been read; nil: not known, read without that bound.
    package var horizon: UInt64?
    /// Rows below it cannot be new, but for sweeps; nil: none.
    package var floor: SourceTime?
    /// A sweep must follow at once: a first load has just ended.
    package var sweepDue: Bool
    /// nil before the end of the first pass, or of the first one after a position was set by hand.
    package var sweep: SweepState?
    /// nil: none.
    package var settled: SettledTransactions?
    /// Of the salt that hashed values were made with; nil where no column is hashed.
    package var saltDigest: String?
    /// The furthest moment of the source that a pass began at.
    package var moment: SourceMoment?
    /// Commits up to then have all been read: the source's clock at the start of the last finished sweep, or first load;
    /// of a standby, its last commit. nil before that, and after another server has answered.
    package var completeUpTo: SourceTime?
    /// The source's clock at the start of the last pass that reached the end.
    package var caughtUpAsOf: SourceTime?
    package var maxUpdatedKey: String?
    package var maxPrimaryKey: [String]?
    /// Rows in the replica, counted once and then kept by what each load inserted and deleted.
    package var replicaRows: Int
    package var pass: UnfinishedPass?
    /// Of an `InsertOnlyTable`.
    package var keyFloor: KeyFloor?
    /// Of a `FullSyncTable`.
    package var fullCopy: FullCopyState?
    /// VARCHAR columns of the replica of another width than the mapping asks for, mostly narrower: bytes by
    /// destination name.
    package var narrowColumns: [String: Int]?
    /// The files that the source's table lay in when the last pass began; nil where that is not kept track of.
    package var sourceFiles: SourceFiles?
    /// Why the replica may differ from the source until it is loaded anew.
    package var compareDue: CompareReason?
    /// Rows that the pass under way has read since a doubt arose, where it reads all; see `CompareRule`.
    package var keysRead: Int?
    /// Where the zone-less `updated_key` is kept; nil before it was looked at.
    package var keptZone: KeptZone?
    /// The source's clock when checkpoint and rows of the destination were last held against what is known here.
    package var verifiedAt: SourceTime?

    package init(
        definition: String, source: SourceIdentity, horizon: UInt64? = nil, floor: SourceTime? = nil,
        sweepDue: Bool = false, sweep: SweepState? = nil, completeUpTo: SourceTime? = nil,
        caughtUpAsOf: SourceTime? = nil,
        maxUpdatedKey: String? = nil, maxPrimaryKey: [String]? = nil, replicaRows: Int = 0,
        pass: UnfinishedPass? = nil, keyFloor: KeyFloor? = nil, fullCopy: FullCopyState? = nil,
        narrowColumns: [String: Int]? = nil
    ) {
        self.definition = definition
        self.source = source
        self.horizon = horizon
        self.floor = floor
        self.sweepDue = sweepDue
        self.sweep = sweep
        self.completeUpTo = completeUpTo
        self.caughtUpAsOf = caughtUpAsOf
        self.maxUpdatedKey = maxUpdatedKey
        self.maxPrimaryKey = maxPrimaryKey
        self.replicaRows = replicaRows
        self.pass = pass
        self.keyFloor = keyFloor
        self.fullCopy = fullCopy
        self.narrowColumns = narrowColumns
    }
}

/// The last full copy of a table, from which the next run tells whether there is anything to do.
package struct FullCopyState: Sendable, Hashable, Codable {
    /// `PassStart.changeToken`, read before the copy's snapshot; nil where the source cannot tell.
    package var changeToken: String?
    /// The source's clock before the copy's snapshot.
    package var startedAt: SourceTime

    package init(changeToken: String?, startedAt: SourceTime) {
        self.changeToken = changeToken
        self.startedAt = startedAt
    }
}

/// A pass under way. Its readings become the state's when it reaches the end: the pass after it uses them.
package struct UnfinishedPass: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Codable {
        /// The whole table, by key.
        case firstLoad
        /// Changes, without a floor.
        case sweep
        /// Changes, above the floor.
        case incremental
    }

    /// The stretch of the table that is being read: first loads and sweeps go by key; rows without an `updated_key`
    /// follow those with one.
    package enum Stretch: String, Sendable, Codable {
        case byKey, changes, unstamped
    }

    package var kind: Kind
    package var startedAt: SourceTime
    package var nextHorizon: UInt64?
    package var nextFloor: SourceTime?
    /// Of an `InsertOnlyTable`.
    package var nextKeyFloor: String?
    package var stretch: Stretch
    /// The last row merged in this stretch; nil before the first.
    package var position: CursorPosition?
    /// Rows can be appended without looking for older versions: the replica was empty when a load by key began.
    package var appends: Bool
    /// Transactions above `nextHorizon` whose rows the first batch had in sight; nil where that batch was full.
    package var transactions: [UInt64]?
    /// `SourceActivity.showsUpTo` of its start.
    package var showsUpTo: SourceTime?
    /// true: what lies below the floor, or has no stamp, is left to sweeps.
    package var leavesToSweeps: Bool?

    package var leansOnSweeps: Bool { leavesToSweeps == true }

    package init(
        kind: Kind, startedAt: SourceTime, nextHorizon: UInt64?, nextFloor: SourceTime?, stretch: Stretch,
        position: CursorPosition? = nil, appends: Bool = false, nextKeyFloor: String? = nil
    ) {
        self.kind = kind
        self.startedAt = startedAt
        self.nextHorizon = nextHorizon
        self.nextFloor = nextFloor
        self.stretch = stretch
        self.position = position
        self.appends = appends
        self.nextKeyFloor = nextKeyFloor
    }
}

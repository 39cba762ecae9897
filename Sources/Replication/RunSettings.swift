/// The knobs of a run, all with their documented defaults.
package struct RunSettings: Sendable, Hashable {
    /// Rows in a batch, and in a chunk of a first load: `IMPORT_ROW_LIMIT`.
    package var rowLimit = 100_000
    /// Files a load should have at least where it is large enough; nil asks the cluster:
    /// `PARALLEL_PROCESSING_NODE_SLICES`.
    package var slices: Int?
    /// Microseconds a floor lies below the earliest open transaction.
    package var lookback = SourceTime.second * 600
    /// Text that is too long for a column of the replica is cut instead of widening the column:
    /// `AUTO_TRUNCATE_COLUMNS`.
    package var cutsLongText = false
    /// Microseconds after which a `FullSyncTable` is copied even where nothing seems to have changed.
    package var fullCopyAtLeastEvery = SourceTime.hour * 24
    /// Tables of fewer rows are swept with each pass: `SWEEP_SMALL_ROWS`.
    package var sweepSmallRows = 100_000
    /// Microseconds between two sweeps of larger tables: `SWEEP_INTERVAL`.
    package var sweepInterval = SourceTime.hour
    /// How long a run goes on with a sweep by places before it leaves the rest to the next run: passes come first.
    package var sweepBudget: Duration = .seconds(20)
    /// Microseconds by which another server behind the same name sets the floor back: `FAILOVER_LOOKBACK`.
    package var failoverLookback = SourceTime.hour * 24
    /// Of the salt of hashed columns; nil where no column is hashed.
    package var saltDigest: String?
    /// Microseconds after which checkpoint and rows of the destination are held against what is known of them.
    package var verifyCheckpointEvery = SourceTime.hour * 24
    /// Bytes of a table up to which each pass may read it whole where no index leads to what is new.
    package var scanLimitBytes = ScanRule.limitBytes
    /// Larger ones may be read whole, too: `--allow-scan`.
    package var allowsScan = false
    /// The metadata store that this process belongs to.
    package var installation: String

    package init(installation: String) {
        self.installation = installation
    }
}

/// What a run knows when it starts: its lease, and the mirror of the checkpoint.
package struct RunLease: Sendable, Hashable {
    package var generation: Int64
    /// The checkpoint as metadata last saw it.
    package var mirror: Checkpoint?
    /// The run before this one ended and said so; otherwise the destination is asked first.
    package var previousEndedCleanly: Bool
    /// This process has not run the table before.
    package var isFirstInProcess: Bool

    package init(
        generation: Int64, mirror: Checkpoint?, previousEndedCleanly: Bool, isFirstInProcess: Bool = false
    ) {
        self.generation = generation
        self.mirror = mirror
        self.previousEndedCleanly = previousEndedCleanly
        self.isFirstInProcess = isFirstInProcess
    }
}

/// What a run tells its surroundings and asks of them.
package protocol RunJournal: Sendable {
    /// The position moved and is committed; `idle` when only the mirror moves.
    func mirror(_ checkpoint: Checkpoint, progress: RunProgress) async throws

    /// The lease's generation must be at least this from now on: an overtaken owner had written a higher one.
    func raiseGeneration(to generation: Int64) async throws

    /// Values of the batch at hand that were changed because Redshift cannot hold them. Called before the batch is
    /// loaded, so that no change goes unrecorded; a batch that is read again repeats its calls.
    func recordRepairs(_ repairs: [RepairedValue]) async throws

    /// What the source kept in mind at the end of the last run; nil where nothing is kept.
    func sourceMemory() async throws -> SourceMemory?

    /// Keeps it for the next run, in place of the last one.
    func keep(_ memory: SourceMemory) async throws

    /// The source's clock, read just now: at the start of each pass.
    func noteSourceClock(_ clock: SourceTime) async

    /// Whether the run should end between two batches: shutting down, or the lease is lost.
    func shouldStop() async -> Bool
}

/// What a run has moved so far.
package struct RunProgress: Sendable, Hashable {
    package var rows = 0
    package var batches = 0
    /// CSV bytes.
    package var bytes = 0
    package var readAndStage: Duration = .zero
    package var load: Duration = .zero
    /// Time that the source spent on passes over a whole table that is larger than `RunSettings.scanLimitBytes`; nil where
    /// no pass was one. A first load, which reads all rows of any table, is left out.
    package var unindexedRead: Duration?
    /// Values changed because Redshift cannot hold them.
    package var repairedValues = 0
    /// Whether the pass reached the end of the table.
    package var caughtUp = false
    /// Staged objects of it may have stayed behind; the next run looks for them.
    package var leftStaged = false
    /// The destination was to be looked at and did not answer.
    package var leftUnverified = false
    /// Why the run did not simply go on; for people.
    package var notices: [RunNotice] = []

    package init() {}
}

import Logging

/// One run of one table: from the checkpoint to the end of the table, a batch at a time.
///
/// Killed at any point, the next run goes on from the destination's checkpoint: rows and position commit together, and
/// whatever lies in staging by then is never read again.
package struct TableRun: Sendable {
    let mapping: TableMapping
    let settings: RunSettings
    let lease: RunLease
    let source: any TableSource
    let staging: any StagingArea
    let destination: any ReplicaDestination
    let journal: any RunJournal
    let logger: Logger

    package init(
        mapping: TableMapping, settings: RunSettings, lease: RunLease, source: any TableSource,
        staging: any StagingArea, destination: any ReplicaDestination, journal: any RunJournal, logger: Logger
    ) {
        self.mapping = mapping
        self.settings = settings
        self.lease = lease
        self.source = source
        self.staging = staging
        self.destination = destination
        self.journal = journal
        self.logger = logger
    }

    /// Runs passes until the table is caught up, or until the journal asks to stop between two batches.
    /// - Throws: `ReplicationError`; `CancellationError`. Committed batches stay.
    package func run() async throws -> RunProgress {
        var position = try await openPosition()
        var progress = RunProgress()
        repeat {
            let start = try await source.startPass(mapping)
            try await begin(&position, at: start, progress: &progress)
            while let query = PassPlan.nextBatch(of: position.state, mapping: mapping, rowLimit: settings.rowLimit) {
                if await journal.shouldStop() { return progress }
                try await move(query, &position, &progress)
            }
        } while position.state.sweepDue
        progress.caughtUp = true
        if position.stamp == nil { try await recordEmptyTable(&position) }
        try await mirror(position, progress)
        return progress
    }

    /// Reads, stages, loads and records one batch. An empty one moves the position in memory only, so that an idle
    /// table never reaches the destination.
    private func move(_ query: BatchQuery, _ position: inout Position, _ progress: inout RunProgress) async throws {
        let extent = try await source.openBatch(query)
        let next = PassPlan.advance(position.state, past: extent, of: query)
        guard extent.rows > 0 else {
            try await source.closeBatch()
            position.state = next
            return
        }
        let started = ContinuousClock.now
        let format = randomFormat()
        let staged = try await stage(query, extent, format, batch: position.nextBatchNumber)
        let readUntil = ContinuousClock.now
        do {
            let committed = try await destination.load(
                ReplicaLoad(
                    mapping: mapping, staged: staged, format: format, appends: position.state.pass?.appends ?? false,
                    expected: position.stamp, next: Checkpoint(stamp: nextStamp(after: position), state: next)))
            progress.record(staged, read: readUntil - started, load: .now - readUntil)
            position = Position(committed)
            try await mirror(position, progress)
        } catch {
            await discard(staged)
            throw error
        }
        await discard(staged)
    }

    /// Streams the opened batch into staging, and refuses it unless as many rows arrived as were measured.
    private func stage(
        _ query: BatchQuery, _ extent: BatchExtent, _ format: BatchFormat, batch: Int64
    ) async throws -> StagedBatch {
        let slices: Int
        if let configured = settings.slices { slices = configured } else { slices = try await destination.sliceCount() }
        let plan = StagingPlan(estimatedBytes: extent.rows * mapping.averageRowBytes, slices: slices)
        let rows = try await source.rows(query, extent: extent, format: format)
        let folder = "\(settings.installation)/\(StableDigest.hex(mapping.label))/\(lease.generation)-\(batch)"
        let staged = try await staging.stage(rows, folder: folder, plan: plan)
        do {
            try await source.closeBatch()
            try Self.check(staged, against: extent, of: mapping)
        } catch {
            await discard(staged)
            throw error
        }
        return staged
    }

    private static func check(_ staged: StagedBatch, against extent: BatchExtent, of mapping: TableMapping) throws {
        guard staged.rows == extent.rows else {
            throw ReplicationError(
                .internal, what: "A batch of \(mapping.source) came with \(staged.rows) rows instead of \(extent.rows)",
                why: "one snapshot gave two answers", fix: "Nothing was loaded. Report this as a bug.")
        }
    }
}

extension TableRun {
    /// Where a run stands: the state it works with, and the stamp that the destination is known to hold.
    private struct Position {
        var state: CheckpointState
        /// nil before the first checkpoint.
        var stamp: CheckpointStamp?

        init(_ checkpoint: Checkpoint) {
            state = checkpoint.state
            stamp = checkpoint.stamp
        }

        /// Before the first pass: no pass can start from this state, and the first one's plan replaces it.
        init() {
            state = CheckpointState(definition: "", source: SourceIdentity(system: "", timeline: "", database: ""))
            stamp = nil
        }

        var isNew: Bool { state.definition.isEmpty }
        var nextBatchNumber: Int64 { (stamp?.batch ?? 0) + 1 }
    }

    /// Trusts the mirror after a clean end; otherwise the destination says where the table stands, and this run's
    /// generation is written there before anything else, which shuts a former owner out.
    private func openPosition() async throws -> Position {
        if lease.previousEndedCleanly, let mirror = lease.mirror { return Position(mirror) }
        try await destination.prepare(mapping)
        guard let found = try await destination.readCheckpoint(mapping, installation: settings.installation) else {
            return Position()
        }
        let generation = max(lease.generation, found.stamp.generation + 1)
        var taken = found
        taken.stamp = found.stamp.next(generation: generation)
        try await destination.writeCheckpoint(taken, expected: found.stamp, mapping: mapping)
        try await journal.raiseGeneration(to: generation)
        return Position(taken)
    }

    private func begin(_ position: inout Position, at start: PassStart, progress: inout RunProgress) async throws {
        var replicaRows = position.state.replicaRows
        if position.state.definition != mapping.definition {
            try await destination.prepare(mapping)
            replicaRows = try await destination.countRows(mapping)
        }
        let (state, notice) = PassPlan.begin(
            from: position.isNew ? nil : position.state, at: start, mapping: mapping, lookback: settings.lookback,
            replicaRows: replicaRows)
        position.state = state
        if let notice {
            progress.notices.append(notice)
            logger.notice("\(mapping.label): \(notice.sentence)")
        }
    }

    /// An empty table gets a checkpoint as well, so that from now on only the source is asked.
    private func recordEmptyTable(_ position: inout Position) async throws {
        let first = Checkpoint(stamp: nextStamp(after: position), state: position.state)
        try await destination.writeCheckpoint(first, expected: nil, mapping: mapping)
        position = Position(first)
    }

    /// The generation never falls below what the destination holds, which a takeover may have raised past the lease's.
    private func nextStamp(after position: Position) -> CheckpointStamp {
        guard let stamp = position.stamp else {
            return CheckpointStamp(
                installation: settings.installation, job: mapping.jobName, generation: lease.generation, batch: 1)
        }
        return stamp.next(generation: max(lease.generation, stamp.generation))
    }

    private func mirror(_ position: Position, _ progress: RunProgress) async throws {
        guard let stamp = position.stamp else { return }
        try await journal.mirror(Checkpoint(stamp: stamp, state: position.state), progress: progress)
    }

    /// Leftovers cost storage, never rows, so failing to remove them must not fail what was committed.
    private func discard(_ staged: StagedBatch) async {
        do {
            try await staging.discard(staged)
        } catch {
            logger.warning("\(mapping.label): \(staged.keys.count) staged objects could not be removed: \(error)")
        }
    }

    private func randomFormat() -> BatchFormat {
        var generator = SystemRandomNumberGenerator()
        return .random(using: &generator)
    }
}

extension RunProgress {
    mutating func record(_ staged: StagedBatch, read: Duration, load: Duration) {
        rows += staged.rows
        batches += 1
        bytes += staged.bytes
        readAndStage += read
        self.load += load
    }
}

extension PassPlan.Notice {
    /// What a person reads in the log and in `tables runs`.
    package var sentence: String {
        switch self {
        case .firstLoad: "first load"
        case .definitionChanged: "mode, key or columns changed: all rows are loaded again"
        case .sourceChanged: "another server or timeline answers: reading again from 24 hours further back"
        }
    }
}

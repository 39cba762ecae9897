extension TableRun {
    /// Where a run stands: the state it works with, and the stamp that the destination is known to hold.
    struct Position {
        var state: CheckpointState
        /// nil before the first checkpoint.
        var stamp: CheckpointStamp?
        /// The destination was looked at in this run.
        var isVerified = false
        /// What is to be told with the next pass.
        var notices: [RunNotice] = []

        init(_ checkpoint: Checkpoint, isVerified: Bool = false) {
            state = checkpoint.state
            stamp = checkpoint.stamp
            self.isVerified = isVerified
        }

        /// As before the first pass, after a loss.
        init(startingOver notice: RunNotice, compareDue: CompareReason?) {
            self.init()
            state.compareDue = compareDue
            notices = [notice]
        }

        /// Before the first pass: no pass can start from this state, and the first one's plan replaces it.
        init() {
            state = CheckpointState(definition: "", source: SourceIdentity(system: "", timeline: "", database: ""))
            stamp = nil
        }

        /// Takes over how far a batch came. It may have been read before the one before it was loaded, so what is known
        /// of the replica stays.
        mutating func move(to read: CheckpointState) {
            let (rows, narrow) = (state.replicaRows, state.narrowColumns)
            state = read
            state.replicaRows = rows
            state.narrowColumns = narrow
        }

        var isNew: Bool { state.definition.isEmpty }
        var nextBatchNumber: Int64 { (stamp?.batch ?? 0) + 1 }
    }

    /// Trusts the mirror after a clean end; otherwise the destination says where the table stands, and this run's
    /// generation is written there before anything else, which shuts a former owner out.
    func openPosition() async throws -> Position {
        if lease.previousEndedCleanly, let mirror = lease.mirror { return Position(mirror) }
        var attempts = 0
        while true {
            do {
                return try await takeOver()
            } catch let error as ReplicationError where error.code == .locked && attempts < 2 {
                // The former owner has committed a batch after all, between the reading and the writing.
                attempts += 1
                logger.info("\(mapping.label): \(error.what); reading it again")
            }
        }
    }

    private func takeOver() async throws -> Position {
        let replica = try await destination.prepare(mapping)
        guard let found = try await destination.readCheckpoint(mapping, installation: settings.installation) else {
            guard let mirror = lease.mirror else { return Position() }
            return Position(
                startingOver: replica.rows == 0 ? .replicaGone : .checkpointGone, compareDue: mirror.state.compareDue)
        }
        var position = try await takeOver(found, narrowColumns: replica.narrowColumns)
        if let known = lease.mirror?.stamp,
            CheckpointVerification.notice(known: known, found: found.stamp) == .destinationSetBack
        {
            position.notices.append(.destinationSetBack)
        }
        return position
    }

    func begin(_ position: inout Position, at start: PassStart, progress: inout RunProgress) async throws {
        try await verify(&position, at: start.activity.clock, progress: &progress)
        try await noteSourceFiles(&position, at: start)
        var replica = PreparedReplica()
        let isFresh = PassPlan.isVoid(position.state, for: mapping, settings: settings)
        if isFresh { replica = try await destination.prepare(mapping) }
        let due = position.state.compareDue
        let (state, notice) = PassPlan.begin(
            from: position.isNew ? nil : position.state, at: start, mapping: mapping, settings: settings,
            replica: replica)
        position.state = state
        if isFresh {
            position.state.sourceFiles = start.files
            position.state.verifiedAt = start.activity.clock
            // A load into the same replica leaves what had vanished.
            if let due, replica.rows > 0, mapping.mode != .fullSync {
                CompareRule.raise(due, in: &position.state, readsAll: true)
            }
        }
        // Why a table is loaded as if for the first time says more than that it is.
        let told =
            position.notices + (notice == .firstLoad && !position.notices.isEmpty ? [] : [notice].compactMap { $0 })
        position.notices = []
        for notice in told {
            progress.notices.append(notice)
            logger.notice("\(mapping.label): \(notice.sentence)")
        }
    }

    /// An empty table gets a checkpoint as well, so that from now on only the source is asked.
    func recordEmptyTable(_ position: inout Position) async throws {
        let first = Checkpoint(stamp: nextStamp(after: position), state: position.state)
        try await destination.writeCheckpoint(first, expected: nil, mapping: mapping)
        position = Position(first, isVerified: position.isVerified)
    }

    /// The generation never falls below what the destination holds, which a takeover may have raised past the lease's.
    func nextStamp(after position: Position) -> CheckpointStamp {
        guard let stamp = position.stamp else {
            return CheckpointStamp(
                installation: settings.installation, job: mapping.jobName, generation: lease.generation, batch: 1)
        }
        return stamp.next(generation: max(lease.generation, stamp.generation))
    }

    func mirror(_ position: Position, _ progress: RunProgress) async throws {
        guard let stamp = position.stamp else { return }
        try await journal.mirror(Checkpoint(stamp: stamp, state: position.state), progress: progress)
    }

    /// Hands the source its memory of the last run, if that ended well and nothing was written since.
    /// - Returns: What it was handed.
    func recall(at position: Position) async throws -> SourceMemory? {
        guard let source = source as? any RecallingSource else { return nil }
        var kept: SourceMemory?
        if lease.previousEndedCleanly, let stamp = position.stamp, let memory = try await journal.sourceMemory(),
            memory.stamp == stamp
        {
            kept = memory
        }
        await source.recall(kept?.content)
        return kept
    }

    func keepMemory(at position: Position, inPlaceOf kept: SourceMemory?) async throws {
        guard let source = source as? any RecallingSource, let stamp = position.stamp else { return }
        let memory = SourceMemory(stamp: stamp, content: try await source.memory())
        if memory != kept { try await journal.keep(memory) }
    }

    /// Leftovers cost storage, never rows, so failing to remove them must not fail what was committed.
    func discard(_ staged: StagedBatch, _ progress: inout RunProgress) async {
        do {
            try await staging.discard(staged)
        } catch {
            progress.leftStaged = true
            logger.warning("\(mapping.label): \(staged.objectKeys.count) staged objects could not be removed: \(error)")
        }
    }

    /// Where all batches of this table are staged, whichever run they belong to.
    var stagingFolder: String { "\(settings.installation)/\(StableDigest.hex(mapping.label))" }

    /// Removes what a run that ended badly has staged. The lease says that no other run of this table goes on; one that
    /// has lost its lease could load nothing anyway.
    func discardLeftovers(_ progress: inout RunProgress) async throws {
        guard !lease.previousEndedCleanly else { return }
        do {
            let removed = try await staging.discardAll(below: stagingFolder)
            if removed > 0 { logger.info("\(mapping.label): removed \(removed) staged objects of an earlier run") }
        } catch let error as ReplicationError where !error.isRetryable {
            // The right to list is a luxury: without it, leftovers stay until the bucket's lifecycle rule takes them.
            logger.debug("\(mapping.label): staged objects of earlier runs cannot be looked for: \(error)")
        } catch let error as ReplicationError {
            progress.leftStaged = true
            logger.warning("\(mapping.label): staged objects of earlier runs could not be removed: \(error)")
        }
    }

    func randomFormat() -> BatchFormat {
        var generator = SystemRandomNumberGenerator()
        return .random(using: &generator)
    }
}

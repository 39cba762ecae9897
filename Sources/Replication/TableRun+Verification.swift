extension TableRun {
    /// Holds what is known of the destination against what it holds: in a process's first run of a table, after an
    /// unclean end, and once a day. The destination's word counts.
    func verify(_ position: inout Position, at clock: SourceTime, progress: inout RunProgress) async throws {
        guard let known = position.stamp else {
            position.isVerified = true
            return
        }
        guard isVerificationDue(position, at: clock) else { return }
        let found: ReplicaInspection
        do {
            found = try await destination.inspect(mapping)
        } catch let error as ReplicationError where error.isRetryable && lease.previousEndedCleanly {
            // Only a table with news needs the destination; the next run looks.
            logger.info("\(mapping.label): the destination could not be looked at: \(error.what): \(error.why)")
            progress.leftUnverified = true
            // A lost connection must not be what the next statement meets.
            await destination.close()
            return
        }
        position.isVerified = true
        progress.leftUnverified = false
        try found.checkpoint?.stamp.requireOwner(of: mapping, installation: settings.installation)
        switch CheckpointVerification.judge(known, against: found) {
        case .asKnown: break
        case .replicaGone: position = Position(startingOver: .replicaGone, compareDue: nil)
        case .checkpointGone:
            position = Position(startingOver: .checkpointGone, compareDue: position.state.compareDue)
        case .moved:
            guard let checkpoint = found.checkpoint else { return }
            let notice = CheckpointVerification.notice(known: known, found: checkpoint.stamp)
            position = try await takeOver(
                checkpoint, narrowColumns: try await destination.prepare(mapping).narrowColumns)
            position.notices.append(notice)
        }
        if position.stamp != nil, let rows = found.rows { judge(rows: rows, &position) }
        position.isVerified = true
        position.state.verifiedAt = clock
    }

    private func isVerificationDue(_ position: Position, at clock: SourceTime) -> Bool {
        if position.isVerified { return false }
        if lease.isFirstInProcess || !lease.previousEndedCleanly { return true }
        guard let last = position.state.verifiedAt else { return true }
        return clock < last || clock.microseconds - last.microseconds >= settings.verifyCheckpointEvery
    }

    /// Rows that somebody else deleted or added.
    private func judge(rows: Int, _ position: inout Position) {
        // Where the settings have changed all rows are loaded, and counted, anyway.
        guard position.state.definition == mapping.definition else { return }
        switch CheckpointVerification.judge(rows: rows, against: position.state) {
        case .asLoaded: return
        case .none:
            position.notices.append(.replicaEmptied)
            position.state = CheckpointState(definition: "", source: position.state.source)
        case .others(let expected, let found):
            position.state.replicaRows = found
            if mapping.mode == .fullSync {
                position.state.fullCopy = nil
                position.notices.append(.replicaCopiedAgain(expected: expected, found: found))
            } else {
                CompareRule.raise(.replicaChanged, in: &position.state, readsAll: false)
                position.notices.append(.replicaChanged(expected: expected, found: found))
            }
        }
    }

    /// Writes this run's generation into a checkpoint that was found, which shuts a former owner out.
    func takeOver(_ found: Checkpoint, narrowColumns: [String: Int]) async throws -> Position {
        let generation = max(lease.generation, found.stamp.generation + 1)
        var taken = found
        taken.stamp = found.stamp.next(generation: generation)
        taken.state.narrowColumns = narrowColumns
        try await destination.writeCheckpoint(taken, expected: found.stamp, mapping: mapping)
        try await journal.raiseGeneration(to: generation)
        return Position(taken)
    }

    /// Notices that the source's table was truncated, replaced, or got partitions from elsewhere since the last pass.
    func noteSourceFiles(_ position: inout Position, at start: PassStart) async throws {
        guard mapping.mode != .fullSync, position.state.definition == mapping.definition else { return }
        defer { position.state.sourceFiles = start.files }
        // Another server numbers its files anew; it is read from further back anyway.
        guard let files = start.files, let former = position.state.sourceFiles, former != files,
            position.state.source == start.identity
        else { return }
        let changes = files.changes(since: former)
        let looked = changes.rewritten + changes.added
        var withOlderRows: Set<UInt32>?
        if let horizon = position.state.horizon ?? position.state.pass?.nextHorizon, start.horizon != nil {
            withOlderRows =
                looked.isEmpty ? [] : try await source.relations(of: mapping, among: looked, withRowsBelow: horizon)
        }
        let rule = SourceFileRule(changes: changes, withOlderRows: withOlderRows)
        if let notice = rule.apply(to: &position.state, of: mapping, relations: files.files.count) {
            position.notices.append(notice)
        }
    }

    /// At the end of a pass: where every row was read once, and the replica has just as many, nothing had vanished.
    func settleComparison(_ position: inout Position, _ progress: RunProgress) async throws {
        guard CompareRule.settle(&position.state), position.stamp != nil else { return }
        let settled = Checkpoint(stamp: nextStamp(after: position), state: position.state)
        try await destination.writeCheckpoint(settled, expected: position.stamp, mapping: mapping)
        position = Position(settled, isVerified: position.isVerified)
        try await mirror(position, progress)
    }
}

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
        var progress = RunProgress()
        try await discardLeftovers(&progress)
        var position = try await openPosition()
        if mapping.mode == .fullSync {
            try await copyWhole(&position, &progress)
        } else {
            try await followChanges(&position, &progress)
        }
        // Once more: an upload of the earlier run may have been under way and have arrived since.
        try await discardLeftovers(&progress)
        return progress
    }

    private func followChanges(_ position: inout Position, _ progress: inout RunProgress) async throws {
        var kept: SourceMemory?
        var isRecalled = false
        repeat {
            let start = try await startPass(&progress)
            try await begin(&position, at: start, progress: &progress)
            if !isRecalled { kept = try await recall(at: position) }
            isRecalled = true
            guard try await runPass(from: start, &position, &progress) else { return }
            try await settleComparison(&position, progress)
        } while position.state.sweepDue
        progress.caughtUp = true
        if position.stamp == nil { try await recordEmptyTable(&position) }
        try await mirror(position, progress)
        try await keepMemory(at: position, inPlaceOf: kept)
    }

    /// The batches of a pass. While one is loaded the next one is already read, so that the source need not wait for
    /// Redshift.
    /// - Returns: false when the run was asked to stop between two batches.
    private func runPass(
        from start: PassStart, _ position: inout Position, _ progress: inout RunProgress
    ) async throws -> Bool {
        if await journal.shouldStop() { return false }
        let budget = SweepBudget(settings.sweepBudget)
        let isFirstLoad = position.state.pass?.kind == .firstLoad
        var reading = try await readNext(
            after: position.state, from: start, number: position.nextBatchNumber, within: budget)
        while let batch = reading.batch {
            if !isFirstLoad { progress.count(reading.took) }
            if await journal.shouldStop() {
                await discard(batch.staged, &progress)
                return false
            }
            let (number, limit) = (position.nextBatchNumber + 1, BatchShrinking.next(after: reading.rowLimit))
            async let following = readNext(
                after: batch.after, from: start, number: number, rowLimit: limit, within: budget)
            do {
                try await load(batch, &position, &progress)
            } catch {
                do { if let left = try await following.batch { await discard(left.staged, &progress) } } catch {
                    logger.debug("\(mapping.label): the batch behind the failed one could not be read either: \(error)")
                }
                guard let refusal = error as? RefusedBatch else { throw error }
                try await loadChecked(batch, after: refusal, from: start, &position, &progress)
                reading = try await readNext(
                    after: position.state, from: start, number: position.nextBatchNumber, within: budget)
                continue
            }
            reading = try await following
        }
        if !isFirstLoad { progress.count(reading.took) }
        position.move(to: reading.after)
        return true
    }

    /// The whole table from one snapshot, unless nothing was written since the last time.
    private func copyWhole(_ position: inout Position, _ progress: inout RunProgress) async throws {
        let start = try await startPass(&progress)
        try await begin(&position, at: start, progress: &progress)
        if FullCopyRule.isDue(position.state, at: start, atLeastEvery: settings.fullCopyAtLeastEvery) {
            if await journal.shouldStop() { return }
            let query = BatchQuery(mapping: mapping, scan: .whole, floor: nil, horizon: nil, rowLimit: .max)
            let started = ContinuousClock.now
            let extent = try await source.openBatch(query)
            let batch = try await read(
                query, extent, before: position.state, after: FullCopyRule.finishing(position.state, at: start),
                from: start, number: position.nextBatchNumber)
            progress.count(.now - started)
            do {
                try await load(batch, &position, &progress)
            } catch let refusal as RefusedBatch {
                try await loadChecked(batch, after: refusal, from: start, &position, &progress)
            }
        } else {
            position.state.caughtUpAsOf = start.activity.clock
            position.state.completeUpTo = start.activity.showsUpTo
        }
        progress.caughtUp = true
        try await mirror(position, progress)
    }

    // MARK: Reading

    /// A batch that lies in staging.
    private struct ReadBatch {
        let query: BatchQuery
        /// The state that the batch was read from, and the one that it leads to.
        let before: CheckpointState
        let after: CheckpointState
        let format: BatchFormat
        let screen: BatchScreen
        let staged: StagedBatch
        let readFor: Duration
    }

    /// Reads the next batch that has rows. Empty ones move the state only, so that an idle table never reaches the
    /// destination. A batch that a standby cancels is read again in halves.
    /// - Parameter rowLimit: Below the settings' after such a cancellation.
    private func readNext(
        after state: CheckpointState, from start: PassStart, number: Int64, rowLimit: Int = .max,
        within budget: SweepBudget
    ) async throws -> Reading {
        let started = ContinuousClock.now
        var reading = Reading(after: state, rowLimit: min(rowLimit, settings.rowLimit))
        while let query = PassPlan.nextBatch(of: reading.after, mapping: mapping, rowLimit: reading.rowLimit) {
            if case .places = query.scan, !budget.allowsMore { break }
            do {
                let extent = try await source.openBatch(query)
                let next = PassPlan.advance(reading.after, past: extent, of: query)
                guard extent.rows == 0 else {
                    reading.batch = try await read(
                        query, extent, before: reading.after, after: next, from: start, number: number)
                    reading.after = next
                    reading.took = .now - started
                    return reading
                }
                try await source.closeBatch()
                reading.after = next
            } catch let error as ReplicationError where error.code == .sourceConflict {
                guard let smaller = BatchShrinking.smaller(than: reading.rowLimit) else { throw error }
                logger.notice("\(mapping.label): \(error.what); reading \(smaller) rows at once")
                do {
                    try await source.closeBatch()
                } catch let lost as ReplicationError {
                    // It closed the connection as well: the next run begins with fewer rows.
                    logger.debug("\(mapping.label): \(lost)")
                    throw error
                }
                reading.rowLimit = smaller
            }
        }
        reading.took = .now - started
        return reading
    }

    /// How far reading has come.
    private struct Reading {
        var after: CheckpointState
        /// nil at the end of the pass, or where a sweep is left to the next run.
        var batch: ReadBatch?
        var rowLimit: Int
        /// With the reading of batches that were found empty.
        var took: Duration = .zero
    }

    /// Brings the opened batch into staging.
    private func read(
        _ query: BatchQuery, _ extent: BatchExtent, before: CheckpointState, after: CheckpointState,
        from start: PassStart, number: Int64, checksAll: Bool = false
    ) async throws -> ReadBatch {
        let started = ContinuousClock.now
        let format = randomFormat()
        let screen = BatchScreen(
            mapping: mapping, narrowColumns: before.narrowColumns ?? [:], format: format,
            cutsLongText: settings.cutsLongText, checksUTF8: !start.guaranteesUTF8, checksAll: checksAll,
            journal: journal)
        let staged = try await stage(query, extent, format, screen, batch: number)
        return ReadBatch(
            query: query, before: before, after: after, format: format, screen: screen, staged: staged,
            readFor: .now - started)
    }

    // MARK: Loading

    /// Loads and records a batch, and removes what it left in staging.
    private func load(_ batch: ReadBatch, _ position: inout Position, _ progress: inout RunProgress) async throws {
        let started = ContinuousClock.now
        do {
            let load = await makeLoad(batch, from: position)
            let committed = try await destination.load(load)
            progress.record(
                load, repaired: await batch.screen.repaired, read: batch.readFor, load: .now - started)
            position = Position(committed, isVerified: position.isVerified)
            try await mirror(position, progress)
        } catch {
            await discard(batch.staged, &progress)
            if !batch.screen.checksAll, let refused = error as? ReplicationError,
                refused.isAboutValue(in: batch.staged)
            {
                throw RefusedBatch(error: refused)
            }
            throw error
        }
        await discard(batch.staged, &progress)
    }

    /// Redshift did not take a value of a batch whose values were not all looked at.
    private struct RefusedBatch: Error {
        let error: ReplicationError
    }

    /// Reads a refused batch once more, each of its values checked this time, and loads that.
    private func loadChecked(
        _ batch: ReadBatch, after refusal: RefusedBatch, from start: PassStart, _ position: inout Position,
        _ progress: inout RunProgress
    ) async throws {
        let error = refusal.error
        progress.notices.append(.screened(reason: error.why))
        logger.notice("\(mapping.label): \(error.what): \(error.why); reading the batch again, value by value")
        let replica = try await destination.prepare(mapping)
        var before = batch.before
        before.narrowColumns = replica.narrowColumns
        position.state.narrowColumns = replica.narrowColumns
        let started = ContinuousClock.now
        let extent = try await source.openBatch(batch.query)
        // The rows may have changed meanwhile, and with them where the batch ends.
        let after =
            batch.query.scan == .whole ? batch.after : PassPlan.advance(before, past: extent, of: batch.query)
        guard extent.rows > 0 || batch.query.scan == .whole else {
            try await source.closeBatch()
            position.move(to: after)
            return
        }
        let checked = try await read(
            batch.query, extent, before: before, after: after, from: start, number: position.nextBatchNumber,
            checksAll: true)
        if batch.before.pass?.kind != .firstLoad { progress.count(.now - started) }
        try await load(checked, &position, &progress)
    }

    /// Streams the opened batch into staging, and refuses it unless as many rows arrived as were measured.
    private func stage(
        _ query: BatchQuery, _ extent: BatchExtent, _ format: BatchFormat, _ screen: BatchScreen, batch: Int64
    ) async throws -> StagedBatch {
        let slices: Int
        if let configured = settings.slices { slices = configured } else { slices = try await destination.sliceCount() }
        let plan = StagingPlan(estimatedBytes: extent.rows * mapping.averageRowBytes, slices: slices)
        let rows = try await source.rows(query, extent: extent, format: format)
        let folder = "\(stagingFolder)/\(lease.generation)-\(batch)"
        let screened = RowStream { try await screen.next(of: rows) }
        let staged = try await staging.stage(screened, folder: folder, plan: plan)
        do {
            try await source.closeBatch()
            let expected = query.scan == .whole ? await screen.rowsRead : extent.rows
            try Self.check(staged, against: expected, of: mapping)
        } catch {
            var ignored = RunProgress()
            await discard(staged, &ignored)
            throw error
        }
        return staged
    }

    /// What is known of the replica comes from the position: a batch is read while the one before it is still loaded.
    private func makeLoad(_ batch: ReadBatch, from position: Position) async -> ReplicaLoad {
        let method: LoadMethod =
            switch mapping.mode {
            case .fullSync: mapping.refresh == .swap ? .swap : .replace
            default: batch.before.pass?.appends == true ? .append : .merge
            }
        let known = position.state.narrowColumns ?? [:]
        let widened = await batch.screen.widths.filter { known[$0.key] ?? 0 < $0.value }
        var ahead = position
        ahead.move(to: batch.after)
        var next = Checkpoint(stamp: nextStamp(after: position), state: ahead.state)
        var mapping = mapping
        if method == .swap {
            // The new table is made as wide as it must be.
            for (index, column) in mapping.columns.enumerated() {
                guard let bytes = widened[column.destinationName] else { continue }
                mapping.columns[index].destinationType = .varchar(bytes: bytes)
            }
            next.state.narrowColumns = nil
        } else if !widened.isEmpty {
            next.state.narrowColumns = known.merging(widened) { $1 }
        }
        return ReplicaLoad(
            mapping: mapping, staged: batch.staged, format: batch.format, method: method,
            widenedColumns: method == .swap ? [:] : widened, expected: position.stamp, next: next)
    }

    private static func check(_ staged: StagedBatch, against rows: Int, of mapping: TableMapping) throws {
        guard staged.rows == rows else {
            throw ReplicationError(
                .internal, what: "A batch of \(mapping.source) came with \(staged.rows) rows instead of \(rows)",
                why: "one snapshot gave two answers", fix: "Nothing was loaded. Report this as a bug.")
        }
    }
}

extension ReplicationError {
    /// Whether a value of the batch may be the reason. An INSERT does not say as clearly as COPY.
    fileprivate func isAboutValue(in staged: StagedBatch) -> Bool {
        if code == .valueLong || code == .valueBad { return true }
        guard case .rows = staged.content else { return false }
        return code == .copyRejected
    }
}

extension RunProgress {
    fileprivate mutating func record(_ done: ReplicaLoad, repaired: Int, read: Duration, load: Duration) {
        rows += done.staged.rows
        batches += 1
        bytes += done.staged.bytes
        repairedValues += repaired
        readAndStage += read
        self.load += load
        for (column, bytes) in done.widenedColumns.sorted(by: { $0.key < $1.key }) {
            notices.append(.widened(column: column, bytes: bytes))
        }
    }
}

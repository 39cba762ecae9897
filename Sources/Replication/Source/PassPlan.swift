/// Chooses what a pass reads, from the checkpoint and the readings of its start. Pure: all of the cursor's rules that
/// do not need a server are here, in `FloorRule` and in `KeyFloor`.
package enum PassPlan {
    /// Whether a stored position means nothing for this mapping, and all rows are loaded.
    package static func isVoid(_ state: CheckpointState, for mapping: TableMapping, settings: RunSettings) -> Bool {
        if state.definition != mapping.definition { return true }
        guard let salt = settings.saltDigest, let known = state.saltDigest else { return false }
        return salt != known
    }

    /// The state with a pass under way that the next batches belong to.
    ///
    /// - Parameters:
    ///   - state: The checkpoint's; nil before the first load.
    ///   - replica: What the destination has; looked at only when a load by key begins.
    package static func begin(
        from state: CheckpointState?, at start: PassStart, mapping: TableMapping, settings: RunSettings,
        replica: PreparedReplica
    ) -> (state: CheckpointState, notice: RunNotice?) {
        guard var state, !isVoid(state, for: mapping, settings: settings) else {
            var fresh = CheckpointState(
                definition: mapping.definition, source: start.identity, replicaRows: replica.rows,
                narrowColumns: replica.narrowColumns)
            fresh.saltDigest = settings.saltDigest
            let notice: RunNotice =
                state.map { $0.definition == mapping.definition ? .saltChanged : .definitionChanged }
                ?? .firstLoad
            return (opening(.firstLoad, of: mapping, on: fresh, at: start, lookback: settings.lookback), notice)
        }
        state.saltDigest = settings.saltDigest
        // There is no position to follow, and `FullCopyRule` compares the sources by itself.
        if mapping.mode == .fullSync { return (state, nil) }
        var notice: RunNotice?
        let change = SourceMoment.change(from: state.moment, to: start.moment)
        if state.source != start.identity || change == .putBack || (change != .isBehind && isAhead(state, of: start)) {
            notice = .sourceChanged
            setBack(&state, to: start, by: settings.failoverLookback)
        } else if change == .startedAnew {
            doubt(&state, at: start)
        } else {
            forgetAncientNumbers(&state, at: start)
        }
        if change != .isBehind { state.moment = start.moment ?? state.moment }
        if let highest = start.highestStamp.flatMap(SourceTime.init(parsing:)) {
            state.keptZone = KeptZone(state.keptZone, highest: highest, clock: start.activity.clock)
        }
        if state.pass != nil { return (state, notice) }
        // A clock that was set back stamps rows below the floor.
        if let last = state.caughtUpAsOf, start.activity.clock < last { state.sweepDue = true }
        let isUnbounded = floor(of: state, mapping: mapping) == nil
        let choice = SweepRule.choose(for: state, at: start, isUnbounded: isUnbounded, settings: settings)
        if choice == .byPlaces {
            state.sweepDue = false
            let sweep = UnfinishedSweep(
                startedAt: start.activity.clock, showsUpTo: start.activity.showsUpTo, nextHorizon: start.horizon)
            state.sweep = SweepState(horizon: state.sweep?.horizon, sweptAt: state.sweep?.sweptAt, underWay: sweep)
        }
        let kind: UnfinishedPass.Kind = choice == .asPass ? .sweep : .incremental
        return (opening(kind, of: mapping, on: state, at: start, lookback: settings.lookback), notice)
    }

    /// The next batch of the pass under way, or else of the sweep beside the passes; nil when both are at their end.
    package static func nextBatch(
        of state: CheckpointState, mapping: TableMapping, rowLimit: Int
    ) -> BatchQuery? {
        let highest = mapping.mode == .insertOnly ? state.maxPrimaryKey?.first : state.maxUpdatedKey
        guard let pass = state.pass else {
            guard let sweep = state.sweep, let underWay = sweep.underWay else { return nil }
            return BatchQuery(
                mapping: mapping, scan: .places(from: underWay.place), floor: nil, horizon: sweep.horizon,
                rowLimit: rowLimit, highestCursor: highest)
        }
        let scan: BatchScan =
            switch pass.stretch {
            case .byKey: .byKey(after: pass.position?.key)
            case .changes: .changes(after: pass.position)
            case .unstamped: .unstamped(after: pass.position?.key)
            }
        let isIncremental = pass.kind == .incremental
        var query = BatchQuery(
            mapping: mapping, scan: scan,
            floor: isIncremental && pass.stretch == .changes ? floor(of: state, mapping: mapping) : nil,
            horizon: horizon(of: pass.kind, in: state), rowLimit: rowLimit, highestCursor: highest)
        query.keptOffset = state.keptZone?.measured
        if isIncremental, pass.leansOnSweeps, pass.stretch == .changes, query.floor == nil {
            // Sweeps follow each other until a floor is known; this one reads what is new in any case.
            query.floor = highest.map { .key($0) }
        }
        guard query.horizon != nil else { return query }
        query.leftOut = state.settled?.leftOut(byWhole: !isIncremental) ?? []
        if pass.position == nil, pass.stretch != .unstamped { query.listsTransactionsFrom = pass.nextHorizon }
        return query
    }

    /// A sweep stands in for the incremental pass, and so reads all where that would read without a horizon.
    private static func horizon(of kind: UnfinishedPass.Kind, in state: CheckpointState) -> UInt64? {
        switch kind {
        case .firstLoad: nil
        case .sweep: state.horizon == nil ? nil : state.sweep?.horizon
        case .incremental: state.horizon
        }
    }

    /// The state after a batch was merged, or found empty: the position moves, and at the end of the last stretch the
    /// pass is finished.
    package static func advance(
        _ state: CheckpointState, past extent: BatchExtent, of query: BatchQuery
    ) -> CheckpointState {
        var next = state
        if query.mapping.mode == .insertOnly {
            next.maxPrimaryKey = extent.highestCursor.map { [$0] } ?? state.maxPrimaryKey
        } else {
            next.maxUpdatedKey = extent.highestCursor ?? state.maxUpdatedKey
            next.maxPrimaryKey =
                extent.last.map { highest(state.maxPrimaryKey, $0.key, mapping: query.mapping) } ?? state.maxPrimaryKey
        }
        if case .places = query.scan { return advanceSweep(next, to: extent.nextPlace) }
        guard var pass = state.pass else { return state }
        CompareRule.count(extent.rows, of: pass.kind, in: &next)
        if query.listsTransactionsFrom != nil { pass.transactions = extent.transactions }
        if let last = extent.last { pass.position = last }
        guard extent.scanned < query.rowLimit else {
            pass.transactions = nil
            next.pass = pass
            return next
        }
        if pass.stretch == .changes, !pass.leansOnSweeps, query.mapping.cursorColumn?.source.isNullable == true {
            pass.stretch = .unstamped
            pass.position = nil
            next.pass = pass
            return next
        }
        return finishing(pass, on: next)
    }

    private static func advanceSweep(_ state: CheckpointState, to place: String?) -> CheckpointState {
        guard let underWay = state.sweep?.underWay else { return state }
        var state = state
        if let place {
            state.sweep?.underWay?.place = place
        } else {
            state.sweep = SweepState(horizon: underWay.nextHorizon, sweptAt: underWay.startedAt)
            state.completeUpTo = underWay.showsUpTo ?? state.completeUpTo
        }
        return state
    }

    /// The highest key for people to see, where keys are single integers; elsewhere the last one read.
    private static func highest(_ old: [String]?, _ new: [String], mapping: TableMapping) -> [String] {
        guard new.count == 1, let after = Int(new[0]), let old, old.count == 1, let before = Int(old[0]),
            mapping.keyColumns.first?.destinationType.isText == false
        else { return new }
        return before > after ? old : new
    }

    private static func floor(of state: CheckpointState, mapping: TableMapping) -> CursorFloor? {
        mapping.mode == .insertOnly ? state.keyFloor?.key.map { .key($0) } : state.floor.map { .time($0) }
    }

    private static func opening(
        _ kind: UnfinishedPass.Kind, of mapping: TableMapping, on state: CheckpointState, at start: PassStart,
        lookback: Int64
    ) -> CheckpointState {
        var state = state
        var floor = state.floor
        var key = state.keyFloor?.key
        let decision = FloorRule.decide(start.activity, lookback: lookback)
        // A floor that stays must not lie above stamps of a clock that was set back.
        let earliest = min(start.activity.clock, start.activity.oldestTransaction ?? start.activity.clock) - lookback
        if mapping.mode == .insertOnly {
            var keys = state.keyFloor ?? KeyFloor()
            keys.note(state.maxPrimaryKey?.first, before: start.activity.clock)
            if case .at(let time) = decision { key = keys.key(before: time) ?? key }
            state.keyFloor = keys
        } else {
            switch decision {
            case .at(let time): floor = time
            case .unmoved: floor = floor.map { min($0, earliest) }
            case .none: floor = nil
            }
        }
        var pass = UnfinishedPass(
            kind: kind, startedAt: start.activity.clock, nextHorizon: start.horizon, nextFloor: floor,
            stretch: kind == .incremental ? .changes : .byKey,
            appends: kind == .firstLoad && state.replicaRows == 0, nextKeyFloor: key)
        pass.showsUpTo = start.activity.showsUpTo
        if start.leansOnSweeps { pass.leavesToSweeps = true }
        state.pass = pass
        return state
    }

    private static func finishing(_ pass: UnfinishedPass, on state: CheckpointState) -> CheckpointState {
        var state = state
        let isWhole = pass.kind != .incremental
        state.settled = settled(after: pass, on: state, isWhole: isWhole)
        state.horizon = pass.nextHorizon
        state.floor = pass.nextFloor
        state.keyFloor?.key = pass.nextKeyFloor
        state.sweepDue = pass.kind == .firstLoad
        if isWhole {
            state.completeUpTo = pass.showsUpTo ?? state.completeUpTo
            state.sweep = SweepState(horizon: pass.nextHorizon, sweptAt: pass.startedAt)
        }
        if state.sweep == nil { state.sweep = SweepState(horizon: pass.nextHorizon, sweptAt: pass.startedAt) }
        state.caughtUpAsOf = pass.startedAt
        state.pass = nil
        return state
    }

    /// A floor that goes back shows rows of settled transactions that lay below it.
    private static func settled(
        after pass: UnfinishedPass, on state: CheckpointState, isWhole: Bool
    ) -> SettledTransactions? {
        guard pass.kind != .firstLoad else { return nil }
        let settled = SettledTransactions.after(
            state.settled, read: pass.transactions, isWhole: isWhole, horizon: pass.nextHorizon)
        guard let settled, !settled.isWhole else { return settled }
        let isBack =
            state.keyFloor?.key != pass.nextKeyFloor
            || (pass.nextFloor ?? SourceTime(microseconds: .min)) < (state.floor ?? SourceTime(microseconds: .min))
        return isBack ? nil : settled
    }

    /// Another server, or an older state of it: transaction numbers mean nothing any more, and what it lost or gained
    /// lies within the last day.
    private static func setBack(_ state: inout CheckpointState, to start: PassStart, by lookback: Int64) {
        state.source = start.identity
        CompareRule.raise(.sourceChanged, in: &state, readsAll: false)
        state.completeUpTo = nil
        state.sweep = SweepState(horizon: nil)
        lower(&state, by: lookback, before: start.activity.clock - lookback)
        if state.pass?.kind == .firstLoad {
            // Its chunks go on; the sweep after it has no horizon to rely on and reads all.
            state.pass?.nextHorizon = nil
        } else {
            state.pass = nil
        }
    }

    /// The server was started anew, mostly for nothing that matters here: rows are read again as far back as it can have
    /// lost any without that being seen.
    private static func doubt(_ state: inout CheckpointState, at start: PassStart) {
        let last = state.moment?.time ?? start.activity.clock
        let back = SourceMoment.doubt(since: last, at: start.activity.clock)
        lower(&state, by: back, before: last - back)
        // Numbers that a sweep saw within that time may be handed out again.
        if let sweep = state.sweep, (sweep.sweptAt ?? last) >= last - back {
            state.sweep = SweepState(horizon: nil)
        } else if let underWay = state.sweep?.underWay, underWay.startedAt >= last - back {
            state.sweep?.underWay = nil
        }
        // The sweep after a first load goes on from that load's horizon.
        if state.pass?.kind != .firstLoad { state.pass = nil }
    }

    /// Reads without a horizon from now on, and from a lower floor.
    private static func lower(_ state: inout CheckpointState, by microseconds: Int64, before bound: SourceTime) {
        state.horizon = nil
        state.settled = nil
        state.floor = state.floor.map { $0 - microseconds }
        guard let keys = state.keyFloor else { return }
        let key = keys.key(before: bound)
        state.keyFloor = KeyFloor(key: key, marks: keys.marks.filter { $0.clock < bound })
        // The server may give out keys anew that it, or the one before it, had given out.
        state.maxPrimaryKey = key.map { [$0] }
    }

    /// A stored number above the source's counter: the source was set back without a new identity.
    private static func isAhead(_ state: CheckpointState, of start: PassStart) -> Bool {
        let numbers = [
            state.horizon, state.pass?.nextHorizon, state.sweep?.horizon, state.sweep?.underWay?.nextHorizon,
        ]
        return numbers.contains { ($0 ?? 0) > start.nextTransaction }
    }

    /// Row versions show 32 bits: an age over 2^31 cannot be told from a future one.
    private static func forgetAncientNumbers(_ state: inout CheckpointState, at start: PassStart) {
        func isAncient(_ number: UInt64?) -> Bool {
            number.map { start.nextTransaction > $0 && start.nextTransaction - $0 > 1 << 31 } ?? false
        }
        if isAncient(state.horizon) {
            state.horizon = nil
            state.settled = nil
        }
        if isAncient(state.sweep?.horizon) { state.sweep?.horizon = nil }
    }
}

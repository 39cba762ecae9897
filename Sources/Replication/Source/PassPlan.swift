/// Chooses what a pass reads, from the checkpoint and the readings of its start. Pure: all of the cursor's rules that
/// do not need a server are here, in `FloorRule` and in `KeyFloor`.
package enum PassPlan {
    /// How far a new server behind the same name sets the floor back: what it lost or gained lies within.
    package static let failoverLookback = SourceTime.hour * 24

    /// The state with a pass under way that the next batches belong to.
    ///
    /// - Parameters:
    ///   - state: The checkpoint's; nil before the first load.
    ///   - replica: What the destination has; looked at only when a load by key begins.
    package static func begin(
        from state: CheckpointState?, at start: PassStart, mapping: TableMapping, lookback: Int64,
        replica: PreparedReplica
    ) -> (state: CheckpointState, notice: RunNotice?) {
        guard var state, state.definition == mapping.definition else {
            let fresh = CheckpointState(
                definition: mapping.definition, source: start.identity, replicaRows: replica.rows,
                narrowColumns: replica.narrowColumns)
            let known = state != nil
            return (
                opening(.firstLoad, of: mapping, on: fresh, at: start, lookback: lookback),
                known ? .definitionChanged : .firstLoad
            )
        }
        // There is no position to follow, and `FullCopyRule` compares the sources by itself.
        if mapping.mode == .fullSync { return (state, nil) }
        var notice: RunNotice?
        let change = SourceMoment.change(from: state.moment, to: start.moment)
        if state.source != start.identity || change == .putBack || (change != .isBehind && isAhead(state, of: start)) {
            notice = .sourceChanged
            setBack(&state, to: start)
        } else if change == .startedAnew {
            doubt(&state, at: start)
        } else if let horizon = state.horizon, start.nextTransaction > horizon,
            start.nextTransaction - horizon > 1 << 31
        {
            // Row versions show 32 bits: an age over 2^31 cannot be told from a future one.
            state.horizon = nil
        }
        if change != .isBehind { state.moment = start.moment ?? state.moment }
        if state.pass != nil { return (state, notice) }
        // A clock that was set back stamps rows below the floor.
        if let last = state.caughtUpAsOf, start.activity.clock < last { state.sweepDue = true }
        let isUnbounded = floor(of: state, mapping: mapping) == nil
        let kind: UnfinishedPass.Kind = state.sweepDue || isUnbounded ? .sweep : .incremental
        return (opening(kind, of: mapping, on: state, at: start, lookback: lookback), notice)
    }

    /// The next batch of the pass under way; nil when the pass has no stretch left.
    package static func nextBatch(
        of state: CheckpointState, mapping: TableMapping, rowLimit: Int
    ) -> BatchQuery? {
        guard let pass = state.pass else { return nil }
        let scan: BatchScan =
            switch pass.stretch {
            case .byKey: .byKey(after: pass.position?.key)
            case .changes: .changes(after: pass.position)
            case .unstamped: .unstamped(after: pass.position?.key)
            }
        let isIncremental = pass.kind == .incremental && pass.stretch == .changes
        return BatchQuery(
            mapping: mapping, scan: scan, floor: isIncremental ? floor(of: state, mapping: mapping) : nil,
            horizon: pass.kind == .firstLoad ? nil : state.horizon, rowLimit: rowLimit,
            highestCursor: mapping.mode == .insertOnly ? state.maxPrimaryKey?.first : state.maxUpdatedKey)
    }

    /// The state after a batch was merged, or found empty: the position moves, and at the end of the last stretch the
    /// pass is finished.
    package static func advance(
        _ state: CheckpointState, past extent: BatchExtent, of query: BatchQuery
    ) -> CheckpointState {
        guard var pass = state.pass else { return state }
        var next = state
        if let last = extent.last { pass.position = last }
        if query.mapping.mode == .insertOnly {
            next.maxPrimaryKey = extent.highestCursor.map { [$0] } ?? state.maxPrimaryKey
        } else {
            next.maxUpdatedKey = extent.highestCursor ?? state.maxUpdatedKey
            next.maxPrimaryKey =
                extent.last.map { highest(state.maxPrimaryKey, $0.key, mapping: query.mapping) } ?? state.maxPrimaryKey
        }
        guard extent.rows < query.rowLimit else {
            next.pass = pass
            return next
        }
        if pass.stretch == .changes, query.mapping.cursorColumn?.source.isNullable == true {
            pass.stretch = .unstamped
            pass.position = nil
            next.pass = pass
            return next
        }
        return finishing(pass, on: next)
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
            stretch: kind == .firstLoad ? .byKey : .changes,
            appends: kind == .firstLoad && state.replicaRows == 0, nextKeyFloor: key)
        pass.showsUpTo = start.activity.showsUpTo
        state.pass = pass
        return state
    }

    private static func finishing(_ pass: UnfinishedPass, on state: CheckpointState) -> CheckpointState {
        var state = state
        state.horizon = pass.nextHorizon
        state.floor = pass.nextFloor
        state.keyFloor?.key = pass.nextKeyFloor
        state.sweepDue = pass.kind == .firstLoad
        if pass.kind != .incremental { state.completeUpTo = pass.showsUpTo ?? state.completeUpTo }
        state.caughtUpAsOf = pass.startedAt
        state.pass = nil
        return state
    }

    /// Another server, or an older state of it: transaction numbers mean nothing any more, and what it lost or gained
    /// lies within the last day.
    private static func setBack(_ state: inout CheckpointState, to start: PassStart) {
        state.source = start.identity
        state.completeUpTo = nil
        lower(&state, by: failoverLookback, before: start.activity.clock - failoverLookback)
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
        // The sweep after a first load goes on from that load's horizon.
        if state.pass?.kind != .firstLoad { state.pass = nil }
    }

    /// Reads without a horizon from now on, and from a lower floor.
    private static func lower(_ state: inout CheckpointState, by microseconds: Int64, before bound: SourceTime) {
        state.horizon = nil
        state.floor = state.floor.map { $0 - microseconds }
        guard let keys = state.keyFloor else { return }
        let key = keys.key(before: bound)
        state.keyFloor = KeyFloor(key: key, marks: keys.marks.filter { $0.clock < bound })
        // The server may give out keys anew that it, or the one before it, had given out.
        state.maxPrimaryKey = key.map { [$0] }
    }

    /// A stored number above the source's counter: the source was set back without a new identity.
    private static func isAhead(_ state: CheckpointState, of start: PassStart) -> Bool {
        [state.horizon, state.pass?.nextHorizon].contains { ($0 ?? 0) > start.nextTransaction }
    }
}

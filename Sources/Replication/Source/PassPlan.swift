/// Chooses what a pass reads, from the checkpoint and the readings of its start. Pure: all of the cursor's rules that
/// do not need a server are here and in `FloorRule`.
package enum PassPlan {
    /// Why a pass does not simply go on from the last one; people see the sentence.
    package enum Notice: Sendable, Hashable {
        case firstLoad
        /// The mapping changed in a way that voids the position: everything is read again.
        case definitionChanged
        /// Another server or timeline answers: read again from further back, and a compare is due.
        case sourceChanged
    }

    /// How far a new server behind the same name sets the floor back: what it lost or gained lies within.
    package static let failoverLookback = SourceTime.hour * 24

    /// The state with a pass under way that the next batches belong to.
    ///
    /// - Parameters:
    ///   - state: The checkpoint's; nil before the first load.
    ///   - replicaIsEmpty: Asked only when a load by key begins.
    package static func begin(
        from state: CheckpointState?, at start: PassStart, mapping: TableMapping, lookback: Int64,
        replicaRows: Int
    ) -> (state: CheckpointState, notice: Notice?) {
        guard var state, state.definition == mapping.definition else {
            let fresh = CheckpointState(
                definition: mapping.definition, source: start.identity, replicaRows: replicaRows)
            let known = state != nil
            return (
                opening(.firstLoad, on: fresh, at: start, lookback: lookback),
                known ? .definitionChanged : .firstLoad
            )
        }
        var notice: Notice?
        if state.source != start.identity || isAhead(state, of: start) {
            notice = .sourceChanged
            state.source = start.identity
            state.horizon = nil
            state.floor = state.floor.map { $0 - failoverLookback }
            if state.pass?.kind == .firstLoad {
                // Its chunks go on; the sweep after it has no horizon to rely on and reads all.
                state.pass?.nextHorizon = nil
            } else {
                state.pass = nil
            }
        } else if let horizon = state.horizon, start.nextTransaction &- horizon > 1 << 31 {
            // Row versions show 32 bits: an age over 2^31 cannot be told from a future one.
            state.horizon = nil
        }
        if state.pass != nil { return (state, notice) }
        let kind: UnfinishedPass.Kind = state.sweepDue || state.floor == nil ? .sweep : .incremental
        return (opening(kind, on: state, at: start, lookback: lookback), notice)
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
            mapping: mapping, scan: scan, floor: isIncremental ? state.floor : nil,
            horizon: pass.kind == .firstLoad ? nil : state.horizon, rowLimit: rowLimit)
    }

    /// The state after a batch was merged, or found empty: the position moves, and at the end of the last stretch the
    /// pass is finished.
    package static func advance(
        _ state: CheckpointState, past extent: BatchExtent, of query: BatchQuery
    ) -> CheckpointState {
        guard var pass = state.pass else { return state }
        var next = state
        if let last = extent.last {
            pass.position = last
            next.maxPrimaryKey = highest(state.maxPrimaryKey, last.key, mapping: query.mapping)
        }
        if let stamp = extent.highestUpdatedKey { next.maxUpdatedKey = highest(state.maxUpdatedKey, stamp) }
        guard extent.rows < query.rowLimit else {
            next.pass = pass
            return next
        }
        if pass.stretch == .changes, query.mapping.updatedColumn?.source.isNullable == true {
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

    /// The later of two stamps for people to see; the last one read where their texts show no order.
    private static func highest(_ old: String?, _ new: String) -> String {
        guard let old else { return new }
        if let before = SourceTime(parsing: old), let after = SourceTime(parsing: new) {
            return before > after ? old : new
        }
        if let before = Int64(old), let after = Int64(new) { return before > after ? old : new }
        return new
    }

    private static func opening(
        _ kind: UnfinishedPass.Kind, on state: CheckpointState, at start: PassStart, lookback: Int64
    ) -> CheckpointState {
        let floor: SourceTime? =
            switch FloorRule.decide(start.activity, lookback: lookback) {
            case .at(let time): time
            case .unmoved: state.floor
            }
        var state = state
        state.completeUpTo = state.completeUpTo ?? start.activity.clock
        state.pass = UnfinishedPass(
            kind: kind, startedAt: start.activity.clock, nextHorizon: start.horizon, nextFloor: floor,
            stretch: kind == .firstLoad ? .byKey : .changes,
            appends: kind == .firstLoad && state.replicaRows == 0)
        return state
    }

    private static func finishing(_ pass: UnfinishedPass, on state: CheckpointState) -> CheckpointState {
        var state = state
        state.horizon = pass.nextHorizon
        state.floor = pass.nextFloor
        state.sweepDue = pass.kind == .firstLoad
        if pass.kind != .incremental { state.completeUpTo = pass.startedAt }
        state.caughtUpAsOf = pass.startedAt
        state.pass = nil
        return state
    }

    /// A stored number above the source's counter: the source was set back without a new identity.
    private static func isAhead(_ state: CheckpointState, of start: PassStart) -> Bool {
        [state.horizon, state.pass?.nextHorizon].contains { ($0 ?? 0) > start.nextTransaction }
    }
}

/// How far sweeps have come: reads without a floor, which find rows whose stamps or keys lie below it.
package struct SweepState: Sendable, Hashable, Codable {
    /// The last finished sweep has read every row version of a lower transaction number; nil: not known, and the next
    /// one reads all rows.
    package var horizon: UInt64?
    /// The source's clock at its start.
    package var sweptAt: SourceTime?
    /// A sweep by places that goes on with each run.
    package var underWay: UnfinishedSweep?

    package init(horizon: UInt64?, sweptAt: SourceTime? = nil, underWay: UnfinishedSweep? = nil) {
        self.horizon = horizon
        self.sweptAt = sweptAt
        self.underWay = underWay
    }
}

/// A sweep that follows the rows' places in storage instead of a pass's order, a stretch at a time beside the passes.
package struct UnfinishedSweep: Sendable, Hashable, Codable {
    package var startedAt: SourceTime
    /// `SourceActivity.showsUpTo` of its start.
    package var showsUpTo: SourceTime?
    /// `SweepState.horizon` once it is finished.
    package var nextHorizon: UInt64?
    /// Where it goes on, in the source's own words; nil: at the beginning.
    package var place: String?

    package init(startedAt: SourceTime, showsUpTo: SourceTime?, nextHorizon: UInt64?, place: String? = nil) {
        self.startedAt = startedAt
        self.showsUpTo = showsUpTo
        self.nextHorizon = nextHorizon
        self.place = place
    }
}

/// When a table is swept, and how. Pure.
enum SweepRule {
    enum Choice: Sendable, Hashable {
        case none
        /// The pass itself reads without a floor, by key.
        case asPass
        /// Beside the passes, by places.
        case byPlaces
    }

    /// - Parameter isUnbounded: The pass would have no floor anyway.
    static func choose(
        for state: CheckpointState, at start: PassStart, isUnbounded: Bool, settings: RunSettings
    ) -> Choice {
        // Where a doubt is settled by counting, each row must be read once.
        if state.keysRead != nil { return .asPass }
        if start.leansOnSweeps {
            let isDue = isDue(state, at: start, every: settings.sweepInterval)
            return isDue || (isUnbounded && state.sweep?.underWay == nil) ? .byPlaces : .none
        }
        if isUnbounded { return .asPass }
        let rows = max(state.replicaRows, start.estimatedRows ?? 0)
        // A scan of a small table costs no more than a look at its index. Where rows show no transaction numbers a sweep
        // is a full read, which no table should cost each time.
        let isCheap =
            start.horizon != nil && ScanRule.isCheapToSweep(rows: rows, start.storage, settings: settings)
        if isCheap, state.horizon != nil, state.sweep?.horizon != nil { return .asPass }
        guard isDue(state, at: start, every: settings.sweepInterval) else { return .none }
        return start.sweepsByPlaces ? .byPlaces : .asPass
    }

    private static func isDue(_ state: CheckpointState, at start: PassStart, every interval: Int64) -> Bool {
        if state.sweepDue { return true }
        // A position set by hand says that what lies below it is there.
        guard let sweep = state.sweep, sweep.underWay == nil else { return false }
        // The source was set back: what it gained lies anywhere.
        if sweep.horizon == nil, start.horizon != nil { return true }
        guard let last = sweep.sweptAt else { return true }
        let now = start.activity.clock
        return now < last || now.microseconds - last.microseconds >= interval
    }
}

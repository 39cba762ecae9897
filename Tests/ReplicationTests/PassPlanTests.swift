import Replication
import Testing

struct PassPlanTests {
    static let identity = SourceIdentity(system: "7", timeline: "00000001", database: "shop")
    private static let mapping = World.mapping(isNullable: true)
    private static let clock = SourceTime(microseconds: 1_000_000 * SourceTime.second)
    private static let lookback = 600 * SourceTime.second

    private static var settings: RunSettings {
        var settings = RunSettings(installation: "i")
        settings.lookback = lookback
        settings.sweepSmallRows = 0
        return settings
    }

    private func start(
        secondsLater: Int64 = 0, horizon: UInt64? = 500, next: UInt64 = 510, identity: SourceIdentity = identity,
        prepared: Bool = false, byPlaces: Bool = false, rows: Int? = nil
    ) -> PassStart {
        PassStart(
            identity: identity,
            activity: SourceActivity(
                clock: Self.clock + secondsLater * SourceTime.second, hasPreparedTransaction: prepared),
            horizon: horizon, nextTransaction: next, estimatedRows: rows, sweepsByPlaces: byPlaces)
    }

    private func begin(
        _ state: CheckpointState?, _ start: PassStart, mapping: TableMapping = mapping, replicaRows: Int = 0
    ) -> (state: CheckpointState, notice: RunNotice?) {
        PassPlan.begin(
            from: state, at: start, mapping: mapping, settings: Self.settings,
            replica: PreparedReplica(rows: replicaRows, narrowColumns: replicaRows > 0 ? ["name": 20] : [:]))
    }

    private func settled(horizon: UInt64? = 400, sweepDue: Bool = false) -> CheckpointState {
        CheckpointState(
            definition: Self.mapping.definition, source: Self.identity, horizon: horizon,
            floor: Self.clock - Self.lookback, sweepDue: sweepDue,
            sweep: SweepState(horizon: horizon, sweptAt: Self.clock),
            completeUpTo: Self.clock, caughtUpAsOf: Self.clock)
    }

    private func query(_ state: CheckpointState, mapping: TableMapping = mapping) throws -> BatchQuery {
        try #require(PassPlan.nextBatch(of: state, mapping: mapping, rowLimit: 3))
    }

    private func extent(_ rows: Int, updated: String? = "u", key: String = "k") -> BatchExtent {
        BatchExtent(
            rows: rows, last: rows == 0 ? nil : CursorPosition(updated: updated, key: [key]),
            highestCursor: rows == 0 ? nil : updated)
    }

    // MARK: What a pass begins with

    @Test func `a first load reads all by key, and appends to an empty replica only`() throws {
        let (state, notice) = begin(nil, start())
        #expect(notice == .firstLoad)
        #expect(state.pass?.kind == .firstLoad && state.pass?.appends == true)
        let batch = try query(state)
        #expect(batch.scan == .byKey(after: nil) && batch.floor == nil && batch.horizon == nil && batch.rowLimit == 3)
        #expect(begin(nil, start(), replicaRows: 1).state.pass?.appends == false)
    }

    @Test func `the pass after a first load is a sweep from that load's horizon`() throws {
        var state = begin(nil, start()).state
        state = PassPlan.advance(state, past: extent(2), of: try query(state))
        #expect(state.pass == nil && state.sweepDue && state.horizon == 500)
        state = begin(state, start(secondsLater: 60, horizon: 600, next: 700)).state
        #expect(state.pass?.kind == .sweep)
        let batch = try query(state)
        #expect(batch.scan == .byKey(after: nil) && batch.floor == nil && batch.horizon == 500)
        #expect(state.pass?.appends == false)
    }

    @Test func `an incremental pass reads above the last pass's floor and horizon`() throws {
        let (state, notice) = begin(settled(), start(secondsLater: 60))
        #expect(notice == nil && state.pass?.kind == .incremental)
        let batch = try query(state)
        #expect(batch.floor == .time(Self.clock - Self.lookback) && batch.horizon == 400)
        #expect(batch.scan == .changes(after: nil))
    }

    @Test func `the readings of a pass become the state's only at its end`() throws {
        let before = settled()
        var state = begin(before, start(secondsLater: 60)).state
        for position in ["1", "2"] {
            state = PassPlan.advance(state, past: extent(3, key: position), of: try query(state))
            #expect(state.horizon == before.horizon && state.floor == before.floor)
            #expect(state.caughtUpAsOf == before.caughtUpAsOf)
            let batch = try query(state)
            #expect(batch.floor == before.floor.map { .time($0) } && batch.horizon == before.horizon)
        }
        state = PassPlan.advance(state, past: extent(0), of: try query(state))
        state = PassPlan.advance(state, past: extent(0), of: try query(state))
        #expect(state.pass == nil && state.horizon == 500)
        #expect(state.floor == Self.clock + 60 * SourceTime.second - Self.lookback)
        #expect(state.caughtUpAsOf == Self.clock + 60 * SourceTime.second)
    }

    @Test func `complete up to moves with sweeps, not with incremental passes`() throws {
        var state = begin(nil, start()).state
        #expect(state.completeUpTo == nil, "an unfinished load claims nothing")
        state = finish(state)
        #expect(state.completeUpTo == Self.clock)
        state = finish(begin(state, start(secondsLater: 60)).state)
        #expect(state.completeUpTo == Self.clock + 60 * SourceTime.second && !state.sweepDue)
        state = finish(begin(state, start(secondsLater: 120)).state)
        #expect(state.completeUpTo == Self.clock + 60 * SourceTime.second)
    }

    private func finish(_ state: CheckpointState) -> CheckpointState {
        var state = state
        while let query = PassPlan.nextBatch(of: state, mapping: Self.mapping, rowLimit: 3) {
            state = PassPlan.advance(state, past: extent(0), of: query)
        }
        return state
    }

    /// The state once the pass has found nothing.
    private func finishedPass(_ state: CheckpointState) -> CheckpointState {
        var state = state
        while state.pass != nil, let query = PassPlan.nextBatch(of: state, mapping: Self.mapping, rowLimit: 3) {
            state = PassPlan.advance(state, past: extent(0), of: query)
        }
        return state
    }

    @Test func `an unfinished pass goes on with its own readings`() throws {
        var state = begin(settled(), start(secondsLater: 60)).state
        state = PassPlan.advance(state, past: extent(3, key: "9"), of: try query(state))
        let (resumed, notice) = begin(state, start(secondsLater: 900, horizon: 900, next: 910))
        #expect(notice == nil && resumed == state, "nothing is begun anew")
        #expect(try query(resumed).scan == .changes(after: CursorPosition(updated: "u", key: ["9"])))
        #expect(finish(resumed).horizon == 500)
    }

    @Test func `a first load goes on by key where it stopped`() throws {
        var state = begin(nil, start()).state
        state = PassPlan.advance(state, past: extent(3, key: "17"), of: try query(state))
        let resumed = begin(state, start(secondsLater: 900, horizon: 900, next: 910)).state
        let batch = try query(resumed)
        #expect(batch.scan == .byKey(after: ["17"]) && batch.horizon == nil)
        #expect(resumed.pass?.appends == true)
        #expect(finish(resumed).horizon == 500)
    }

    // MARK: What voids a position

    @Test func `another definition loads all again, and merges into what is there`() {
        var changed = Self.mapping
        changed.updatedKey = nil
        let (state, notice) = begin(settled(), start(), mapping: changed, replicaRows: 12)
        #expect(notice == .definitionChanged && state.pass?.kind == .firstLoad && state.pass?.appends == false)
        #expect(state.horizon == nil && state.floor == nil && state.definition == changed.definition)
        #expect(state.replicaRows == 12 && state.narrowColumns == ["name": 20])
    }

    @Test(arguments: [
        SourceIdentity(system: "8", timeline: "00000001", database: "shop"),
        SourceIdentity(system: "7", timeline: "00000002", database: "shop"),
        SourceIdentity(system: "7", timeline: "00000001", database: "other"),
    ])
    func `another source drops the horizon and goes 24 hours back`(identity: SourceIdentity) throws {
        var unfinished = begin(settled(), start()).state
        unfinished = PassPlan.advance(unfinished, past: extent(3), of: try query(unfinished))
        for state in [settled(), unfinished] {
            let (next, notice) = begin(state, start(secondsLater: 60, identity: identity, byPlaces: true))
            #expect(notice == .sourceChanged && next.source == identity)
            let batch = try query(next)
            #expect(batch.horizon == nil && batch.scan == .changes(after: nil))
            #expect(batch.floor == .time(Self.clock - Self.lookback - Self.settings.failoverLookback))
            let places = try query(finishedPass(next))
            #expect(places.scan == .places(from: nil) && places.horizon == nil && places.floor == nil)
        }
    }

    @Test func `a first load survives a failover, and the sweep after it reads all`() throws {
        var state = begin(nil, start()).state
        state = PassPlan.advance(state, past: extent(3, key: "17"), of: try query(state))
        let other = SourceIdentity(system: "7", timeline: "00000002", database: "shop")
        let (resumed, notice) = begin(state, start(identity: other))
        #expect(notice == .sourceChanged)
        #expect(try query(resumed).scan == .byKey(after: ["17"]))
        let sweep = try query(begin(finish(resumed), start(secondsLater: 60, identity: other)).state)
        #expect(sweep.horizon == nil && sweep.floor == nil)
    }

    @Test func `a horizon ahead of the counter counts as another source`() {
        #expect(begin(settled(horizon: 511), start(next: 510)).notice == .sourceChanged)
        #expect(begin(settled(horizon: 510), start(next: 510)).notice == nil)
        let unfinished = begin(settled(), start(horizon: 509, next: 510)).state
        #expect(begin(unfinished, start(horizon: 400, next: 450)).notice == .sourceChanged)
    }

    @Test func `a horizon over 2^31 transactions old is not used`() throws {
        let next: UInt64 = 1 << 40
        let young = begin(settled(horizon: next - (1 << 31)), start(horizon: next, next: next))
        #expect(try query(young.state).horizon == next - (1 << 31))
        let ancient = settled(horizon: next - (1 << 31) - 1)
        let old = begin(ancient, start(horizon: next, next: next, byPlaces: true))
        #expect(old.notice == nil)
        let batch = try query(old.state)
        #expect(batch.horizon == nil && batch.floor == .time(Self.clock - Self.lookback))
        #expect(old.state.sweep?.horizon == nil && old.state.sweep?.underWay != nil)
    }

    @Test func `a floor that cannot move stays, and without one all is swept`() throws {
        let state = finish(begin(settled(), start(secondsLater: 600, prepared: true)).state)
        #expect(state.floor == settled().floor && state.horizon == 500)
        var without = settled()
        without.floor = nil
        let sweep = begin(without, start(prepared: true)).state
        #expect(sweep.pass?.kind == .sweep && sweep.pass?.nextFloor == nil)
        #expect(try query(sweep).horizon == 400)
        #expect(finish(sweep).floor == nil)
    }

    @Test func `a rewind without a floor reads all rows, whatever sweeps have seen`() throws {
        var rewound = settled()
        rewound.horizon = nil
        rewound.floor = nil
        let opened = begin(rewound, start(secondsLater: 60)).state
        #expect(opened.pass?.kind == .sweep && opened.sweep?.horizon == 400)
        #expect(try query(opened).horizon == nil)
    }

    // MARK: How a pass moves on

    @Test func `rows without a timestamp are a second stretch of nullable columns only`() throws {
        var state = begin(settled(), start()).state
        state = PassPlan.advance(state, past: extent(2, key: "5"), of: try query(state))
        var batch = try query(state)
        #expect(batch.scan == .unstamped(after: nil) && batch.floor == nil && batch.horizon == 400)
        state = PassPlan.advance(state, past: extent(3, updated: nil, key: "7"), of: batch)
        batch = try query(state)
        #expect(batch.scan == .unstamped(after: ["7"]))
        #expect(PassPlan.advance(state, past: extent(1, updated: nil, key: "8"), of: batch).pass == nil)

        let strict = World.mapping(isNullable: false)
        var state2 = settled()
        state2.definition = strict.definition
        state2 = begin(state2, start(), mapping: strict).state
        state2 = PassPlan.advance(state2, past: extent(2), of: try query(state2, mapping: strict))
        #expect(state2.pass == nil)
    }

    @Test func `a tie at a batch boundary is split by the key`() throws {
        var state = begin(settled(), start()).state
        let tied = BatchExtent(
            rows: 3, last: CursorPosition(updated: "12:00", key: ["41"]), highestCursor: "12:00")
        state = PassPlan.advance(state, past: tied, of: try query(state))
        #expect(try query(state).scan == .changes(after: CursorPosition(updated: "12:00", key: ["41"])))
    }

    @Test func `an empty batch ends a stretch without moving the position`() throws {
        var before = settled()
        before.maxPrimaryKey = ["9"]
        before.maxUpdatedKey = "12:00"
        let state = finish(begin(before, start()).state)
        #expect(state.maxPrimaryKey == ["9"] && state.maxUpdatedKey == "12:00" && state.pass == nil)
    }

    @Test func `a full batch is followed by another one even where it was the last`() throws {
        var state = begin(nil, start()).state
        state = PassPlan.advance(state, past: extent(3, key: "3"), of: try query(state))
        #expect(try query(state).scan == .byKey(after: ["3"]))
    }

    @Test func `the highest timestamp is named to the source, whose comparison counts`() throws {
        var before = settled()
        before.maxUpdatedKey = "9"
        var state = begin(before, start()).state
        #expect(try query(state).highestCursor == "9")
        let late = BatchExtent(rows: 1, last: CursorPosition(updated: "10", key: ["k"]), highestCursor: "11")
        state = PassPlan.advance(state, past: late, of: try query(state))
        #expect(state.maxUpdatedKey == "11")
        #expect(try query(state).highestCursor == "11")
    }
}

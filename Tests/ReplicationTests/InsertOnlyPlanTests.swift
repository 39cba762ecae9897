import Replication
import Testing

/// What passes of an `InsertOnlyTable` read.
struct InsertOnlyPlanTests {
    private static let mapping = World.mapping(.insertOnly)
    private static let lookback = 600 * SourceTime.second

    private static func at(_ seconds: Int64) -> SourceTime {
        SourceTime(microseconds: (1_000_000 + seconds) * SourceTime.second)
    }

    /// - Parameters:
    ///   - seconds: Since the first load.
    ///   - oldest: Start of the oldest open transaction.
    private func start(
        _ seconds: Int64, oldest: Int64? = nil, horizon: UInt64 = 500, next: UInt64 = 510, prepared: Bool = false,
        identity: SourceIdentity = PassPlanTests.identity
    ) -> PassStart {
        PassStart(
            identity: identity,
            activity: SourceActivity(
                clock: Self.at(seconds), oldestTransaction: oldest.map(Self.at), hasPreparedTransaction: prepared),
            horizon: horizon, nextTransaction: next, sweepsByPlaces: true)
    }

    private func begin(
        _ state: CheckpointState?, _ start: PassStart, mapping: TableMapping = mapping
    ) -> (state: CheckpointState, notice: RunNotice?) {
        var settings = RunSettings(installation: "i")
        settings.lookback = Self.lookback
        settings.sweepSmallRows = 0
        settings.sweepInterval = .max
        return PassPlan.begin(from: state, at: start, mapping: mapping, settings: settings, replica: PreparedReplica())
    }

    private func query(_ state: CheckpointState, mapping: TableMapping = mapping) throws -> BatchQuery {
        try #require(PassPlan.nextBatch(of: state, mapping: mapping, rowLimit: 3))
    }

    /// A whole pass that sees keys up to `highest`.
    private func pass(
        _ state: CheckpointState?, _ start: PassStart, highest: String, mapping: TableMapping = mapping
    ) throws -> CheckpointState {
        var state = begin(state, start, mapping: mapping).state
        while let query = PassPlan.nextBatch(of: state, mapping: mapping, rowLimit: 3) {
            let extent = BatchExtent(
                rows: 1, last: CursorPosition(updated: nil, key: [highest]), highestCursor: highest)
            state = PassPlan.advance(state, past: extent, of: query)
        }
        return state
    }

    private func settled(horizon: UInt64? = 400, _ keys: KeyFloor, highest: String) -> CheckpointState {
        CheckpointState(
            definition: Self.mapping.definition, source: PassPlanTests.identity, horizon: horizon,
            sweep: horizon.map { SweepState(horizon: $0, sweptAt: Self.at(0)) }, completeUpTo: Self.at(0),
            maxPrimaryKey: [highest], keyFloor: keys)
    }

    private static let marks = [
        KeyFloor.Mark(clock: at(0), key: "10"), KeyFloor.Mark(clock: at(100), key: "20"),
        KeyFloor.Mark(clock: at(200), key: "30"),
    ]

    // MARK: The floor

    @Test func `there is no floor until a pass is older than all that is open`() throws {
        var state = try pass(nil, start(0), highest: "10")
        #expect(state.keyFloor == KeyFloor() && state.maxPrimaryKey == ["10"] && state.sweepDue)
        // The sweep notes what the load saw; nothing is old enough yet.
        state = try pass(state, start(1), highest: "12")
        #expect(state.keyFloor?.key == nil && state.keyFloor?.marks == [.init(clock: Self.at(1), key: "10")])
        // As old as the lookback is not older than it.
        for seconds in [60, 601] as [Int64] {
            let opened = begin(state, start(seconds)).state
            #expect(opened.pass?.kind == .sweep && opened.pass?.nextKeyFloor == nil)
            #expect(try query(opened).floor == nil && query(opened).horizon == 500)
        }
        state = try pass(state, start(602), highest: "13")
        #expect(state.keyFloor?.key == "10")
        let opened = begin(state, start(660)).state
        #expect(opened.pass?.kind == .incremental)
        #expect(try query(opened).floor == .key("10"))
    }

    @Test func `the next floor is the key of the newest mark before the floor in time`() throws {
        let state = settled(KeyFloor(key: "10", marks: Self.marks), highest: "40")
        #expect(begin(state, start(701)).state.pass?.nextKeyFloor == "20")
        #expect(begin(state, start(800)).state.pass?.nextKeyFloor == "20")
        #expect(begin(state, start(801)).state.pass?.nextKeyFloor == "30")
        // What is in sight now is too new for this pass's floor.
        let opened = begin(state, start(9000)).state
        #expect(opened.pass?.nextKeyFloor == "30")
        #expect(opened.keyFloor?.marks.last == KeyFloor.Mark(clock: Self.at(9000), key: "40"))
        // An open transaction bounds it, however old the marks are by now.
        #expect(begin(state, start(9000, oldest: 750)).state.pass?.nextKeyFloor == "20")
    }

    @Test func `a floor goes back for a transaction older than its key`() throws {
        let state = settled(KeyFloor(key: "30", marks: Self.marks), highest: "40")
        let opened = begin(state, start(9000, oldest: 650)).state
        #expect(opened.pass?.nextKeyFloor == "10")
        // This pass itself still reads from where the last one said.
        #expect(try query(opened).floor == .key("30"))
    }

    @Test func `a pass reads from the last one's floor and horizon, by key`() throws {
        let opened = begin(settled(KeyFloor(key: "20", marks: Self.marks), highest: "40"), start(9000)).state
        let batch = try query(opened)
        #expect(batch.scan == .changes(after: nil) && batch.floor == .key("20") && batch.horizon == 400)
        #expect(batch.highestCursor == "40")
        let full = BatchExtent(rows: 3, last: CursorPosition(updated: nil, key: ["43"]), highestCursor: "43")
        let next = PassPlan.advance(opened, past: full, of: batch)
        #expect(next.keyFloor?.key == "20" && next.maxPrimaryKey == ["43"])
        #expect(try query(next).scan == .changes(after: CursorPosition(updated: nil, key: ["43"])))
        #expect(try query(next).floor == .key("20"))
        let done = PassPlan.advance(
            next, past: BatchExtent(rows: 0, last: nil, highestCursor: "43"), of: try query(next))
        #expect(done.pass == nil && done.keyFloor?.key == "30" && done.horizon == 500 && done.maxPrimaryKey == ["43"])
    }

    @Test func `an idle table's marks do not grow`() throws {
        var state = try pass(nil, start(0), highest: "10")
        for minute in 1...200 { state = try pass(state, start(Int64(minute) * 60), highest: "10") }
        #expect(state.keyFloor?.marks.count == 1 && state.keyFloor?.key == "10")
    }

    @Test func `prepared transactions leave the floor where it was`() throws {
        let state = settled(KeyFloor(key: "10", marks: Self.marks), highest: "40")
        let done = try pass(state, start(9000, prepared: true), highest: "41")
        #expect(done.keyFloor?.key == "10" && done.horizon == 500)
        // The marks go on, so that the floor can move as soon as they are gone.
        #expect(done.keyFloor?.marks.last?.key == "40")
        let without = settled(KeyFloor(marks: Self.marks), highest: "40")
        #expect(begin(without, start(9000, prepared: true)).state.pass?.kind == .sweep)
        #expect(try pass(without, start(9000, prepared: true), highest: "41").keyFloor?.key == nil)
    }

    // MARK: Other positions

    @Test func `a key set by hand is read from itself, whoever wrote the rows`() throws {
        let byHand = settled(horizon: nil, KeyFloor(key: "100"), highest: "100")
        let opened = begin(byHand, start(0)).state
        let batch = try query(opened)
        #expect(opened.pass?.kind == .incremental)
        #expect(batch.floor == .key("100") && batch.horizon == nil && batch.scan == .changes(after: nil))
        // It stays the floor until a pass is old enough.
        var state = try pass(byHand, start(0), highest: "120")
        #expect(state.keyFloor?.key == "100" && state.horizon == 500)
        state = try pass(state, start(60), highest: "130")
        #expect(state.keyFloor?.key == "100")
        state = try pass(state, start(661), highest: "140")
        #expect(state.keyFloor?.key == "120")
    }

    private static let other = SourceIdentity(system: "7", timeline: "00000002", database: "shop")

    @Test func `another source sets the key back to what was in sight a day before`() throws {
        let day: Int64 = 86_400
        let state = settled(KeyFloor(key: "30", marks: Self.marks), highest: "40")
        let (opened, notice) = begin(state, start(day + 150, identity: Self.other))
        #expect(notice == .sourceChanged && opened.pass?.kind == .incremental)
        let batch = try query(opened)
        #expect(batch.floor == .key("20") && batch.horizon == nil && batch.scan == .changes(after: nil))
        #expect(opened.keyFloor?.marks.map(\.key) == ["10", "20"])
    }

    @Test func `another source without marks a day old is read as a whole`() throws {
        for keys in [KeyFloor(key: "30", marks: Self.marks), KeyFloor(key: "100")] {
            let (opened, notice) = begin(settled(keys, highest: "140"), start(900, identity: Self.other))
            #expect(notice == .sourceChanged && opened.pass?.kind == .sweep)
            let batch = try query(opened)
            #expect(batch.floor == nil && batch.horizon == nil)
            #expect(opened.keyFloor == KeyFloor())
        }
    }

    /// The former server had given out keys that the new one has not, and gives out again.
    @Test func `keys that another source takes anew are not below its floor`() throws {
        let day: Int64 = 86_400
        let state = settled(KeyFloor(key: "30", marks: Self.marks), highest: "40")
        let opened = begin(state, start(day + 250, identity: Self.other)).state
        #expect(try query(opened).floor == .key("30"))
        // The source compares with what is certain, and no later floor can be the former server's highest key.
        #expect(try query(opened).highestCursor == "30")
        #expect(opened.keyFloor?.marks.contains { $0.key == "40" } == false)
    }

    // MARK: Other keys

    /// Rows are told apart by two columns and follow one of them.
    private static func composite(isNullable: Bool) -> TableMapping {
        var mapping = World.mapping(.insertOnly, isNullable: isNullable)
        mapping.primaryKey = ["name", "id"]
        mapping.cursorKey = "updated_at"
        return mapping
    }

    @Test func `of several columns the leading one is the cursor, and the others part ties`() throws {
        let mapping = Self.composite(isNullable: false)
        var before = settled(KeyFloor(key: "20", marks: Self.marks), highest: "40")
        before.definition = mapping.definition
        let opened = begin(before, start(9000), mapping: mapping).state
        let last = CursorPosition(updated: "42", key: ["eu", "7"])
        let full = BatchExtent(rows: 3, last: last, highestCursor: "42")
        let next = PassPlan.advance(opened, past: full, of: try query(opened, mapping: mapping))
        #expect(next.maxPrimaryKey == ["42"])
        let batch = try query(next, mapping: mapping)
        #expect(batch.scan == .changes(after: last) && batch.floor == .key("20") && batch.highestCursor == "42")
        let end = BatchExtent(rows: 0, last: nil, highestCursor: "42")
        #expect(PassPlan.advance(next, past: end, of: batch).pass == nil)
    }

    @Test func `rows without a cursor value are a second stretch, bounded by the horizon alone`() throws {
        let mapping = Self.composite(isNullable: true)
        var before = settled(KeyFloor(key: "20", marks: Self.marks), highest: "40")
        before.definition = mapping.definition
        var state = begin(before, start(9000), mapping: mapping).state
        let end = BatchExtent(rows: 0, last: nil, highestCursor: "40")
        state = PassPlan.advance(state, past: end, of: try query(state, mapping: mapping))
        let batch = try query(state, mapping: mapping)
        #expect(batch.scan == .unstamped(after: nil) && batch.floor == nil && batch.horizon == 400)
        let full = BatchExtent(rows: 3, last: CursorPosition(updated: nil, key: ["eu", "7"]), highestCursor: "40")
        state = PassPlan.advance(state, past: full, of: batch)
        #expect(try query(state, mapping: mapping).scan == .unstamped(after: ["eu", "7"]))
        #expect(state.maxPrimaryKey == ["40"])
        state = PassPlan.advance(state, past: end, of: try query(state, mapping: mapping))
        #expect(state.pass == nil && state.keyFloor?.key == "30")
    }
}

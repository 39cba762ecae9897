import Replication
import Testing

struct SourceMomentTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var known: SourceMoment?
        var present: SourceMoment?
        var change: SourceMoment.Change
    }

    private static func at(
        _ position: UInt64, _ second: Int64, startedAt: Int64? = nil, slack: Int64? = nil
    ) -> SourceMoment {
        SourceMoment(
            position: position, time: time(second), startedAt: startedAt.map { time($0) },
            startSlack: slack.map { $0 * SourceTime.second })
    }

    private static func time(_ second: Int64) -> SourceTime {
        SourceTime(microseconds: second * SourceTime.second)
    }

    static let cases = [
        Case(testDescription: "nothing known", known: nil, present: at(5, 5), change: .none),
        Case(testDescription: "the server does not say", known: at(5, 5), present: nil, change: .none),
        Case(
            testDescription: "a primary goes on", known: at(5, 100, startedAt: 1), present: at(9, 200, startedAt: 1),
            change: .none),
        Case(
            testDescription: "an idle primary", known: at(5, 100, startedAt: 1), present: at(5, 200, startedAt: 1),
            change: .none),
        Case(
            testDescription: "a primary started anew", known: at(5, 100, startedAt: 1),
            present: at(9, 200, startedAt: 150), change: .startedAnew),
        Case(
            testDescription: "a start that was read roughly before", known: at(5, 100, startedAt: 1, slack: 7),
            present: at(9, 200, startedAt: 7, slack: 2), change: .none),
        Case(
            testDescription: "a start that is read roughly now", known: at(5, 100, startedAt: 7, slack: 2),
            present: at(9, 200, startedAt: 1, slack: 7), change: .none),
        Case(
            testDescription: "another start than either reading allows for", known: at(5, 100, startedAt: 1, slack: 2),
            present: at(9, 200, startedAt: 9, slack: 7), change: .startedAnew),
        Case(
            testDescription: "a primary with a shorter log", known: at(5, 100, startedAt: 1),
            present: at(4, 101, startedAt: 90), change: .putBack),
        Case(testDescription: "a standby goes on", known: at(5, 100), present: at(9, 200), change: .none),
        Case(testDescription: "a standby that lags", known: at(5, 100), present: at(4, 90), change: .isBehind),
        Case(
            testDescription: "a standby that has replayed no commit yet", known: at(5, 100),
            present: SourceMoment(position: 4, time: nil), change: .isBehind),
        Case(
            testDescription: "a standby behind its primary", known: at(5, 100, startedAt: 1), present: at(4, 90),
            change: .isBehind),
        Case(
            testDescription: "a standby whose commits of now lie below the place of then", known: at(5, 100),
            present: at(4, 161), change: .putBack),
        Case(
            testDescription: "a primary after its standby", known: at(5, 100), present: at(9, 200, startedAt: 1),
            change: .none),
        Case(
            testDescription: "a primary with a shorter log than its standby had", known: at(5, 100),
            present: at(4, 200, startedAt: 1), change: .putBack),
    ]

    @Test(arguments: cases) func `a later reading tells what became of the server`(given: Case) {
        #expect(SourceMoment.change(from: given.known, to: given.present) == given.change)
    }

    private static func state(_ moment: SourceMoment) -> CheckpointState {
        let mapping = World.mapping(.insertOnly)
        var state = CheckpointState(
            definition: mapping.definition, source: PassPlanTests.identity, horizon: 400, completeUpTo: time(900),
            caughtUpAsOf: time(1000), maxPrimaryKey: ["30"],
            keyFloor: KeyFloor(
                key: "20",
                marks: [
                    .init(clock: time(100), key: "5"), .init(clock: time(700), key: "10"),
                    .init(clock: time(990), key: "25"),
                ]))
        state.moment = moment
        return state
    }

    private static func begin(_ state: CheckpointState, _ moment: SourceMoment) -> (CheckpointState, RunNotice?) {
        var settings = RunSettings(installation: "i")
        settings.lookback = 0
        settings.sweepSmallRows = 0
        let (next, notice) = PassPlan.begin(
            from: state,
            at: PassStart(
                identity: PassPlanTests.identity, activity: SourceActivity(clock: moment.time ?? time(0)), horizon: 500,
                nextTransaction: 510, moment: moment),
            mapping: World.mapping(.insertOnly), settings: settings, replica: PreparedReplica())
        return (next, notice)
    }

    @Test func `a server started anew is read again from as far back as it can have lost rows unseen`() throws {
        let (next, notice) = Self.begin(
            Self.state(Self.at(5, 1000, startedAt: 1)), Self.at(9, 1060, startedAt: 1050))
        // Twice the gap of 60 s, and a minute, before the last reading at 1000 s: before 820 s, key 10 was known.
        #expect(notice == nil && next.horizon == nil && next.keyFloor?.key == "10")
        #expect(next.maxPrimaryKey == ["10"] && next.completeUpTo == Self.time(900))
        #expect(next.moment == Self.at(9, 1060, startedAt: 1050))
    }

    @Test func `a server that was put back counts as another one, and nothing is claimed of it`() throws {
        let (next, notice) = Self.begin(
            Self.state(Self.at(5, 1000, startedAt: 1)), Self.at(4, 1060, startedAt: 1050))
        #expect(notice == .sourceChanged && next.horizon == nil && next.completeUpTo == nil)
        #expect(next.moment == Self.at(4, 1060, startedAt: 1050))
    }

    @Test func `a lagging standby changes nothing, however small its numbers`() throws {
        var state = Self.state(Self.at(5, 1000))
        state.horizon = 900
        let (next, notice) = Self.begin(state, Self.at(4, 950))
        #expect(notice == nil && next.horizon == 900 && next.keyFloor?.key == "20")
        #expect(next.moment == Self.at(5, 1000), "the furthest reading is kept")
    }
}

import Replication
import Testing

/// Readings, and the floor they allow.
struct FloorCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var activity: SourceActivity
    /// Seconds.
    var lookback: Int64 = 600
    /// Seconds; nil: unmoved.
    var floor: Int64?
}

struct FloorRuleTests {
    private static func at(_ seconds: Int64) -> SourceTime { SourceTime(microseconds: seconds * SourceTime.second) }

    private static let cases = [
        FloorCase(
            testDescription: "nobody else is there", activity: SourceActivity(clock: at(100_000)), floor: 99_400),
        FloorCase(
            testDescription: "an open transaction bounds it",
            activity: SourceActivity(clock: at(100_000), oldestTransaction: at(90_000)), floor: 89_400),
        FloorCase(
            testDescription: "a transaction that began after the clock was read does not",
            activity: SourceActivity(clock: at(100_000), oldestTransaction: at(100_001)), floor: 99_400),
        FloorCase(
            testDescription: "no lookback", activity: SourceActivity(clock: at(100_000)), lookback: 0, floor: 100_000),
        FloorCase(
            testDescription: "hidden sessions cost an hour",
            activity: SourceActivity(clock: at(100_000), oldestTransaction: at(99_999), hasHiddenSessions: true),
            floor: 96_400),
        FloorCase(
            testDescription: "hidden sessions and a longer lookback",
            activity: SourceActivity(clock: at(100_000), hasHiddenSessions: true), lookback: 7200, floor: 92_800),
        FloorCase(
            testDescription: "a prepared transaction stops it",
            activity: SourceActivity(clock: at(100_000), hasPreparedTransaction: true), floor: nil),
        FloorCase(
            testDescription: "a standby counts from what it replayed",
            activity: SourceActivity(clock: at(100_000), isStandby: true, replayedUpTo: at(98_000)), floor: 94_400),
        FloorCase(
            testDescription: "a standby's replay ahead of its clock",
            activity: SourceActivity(clock: at(100_000), isStandby: true, replayedUpTo: at(100_100)), floor: 96_400),
        FloorCase(
            testDescription: "a standby that replayed nothing stops it",
            activity: SourceActivity(clock: at(100_000), isStandby: true), floor: nil),
        FloorCase(
            testDescription: "a standby with a prepared transaction stops it",
            activity: SourceActivity(
                clock: at(100_000), hasPreparedTransaction: true, isStandby: true, replayedUpTo: at(98_000)),
            floor: nil),
        FloorCase(
            testDescription: "a standby with a longer lookback",
            activity: SourceActivity(clock: at(100_000), isStandby: true, replayedUpTo: at(98_000)), lookback: 7200,
            floor: 90_800),
    ]

    @Test(arguments: cases)
    func `the floor lies below every stamp that may still be committed`(given: FloorCase) {
        let decision = FloorRule.decide(given.activity, lookback: given.lookback * SourceTime.second)
        #expect(decision == given.floor.map { .at(Self.at($0)) } ?? .unmoved)
    }
}

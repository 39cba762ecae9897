import Testing

@testable import Replication

/// A table as its last copy left it, what the source says now, and whether it is copied again.
struct FullCopyCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var lastToken: String? = "a"
    /// Whether there was a copy before.
    var wasCopied = true
    var token: String? = "a"
    var identity = PassPlanTests.identity
    /// Since the last copy.
    var seconds: Int64 = 60
    var isDue: Bool
}

struct FullCopyRuleTests {
    private static let copied = SourceTime(microseconds: 1_000_000 * SourceTime.second)

    private static let cases = [
        FullCopyCase(testDescription: "nothing was written", isDue: false),
        FullCopyCase(testDescription: "it was never copied", wasCopied: false, isDue: true),
        FullCopyCase(testDescription: "something was written", token: "b", isDue: true),
        FullCopyCase(testDescription: "the source cannot tell now", token: nil, isDue: true),
        FullCopyCase(testDescription: "the source could not tell then", lastToken: nil, isDue: true),
        FullCopyCase(testDescription: "the source can never tell", lastToken: nil, token: nil, isDue: true),
        FullCopyCase(
            testDescription: "another system", identity: .init(system: "8", timeline: "00000001", database: "shop"),
            isDue: true),
        FullCopyCase(
            testDescription: "another timeline", identity: .init(system: "7", timeline: "00000002", database: "shop"),
            isDue: true),
        FullCopyCase(testDescription: "at the very same time", seconds: 0, isDue: false),
        FullCopyCase(testDescription: "a second before the interval's end", seconds: 86_399, isDue: false),
        FullCopyCase(testDescription: "at the interval's end", seconds: 86_400, isDue: true),
        FullCopyCase(testDescription: "long after the interval", seconds: 900_000, isDue: true),
        FullCopyCase(testDescription: "the clock went back", seconds: -1, isDue: true),
    ]

    @Test(arguments: cases)
    func `a table is copied unless its source can tell that nothing was written`(given: FullCopyCase) {
        let state = CheckpointState(
            definition: "d", source: PassPlanTests.identity,
            fullCopy: given.wasCopied ? FullCopyState(changeToken: given.lastToken, startedAt: Self.copied) : nil)
        let start = PassStart(
            identity: given.identity,
            activity: SourceActivity(clock: Self.copied + given.seconds * SourceTime.second), horizon: nil,
            nextTransaction: 9, changeToken: given.token)
        #expect(FullCopyRule.isDue(state, at: start, atLeastEvery: SourceTime.hour * 24) == given.isDue)
    }

    @Test func `a finished copy is complete up to the clock before its snapshot`() {
        let start = PassStart(
            identity: PassPlanTests.identity, activity: SourceActivity(clock: Self.copied), horizon: 7,
            nextTransaction: 9, changeToken: "b")
        let mapping = World.mapping(.fullSync)
        let begun = PassPlan.begin(
            from: nil, at: start, mapping: mapping, settings: RunSettings(installation: "i"),
            replica: PreparedReplica(rows: 4))
        #expect(begun.notice == .firstLoad)
        #expect(FullCopyRule.isDue(begun.state, at: start, atLeastEvery: SourceTime.hour))
        let state = FullCopyRule.finishing(begun.state, at: start)
        #expect(state.fullCopy == FullCopyState(changeToken: "b", startedAt: Self.copied))
        #expect(state.completeUpTo == Self.copied && state.caughtUpAsOf == Self.copied && state.pass == nil)
        #expect(!FullCopyRule.isDue(state, at: start, atLeastEvery: SourceTime.hour))
    }

    @Test func `the next run of a copied table opens no pass`() {
        let mapping = World.mapping(.fullSync)
        let state = CheckpointState(
            definition: mapping.definition, source: PassPlanTests.identity,
            fullCopy: FullCopyState(changeToken: "a", startedAt: Self.copied))
        for identity in [PassPlanTests.identity, .init(system: "8", timeline: "00000001", database: "shop")] {
            let start = PassStart(
                identity: identity, activity: SourceActivity(clock: Self.copied), horizon: 7, nextTransaction: 9,
                changeToken: "a")
            let begun = PassPlan.begin(
                from: state, at: start, mapping: mapping, settings: RunSettings(installation: "i"),
                replica: PreparedReplica())
            #expect(begun.state == state && begun.notice == nil)
        }
    }
}

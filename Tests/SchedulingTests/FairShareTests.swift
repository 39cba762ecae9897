import Foundation
import Scheduling
import Testing

@Suite struct FairShareTests {
    private func candidate(_ job: Int64, _ since: Int64, asked: Bool = false) -> FairShare.Candidate {
        FairShare.Candidate(jobID: job, since: since, isAsked: asked)
    }

    @Test func `jobs with fewer runs come first, then what has been due longest`() {
        let order = FairShare.order(
            [candidate(1, 10), candidate(2, 90), candidate(3, 50)], busy: [1: [0, 1]], slots: 4)
        #expect(order.map(\.jobID) == [3, 2, 1])
    }

    @Test func `what was asked for comes first, and jobs without a free slot not at all`() {
        let order = FairShare.order(
            [candidate(1, 10), candidate(2, 20), candidate(3, 30, asked: true), candidate(4, 1, asked: true)],
            busy: [4: [0, 1], 3: [1]], slots: 2)
        #expect(order.map(\.jobID) == [3, 1, 2])
    }

    @Test func `slots beyond a lowered limit count for nothing`() {
        #expect(FairShare.order([candidate(1, 1)], busy: [1: [2, 3]], slots: 2).count == 1)
        #expect(FairShare.order([candidate(1, 1)], busy: [1: [0, 1, 3]], slots: 2).isEmpty)
    }

    @Test(
        arguments: [
            (2, [], true, [1]), (2, [], false, [0, 1]), (2, [1], true, []), (1, [], true, [0]),
            (4, [0, 2], true, [1, 3]),
            (4, [0, 2], false, [1, 3]),
        ] as [(Int, Set<Int>, Bool, [Int])])
    func `long runs leave a job's first slot to short ones`(count: Int, busy: Set<Int>, isLong: Bool, free: [Int]) {
        #expect(FairShare.slots(of: count, busy: busy, isLong: isLong) == free)
    }
}

@Suite struct RunLengthTests {
    private func length(_ result: TableCopyRecord.Result, rows: Int, _ seconds: Int) -> Double? {
        FairShare.length(
            of: TableCopyRecord(tableID: 1, startedAt: ManualClock.start, result: result, rows: rows),
            took: .seconds(seconds))
    }

    @Test func `only runs that did something tell how long the table's runs are`() {
        #expect(length(.ok, rows: 5, 3) == 3)
        #expect(length(.ok, rows: 0, 3) == nil)
        #expect(length(.failed, rows: 5, 10) == nil)
        #expect(length(.failed, rows: 0, 600) == 600)
    }

    @Test func `a run that made way has more to do than its turn had room for`() {
        #expect(length(.stopped, rows: 5, 21) == FairShare.longSeconds + 1)
        #expect(length(.stopped, rows: 0, 21) == nil)
    }
}

@Suite struct BeatTests {
    @Test func `tables that were added together are spread over the interval`() {
        for count in [10, 60, 1_000] {
            let phases = (1...Int64(count)).map { Beat(interval: .seconds(60), table: $0).phase }.sorted()
            let gaps = zip(phases.dropFirst(), phases).map { $0 - $1 } + [phases[0] + 60 - phases[count - 1]]
            #expect(gaps.allSatisfy { $0 < 60.0 / Double(count) * 3 }, "\(count)")
        }
    }

    @Test(arguments: [0.0, 0.4, 12, 59.999, 61, 3_600]) func `a late run does not move the ones after it`(late: Double)
    {
        let beat = Beat(interval: .seconds(60), table: 7)
        let first = beat.next(after: ManualClock.start)
        let second = beat.next(after: first + late)
        let turns = second.timeIntervalSince(first) / 60
        #expect(abs(turns - turns.rounded()) < 0.000_01)
        #expect(second.timeIntervalSince(first + late) > 2.9 && second.timeIntervalSince(first + late) < 63.1)
    }
}

import Foundation
import Replication
import Scheduling
import Testing

/// What a run tells beside its rows.
@Suite struct RunRecordTests {
    private let clock = ManualClock()
    private let store: MemoryStore

    init() {
        store = MemoryStore(clock: clock)
    }

    private func runner(
        _ script: @escaping @Sendable (ClaimedTable, any RunJournal) async throws -> RunProgress
    ) -> TableRunner {
        TableRunner(
            leases: store, runs: store, factory: ScriptedRuns(script), clock: clock, stop: StopSignal(),
            logger: Sample.logger)
    }

    private static let repair = RepairedValue(key: ["7"], column: "note", reason: .cut, originalBytes: 70_000)

    private static func progress(notices: [RunNotice], repaired: Int) -> RunProgress {
        var progress = Sample.progress(rows: 3)
        progress.notices = notices
        progress.repairedValues = repaired
        return progress
    }

    @Test func `repaired values reach the store, and are counted in the run's record with its notices`() async throws {
        let copy = try await runner { _, journal in
            try await journal.recordRepairs([Self.repair])
            let progress = Self.progress(notices: [.firstLoad], repaired: 1)
            try await journal.mirror(Sample.checkpoint(batch: 1), progress: progress)
            return Self.progress(notices: [.firstLoad, .widened(column: "note", bytes: 80)], repaired: 1)
        }.run(Sample.claimed())
        #expect(await store.repairs == [Self.repair])
        #expect(copy.repaired == 1)
        #expect(await store.recorded.first?.copy.notices == ["first load"])
        #expect(copy.notices == ["first load", RunNotice.widened(column: "note", bytes: 80).sentence])
    }

    @Test func `a store that does not take repaired values fails the run, for a while`() async throws {
        await store.fail(.repairs, times: 1)
        let copy = try await runner { _, journal in
            try await journal.recordRepairs([Self.repair])
            return Sample.progress(rows: 1)
        }.run(Sample.claimed())
        #expect(copy.failure?.code == .interrupted && copy.failure?.code.isTransient == true)
        #expect(await store.repairs.isEmpty)
    }

    @Test func `a failed run keeps the notices that it had told by then`() async throws {
        let copy = try await runner { _, journal in
            try await journal.mirror(
                Sample.checkpoint(batch: 1), progress: Self.progress(notices: [.definitionChanged], repaired: 2))
            throw Sample.error(.valueLong)
        }.run(Sample.claimed())
        #expect(copy.result == .failed && copy.repaired == 2)
        #expect(copy.notices == [RunNotice.definitionChanged.sentence])
    }

    @Test func `the next run of a table with an interval of its own goes by that`() async throws {
        let claimed = Sample.claimed(schedule: TableSchedule(interval: .seconds(3600)))
        _ = try await runner { _, _ in Sample.progress(rows: 1) }.run(claimed)
        let beat = NextRun(.beat(Beat(interval: .seconds(3600), table: 1)))
        #expect(await store.endings.map(\.ending.next) == [beat])
    }
}

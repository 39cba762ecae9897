import Foundation
import Scheduling
import Synchronization
import Testing

@testable import Metadata

@Suite struct ContentionTests {
    /// Which tables are being run, and what went wrong.
    private final class RunLog: Sendable {
        private struct State {
            var running: Set<Int64> = []
            var claims = 0
            var overlaps: [Int64] = []
            var runningOfJob: [Int64: Int] = [:]
            var mostOfJob = 0
            var generations: Set<String> = []
        }
        private let state = Mutex(State())

        /// - Returns: false when enough claims were made.
        func wantsMore(than limit: Int) -> Bool { state.withLock { $0.claims < limit } }

        func begin(_ claimed: ClaimedTable) {
            state.withLock { log in
                log.claims += 1
                log.runningOfJob[claimed.job.id, default: 0] += 1
                log.mostOfJob = max(log.mostOfJob, log.runningOfJob[claimed.job.id, default: 0])
                let label = "\(claimed.table.id)/\(claimed.table.lease.generation)"
                let isNew = log.generations.insert(label).inserted
                if !log.running.insert(claimed.table.id).inserted || !isNew { log.overlaps.append(claimed.table.id) }
            }
        }

        func end(_ claimed: ClaimedTable) {
            state.withLock { log in
                log.running.remove(claimed.table.id)
                log.runningOfJob[claimed.job.id, default: 1] -= 1
            }
        }

        var overlaps: [Int64] { state.withLock { $0.overlaps } }
        /// Runs of one job at once.
        var mostOfJob: Int { state.withLock { $0.mostOfJob } }
        var claims: Int { state.withLock { $0.claims } }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `of two hundred claims by eight workers on two instances, none meets another`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            try await store.addShop(tables: (0..<12).map { "t\($0)" }, dueAt: fixture.clock.now)
            let instances = [store, try await fixture.another()]
            let log = RunLog()
            let ending = RunEnding(result: .ok, isClean: true, nextRunAt: fixture.clock.now)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        let mine = instances[worker % 2]
                        let owner = Sample.owner("worker \(worker)")
                        while log.wantsMore(than: 200) {
                            guard let claimed = try await mine.claimDue(by: owner, for: .seconds(30)) else { continue }
                            log.begin(claimed)
                            _ = try await mine.renew(claimed, for: .seconds(30))
                            log.end(claimed)
                            try await mine.release(claimed, ending)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(log.overlaps.isEmpty)
            #expect(log.claims >= 200)
        }
    }

    /// Prints how many claims and releases a second the store takes; `CLAIMS` asks for more of them.
    @Test(arguments: MetadataEngine.allCases)
    func `claims by eight workers over ten jobs respect slots, at a rate that is told`(
        engine: MetadataEngine
    ) async throws {
        let wanted = ProcessInfo.processInfo.environment["CLAIMS"].flatMap { Int($0) } ?? 400
        try await MetadataFixture.with(engine) { fixture, store in
            for number in 0..<10 {
                let job = try await store.add(Sample.job("job\(number)"))
                for index in 0..<20 {
                    _ = try await store.save(
                        TableRecord(
                            jobID: job.id, mapping: Sample.mapping("t\(index)", job: job.name),
                            nextRunAt: fixture.clock.now))
                }
            }
            let instances = [store, try await fixture.another()]
            let log = RunLog()
            let began = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        let mine = instances[worker % 2]
                        let owner = Sample.owner("worker \(worker)")
                        while log.wantsMore(than: wanted) {
                            guard
                                let claimed = try await mine.claimDue(
                                    by: owner, for: .seconds(30), ClaimTerms(slots: 2))
                            else { continue }
                            log.begin(claimed)
                            await Task.yield()
                            log.end(claimed)
                            try await mine.release(
                                claimed, RunEnding(result: .ok, isClean: true, next: NextRun(.after(0)), seconds: 1))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            print("\(engine.rawValue): \(Int(Double(log.claims) / seconds)) claims with their releases a second")
            #expect(log.overlaps.isEmpty && log.mostOfJob <= 2)
        }
    }
}

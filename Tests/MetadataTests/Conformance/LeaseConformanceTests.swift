import Foundation
import Operations
import Replication
import Scheduling
import Testing

@testable import Metadata

@Suite struct LeaseConformanceTests {
    private let ann = Sample.owner("ann")
    private let bob = Sample.owner("bob")

    @Test(arguments: MetadataEngine.allCases)
    func `a claim takes the table that has been due longest, and says whose it is until when`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let now = fixture.clock.now
            let tables = try await store.addShop(tables: ["b", "a"], dueAt: now - 5)
            _ = try await store.save(
                TableRecord(jobID: tables[0].jobID, mapping: Sample.mapping("later"), nextRunAt: now + 5))
            let first = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            #expect(first.table.id == tables[0].id)
            #expect(first.job.name == "shop")
            #expect(first.table.lease.owner == "ann")
            #expect(first.table.lease.generation == 1)
            #expect(first.table.lease.expiresAt == now + 30)
            #expect(first.table.lease.heartbeatAt == now)
            #expect(!first.previousEndedCleanly)
            #expect(try await store.claimDue(by: bob, for: .seconds(30))?.table.id == tables[1].id)
            #expect(try await store.claimDue(by: bob, for: .seconds(30)) == nil)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `what was asked for comes first, even of a paused job, and never when it is disabled`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let now = fixture.clock.now
            let paused = try await store.add(Sample.job("paused", active: false))
            let asked = try await store.save(
                TableRecord(jobID: paused.id, mapping: Sample.mapping("asked", job: "paused"), nextRunAt: now - 900))
            var off = try await store.save(
                TableRecord(jobID: paused.id, mapping: Sample.mapping("off", job: "paused"), nextRunAt: now - 900))
            off.disabled = true
            _ = try await store.save(off)
            let due = try await store.addShop(tables: ["due"], dueAt: now - 60)
            try await store.request(tableID: off.id)
            try await store.request(tableID: asked.id)
            #expect(try await store.claimDue(by: ann, for: .seconds(30))?.table.id == asked.id)
            #expect(try await store.claimDue(by: ann, for: .seconds(30))?.table.id == due[0].id)
            #expect(try await store.claimDue(by: ann, for: .seconds(30)) == nil)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a named table is claimed due or not, but by one at a time, the same owner included`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let tables = try await store.addShop(tables: ["a"], active: false, dueAt: fixture.clock.now + 900)
            let id = tables[0].id
            #expect(try await store.claimDue(by: ann, for: .seconds(30)) == nil)
            #expect(try await store.claim(tableID: id, by: ann, for: .seconds(30)) != nil)
            #expect(try await store.claim(tableID: id, by: bob, for: .seconds(30)) == nil)
            #expect(try await store.claim(tableID: id, by: ann, for: .seconds(30)) == nil)
            let error = await #expect(throws: OperationError.self) {
                _ = try await store.claim(tableID: 999, by: ann, for: .seconds(30))
            }
            #expect(error?.code == .badInput)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a lease that is renewed lives on; one that is not can be taken, and its run counts as lost`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let first = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            let copy = try await store.beginCopy(first)
            fixture.clock.advance(29)
            #expect(try await store.renew(first, for: .seconds(30)))
            fixture.clock.advance(29)
            #expect(try await store.claimDue(by: bob, for: .seconds(30)) == nil)
            fixture.clock.advance(1)
            let second = try #require(try await store.claimDue(by: bob, for: .seconds(30)))
            #expect(second.table.lease.generation == 2)
            #expect(!second.previousEndedCleanly)
            #expect(try await !store.renew(first, for: .seconds(30)))
            let copies = try await store.copies(ofTable: id, limit: 10)
            #expect(copies.map(\.id) == [copy.id])
            #expect(copies.first?.result == .lost)
            #expect(copies.first?.finishedAt == fixture.clock.now)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `the lease of a process known to be dead is free at once`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)
            let first = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            #expect(try await store.claimDue(by: bob, for: .seconds(30)) == nil)
            fixture.liveness.kill(ann)
            let second = try #require(try await store.claimDue(by: bob, for: .seconds(30)))
            #expect(second.table.id == first.table.id)
            #expect(second.table.lease.generation == 2)
            #expect(!second.previousEndedCleanly)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a clean end is told to the next holder, an unclean one too`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)
            for isClean in [true, false] {
                let claimed = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
                try await store.release(claimed, RunEnding(result: .ok, isClean: isClean, nextRunAt: fixture.clock.now))
                let next = try #require(try await store.claimDue(by: bob, for: .seconds(30)))
                #expect(next.previousEndedCleanly == isClean)
                try await store.release(next, RunEnding(result: .ok, isClean: true, nextRunAt: fixture.clock.now))
            }
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `whoever lost the lease writes nothing`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let lost = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            var copy = try await store.beginCopy(lost)
            fixture.clock.advance(31)
            // The same process, so that the owner alone would not tell the two claims apart.
            let held = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            try await store.record(Sample.checkpoint(batch: 3), copy: try await store.beginCopy(held), of: held)
            let before = try await store.table(id)

            copy.rows = 99
            copy.result = .ok
            try await store.record(Sample.checkpoint(batch: 2), copy: copy, of: lost)
            try await store.raiseGeneration(of: lost, to: 50)
            try await store.finishCopy(copy)
            try await store.release(lost, RunEnding(result: .ok, isClean: true, nextRunAt: .distantFuture))
            await #expect(throws: OperationError.self) { _ = try await store.beginCopy(lost) }
            #expect(try await store.table(id) == before)
            let copies = try await store.copies(ofTable: id, limit: 10)
            #expect(copies.map(\.result) == [.running, .lost])
            #expect(copies.map(\.rows) == [0, 0])
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a raised generation is what the next claim counts on from, and the claim stays valid`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)
            let claimed = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            try await store.raiseGeneration(of: claimed, to: 17)
            try await store.raiseGeneration(of: claimed, to: 4)
            #expect(try await store.renew(claimed, for: .seconds(30)))
            var raised = claimed
            raised.table.lease.generation = 17
            #expect(try await store.renew(raised, for: .seconds(30)))
            try await store.release(raised, RunEnding(result: .ok, isClean: true, nextRunAt: fixture.clock.now))
            #expect(try await store.claimDue(by: bob, for: .seconds(30))?.table.lease.generation == 18)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a request is done with its run; one made during the run stays`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], active: false, dueAt: fixture.clock.now)[0].id
            let ending = RunEnding(result: .ok, isClean: true, nextRunAt: fixture.clock.now + 60)
            try await store.request(tableID: id)
            let first = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            // The clock stands still: the two requests must differ all the same.
            try await store.request(tableID: id)
            try await store.release(first, ending)
            let second = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            try await store.release(second, ending)
            #expect(try await store.table(id)?.requestedAt == nil)
            #expect(try await store.claimDue(by: ann, for: .seconds(30)) == nil)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `failures are counted until a run ends well`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let failure = Sample.failure(.sourceUnreachable, at: fixture.clock.now)
            for count in 1...2 {
                let claimed = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
                try await store.release(
                    claimed,
                    RunEnding(result: .failed, failure: failure, isClean: false, nextRunAt: fixture.clock.now))
                let table = try #require(try await store.table(id))
                #expect(table.consecutiveFailures == count)
                #expect(table.failure == failure)
            }
            let claimed = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            try await store.release(
                claimed, RunEnding(result: .stopped, isClean: true, nextRunAt: fixture.clock.now + 60))
            let table = try #require(try await store.table(id))
            #expect(table.consecutiveFailures == 0)
            #expect(table.failure == nil)
            #expect(table.nextRunAt == fixture.clock.now + 60)
            #expect(table.lease == TableLease(generation: 3, endedCleanly: true))
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a cancelled task still gives its lease back`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let claimed = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            let ending = RunEnding(result: .stopped, isClean: true, nextRunAt: fixture.clock.now)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    withUnsafeCurrentTask { $0?.cancel() }
                    try await store.release(claimed, ending)
                }
                try await group.waitForAll()
            }
            #expect(try await store.table(id)?.lease.owner == nil)
        }
    }
}

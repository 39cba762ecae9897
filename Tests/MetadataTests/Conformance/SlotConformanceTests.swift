import Foundation
import Operations
import Replication
import Scheduling
import Testing

@testable import Metadata

@Suite struct SlotConformanceTests {
    private let ann = Sample.owner("ann")
    private let lease = Duration.seconds(30)

    private func ending(_ now: Date, seconds: Double = 1, result: TableCopyRecord.Result = .ok) -> RunEnding {
        RunEnding(result: result, isClean: true, next: NextRun(.at(now + 60)), seconds: seconds)
    }

    @Test(arguments: MetadataEngine.allCases)
    func `no more runs of a job than it has slots, whoever claims, and a slot comes back with its lease`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            try await store.addShop(tables: ["a", "b", "c", "d"], dueAt: fixture.clock.now)
            let other = try await fixture.another()
            let terms = ClaimTerms(slots: 2)
            let first = try #require(try await store.claimDue(by: ann, for: lease, terms))
            #expect(try await other.claimDue(by: Sample.owner("bob"), for: lease, terms) != nil)
            #expect(try await store.claimDue(by: ann, for: lease, terms) == nil)
            try await store.release(first, ending(fixture.clock.now))
            #expect(try await other.claimDue(by: ann, for: lease, terms) != nil)
            #expect(try await store.claimDue(by: ann, for: lease, terms) == nil)
            // A renewed lease keeps its slot; all others are over.
            fixture.clock.advance(31)
            #expect(try await store.claimDue(by: ann, for: lease, terms) != nil)
            #expect(try await store.claimDue(by: ann, for: lease, terms) != nil)
            #expect(try await store.claimDue(by: ann, for: lease, terms) == nil)
            await other.close()
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a renewed lease keeps its slot, and a dead process's slot is free at once`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            try await store.addShop(tables: ["a", "b"], dueAt: fixture.clock.now)
            let terms = ClaimTerms(slots: 1)
            let first = try #require(try await store.claimDue(by: ann, for: lease, terms))
            fixture.clock.advance(20)
            #expect(try await store.renew(first, for: lease))
            fixture.clock.advance(20)
            #expect(try await store.claimDue(by: ann, for: lease, terms) == nil)
            fixture.liveness.kill(ann)
            #expect(try await store.claimDue(by: Sample.owner("bob"), for: lease, terms) != nil)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a claim by name takes a slot only where it reads the source`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let tables = try await store.addShop(tables: ["a", "b", "c"], dueAt: fixture.clock.now)
            let terms = ClaimTerms(slots: 1)
            #expect(try await store.claim(tableID: tables[0].id, by: ann, for: lease, terms) != nil)
            #expect(try await store.claim(tableID: tables[1].id, by: ann, for: lease, terms) == nil)
            #expect(try await store.claim(tableID: tables[1].id, by: ann, for: lease) != nil)
            #expect(try await store.claim(tableID: tables[2].id, by: ann, for: lease) != nil)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `jobs take turns: the one with fewer runs comes first, however long the other has waited`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let now = fixture.clock.now
            try await store.addShop(tables: (0..<6).map { "t\($0)" }, dueAt: now - 500)
            let small = try await store.add(Sample.job("small"))
            for name in ["x", "y"] {
                _ = try await store.save(
                    TableRecord(jobID: small.id, mapping: Sample.mapping(name, job: "small"), nextRunAt: now))
            }
            var jobs: [String] = []
            for _ in 0..<4 {
                jobs.append(try #require(try await store.claimDue(by: ann, for: lease)).job.name)
            }
            #expect(jobs == ["shop", "small", "shop", "small"])
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `long runs leave one slot, and one place of the worker, to short ones`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let now = fixture.clock.now
            let tables = try await store.addShop(tables: ["l1", "l2", "short"], dueAt: now)
            for table in tables.prefix(2) {
                let claimed = try #require(try await store.claim(tableID: table.id, by: ann, for: lease))
                try await store.release(
                    claimed,
                    RunEnding(result: .ok, isClean: true, next: NextRun(.at(now - 90)), seconds: 61))
            }
            #expect(try await store.table(tables[0].id)?.isLong == true)
            let terms = ClaimTerms(slots: 2)
            // Both have been due longer, but only one of them may run.
            #expect(try await store.claimDue(by: ann, for: lease, terms)?.table.id == tables[0].id)
            #expect(try await store.claimDue(by: ann, for: lease, terms)?.table.id == tables[2].id)
        }
        try await MetadataFixture.with(engine) { fixture, store in
            let table = try await store.addShop(tables: ["long"], dueAt: fixture.clock.now)[0]
            let claimed = try #require(try await store.claim(tableID: table.id, by: ann, for: lease))
            try await store.release(
                claimed, RunEnding(result: .ok, isClean: true, next: NextRun(.after(0)), seconds: 61))
            #expect(
                try await store.claimDue(by: ann, for: lease, ClaimTerms(slots: 4, allowsLong: false)) == nil)
            #expect(try await store.claimDue(by: ann, for: lease, ClaimTerms(slots: 1)) != nil)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a request outlives a turn, and waits behind what has been due longer then`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let now = fixture.clock.now
            let tables = try await store.addShop(tables: ["asked", "due"], dueAt: now - 10)
            try await store.request(tableID: tables[0].id)
            let terms = ClaimTerms(slots: 1)
            let asked = try #require(try await store.claimDue(by: ann, for: lease, terms))
            #expect(asked.table.id == tables[0].id)
            try await store.release(
                asked, RunEnding(result: .stopped, isClean: true, next: NextRun(.after(0)), seconds: 20))
            #expect(try await store.table(tables[0].id)?.requestedAt != nil)
            let due = try #require(try await store.claimDue(by: ann, for: lease, terms))
            #expect(due.table.id == tables[1].id)
            try await store.release(due, ending(now))
            let again = try #require(try await store.claimDue(by: ann, for: lease, terms))
            #expect(again.table.id == tables[0].id)
            try await store.release(again, ending(now))
            #expect(try await store.table(tables[0].id)?.requestedAt == nil)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a request outlives a run that was interrupted, not one that failed`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], active: false, dueAt: fixture.clock.now)[0].id
            try await store.request(tableID: id)
            for (code, stays) in [(ErrorCode.interrupted, true), (.sourceUnreachable, false)] {
                let claimed = try #require(try await store.claimDue(by: ann, for: lease))
                try await store.release(
                    claimed,
                    RunEnding(
                        result: .failed, failure: Sample.failure(code, at: fixture.clock.now), isClean: false,
                        next: NextRun(.after(0))))
                #expect((try await store.table(id)?.requestedAt != nil) == stays)
            }
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a lease is renewed only while it lasts, and taken away only as it was seen`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let claimed = try #require(try await store.claimDue(by: ann, for: lease))
            let seen = fixture.clock.now + 30
            fixture.clock.advance(29)
            #expect(try await store.renew(claimed, for: lease))
            // Somebody who saw it before it was renewed comes too late.
            let taken = try await store.write { session in
                try LeaseStatements.free(
                    table: id, from: "ann", seen: seen.storedMicroseconds, now: session.now, dialect: session.dialect
                ).run(session)
            }
            #expect(taken == 0)
            fixture.clock.advance(30)
            #expect(try await !store.renew(claimed, for: lease))
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a quick run brings the length of a table's runs down by half`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            for (seconds, stored) in [(nil, nil), (100, 100), (nil, 100), (20, 60), (80, 80)] as [(Double?, Double?)] {
                let claimed = try #require(try await store.claim(tableID: id, by: ann, for: lease))
                try await store.release(
                    claimed, RunEnding(result: .ok, isClean: true, next: NextRun(.after(0)), seconds: seconds))
                #expect(try await store.table(id)?.runSeconds == stored)
            }
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a job's destination changes only while nothing of it runs, and then all mirrors are in doubt`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let tables = try await store.addShop(tables: ["a", "b"], dueAt: fixture.clock.now)
            for table in tables {
                let claimed = try #require(try await store.claim(tableID: table.id, by: ann, for: lease))
                try await store.release(claimed, ending(fixture.clock.now))
            }
            var job = try #require(try await store.jobs().first)
            job.destination = .environment(variable: "ELSEWHERE")
            let changed = job
            let running = try #require(try await store.claim(tableID: tables[1].id, by: ann, for: lease))
            let error = await #expect(throws: OperationError.self) { try await store.updateWhereNothingRuns(changed) }
            #expect(error?.code == .busy && error?.what == "shop/b is being synced")
            #expect(try await store.table(tables[0].id)?.lease.endedCleanly == true, "nothing is changed")
            #expect(try await store.jobs() != [changed])
            try await store.release(running, ending(fixture.clock.now))
            try await store.updateWhereNothingRuns(changed)
            #expect(try await store.jobs() == [changed])
            for table in tables {
                #expect(try await store.claim(tableID: table.id, by: ann, for: lease)?.previousEndedCleanly == false)
            }
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a claim under which nothing ran leaves failures and requests as they were`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let failed = try #require(try await store.claimDue(by: ann, for: lease))
            let failure = Sample.failure(.sourcePermission, at: fixture.clock.now)
            try await store.release(
                failed,
                RunEnding(result: .failed, failure: failure, isClean: false, next: NextRun(.after(0)), seconds: 1))
            try await store.request(tableID: id)
            let idle = try #require(try await store.claim(tableID: id, by: ann, for: lease))
            try await store.release(idle, RunEnding(untouched: NextRun(.after(0))))
            let table = try #require(try await store.table(id))
            #expect(table.failure == failure && table.consecutiveFailures == 1 && table.requestedAt != nil)
            #expect(!table.lease.endedCleanly)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `others wait where one is due that could run if this one's turn ended`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let now = fixture.clock.now
            let tables = try await store.addShop(tables: ["a", "b"], dueAt: now)
            let terms = ClaimTerms(slots: 1)
            let running = try #require(try await store.claim(tableID: tables[0].id, by: ann, for: lease, terms))
            #expect(try await !store.makesWay(running, terms))
            fixture.clock.advance(1)
            #expect(try await store.makesWay(running, terms))
            // Of another job: only while that has a slot left.
            let other = try await store.add(Sample.job("other"))
            let mine = try await store.save(
                TableRecord(jobID: other.id, mapping: Sample.mapping("x", job: "other"), nextRunAt: now))
            let elsewhere = try #require(try await store.claim(tableID: mine.id, by: ann, for: lease, terms))
            #expect(try await store.makesWay(elsewhere, terms) == false)
            #expect(try await store.makesWay(elsewhere, ClaimTerms(slots: 2)))
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a run makes way when its table is disabled, its job paused or its window closed, unless it was asked for`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            var table = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0]
            let terms = ClaimTerms(slots: 1)
            let running = try #require(try await store.claimDue(by: ann, for: lease, terms))
            #expect(try await !store.makesWay(running, terms))
            table.disabled = true
            table = try await store.save(table)
            #expect(try await store.makesWay(running, terms))
            table.disabled = false
            // It is 08:00.
            table.schedule.window = DailyWindow("22:00-06:00")
            table = try await store.save(table)
            #expect(try await store.makesWay(running, terms))
            try await store.request(tableID: table.id)
            #expect(try await !store.makesWay(running, terms))
            var job = running.job
            job.active = false
            try await store.update(job)
            #expect(try await !store.makesWay(running, terms))
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `the time until something is due counts leases, requests and paused jobs`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let now = fixture.clock.now
            #expect(try await store.untilNextDue() == nil)
            let tables = try await store.addShop(tables: ["a"], dueAt: now + 40)
            let paused = try await store.add(Sample.job("paused", active: false))
            let asleep = try await store.save(
                TableRecord(jobID: paused.id, mapping: Sample.mapping("b", job: "paused"), nextRunAt: now - 5))
            #expect(try await store.untilNextDue() == .seconds(40))
            let claimed = try #require(try await store.claim(tableID: tables[0].id, by: ann, for: lease))
            #expect(try await store.untilNextDue() == lease)
            try await store.request(tableID: asleep.id)
            #expect(try await store.untilNextDue() == .zero)
            try await store.release(claimed, ending(now))
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a record that cannot be read is set aside with the reason, and others are claimed`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let tables = try await store.addShop(tables: ["bad", "good"], dueAt: fixture.clock.now)
            try await store.write { session in
                let spoil = MetadataStatement(
                    "UPDATE tables SET schedule = :nonsense WHERE id = :id",
                    ["nonsense": "{\"window\":7}", "id": tables[0].id])
                let changed = try spoil.run(session)
                #expect(changed == 1)
            }
            #expect(try await store.claimDue(by: ann, for: lease) == nil)
            #expect(try await store.claimDue(by: ann, for: lease)?.table.id == tables[1].id)
            #expect(try await store.claimDue(by: ann, for: lease) == nil)
            let code: String? = try await store.read { session in
                let look = MetadataStatement("SELECT error_code FROM tables WHERE id = :id", ["id": tables[0].id])
                return try look.row(session)?["error_code"]
            }
            #expect(code == ErrorCode.config.rawValue)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `only the last run is kept where the history is switched off`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let terse = try await MetadataStore.open(
                fixture.location, clock: fixture.clock, liveness: fixture.liveness,
                retention: RunRetention(keepsLastOnly: true))
            let id = try await terse.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let claimed = try #require(try await terse.claimDue(by: ann, for: lease))
            for number in 1...3 {
                var copy = try await terse.beginCopy(claimed)
                copy.result = .ok
                copy.rows = number
                try await terse.finishCopy(copy)
            }
            #expect(try await terse.copies(ofTable: id, limit: 9).map(\.rows) == [3])
            await terse.close()
        }
    }
}

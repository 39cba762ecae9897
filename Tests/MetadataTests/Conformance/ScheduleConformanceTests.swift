import Foundation
import Operations
import Replication
import Scheduling
import Testing

@testable import Metadata

@Suite struct ScheduleConformanceTests {
    private let ann = Sample.owner("ann")
    /// The fixture's clock starts at 08:00 UTC.
    private static let full = TableSchedule(
        interval: .milliseconds(1_500), window: DailyWindow("22:00-06:00"), freshnessTarget: .seconds(900), rowLimit: 5,
        chunkSize: 6, scanBack: .seconds(7), allowsScan: true)

    @Test(arguments: MetadataEngine.allCases)
    func `schedules, schemas and prefixes come back as they were stored`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            var job = Sample.job("many")
            job.sourceSchemas = ["public", "audit \"x\"", "Übung"]
            job.destinationPrefix = "crm_"
            job.destinationSession = DestinationSession(
                queryGroup: "etl", statementTimeout: .milliseconds(1_500), slotCount: 3)
            job = try await store.add(job)
            #expect(try await store.jobs() == [job])
            job.sourceSchemas = ["public"]
            try await store.update(job)
            #expect(try await store.jobs() == [job])
            var table = try await store.save(
                TableRecord(
                    jobID: job.id, mapping: Sample.mapping("a", job: "many"), schedule: Self.full,
                    nextRunAt: fixture.clock.now))
            #expect(try await store.table(table.id)?.schedule == Self.full)
            table.schedule = TableSchedule()
            #expect(try await store.save(table).schedule == TableSchedule())
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a table is claimed by itself only while its window is open, and at any time on request`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            var table = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now - 900)[0]
            for (window, isOpen) in [
                ("22:00-06:00", false), ("08:00-09:00", true), ("09:00-08:00", false), ("07:00-08:00", false),
                ("07:59-08:01", true), ("22:00-08:01", true),
            ] {
                table.schedule.window = DailyWindow(window)
                table = try await store.save(table)
                let claimed = try await store.claimDue(by: ann, for: .seconds(30))
                #expect((claimed != nil) == isOpen, "\(window)")
                guard let claimed else { continue }
                let ending = RunEnding(result: .ok, isClean: true, nextRunAt: fixture.clock.now - 900)
                try await store.release(claimed, ending)
            }
            table.schedule.window = DailyWindow("22:00-06:00")
            table = try await store.save(table)
            try await store.request(tableID: table.id)
            #expect(try await store.claimDue(by: ann, for: .seconds(30)) != nil)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `another schedule brings the next run forward, never back, and other settings leave it`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let now = fixture.clock.now
            var table = try await store.addShop(tables: ["a"], dueAt: now + 900)[0]
            table.disabled = true
            table.nextRunAt = now
            #expect(try await store.save(table).nextRunAt == now + 900)
            table.schedule.interval = .seconds(60)
            table.nextRunAt = now + 60
            #expect(try await store.save(table).nextRunAt == now + 60)
            table.schedule.interval = .seconds(3600)
            table.nextRunAt = now + 3600
            #expect(try await store.save(table).nextRunAt == now + 60)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a job's shorter interval counts from now, but for tables with their own`(engine: MetadataEngine) async throws
    {
        try await MetadataFixture.with(engine) { fixture, store in
            let now = fixture.clock.now
            let tables = try await store.addShop(tables: ["a", "b"], dueAt: now + 9_000)
            var own = tables[1]
            own.schedule.interval = .seconds(86_400)
            own.nextRunAt = now + 9_000
            _ = try await store.save(own)
            var job = try #require(try await store.jobs().first)
            job.interval = .seconds(30)
            try await store.update(job)
            #expect(try await store.table(tables[0].id)?.nextRunAt == now + 30)
            #expect(try await store.table(tables[1].id)?.nextRunAt == now + 9_000)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a mirror that is void is forgotten with the lease`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            for isVoid in [false, true] {
                let claimed = try #require(try await store.claim(tableID: id, by: ann, for: .seconds(30)))
                let copy = try await store.beginCopy(claimed)
                try await store.record(Sample.checkpoint(batch: 1), copy: copy, of: claimed)
                try await store.release(
                    claimed,
                    RunEnding(result: .stopped, isClean: false, nextRunAt: fixture.clock.now, voidsMirror: isVoid))
                #expect((try await store.table(id)?.mirror == nil) == isVoid)
            }
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a removed table is gone with its history, and others stay`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let tables = try await store.addShop(tables: ["a", "b"], dueAt: fixture.clock.now)
            let claimed = try #require(try await store.claim(tableID: tables[0].id, by: ann, for: .seconds(30)))
            _ = try await store.beginCopy(claimed)
            try await store.remove(tableID: tables[0].id)
            #expect(try await store.tables(ofJob: nil).map(\.id) == [tables[1].id])
            #expect(try await store.copies(ofTable: tables[0].id, limit: 5).isEmpty)
            await #expect(throws: OperationError.self) { try await store.remove(tableID: tables[0].id) }
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a secret is kept from the first that made one`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let other = try await fixture.another()
            #expect(try await store.secret(named: "salt", orKeep: Data([1])) == Data([1]))
            #expect(try await other.secret(named: "salt", orKeep: Data([2])) == Data([1]))
            #expect(try await store.secret(named: "other", orKeep: Data([3])) == Data([3]))
        }
    }
}

import Foundation
import Operations
import Replication
import Scheduling
import Testing

@testable import Metadata

@Suite struct CatalogConformanceTests {
    @Test(arguments: MetadataEngine.allCases)
    func `jobs come back as they were stored, by name`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { _, store in
            var zoo = try await store.add(Sample.job("zoo", active: false))
            let ark = try await store.add(Sample.job("ark"))
            zoo.interval = .milliseconds(1_500)
            zoo.source = .sealed(Data([9]))
            zoo.destination = .environment(variable: "WAREHOUSE_URL")
            zoo.active = true
            try await store.update(zoo)
            #expect(try await store.jobs() == [ark, zoo])
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a taken name is refused, whether added or renamed to`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { _, store in
            _ = try await store.add(Sample.job("shop"))
            var other = try await store.add(Sample.job("other"))
            other.name = "shop"
            let renamed = other
            for attempt in [{ _ = try await store.add(renamed) }, { try await store.update(renamed) }] {
                let error = await #expect(throws: OperationError.self) { try await attempt() }
                #expect(error?.code == .usage)
                #expect(error?.what.contains("shop") == true)
            }
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `tables come back as they were stored, under their job's present name`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let saved = try await store.addShop(tables: ["Übung", "orders"], dueAt: fixture.clock.now)
            #expect(saved[0].mapping == Sample.mapping("Übung"))
            #expect(saved[0].nextRunAt == fixture.clock.now)
            #expect(try await store.tables(ofJob: nil).map(\.mapping.source.name) == ["orders", "Übung"])
            var changed = saved[1]
            changed.disabled = true
            changed.mapping.updatedKey = nil
            #expect(try await store.save(changed) == changed)

            var job = try #require(try await store.jobs().first)
            job.name = "store"
            try await store.update(job)
            #expect(try await store.tables(ofJob: job.id).map(\.mapping.label) == ["store/orders", "store/Übung"])
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a source table belongs to a job once`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            var twin = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0]
            twin.id = 0
            let again = twin
            let error = await #expect(throws: OperationError.self) { _ = try await store.save(again) }
            #expect(error?.code == .badInput)
            twin.jobID = 999
            let orphan = twin
            await #expect(throws: OperationError.self) { _ = try await store.save(orphan) }
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `removing a job takes its tables and history along and nobody else's`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let table = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0]
            let other = try await store.add(Sample.job("other"))
            _ = try await store.save(
                TableRecord(jobID: other.id, mapping: Sample.mapping("a", job: "other"), nextRunAt: fixture.clock.now))
            let claimed = try #require(
                try await store.claim(tableID: table.id, by: Sample.owner("ann"), for: .seconds(30)))
            let copy = try await store.beginCopy(claimed)
            try await store.remove(jobID: table.jobID)
            #expect(try await store.jobs().map(\.name) == ["other"])
            #expect(try await store.tables(ofJob: nil).map(\.jobID) == [other.id])
            #expect(try await store.copies(ofTable: table.id, limit: 10).isEmpty)
            // A run that is under way ends without leaving anything.
            try await store.record(Sample.checkpoint(batch: 1), copy: copy, of: claimed)
            try await store.finishCopy(copy)
            try await store.release(claimed, RunEnding(result: .ok, isClean: true, nextRunAt: fixture.clock.now))
            #expect(try await !store.renew(claimed, for: .seconds(30)))
            await #expect(throws: OperationError.self) { try await store.remove(jobID: table.jobID) }
            await #expect(throws: OperationError.self) { try await store.request(tableID: table.id) }
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `the installation's name is one for all instances and another for each store`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let name = try await store.installationID()
            #expect(name.count >= 32)
            let again = try await fixture.another()
            #expect(try await again.installationID() == name)
            try await MetadataFixture.with(engine) { _, elsewhere in
                let other = try await elsewhere.installationID()
                #expect(other != name)
            }
        }
    }
}

import Foundation
import Operations
import Replication
import Scheduling
import Testing

@testable import Metadata

@Suite struct RepairConformanceTests {
    private let ann = Sample.owner("ann")

    private static func repair(
        _ key: String..., column: String = "note", reason: RepairedValue.Reason = .cut, bytes: Int = 70_000
    ) -> RepairedValue {
        RepairedValue(key: key, column: column, reason: reason, originalBytes: bytes)
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a repaired value is kept once, however often it is read, with its first and its last time`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a", "b"], dueAt: fixture.clock.now)[0].id
            let claimed = try #require(try await store.claim(tableID: id, by: ann, for: .seconds(9_000)))
            let first = fixture.clock.now
            try await store.recordRepairs(
                [Self.repair("1"), Self.repair("1", column: "doc"), Self.repair("1", "a\",\"b")], of: claimed)
            fixture.clock.advance(60)
            try await store.recordRepairs(
                [Self.repair("1", reason: .nulRemoved, bytes: 5), Self.repair("1", reason: .nulRemoved, bytes: 5)],
                of: claimed)
            let repairs = try await store.repairs(ofTable: id, limit: 10)
            #expect(repairs.count == 3)
            #expect(
                repairs.first
                    == RepairRecord(
                        value: Self.repair("1", reason: .nulRemoved, bytes: 5), firstSeenAt: first,
                        lastSeenAt: first + 60, count: 3))
            #expect(repairs.contains { $0.value == Self.repair("1", "a\",\"b") })
            #expect(try await store.repairs(ofTable: id, limit: 2).count == 2)
            #expect(try await store.countRepairs(ofTable: id) == 3)
            #expect(try await store.countRepairs(ofTable: id + 1) == 0)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `every reason comes back as it was stored`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let claimed = try #require(try await store.claim(tableID: id, by: ann, for: .seconds(30)))
            let values = RepairedValue.Reason.allCases.map { Self.repair($0.rawValue, reason: $0) }
            try await store.recordRepairs(values, of: claimed)
            #expect(try await Set(store.repairs(ofTable: id, limit: 99).map(\.value)) == Set(values))
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a holder that lost its lease records nothing, and a removed table's values go with it`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let lost = try #require(try await store.claim(tableID: id, by: ann, for: .seconds(30)))
            fixture.clock.advance(31)
            let claimed = try #require(
                try await store.claim(tableID: id, by: Sample.owner("bob"), for: .seconds(30)))
            try await store.recordRepairs([Self.repair("1")], of: lost)
            #expect(try await store.countRepairs(ofTable: id) == 0)
            try await store.recordRepairs([Self.repair("1")], of: claimed)
            try await store.remove(tableID: id)
            #expect(try await store.countRepairs(ofTable: id) == 0)
            try await store.recordRepairs([Self.repair("1")], of: claimed)
            #expect(try await store.countRepairs(ofTable: id) == 0)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a run's repaired values and notices are stored, and a run without rows that has one is kept`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let claimed = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            var copy = try await store.beginCopy(claimed)
            copy.repaired = 4
            copy.notices = ["first load", "it said \"so\""]
            copy.rows = 1
            try await store.record(Sample.checkpoint(batch: 1), copy: copy, of: claimed)
            #expect(try await store.table(id)?.lastCopy == copy)
            var idle = try await store.beginCopy(claimed)
            idle.result = .ok
            idle.notices = ["another server answers"]
            try await store.finishCopy(idle)
            #expect(try await store.copies(ofTable: id, limit: 5).first?.notices == idle.notices)
        }
    }
}

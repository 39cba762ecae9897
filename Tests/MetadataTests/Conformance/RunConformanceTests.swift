import Foundation
import Operations
import Replication
import Scheduling
import Testing

@testable import Metadata

@Suite struct RunConformanceTests {
    private let ann = Sample.owner("ann")

    @Test(arguments: MetadataEngine.allCases)
    func `mirror and figures are stored as they were given`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let claimed = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            var copy = try await store.beginCopy(claimed)
            #expect(copy.owner == "ann")
            #expect(copy.result == .running)
            copy.rows = 10
            copy.batches = 2
            copy.bytes = 1_234
            copy.stageSeconds = 0.5
            copy.loadSeconds = 0.25
            let checkpoint = Sample.checkpoint(batch: 5)
            try await store.record(checkpoint, copy: copy, of: claimed)
            let table = try #require(try await store.table(id))
            #expect(table.mirror == checkpoint)
            #expect(table.lastCopy == copy)

            copy.result = .failed
            copy.finishedAt = fixture.clock.now + 1
            copy.failure = Sample.failure(.copyRejected, at: fixture.clock.now)
            try await store.finishCopy(copy)
            #expect(try await store.table(id)?.lastCopy == copy)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `a run without rows leaves no record unless it failed`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a"], dueAt: fixture.clock.now)[0].id
            let claimed = try #require(try await store.claimDue(by: ann, for: .seconds(30)))
            for result in [TableCopyRecord.Result.ok, .stopped, .failed] {
                var copy = try await store.beginCopy(claimed)
                copy.result = result
                try await store.finishCopy(copy)
            }
            let copies = try await store.copies(ofTable: id, limit: 10)
            #expect(copies.map(\.result) == [.failed])
            #expect(copies.first?.finishedAt == fixture.clock.now)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `history is bounded in number and age, newest first`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let id = try await store.addShop(tables: ["a", "b"], dueAt: fixture.clock.now)[0].id
            let claimed = try #require(try await store.claimDue(by: ann, for: .seconds(9_000_000)))
            for number in 1...1_003 {
                var copy = try await store.beginCopy(claimed)
                copy.result = .ok
                copy.rows = number
                try await store.finishCopy(copy)
            }
            let copies = try await store.copies(ofTable: id, limit: 5_000)
            #expect(copies.count == 1_000)
            #expect(copies.first?.rows == 1_003)
            #expect(copies.last?.rows == 4)

            fixture.clock.advance(31 * 86_400)
            for number in 1...21 {
                var copy = try await store.beginCopy(claimed)
                copy.result = .ok
                copy.rows = number
                try await store.finishCopy(copy)
            }
            #expect(try await store.copies(ofTable: id, limit: 5_000).count == 21)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `workers are counted while they are heard of and not known to be dead`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let bob = Sample.owner("bob")
            let cid = Sample.owner("cid")
            for owner in [ann, bob, cid] { try await store.heartbeat(owner, version: "1.0") }
            #expect(try await store.liveWorkers(within: .seconds(30)) == 3)
            try await store.unregister(cid)
            #expect(try await store.liveWorkers(within: .seconds(30)) == 2)
            fixture.clock.advance(31)
            try await store.heartbeat(bob, version: "1.0")
            #expect(try await store.liveWorkers(within: .seconds(30)) == 1)
            fixture.liveness.kill(bob)
            #expect(try await store.liveWorkers(within: .seconds(30)) == 0)
        }
    }
}

import Replication
import Testing

/// A standby cancels reads that hold up its replay.
struct ShrinkingTests {
    @Test func `a cancelled batch is read again in halves, and batches grow back`() async throws {
        let world = World()
        world.rowLimit = 1_000
        world.database.put((1...2_500).map { FakeRow($0, 999_000, "a") })
        try await world.run(.init(lie: .cancelsOver(300)))
        #expect(world.difference == "")
        let sizes = world.replica.loads.map(\.rows)
        #expect(sizes.max() ?? 0 <= 300)
        // 1,000 and 500 are cancelled, 250 pass; twice that is tried each time, and cancelled each time.
        #expect(sizes == Array(repeating: 250, count: 10))
        #expect(world.bucket.keys.isEmpty)
    }

    @Test func `below the smallest batch the run ends, to be tried again`() async throws {
        let world = World()
        world.rowLimit = 1_000
        world.database.put((1...500).map { FakeRow($0, 999_000, "a") })
        let error = await #expect(throws: ReplicationError.self) { try await world.run(.init(lie: .cancelsOver(50))) }
        #expect(error?.code == .sourceConflict && error?.isRetryable == true)
    }

    @Test func `runs in a row that end so begin with less`() {
        #expect([0, 1, 2, 20, 99].map { BatchShrinking.limit(1_000, after: $0) } == [1_000, 500, 250, 100, 100])
        #expect(BatchShrinking.limit(50, after: 3) == 50)
    }
}

import Replication
import Testing

/// Two owners of one table: only one of them writes.
struct TakeoverTests {
    private func loadedWorld() async throws -> World {
        let world = World()
        world.database.put((1...3).map { FakeRow($0, 999_000, "a") })
        try await world.run()
        return world
    }

    @Test func `a takeover raises the generation in the checkpoint before anything else`() async throws {
        let world = try await loadedWorld()
        world.endedCleanly = false
        world.generation = 4
        try await world.run()
        #expect(world.replica.checkpoint?.stamp.generation == 5)
        #expect(world.replica.checkpoint?.stamp.batch == 2)
        let firstWrite = try #require(world.steps.firstIndex { $0.hasPrefix("destination.writeCheckpoint") })
        let firstRead = try #require(world.steps.firstIndex { $0.hasPrefix("source.") })
        #expect(firstWrite < firstRead)
    }

    @Test func `a takeover goes above the destination's generation where that is higher`() async throws {
        let world = try await loadedWorld()
        try world.replica.transaction { $0.checkpoint?.stamp.generation = 70 }
        world.endedCleanly = false
        try await world.run()
        #expect(world.replica.checkpoint?.stamp.generation == 71)
        #expect(world.generation == 71)
        // Later writes stay above it.
        world.database.put(FakeRow(9, 1_000_000, "new"))
        try await world.run()
        #expect(world.replica.checkpoint?.stamp.generation == 72)
        #expect(world.replica.rows == world.database.rows)
    }

    @Test func `an owner that was overtaken while it staged cannot load`() async throws {
        let world = try await loadedWorld()
        world.database.put(FakeRow(4, 1_000_000, "new"))
        let replica = world.replica
        let before = replica.rows
        let error = await #expect(throws: ReplicationError.self) {
            try await world.run(
                .init(whenStaged: {
                    try replica.transaction { content in
                        content.checkpoint?.stamp.generation += 1
                        content.checkpoint?.stamp.batch += 1
                    }
                }))
        }
        #expect(error?.code == .locked && error?.isRetryable == true)
        #expect(replica.rows == before && world.bucket.keys.isEmpty)
        // The next run reads the destination first and goes on.
        try await world.run()
        #expect(replica.rows == world.database.rows)
    }

    @Test func `a mirror that is not the destination's any more aborts, and loads nothing`() async throws {
        let world = try await loadedWorld()
        world.mirror?.stamp.batch = 40
        world.database.put(FakeRow(4, 1_000_000, "new"))
        await #expect(throws: ReplicationError.self) { try await world.run() }
        #expect(world.replica.rows.count == 3)
        try await world.run()
        #expect(world.replica.rows == world.database.rows)
    }

    @Test func `a checkpoint dropped by hand leads to a new load that doubles nothing`() async throws {
        let world = try await loadedWorld()
        try world.replica.transaction { $0.checkpoint = nil }
        world.endedCleanly = false
        let progress = try await world.run()
        #expect(progress.notices == [.checkpointGone])
        #expect(world.replica.rows == world.database.rows)
    }

    @Test func `lost metadata costs a takeover, never a row`() async throws {
        let world = try await loadedWorld()
        world.mirror = nil
        world.generation = 0
        world.database.advance(60)
        world.database.put(FakeRow(4, 1_000_050, "new"))
        try await world.run()
        #expect(world.replica.rows == world.database.rows)
        #expect(world.generation == 2)
    }
}

import Replication
import Testing

/// The source's clock is set back or forward: stamps and starts of transactions are then in no order.
struct ClockJumpTests {
    private func world(_ mode: SyncMode) async throws -> World {
        let world = World()
        world.mapping = World.mapping(mode)
        world.lookback = 60 * SourceTime.second
        world.database.put((1...5).map { FakeRow($0, world.database.clock, "old") })
        try await world.run()
        world.database.advance(600)
        try await world.run()
        return world
    }

    private func put(_ key: Int, in world: World, _ value: String = "new") {
        world.database.put(FakeRow(key, world.database.clock, value))
    }

    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly], [-5, -3600, -90_000])
    func `rows stamped after the clock was set back arrive`(mode: SyncMode, jump: Int) async throws {
        let world = try await world(mode)
        world.database.advance(jump)
        for key in 10...14 {
            put(key, in: world)
            try await world.run()
            #expect(world.difference == "")
            world.database.advance(30)
        }
        #expect(world.mirror?.state.sweepDue == false)
    }

    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly])
    func `a clock that was a day ahead for a while loses nothing`(mode: SyncMode) async throws {
        let world = try await world(mode)
        world.database.advance(86_400)
        put(10, in: world)
        try await world.run()
        world.database.advance(30)
        try await world.run()
        world.database.advance(-86_400)
        put(11, in: world)
        try await world.run()
        #expect(world.difference == "")
        world.database.advance(30)
        put(12, in: world)
        try await world.run()
        #expect(world.difference == "")
    }

    /// Its start lies in the future of the clock, its keys and stamps below those of others.
    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly], [false, true])
    func `a transaction that was open while the clock was set back arrives`(
        mode: SyncMode, isPrepared: Bool
    ) async throws {
        let world = try await world(mode)
        let late = world.database.begin()
        world.database.write(FakeRow(20, world.database.clock, "late"), in: late)
        put(21, in: world)
        try await world.run()
        world.database.setPrepared(isPrepared)
        world.database.advance(-3600)
        world.database.write(FakeRow(22, world.database.clock, "late by the new clock"), in: late)
        for key in 30...36 {
            world.database.advance(200)
            put(key, in: world)
            try await world.run()
        }
        world.database.commit(late)
        world.database.setPrepared(false)
        try await world.run()
        #expect(world.difference == "")
        for key in 40...42 {
            world.database.advance(100)
            put(key, in: world)
            try await world.run()
        }
        #expect(world.difference == "")
        #expect(world.mirror?.state.caughtUpAsOf == FakeDatabase.time(world.database.clock))
    }
}

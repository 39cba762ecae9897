import Replication
import Testing

/// Runs of a `FullSyncTable`.
struct FullSyncRunTests {
    private static let five = (1...5).map { FakeRow($0, nil, "row \($0)") }

    private func copiedWorld(_ refresh: RefreshMethod = .swap) async throws -> World {
        let world = World()
        world.mapping = World.mapping(.fullSync)
        world.mapping.refresh = refresh
        world.database.put(Self.five)
        try await world.run()
        return world
    }

    /// Whether the last run reached the source and the mirror only.
    private func wasSkipped(_ world: World) -> Bool {
        world.steps.allSatisfy { $0.hasPrefix("source.startPass") || $0.hasPrefix("journal.mirror") }
    }

    @Test(arguments: [(RefreshMethod.swap, LoadMethod.swap), (.replace, .replace)])
    func `the first run copies all rows in one load, whatever the row limit`(
        refresh: RefreshMethod, method: LoadMethod
    ) async throws {
        let world = try await copiedWorld(refresh)
        #expect(world.replica.rows == Self.five)
        #expect(world.replica.loads == [.init(method: method, rows: 5, keepsRows: false, widened: [:])])
        #expect(world.lastProgress.last?.notices == [.firstLoad])
        #expect(world.lastProgress.last?.rows == 5 && world.lastProgress.last?.caughtUp == true)
        let state = try #require(world.replica.checkpoint?.state)
        #expect(state.replicaRows == 5 && state.pass == nil && state.fullCopy != nil)
        #expect(state.completeUpTo == FakeDatabase.time(world.database.clock))
        #expect(world.bucket.keys.isEmpty)
    }

    @Test func `a table that nobody wrote to is skipped, and counts as caught up`() async throws {
        let world = try await copiedWorld()
        let checkpoint = world.replica.checkpoint
        for _ in 0..<3 {
            world.database.advance(60)
            let progress = try await world.run()
            #expect(progress.caughtUp && progress.batches == 0 && progress.notices.isEmpty)
            #expect(wasSkipped(world))
            #expect(world.mirror?.state.caughtUpAsOf == FakeDatabase.time(world.database.clock))
            #expect(world.mirror?.state.completeUpTo == FakeDatabase.time(world.database.clock))
            #expect(world.mirror?.stamp == checkpoint?.stamp)
        }
        #expect(world.replica.checkpoint == checkpoint)
    }

    @Test(arguments: [RefreshMethod.swap, .replace])
    func `after a write the copy holds what the source holds, deletes included`(refresh: RefreshMethod) async throws {
        let world = try await copiedWorld(refresh)
        world.database.advance(60)
        world.database.delete(2)
        world.database.put(FakeRow(3, nil, "new"), FakeRow(9, nil, "nine"))
        let progress = try await world.run()
        #expect(progress.rows == 5 && progress.caughtUp)
        #expect(world.replica.rows == world.database.rows)
        #expect(world.replica.checkpoint?.state.replicaRows == 5)
        try await world.run()
        #expect(wasSkipped(world))
    }

    @Test func `a write between the change token and the snapshot costs a copy, never a row`() async throws {
        let world = World()
        world.mapping = World.mapping(.fullSync)
        world.database.put(Self.five)
        let database = world.database
        try await world.run(
            .init(meanwhile: { if database.rows.count == 5 { database.put(FakeRow(6, nil, "between")) } }))
        #expect(world.replica.rows == database.rows)
        #expect(try await world.run().rows == 6)
        try await world.run()
        #expect(wasSkipped(world))
    }

    @Test func `an empty table is copied once, and so is one that was emptied`() async throws {
        let world = World()
        world.mapping = World.mapping(.fullSync)
        #expect(try await world.run().caughtUp)
        #expect(world.replica.loads.count == 1 && world.replica.checkpoint?.state.fullCopy != nil)
        try await world.run()
        #expect(wasSkipped(world))
        world.database.put(Self.five)
        try await world.run()
        #expect(world.replica.rows == Self.five)
        for key in 1...5 { world.database.delete(key) }
        try await world.run()
        #expect(world.replica.rows.isEmpty && world.replica.checkpoint?.state.replicaRows == 0)
    }

    @Test func `once a day the table is copied although nothing was written`() async throws {
        let world = try await copiedWorld()
        world.database.advance(86_399)
        try await world.run()
        #expect(wasSkipped(world))
        world.database.advance(1)
        #expect(try await world.run().rows == 5)
        // The day begins anew.
        world.database.advance(86_399)
        try await world.run()
        #expect(wasSkipped(world))
    }

    @Test func `a source that cannot tell is copied with every run`() async throws {
        let world = try await copiedWorld()
        world.knowsChanges = false
        for _ in 0..<2 { #expect(try await world.run().rows == 5) }
    }

    @Test func `another server is copied although its token is the same`() async throws {
        let world = try await copiedWorld()
        let other = SourceIdentity(system: "7001", timeline: "00000002", database: "shop")
        world.database.setIdentity(other)
        #expect(try await world.run().rows == 5)
        #expect(world.replica.checkpoint?.state.source == other)
        try await world.run()
        #expect(wasSkipped(world))
    }

    @Test func `a table that becomes a FullSyncTable is copied, and one that ceases to be is loaded`() async throws {
        let world = World()
        world.database.put((1...5).map { FakeRow($0, 999_000, "a") })
        try await world.run()
        world.database.delete(2)
        world.mapping = World.mapping(.fullSync)
        #expect(try await world.run().notices == [.definitionChanged])
        #expect(world.replica.rows == world.database.rows)
        world.mapping = World.mapping()
        #expect(try await world.run().notices == [.definitionChanged])
        #expect(world.replica.rows == world.database.rows)
        #expect(world.replica.checkpoint?.state.fullCopy == nil)
    }

    @Test func `a stop asked for before the copy leaves everything as it was`() async throws {
        let world = try await copiedWorld()
        world.database.put(FakeRow(9, nil, "nine"))
        let progress = try await world.run(.init(stopAfterBatches: 0))
        #expect(!progress.caughtUp && world.replica.rows == Self.five)
        #expect(try await world.run().rows == 6)
    }
}

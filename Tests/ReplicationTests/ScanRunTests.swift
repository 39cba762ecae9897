import Replication
import Testing

/// Runs of tables that each pass must read whole.
struct ScanRunTests {
    private static let three = [FakeRow(1, 999_000, "a"), FakeRow(2, 999_100, "b"), FakeRow(3, 999_200, "c")]
    private static let large = TableStorage(bytes: ScanRule.limitBytes + 1, isCursorIndexed: false)
    private static let small = TableStorage(bytes: ScanRule.limitBytes, isCursorIndexed: false)
    private static let indexed = TableStorage(bytes: ScanRule.limitBytes + 1, isCursorIndexed: true)

    private func world(_ mode: SyncMode, _ storage: TableStorage?, allowed: Bool = false) -> World {
        let world = World()
        world.mapping = World.mapping(mode)
        world.storage = storage
        world.allowsScan = allowed
        world.database.put(Self.three)
        return world
    }

    @Test(arguments: SyncMode.allCases)
    func `without permission no row is read, neither at first nor later`(mode: SyncMode) async throws {
        let world = world(mode, Self.large)
        for isLoaded in [false, true] {
            if isLoaded {
                world.storage = nil
                try await world.run()
                world.storage = Self.large
                world.database.advance(60)
                world.database.put(FakeRow(4, world.database.clock, "d"))
            }
            let before = world.replica.rows
            let error = await #expect(throws: ReplicationError.self) { try await world.run() }
            #expect(error?.code == .sourceScan)
            #expect(world.steps.contains("source.startPass"))
            #expect(!world.steps.contains { ["source.openBatch", "source.rows"].contains($0) })
            #expect(world.replica.rows == before)
        }
    }

    @Test(arguments: SyncMode.allCases)
    func `with permission all rows arrive, and the reading of each pass is told`(mode: SyncMode) async throws {
        let world = world(mode, Self.large, allowed: true)
        let first = try await world.run()
        #expect(first.unindexedRead ?? .zero > .zero)
        world.database.advance(60)
        world.database.put(FakeRow(4, world.database.clock, "d"))
        let second = try await world.run()
        #expect(second.unindexedRead ?? .zero > .zero && second.caughtUp)
        #expect(world.replica.rows == world.database.rows)
    }

    @Test(
        arguments: [
            (.updateAndInsert, small), (.updateAndInsert, indexed), (.updateAndInsert, nil), (.insertOnly, indexed),
            (.fullSync, small), (.fullSync, nil),
        ] as [(SyncMode, TableStorage?)])
    func `a table that is small, indexed or of no known size needs no permission`(
        mode: SyncMode, storage: TableStorage?
    ) async throws {
        for allowed in [false, true] {
            let world = world(mode, storage, allowed: allowed)
            let progress = try await world.run()
            #expect(progress.unindexedRead == nil)
            #expect(world.replica.rows == Self.three)
        }
    }

    @Test func `few long rows are left to the sweep of larger tables where an index leads to what is new`() async throws
    {
        for (storage, isSwept) in [(Self.indexed, false), (Self.small, true)] {
            let world = world(.updateAndInsert, storage)
            world.sweepSmallRows = 1_000
            try await world.run()
            world.database.advance(1_000)
            try await world.run()
            world.database.put(FakeRow(2, world.database.clock - 100_000, "late"))
            world.database.advance(100)
            try await world.run()
            #expect((world.difference == "") == isSwept, "\(storage)")
        }
    }

    @Test func `the source's clock is told at the start of each pass, of a refused one too`() async throws {
        let world = world(.updateAndInsert, nil)
        let started = FakeDatabase.time(world.database.clock)
        try await world.run()
        #expect(!world.clocks.isEmpty && Set(world.clocks) == [started])
        world.database.advance(60)
        let later = FakeDatabase.time(world.database.clock)
        try await world.run()
        #expect(world.clocks == [later])
        world.storage = Self.large
        _ = await #expect(throws: ReplicationError.self) { try await world.run() }
        #expect(world.clocks == [later])
    }
}

import Replication
import Testing

/// What is known of the destination, held against what it holds: restores, losses, and other people's hands.
struct VerificationTests {
    private func loadedWorld(_ mode: SyncMode = .updateAndInsert) async throws -> World {
        let world = World()
        world.mapping = World.mapping(mode)
        world.database.put((1...3).map { FakeRow($0, 999_000, "a") })
        try await world.run()
        return world
    }

    private func touchesDestination(_ world: World) -> Bool { world.steps.contains { $0.hasPrefix("destination.") } }

    /// A load meets what has changed and is refused, or the next run is the first of its process and looks.
    private func notice(_ world: World, byLoad: Bool) async throws {
        guard byLoad else { return world.isFirstInProcess = true }
        world.database.put(FakeRow(90, world.database.clock, "news"))
        await #expect(throws: ReplicationError.self) { try await world.run() }
    }

    @Test func `an idle table reaches the destination once a day`() async throws {
        let world = try await loadedWorld()
        for _ in 1...5 {
            world.database.advance(4 * 3600)
            try await world.run()
            #expect(!touchesDestination(world), "\(world.steps)")
        }
        world.database.advance(4 * 3600 + 1)
        try await world.run()
        #expect(world.steps.contains("destination.inspect"), "\(world.steps)")
        world.database.advance(3600)
        try await world.run()
        #expect(!touchesDestination(world), "\(world.steps)")
    }

    @Test func `a process's first run of a table reaches it once`() async throws {
        let world = try await loadedWorld()
        world.isFirstInProcess = true
        let progress = try await world.run()
        #expect(world.steps.count { $0 == "destination.inspect" } == 1)
        #expect(progress.notices.isEmpty)
        world.isFirstInProcess = false
        try await world.run()
        #expect(!touchesDestination(world), "\(world.steps)")
    }

    @Test func `an idle table does without a destination that does not answer, and looks at it later`() async throws {
        let world = try await loadedWorld()
        world.isFirstInProcess = true
        world.isUnreachable = true
        let progress = try await world.run()
        #expect(progress.leftUnverified && progress.caughtUp)
        world.database.put(FakeRow(4, world.database.clock, "news"))
        world.isUnreachable = false
        #expect(try await !world.run().leftUnverified)
        #expect(world.steps.contains("destination.inspect") && world.difference.isEmpty)
    }

    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly], [true, false])
    func `a destination set back to yesterday goes on from its own checkpoint`(
        mode: SyncMode, isNoticedByLoad: Bool
    ) async throws {
        let world = try await loadedWorld(mode)
        let (rows, checkpoint) = (world.replica.rows, world.replica.checkpoint)
        for day in 0..<3 {
            world.database.put((10 + 10 * day..<15 + 10 * day).map { FakeRow($0, world.database.clock, "later") })
            world.database.advance(40_000)
            try await world.run()
        }
        try world.replica.transaction { content in
            content.rows = rows
            content.checkpoint = checkpoint
        }
        try await notice(world, byLoad: isNoticedByLoad)
        let progress = try await world.run()
        #expect(progress.notices == [.destinationSetBack])
        #expect(world.difference.isEmpty, "\(world.difference)")
        #expect(world.replica.checkpoint?.stamp == world.mirror?.stamp)
        let generation = try #require(world.replica.checkpoint?.stamp.generation)
        #expect(generation > checkpoint?.stamp.generation ?? 0)
    }

    @Test(arguments: [true, false])
    func `a mirror set back to yesterday gives way to the destination`(isNoticedByLoad: Bool) async throws {
        let world = try await loadedWorld()
        let (mirror, generation) = (world.mirror, world.generation)
        for _ in 0..<3 {
            world.database.put(FakeRow(10 + Int.random(in: 0..<5), world.database.clock, "later"))
            world.database.advance(1000)
            try await world.run()
        }
        let written = try #require(world.replica.checkpoint)
        world.mirror = mirror
        world.generation = generation
        if isNoticedByLoad {
            world.database.put(FakeRow(90, world.database.clock, "news"))
            await #expect(throws: ReplicationError.self) { try await world.run() }
            try await world.run()
        } else {
            world.isFirstInProcess = true
            let progress = try await world.run()
            #expect(progress.notices == [.metadataSetBack])
        }
        // The first run ended the pass that the destination's checkpoint was in.
        try await world.run()
        #expect(world.difference.isEmpty, "\(world.difference)")
        let generations = [written.stamp.generation, world.replica.checkpoint?.stamp.generation ?? 0]
        #expect(generations[0] < generations[1] && generations[1] <= world.generation)
    }

    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly, .fullSync])
    func `a replica dropped by hand is made anew and loaded`(_ mode: SyncMode) async throws {
        let world = try await loadedWorld(mode)
        try world.replica.transaction { content in
            content.rows = []
            content.isDropped = true
        }
        world.isFirstInProcess = true
        let progress = try await world.run()
        #expect(progress.notices == [.replicaGone])
        #expect(world.difference.isEmpty, "\(world.difference)")
    }

    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly, .fullSync])
    func `a replica emptied by hand is loaded again`(_ mode: SyncMode) async throws {
        let world = try await loadedWorld(mode)
        try world.replica.transaction { $0.rows = [] }
        world.isFirstInProcess = true
        let progress = try await world.run()
        #expect(progress.notices == [.replicaEmptied])
        #expect(world.difference.isEmpty, "\(world.difference)")
        #expect(world.mirror?.state.compareDue == nil)
    }

    @Test func `rows deleted by hand call for a person, until all are loaded again`() async throws {
        let world = try await loadedWorld()
        try world.replica.transaction { _ = $0.rows.removeLast() }
        world.isFirstInProcess = true
        let progress = try await world.run()
        #expect(progress.notices == [.replicaChanged(expected: 3, found: 2)])
        #expect(world.mirror?.state.compareDue == .replicaChanged)
        // It is told once, and goes on.
        world.database.put(FakeRow(7, world.database.clock, "later"))
        #expect(try await world.run().notices.isEmpty)
        #expect(world.mirror?.state.compareDue == .replicaChanged && world.replica.rows.count == 3)
        // As `tables resync` does it.
        try resync(world)
        try await world.run()
        #expect(world.difference.isEmpty && world.mirror?.state.compareDue == nil)
        #expect(world.replica.checkpoint?.state.compareDue == nil)
    }

    @Test func `a new load into the same replica does not hide rows that only it has`() async throws {
        let world = try await loadedWorld()
        world.replica.insert([FakeRow(50, 1, "by hand")])
        world.isFirstInProcess = true
        try await world.run()
        #expect(world.mirror?.state.compareDue == .replicaChanged)
        try resync(world)
        try await world.run()
        #expect(world.mirror?.state.compareDue == .replicaChanged)
        #expect(world.replica.rows.count == 4)
    }

    private func resync(_ world: World) throws {
        try world.replica.transaction { content in
            guard let found = content.checkpoint else { return }
            var state = CheckpointState(definition: "", source: found.state.source)
            state.compareDue = world.mirror?.state.compareDue
            content.checkpoint = Checkpoint(
                stamp: found.stamp.next(generation: found.stamp.generation + 1), state: state)
        }
        world.mirror = nil
        world.endedCleanly = false
    }

    @Test func `a FullSyncTable that was changed by hand is copied again`() async throws {
        let world = try await loadedWorld(.fullSync)
        try world.replica.transaction { _ = $0.rows.removeLast() }
        world.isFirstInProcess = true
        let progress = try await world.run()
        #expect(progress.notices == [.replicaCopiedAgain(expected: 3, found: 2)])
        #expect(world.difference.isEmpty && world.mirror?.state.compareDue == nil)
    }

    @Test(arguments: [true, false])
    func `a checkpoint dropped by hand leads to a new load that doubles nothing`(isNoticedByLoad: Bool) async throws {
        let world = try await loadedWorld()
        try world.replica.transaction { $0.checkpoint = nil }
        try await notice(world, byLoad: isNoticedByLoad)
        let progress = try await world.run()
        #expect(progress.notices == [.checkpointGone])
        #expect(world.difference.isEmpty, "\(world.difference)")
    }

    @Test func `another installation that took the table over is named at once`() async throws {
        let world = try await loadedWorld()
        try world.replica.transaction { content in
            content.checkpoint?.stamp.installation = "i-2"
            content.checkpoint?.stamp.batch += 1
        }
        world.isFirstInProcess = true
        let error = await #expect(throws: ReplicationError.self) { try await world.run() }
        #expect(error?.code == .config)
        #expect(
            error?.description.contains("redshift-loader tables adopt shop/users") == true,
            "\(String(describing: error))")
    }
}

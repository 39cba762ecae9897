import Replication
import TestServers
import Testing

/// A run dies at each step in turn; the next one must leave the same rows.
struct KilledRunTests {
    /// What the source goes through before and between the runs.
    struct Story: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var setUp: @Sendable (World) async throws -> Void
        /// After the killed run.
        var later: @Sendable (FakeDatabase) -> Void = { _ in }
    }

    private static func rows(_ range: ClosedRange<Int>, _ updated: Int?, _ value: String) -> [FakeRow] {
        range.map { FakeRow($0, updated, value) }
    }

    private static let stories = [
        Story(testDescription: "a first load") { world in world.database.put(rows(1...7, 999_000, "a")) },
        Story(
            testDescription: "a first load, and changes after the kill",
            setUp: { world in world.database.put(rows(1...7, 999_000, "a")) },
            later: { $0.put(rows(2...3, 1_000_100, "b") + [FakeRow(8, nil, "new")]) }),
        Story(testDescription: "a first load of an empty table") { _ in },
        Story(testDescription: "changes over three batches") { world in
            world.database.put(rows(1...4, 999_000, "a"))
            try await world.run()
            world.database.advance(60)
            world.database.put(rows(3...9, 1_000_060, "b") + rows(20...23, nil, "unstamped"))
        },
        Story(
            testDescription: "changes, and others after the kill",
            setUp: { world in
                world.database.put(rows(1...4, 999_000, "a"))
                try await world.run()
                world.database.put(rows(3...9, 1_000_060, "b"))
            }, later: { $0.put(rows(4...6, 1_000_070, "c")) }),
        Story(testDescription: "a replica with rows of its own") { world in
            world.replica.insert(rows(2...3, 5, "old"))
            world.database.put(rows(1...5, 999_000, "a"))
        },
        Story(testDescription: "a change of columns") { world in
            world.database.put(rows(1...5, 999_000, "a"))
            try await world.run()
            world.mapping.columns[2].destinationName = "renamed"
        },
        Story(testDescription: "a failover in the middle of a pass") { world in
            world.database.put(rows(1...4, 999_000, "a"))
            try await world.run()
            world.database.put(rows(1...9, 1_000_000, "b"))
            try await world.run(.init(stopAfterBatches: 1))
            world.database.setIdentity(SourceIdentity(system: "7001", timeline: "00000002", database: "shop"))
        },
        Story(testDescription: "a takeover in the middle of a pass") { world in
            world.database.put(rows(1...8, 999_000, "a"))
            try await world.run(.init(stopAfterBatches: 1))
            world.endedCleanly = false
        },
    ]

    /// The other modes, and values that do not fit.
    private static let otherStories = [
        Story(
            testDescription: "a first load of an InsertOnlyTable, and new rows after the kill",
            setUp: { world in
                world.mapping = World.mapping(.insertOnly)
                world.database.put(rows(1...7, nil, "a"))
            }, later: { $0.put(rows(8...9, nil, "b")) }),
        Story(testDescription: "new rows of an InsertOnlyTable above its floor") { world in
            world.mapping = World.mapping(.insertOnly)
            world.database.put(rows(1...4, nil, "a"))
            for _ in 0..<3 {
                try await world.run()
                world.database.advance(700)
            }
            world.database.put(rows(5...12, nil, "b"))
        },
        Story(
            testDescription: "a full copy by swap, and changes after the kill",
            setUp: { world in
                world.mapping = World.mapping(.fullSync)
                world.database.put(rows(1...5, nil, "a"))
            },
            later: { database in
                database.delete(2)
                database.put(rows(4...6, nil, "b"))
            }),
        Story(testDescription: "a second full copy, of fewer rows, by replacing them") { world in
            world.mapping = World.mapping(.fullSync)
            world.mapping.refresh = .replace
            world.database.put(rows(1...5, nil, "a"))
            try await world.run()
            world.database.delete(2)
        },
        Story(testDescription: "text over its column, in two of three batches") { world in
            world.mapping = World.mapping(width: 2)
            world.database.put(
                rows(1...3, 999_000, "ab") + rows(4...6, 999_000, "abcde") + rows(7...8, 999_000, "abcd"))
        },
        Story(testDescription: "text over its column in a full copy") { world in
            world.mapping = World.mapping(.fullSync, width: 2)
            world.database.put(rows(1...3, nil, "abc"))
        },
    ]

    @Test(arguments: stories + otherStories)
    func `killed at any step and run again, the replica holds the source's rows`(story: Story) async throws {
        let steps = try await steps(of: story)
        #expect(steps > 3)
        for step in 0..<steps {
            let world = World()
            try await story.setUp(world)
            await #expect(throws: Killed.self) { try await world.run(.init(killAt: step)) }
            story.later(world.database)
            try await world.run()
            // It ended the pass at hand, whose readings are those of its start; the next pass has what came later.
            try await world.run()
            #expect(world.difference == "", "killed at step \(step)")
            #expect(world.replica.checkpoint?.state.replicaRows == world.database.rows.count, "killed at step \(step)")
            #expect(world.bucket.keys.isEmpty, "killed at step \(step)")
            // The mirror agrees with what it mirrors, and the next run needs nothing.
            #expect(world.mirror?.stamp == world.replica.checkpoint?.stamp)
            #expect(try await world.run().rows == 0)
        }
    }

    @Test(arguments: stories + otherStories)
    func `killed twice at neighbouring steps, the replica holds the source's rows`(story: Story) async throws {
        for step in 0..<(try await steps(of: story)) {
            let world = World()
            try await story.setUp(world)
            await #expect(throws: Killed.self) { try await world.run(.init(killAt: step)) }
            // The second run may have fewer steps left, and then it simply ends.
            do { try await world.run(.init(killAt: step + 1)) } catch is Killed {}
            story.later(world.database)
            try await world.run()
            try await world.run()
            #expect(world.difference == "", "killed at steps \(step), \(step + 1)")
        }
    }

    @Test func `a mirror behind the destination is found by reading the checkpoint`() async throws {
        let world = World()
        world.database.put(Self.rows(1...3, 999_000, "a"))
        let place = try await step(of: "destination.load, after", in: world)
        let killed = World()
        killed.database.put(Self.rows(1...3, 999_000, "a"))
        await #expect(throws: Killed.self) { try await killed.run(.init(killAt: place)) }
        #expect(killed.mirror == nil)
        #expect(killed.replica.rows == killed.database.rows)
        let progress = try await killed.run()
        // The committed batch is not loaded again: nothing was left to read but the end of the table.
        #expect(progress.rows == 0 && progress.notices.isEmpty)
        #expect(killed.replica.rows == killed.database.rows)
        #expect(killed.mirror?.stamp == killed.replica.checkpoint?.stamp)
    }

    @Test func `staged objects are removed when a load is refused`() async throws {
        let world = World()
        world.database.put(Self.rows(1...3, 999_000, "a"))
        let (replica, bucket) = (world.replica, world.bucket)
        let error = await #expect(throws: ReplicationError.self) {
            try await world.run(
                .init(whenStaged: {
                    #expect(bucket.keys.count == 1)
                    try replica.transaction { content in
                        content.checkpoint = Checkpoint(
                            stamp: CheckpointStamp(installation: "i-1", job: "shop", generation: 9, batch: 9),
                            state: CheckpointState(
                                definition: "", source: SourceIdentity(system: "", timeline: "", database: "")))
                    }
                }))
        }
        #expect(error?.code == .locked)
        #expect(world.replica.rows.isEmpty && world.bucket.keys.isEmpty)
    }

    @Test func `staged objects are removed when the mirror cannot be written`() async throws {
        let world = World()
        world.database.put(Self.rows(1...3, 999_000, "a"))
        let metadata = FailingJournal()
        let fault = FaultPlan()
        let run = TableRun(
            mapping: world.mapping, settings: RunSettings(installation: "i-1"),
            lease: RunLease(generation: 1, mirror: nil, previousEndedCleanly: true),
            source: FakeSource(database: world.database, fault: fault),
            staging: FakeStaging(bucket: world.bucket, fault: fault),
            destination: FakeDestination(replica: world.replica, bucket: world.bucket, fault: fault),
            journal: metadata, logger: .init(label: "test"))
        await #expect(throws: FailingJournal.StoreIsGone.self) { try await run.run() }
        #expect(world.replica.rows == world.database.rows)
        #expect(world.bucket.keys.isEmpty)
    }

    private func steps(of story: Story) async throws -> Int {
        let world = World()
        try await story.setUp(world)
        try await world.run()
        return world.steps.count
    }

    private func step(of name: String, in world: World) async throws -> Int {
        try await world.run()
        return try #require(world.steps.firstIndex(of: name))
    }
}

/// Metadata that cannot be reached.
private struct FailingJournal: RunJournal {
    struct StoreIsGone: Error {}

    func mirror(_ checkpoint: Checkpoint, progress: RunProgress) async throws { throw StoreIsGone() }
    func raiseGeneration(to generation: Int64) async throws {}
    func sourceMemory() async throws -> SourceMemory? { nil }
    func keep(_ memory: SourceMemory) async throws {}
    func recordRepairs(_ repairs: [RepairedValue]) async throws {}
    func noteSourceClock(_ clock: SourceTime) async {}
    func shouldStop() async -> Bool { false }
}

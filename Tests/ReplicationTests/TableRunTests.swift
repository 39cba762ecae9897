import Replication
import TestServers
import Testing

/// Rows at the source, rows in the replica: before, and after a run.
struct RowsCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// Loaded by a first run.
    var loaded: [FakeRow] = []
    /// In the replica without a checkpoint, before anything runs.
    var present: [FakeRow] = []
    /// Changes at the source between the first run and the second.
    var change: @Sendable (FakeDatabase) -> Void = { _ in }
    var expected: [FakeRow]
}

struct TableRunTests {
    private static let three = [FakeRow(1, 999_000, "a"), FakeRow(2, 999_100, "b"), FakeRow(3, 999_200, "c")]
    private static let ten = (1...10).map { FakeRow($0, 999_000, "row \($0)") }

    private static let cases = [
        RowsCase(testDescription: "an empty table stays empty", expected: []),
        RowsCase(testDescription: "rows arrive with the first load", loaded: three, expected: three),
        RowsCase(testDescription: "a table larger than the row limit arrives whole", loaded: ten, expected: ten),
        RowsCase(
            testDescription: "rows without a timestamp arrive with the first load",
            loaded: three + [FakeRow(4, nil, "d")], expected: three + [FakeRow(4, nil, "d")]),
        RowsCase(
            testDescription: "rows that lie in the replica already are merged, not doubled",
            loaded: three, present: [FakeRow(2, 5, "old"), FakeRow(9, 5, "elsewhere")],
            expected: three + [FakeRow(9, 5, "elsewhere")]),
        RowsCase(
            testDescription: "a new row is inserted", loaded: three,
            change: { $0.put(FakeRow(4, 1_000_010, "d")) }, expected: three + [FakeRow(4, 1_000_010, "d")]),
        RowsCase(
            testDescription: "the first row of a table loaded while empty arrives",
            change: { $0.put(FakeRow(1, 1_000_010, "a")) }, expected: [FakeRow(1, 1_000_010, "a")]),
        RowsCase(
            testDescription: "a changed row replaces the old one", loaded: three,
            change: { $0.put(FakeRow(2, 1_000_010, "B")) },
            expected: [three[0], FakeRow(2, 1_000_010, "B"), three[2]]),
        RowsCase(
            testDescription: "a row whose timestamp becomes NULL is updated", loaded: three,
            change: { $0.put(FakeRow(2, nil, "B")) }, expected: [three[0], FakeRow(2, nil, "B"), three[2]]),
        RowsCase(
            testDescription: "a row that gets its first timestamp is updated", loaded: [FakeRow(1, nil, "a")],
            change: { $0.put(FakeRow(1, 1_000_010, "A")) }, expected: [FakeRow(1, 1_000_010, "A")]),
        RowsCase(
            testDescription: "a deleted row stays in the replica", loaded: three,
            change: { $0.delete(2) }, expected: three),
        RowsCase(
            testDescription: "a row deleted and inserted again is there once", loaded: three,
            change: { database in
                database.delete(2)
                database.put(FakeRow(2, 1_000_010, "again"))
            }, expected: [three[0], FakeRow(2, 1_000_010, "again"), three[2]]),
        RowsCase(
            testDescription: "a change rolled back never arrives", loaded: three,
            change: { database in
                let transaction = database.begin()
                database.write(FakeRow(2, 1_000_010, "never"), in: transaction)
                database.rollback(transaction)
            }, expected: three),
        RowsCase(
            testDescription: "many changes with one timestamp all arrive", loaded: ten,
            change: { $0.put((1...10).map { FakeRow($0, 1_000_010, "new \($0)") }) },
            expected: (1...10).map { FakeRow($0, 1_000_010, "new \($0)") }),
        RowsCase(
            testDescription: "a row stamped within the lookback before its transaction arrives", loaded: three,
            change: { $0.put(FakeRow(4, 999_500, "d")) }, expected: three + [FakeRow(4, 999_500, "d")]),
    ]

    @Test(arguments: cases)
    func `the replica holds what the source holds`(rows: RowsCase) async throws {
        let world = World()
        world.replica.insert(rows.present)
        if !rows.loaded.isEmpty { world.database.put(rows.loaded) }
        try await world.run()
        world.database.advance(60)
        rows.change(world.database)
        let progress = try await world.run()
        #expect(world.replica.rows == rows.expected)
        #expect(progress.caughtUp)
        #expect(world.replica.checkpoint?.state.replicaRows == rows.expected.count)
        #expect(world.bucket.keys.isEmpty)
    }

    @Test func `an idle pass reaches neither destination nor staging`() async throws {
        let world = World()
        world.database.put(Self.three)
        try await world.run()
        let checkpoint = world.replica.checkpoint
        for _ in 0..<3 {
            world.database.advance(60)
            let progress = try await world.run()
            #expect(progress.rows == 0 && progress.batches == 0 && progress.caughtUp)
            #expect(world.steps.allSatisfy { $0.hasPrefix("source.") || $0.hasPrefix("journal.mirror") })
            #expect(world.mirror?.state.caughtUpAsOf == FakeDatabase.time(world.database.clock))
        }
        #expect(world.replica.checkpoint == checkpoint)
    }

    @Test func `an empty table is recorded once, and then only the source is asked`() async throws {
        let world = World()
        let progress = try await world.run()
        #expect(progress.notices == [.firstLoad])
        #expect(
            world.replica.checkpoint?.stamp
                == CheckpointStamp(installation: "i-1", job: "shop", generation: 1, batch: 1))
        try await world.run()
        #expect(world.steps.allSatisfy { $0.hasPrefix("source.") || $0.hasPrefix("journal.mirror") })
    }

    @Test func `a first load into an empty replica appends, and so does its later part`() async throws {
        let world = World()
        world.database.put(Self.ten)
        try await world.run(.init(stopAfterBatches: 2))
        #expect(world.replica.rows == Array(Self.ten.prefix(6)))
        #expect(world.replica.checkpoint?.state.pass?.kind == .firstLoad)
        try await world.run()
        #expect(world.replica.rows == Self.ten)
        #expect(world.replica.loads.map(\.method) == [.append, .append, .append, .append])
    }

    @Test func `an update during a first load is found by the sweep that follows it`() async throws {
        let world = World()
        world.database.put(Self.ten)
        let database = world.database
        let calls = FaultPlan()
        // An old timestamp: only the horizon shows that the row has changed since the load passed it.
        try await world.run(
            .init(meanwhile: {
                try? calls.reach("snapshot")
                if calls.steps.count == 4 { database.put(FakeRow(1, 5, "changed")) }
            }))
        #expect(world.replica.rows.first == FakeRow(1, 5, "changed"))
        #expect(world.replica.rows.count == 10)
    }

    @Test func `a stop is heeded between two batches, and the next run goes on there`() async throws {
        let world = World()
        world.database.put(Self.three)
        try await world.run()
        world.database.advance(60)
        world.database.put((1...8).map { FakeRow($0, 1_000_050, "new") })
        let stopped = try await world.run(.init(stopAfterBatches: 1))
        #expect(!stopped.caughtUp && stopped.rows == 3)
        let finished = try await world.run()
        #expect(finished.caughtUp && finished.rows == 5)
        #expect(world.replica.rows == (1...8).map { FakeRow($0, 1_000_050, "new") })
    }

    @Test(arguments: [FakeSource.Lie.dropsRow, .repeatsRow])
    func `a batch that comes with another number of rows is refused`(lie: FakeSource.Lie) async throws {
        let world = World()
        world.database.put(Self.three)
        let error = await #expect(throws: ReplicationError.self) { try await world.run(.init(lie: lie)) }
        #expect(error?.code == .internal)
        #expect(world.replica.rows.isEmpty && world.replica.checkpoint == nil && world.bucket.keys.isEmpty)
        try await world.run()
        #expect(world.replica.rows == Self.three)
    }

    @Test func `a change of columns loads all rows again without doubling one`() async throws {
        let world = World()
        world.database.put(Self.ten)
        try await world.run()
        world.mapping.columns[2].destinationName = "full_name"
        let progress = try await world.run()
        #expect(progress.notices == [.definitionChanged] && progress.rows == 10)
        #expect(world.replica.rows == Self.ten)
        #expect(world.replica.checkpoint?.state.replicaRows == 10)
    }

    @Test func `after a failover the last 24 hours are read again at once, and then all rows`() async throws {
        let world = World()
        world.database.put(FakeRow(1, 900_000, "older"), FakeRow(2, 990_000, "recent"))
        try await world.run()
        try await world.run()
        world.database.setIdentity(SourceIdentity(system: "7001", timeline: "00000002", database: "shop"))
        let progress = try await world.run()
        #expect(progress.notices == [.sourceChanged])
        #expect(progress.rows == 3)
        #expect(world.replica.loads.suffix(2).map(\.rows) == [1, 2])
        let next = try await world.run()
        #expect(next.notices.isEmpty && next.rows == 0)
    }

    @Test func `a source set back without a new identity is noticed by its counter`() async throws {
        let world = World()
        world.database.put(Self.three)
        try await world.run()
        try await world.run()
        world.database.setNextXid(10)
        world.database.put(FakeRow(2, 999_900, "restored"))
        #expect(try await world.run().notices == [.sourceChanged])
        #expect(world.replica.rows[1] == FakeRow(2, 999_900, "restored"))
    }

    @Test func `progress is recorded with every batch`() async throws {
        let world = World()
        world.database.put(Self.ten)
        let progress = try await world.run()
        #expect(progress.rows == 10 && progress.batches == 4 && progress.bytes > 0)
        #expect(world.lastProgress.map(\.rows) == [3, 6, 9, 10, 10])
        #expect(world.lastProgress.map(\.caughtUp) == [false, false, false, false, true])
    }
}

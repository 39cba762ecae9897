import Replication
import TestServers
import Testing

/// Batches that Redshift refuses, and values that it could not hold.
struct RefusedBatchTests {
    private static let three = [FakeRow(1, 999_000, "a"), FakeRow(2, 999_100, "b"), FakeRow(3, 999_200, "c")]

    private func world(_ mapping: TableMapping = World.mapping(), _ rows: [FakeRow] = three) -> World {
        let world = World()
        world.mapping = mapping
        world.database.put(rows)
        return world
    }

    // MARK: Refusals

    @Test(arguments: [ErrorCode.valueLong, .valueBad])
    func `a batch refused for a value is read again and then loaded`(code: ErrorCode) async throws {
        let world = world()
        let progress = try await world.run(.init(refusals: [code]))
        #expect(world.replica.rows == Self.three)
        #expect(progress.notices == [.firstLoad, .screened(reason: "it was told to")])
        #expect(progress.rows == 3 && progress.batches == 1 && progress.caughtUp)
        #expect(world.replica.loads.count == 2 && world.replica.checkpoint?.stamp.batch == 1)
        #expect(world.steps.filter { $0 == "source.rows" }.count == 2)
        // The first pass is followed by its sweep, and the replica is looked at before the second reading.
        let prepared = try #require(world.steps.lastIndex(of: "destination.prepare"))
        let loads = world.steps.indices.filter { world.steps[$0] == "destination.load, before" }
        #expect(loads[0] < prepared && prepared < loads[1])
        #expect(world.bucket.keys.isEmpty)
    }

    /// The source's adapter promised at most 8 bytes, so that nothing looks at the column's length.
    @Test func `the second reading checks each value`() async throws {
        var mapping = World.mapping(width: 8)
        mapping.columns[2].source.replicaType = .varchar(bytes: 8)
        let world = world(mapping, [FakeRow(1, 999_000, "longer than promised"), FakeRow(2, 999_000, "b")])
        let progress = try await world.run()
        #expect(world.replica.rows == world.database.rows)
        #expect(world.replica.loads.map(\.widened) == [[:], ["name": 20]])
        #expect(
            progress.notices == [
                .firstLoad, .screened(reason: "text over 8 bytes"), .widened(column: "name", bytes: 20),
            ])
    }

    @Test func `a replica made narrower by others is noticed by its refusal`() async throws {
        let world = world()
        try await world.run()
        world.replica.narrow("name", to: 4)
        world.database.put(FakeRow(4, 1_000_000, "seven.."))
        try await world.run()
        #expect(world.replica.rows == world.database.rows)
        #expect(world.replica.widths == ["name": ColumnRule.widestText])
        #expect(world.replica.checkpoint?.state.narrowColumns == ["name": ColumnRule.widestText])
    }

    @Test func `a batch refused twice stops the table, and nothing of it is there`() async throws {
        let world = world()
        let error = await #expect(throws: ReplicationError.self) {
            try await world.run(.init(refusals: [.valueLong, .valueLong]))
        }
        #expect(error?.code == .valueLong)
        #expect(world.replica.loads.count == 2)
        #expect(world.replica.rows.isEmpty && world.replica.checkpoint == nil && world.bucket.keys.isEmpty)
        try await world.run()
        #expect(world.replica.rows == Self.three)
    }

    @Test(arguments: [ErrorCode.destinationDiskFull, .destinationUnreachable, .locked, .copyRejected])
    func `a batch refused for another reason is not read again`(code: ErrorCode) async throws {
        let world = world()
        let error = await #expect(throws: ReplicationError.self) { try await world.run(.init(refusals: [code])) }
        #expect(error?.code == code && world.replica.loads.count == 1 && world.bucket.keys.isEmpty)
    }

    @Test func `rows sent by the run itself are also read again when they are refused without a reason`() async throws {
        let world = world()
        world.threshold = 1000
        try await world.run(.init(refusals: [.copyRejected]))
        #expect(world.replica.loads.map(\.keepsRows) == [true, true])
        #expect(world.replica.rows == Self.three)
    }

    @Test func `a refused full copy is read again`() async throws {
        let world = world(World.mapping(.fullSync))
        let progress = try await world.run(.init(refusals: [.valueLong]))
        #expect(progress.notices.contains(.screened(reason: "it was told to")))
        #expect(world.replica.rows == Self.three && world.replica.loads.map(\.method) == [.swap, .swap])
    }

    // MARK: Width

    @Test func `text over its column widens the replica and is remembered`() async throws {
        let world = world(
            World.mapping(width: 20), (1...3).map { FakeRow($0, 999_000, "short") } + [FakeRow(4, 999_000, "longer")])
        world.replica.narrow("name", to: 5)
        let progress = try await world.run()
        // To what the mapping asks for, not to this value's length.
        #expect(world.replica.loads.map(\.widened) == [[:], ["name": 20]])
        #expect(progress.notices == [.firstLoad, .widened(column: "name", bytes: 20)])
        #expect(world.replica.checkpoint?.state.narrowColumns == ["name": 20])
        #expect(world.replica.rows == world.database.rows)
        world.database.put(FakeRow(5, 1_000_000, "longer yet"))
        try await world.run()
        #expect(world.replica.loads.last?.widened == [:])
        #expect(world.replica.rows == world.database.rows)
    }

    @Test func `a column wider than the mapping asks for is never made narrower`() async throws {
        let world = world(World.mapping(width: 4), [FakeRow(1, 999_000, "nine bytes")])
        try await world.run()
        #expect(world.replica.widths == ["name": 10])
        // A checkpoint of a release that did not keep widths; then one that takeover wrote.
        world.mirror?.state.narrowColumns = nil
        world.database.put(FakeRow(2, 1_000_000, "eleven bytes"))
        try await world.run()
        #expect(world.mirror?.state.narrowColumns == ["name": 12])
        world.endedCleanly = false
        world.database.put(FakeRow(3, 1_000_000, "9 bytes.."))
        // The first one ends the pass at hand.
        for _ in 0..<2 { try await world.run() }
        #expect(world.replica.widths == ["name": 12] && world.replica.loads.last?.widened == [:])
        #expect(world.replica.rows == world.database.rows)
    }

    @Test func `a full copy makes its new table as wide as its values`() async throws {
        let world = world(World.mapping(.fullSync, width: 4), [FakeRow(1, nil, "nine bytes")])
        let progress = try await world.run()
        #expect(world.replica.rows == world.database.rows)
        #expect(world.replica.loads == [.init(method: .swap, rows: 1, keepsRows: false, widened: [:])])
        #expect(!progress.notices.contains { if case .screened = $0 { true } else { false } })
        #expect(world.mapping.columns[2].destinationType == .varchar(bytes: 4))
    }

    @Test func `where long text is cut nothing is widened`() async throws {
        let world = world(World.mapping(width: 4), [FakeRow(1, 999_000, "nine bytes"), FakeRow(2, 999_000, "four")])
        world.cutsLongText = true
        let progress = try await world.run()
        #expect(world.replica.rows.map(\.value) == ["nine", "four"])
        #expect(world.replica.loads.map(\.widened) == [[:]] && progress.repairedValues == 1)
        #expect(world.repairs == [.init(key: ["1"], column: "name", reason: .truncated, originalBytes: 10)])
    }

    // MARK: Repairs

    private static let withNUL = [FakeRow(1, 999_000, "a"), FakeRow(2, 999_000, "b\u{0}c"), FakeRow(3, nil, "\u{0}")]

    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly, .fullSync])
    func `values are repaired, and the journal knows before they are loaded`(mode: SyncMode) async throws {
        let world = world(World.mapping(mode), Self.withNUL)
        let progress = try await world.run()
        #expect(world.replica.rows.map(\.value) == ["a", "bc", ""])
        #expect(progress.repairedValues == 2 && progress.rows == 3)
        #expect(Set(world.repairs.map(\.key)) == [["2"], ["3"]])
        #expect(world.repairs.allSatisfy { $0.column == "name" && $0.reason == .nulRemoved })
        let told = try #require(world.steps.lastIndex(of: "journal.recordRepairs"))
        let loaded = try #require(world.steps.firstIndex(of: "destination.load, before"))
        #expect(told < loaded)
    }

    @Test func `nothing is loaded when the journal cannot be told`() async throws {
        let tried = world(World.mapping(), Self.withNUL)
        try await tried.run()
        let place = try #require(tried.steps.firstIndex(of: "journal.recordRepairs"))
        let world = world(World.mapping(), Self.withNUL)
        await #expect(throws: Killed.self) { try await world.run(.init(killAt: place)) }
        #expect(world.replica.loads.isEmpty && world.replica.rows.isEmpty)
    }

    @Test func `under the policy to fail the table stops before anything of the batch is loaded`() async throws {
        var mapping = World.mapping()
        mapping.badValues = .fail
        let world = world(mapping, Self.three + [FakeRow(4, 999_000, "secret\u{0}")])
        let error = await #expect(throws: ReplicationError.self) { try await world.run() }
        #expect(error?.code == .valueBad)
        #expect(error?.what.contains("name") == true && error?.what.contains("4") == true)
        #expect(error?.fix.contains("tables set \(mapping.label) --on-bad-value repair") == true, "\(error?.fix ?? "")")
        #expect(error?.description.contains("secret") == false)
        // The batch before it was good, and stays.
        #expect(world.replica.rows == Self.three && world.replica.loads.count == 1)
        #expect(world.repairs.isEmpty && world.bucket.keys.isEmpty)
        // It goes on at that row once the source is corrected.
        world.database.put(FakeRow(4, 1_000_000, "good"))
        #expect(try await world.run().rows > 0)
        #expect(world.replica.rows == world.database.rows)
    }
}

import TestServers
import Testing

@testable import Replication

/// Reads without a floor: when they come, and that they find what passes cannot.
struct SweepTests {
    private func world(rows: Int) async throws -> World {
        let world = World()
        world.rowLimit = 10
        world.database.put((1...rows).map { FakeRow($0, world.database.clock, "v") })
        world.database.advance(1000)
        try await world.run()
        world.database.advance(1000)
        try await world.run()
        return world
    }

    /// A row that no pass would look at: its stamp is as old as the table.
    private func backdate(_ world: World, key: Int) {
        world.database.put(FakeRow(key, world.database.clock - 100_000, "late"))
        world.database.advance(100)
    }

    @Test func `a small table is swept with each pass`() async throws {
        let world = try await world(rows: 20)
        world.sweepSmallRows = 1000
        backdate(world, key: 5)
        try await world.run()
        #expect(world.difference == "")
        #expect(world.mirror?.state.completeUpTo == world.mirror?.state.caughtUpAsOf)
        let before = world.replica.loads.count
        try await world.run()
        #expect(world.replica.loads.count == before, "nothing is staged again")
    }

    @Test func `a large table is swept once in an interval`() async throws {
        let world = try await world(rows: 20)
        world.sweepSmallRows = 20
        world.sweepInterval = 10_000 * SourceTime.second
        backdate(world, key: 5)
        try await world.run()
        #expect(world.difference != "", "no sweep is due yet")
        let complete = try #require(world.mirror?.state.completeUpTo)
        world.database.advance(10_000)
        try await world.run()
        #expect(world.difference == "")
        let after = try #require(world.mirror?.state.completeUpTo)
        #expect(after > complete && world.mirror?.state.sweep?.underWay == nil)
    }

    @Test func `a sweep over its budget goes on with the next runs, and passes come first`() async throws {
        let world = try await world(rows: 95)
        world.sweepInterval = 1
        world.sweepBudget = .zero
        backdate(world, key: 94)
        var runs = 0
        repeat {
            world.database.put(FakeRow(200 + runs, world.database.clock, "fresh"))
            world.database.advance(1)
            try await world.run()
            runs += 1
            #expect(world.replica.rows.contains { $0.key == 199 + runs }, "passes go on beside the sweep")
        } while world.mirror?.state.sweep?.underWay != nil && runs < 50
        #expect(world.difference == "")
        #expect(runs > 9 && runs < 50, "\(runs) runs")
    }

    @Test func `a killed sweep goes on where its last loaded rows were`() async throws {
        let world = try await world(rows: 95)
        world.sweepInterval = 1
        for key in stride(from: 1, through: 95, by: 7) { backdate(world, key: key) }
        for step in stride(from: 5, to: 60, by: 5) {
            do { try await world.run(.init(killAt: step)) } catch is Killed {}
        }
        world.sweepInterval = .max
        for _ in 0..<3 { try await world.run() }
        #expect(world.difference == "")
    }

    @Test func `a position set by hand is not swept below`() async throws {
        let world = try await world(rows: 20)
        var state = try #require(world.mirror?.state)
        state.sweep = nil
        state.horizon = nil
        state.settled = nil
        state.floor = FakeDatabase.time(world.database.clock)
        world.mirror?.state = state
        world.sweepSmallRows = 1000
        world.sweepInterval = 1
        let before = world.replica.loads.count
        try await world.run()
        world.database.advance(10)
        try await world.run()
        #expect(world.replica.loads.count == before)
    }

    // MARK: Settled transactions

    @Test(arguments: [0, 1000])
    func `an idle table under a long transaction elsewhere stages nothing again`(small: Int) async throws {
        let world = try await world(rows: 8)
        world.sweepSmallRows = small
        let elsewhere = world.database.begin()
        world.database.write(FakeRow(999, nil, "never seen"), in: elsewhere)
        world.database.put(FakeRow(3, world.database.clock, "new"), FakeRow(4, nil, "unstamped"))
        try await world.run()
        #expect(world.replica.rows.contains { $0.value == "new" })
        let before = world.replica.loads.count
        for _ in 0..<5 {
            world.database.advance(60)
            try await world.run()
        }
        #expect(world.replica.loads.count == before)
        world.database.put(FakeRow(3, world.database.clock, "newer"))
        try await world.run()
        #expect(world.replica.loads.count == before + 1)
        world.database.commit(elsewhere)
        try await world.run()
        #expect(world.difference == "")
    }

    @Test func `what only passes left out is read by the sweep`() async throws {
        let world = try await world(rows: 8)
        let elsewhere = world.database.begin()
        world.database.write(FakeRow(999, nil, "never seen"), in: elsewhere)
        // One transaction, one row above the floor and one below.
        world.database.put(
            FakeRow(3, world.database.clock, "above"), FakeRow(4, world.database.clock - 100_000, "below"))
        try await world.run()
        #expect(world.mirror?.state.settled?.numbers.isEmpty == false)
        #expect(world.replica.rows.contains { $0.value == "above" })
        #expect(!world.replica.rows.contains { $0.value == "below" })
        world.sweepSmallRows = 1000
        try await world.run()
        #expect(world.replica.rows.contains { $0.value == "below" })
        world.database.rollback(elsewhere)
        #expect(world.difference == "")
    }

    @Test func `a floor that goes back forgets what was left out above it`() {
        let settled = SettledTransactions(numbers: [7, 9], isWhole: false)
        #expect(SettledTransactions.after(settled, read: [12], isWhole: false, horizon: 8)?.numbers == [9, 12])
        #expect(SettledTransactions.after(settled, read: nil, isWhole: false, horizon: 8)?.numbers == [9])
        #expect(SettledTransactions.after(settled, read: [12], isWhole: true, horizon: 8)?.numbers == [12])
        #expect(SettledTransactions.after(settled, read: [12], isWhole: false, horizon: nil) == nil)
        let many = (1...501).map { UInt64($0) }
        #expect(SettledTransactions.after(nil, read: many, isWhole: true, horizon: 1) == nil)
    }

    @Test func `another salt of hashed columns loads all again`() throws {
        let mapping = World.mapping()
        var settings = RunSettings(installation: "i")
        settings.saltDigest = "a"
        var state = CheckpointState(
            definition: mapping.definition, source: PassPlanTests.identity, horizon: 5, sweep: SweepState(horizon: 5))
        #expect(!PassPlan.isVoid(state, for: mapping, settings: settings), "not known before")
        state.saltDigest = "b"
        #expect(PassPlan.isVoid(state, for: mapping, settings: settings))
        settings.saltDigest = nil
        #expect(!PassPlan.isVoid(state, for: mapping, settings: settings), "nothing is hashed any more")
    }
}

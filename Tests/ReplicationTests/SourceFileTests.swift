import Foundation
import Testing

@testable import Replication

/// Tables that are truncated, rewritten, replaced or given partitions between two passes.
struct SourceFileTests {
    private func loadedWorld(_ mode: SyncMode = .updateAndInsert, rows: Int = 5) async throws -> World {
        let world = World()
        world.mapping = World.mapping(mode)
        world.rowLimit = 100
        world.lookback = 0
        world.database.put((1...rows).map { FakeRow($0, 999_000, "first") })
        try await world.run()
        // Floors and marks that would hide rows with low keys and old stamps.
        for step in 0..<3 {
            world.database.advance(100)
            world.database.put(FakeRow(100 + step, world.database.clock, "later"))
            try await world.run()
        }
        return world
    }

    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly])
    func `a table truncated and refilled with low keys and old stamps arrives whole`(_ mode: SyncMode) async throws {
        let world = try await loadedWorld(mode)
        world.database.truncate()
        world.database.put((1...4).map { FakeRow($0, 900_000, "refilled") })
        let progress = try await world.run()
        #expect(progress.notices == [.sourceTruncated])
        let refilled = world.replica.rows.filter { $0.value == "refilled" }
        #expect(refilled == world.database.rows)
        #expect(world.replica.rows.count == 8, "rows that vanished stay")
        #expect(world.mirror?.state.compareDue == .truncated)
        #expect(world.replica.checkpoint?.state.compareDue == .truncated)
        // Keys that a sequence gives out anew are found by the passes after it, too.
        world.database.advance(100)
        world.database.put(FakeRow(5, world.database.clock, "second"))
        #expect(try await world.run().notices.isEmpty)
        #expect(world.replica.rows.contains { $0.key == 5 && $0.value == "second" })
        #expect(world.mirror?.state.compareDue == .truncated)
    }

    @Test func `a table refilled with all its keys needs nobody`() async throws {
        let world = try await loadedWorld()
        let rows = world.database.rows
        world.database.truncate()
        world.database.put(rows.map { FakeRow($0.key, 900_000, "refilled") })
        try await world.run()
        #expect(world.difference.isEmpty, "\(world.difference)")
        #expect(world.mirror?.state.compareDue == nil && world.replica.checkpoint?.state.compareDue == nil)
    }

    @Test func `a table refilled with all its keys needs nobody, however many batches it takes`() async throws {
        let world = try await loadedWorld()
        let rows = world.database.rows
        world.rowLimit = 3
        world.database.truncate()
        world.database.put(rows.map { FakeRow($0.key, 900_000, "refilled") })
        try await world.run()
        #expect(world.difference.isEmpty, "\(world.difference)")
        #expect(world.mirror?.state.compareDue == nil)
    }

    @Test func `a truncated table that stays empty is told without touching the destination`() async throws {
        let world = try await loadedWorld()
        world.database.truncate()
        let progress = try await world.run()
        #expect(progress.notices == [.sourceTruncated])
        #expect(!world.steps.contains { $0.hasPrefix("destination.") }, "\(world.steps)")
        #expect(world.mirror?.state.compareDue == .truncated)
    }

    @Test func `a rewrite that keeps the rows means nothing`() async throws {
        let world = try await loadedWorld()
        world.database.rewrite()
        let progress = try await world.run()
        #expect(progress.notices.isEmpty && progress.rows == 0)
        #expect(world.mirror?.state.compareDue == nil)
        #expect(world.mirror?.state.sourceFiles == world.database.files)
    }

    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly])
    func `another table under the same name is read whole`(_ mode: SyncMode) async throws {
        let world = try await loadedWorld(mode)
        world.database.replace(by: 9, rows: (1...4).map { FakeRow($0, 900_000, "other") }, xmin: 3)
        let progress = try await world.run()
        #expect(progress.notices == [.sourceReplaced])
        #expect(world.replica.rows.filter { $0.value == "other" } == world.database.rows)
        #expect(world.mirror?.state.compareDue == .replaced)
    }

    @Test func `rows of an attached partition arrive however old they are`() async throws {
        let world = try await loadedWorld()
        world.database.attach(7, rows: (40...44).map { FakeRow($0, 900_000, "attached") }, xmin: 3)
        let progress = try await world.run()
        #expect(progress.notices == [.relationsAttached])
        #expect(world.difference.isEmpty, "\(world.difference)")
        #expect(world.mirror?.state.compareDue == nil)
        world.database.detach(7)
        #expect(try await world.run().notices == [.relationsGone])
        #expect(world.mirror?.state.compareDue == nil)
    }

    @Test func `rows that a settled transaction left in a partition arrive when it is attached`() async throws {
        let world = try await loadedWorld()
        let pinned = world.database.begin()
        world.database.write(FakeRow(900, world.database.clock, "open"), in: pinned)
        world.database.advance(10)
        let writer = world.database.snapshot().xmax
        world.database.put(FakeRow(50, world.database.clock, "of both"))
        for _ in 0..<2 { try await world.run() }
        world.database.attach(7, rows: [FakeRow(60, 900_000, "attached")], xmin: writer)
        try await world.run()
        #expect(world.difference.isEmpty, "\(world.difference)")
    }

    @Test func `places of a sweep under way mean nothing after a rewrite`() {
        var state = CheckpointState(
            definition: "d", source: SourceIdentity(system: "s", timeline: "1", database: "d"), horizon: 9)
        let underWay = UnfinishedSweep(startedAt: SourceTime(microseconds: 1), showsUpTo: nil, nextHorizon: 9)
        state.sweep = SweepState(horizon: 5, sweptAt: nil, underWay: underWay)
        let changes = SourceFileChanges(isReplaced: false, rewritten: [1], added: [], hasLost: false)
        let notice = SourceFileRule(changes: changes, withOlderRows: [1]).apply(
            to: &state, of: World.mapping(), relations: 1)
        #expect(notice == nil && !state.sweepDue && state.sweep == SweepState(horizon: 5))
    }

    @Test func `a new partition without old rows costs a sweep only`() async throws {
        let world = try await loadedWorld()
        let next = world.database.snapshot().xmax
        world.database.attach(7, rows: [FakeRow(40, 900_000, "new")], xmin: next)
        let progress = try await world.run()
        #expect(progress.notices.isEmpty)
        #expect(progress.rows == 4, "the new one, and the three written since the last sweep")
        #expect(world.difference.isEmpty, "\(world.difference)")
    }

    @Test func `a truncation in the middle of a pass begins a sweep in its place`() async throws {
        let world = try await loadedWorld()
        world.rowLimit = 2
        world.database.advance(100)
        world.database.put((20...29).map { FakeRow($0, world.database.clock, "later") })
        try await world.run(.init(stopAfterBatches: 2))
        #expect(world.mirror?.state.pass?.kind == .incremental)
        world.database.truncate()
        world.database.put((1...4).map { FakeRow($0, 900_000, "refilled") })
        try await world.run()
        #expect(world.replica.rows.filter { $0.value == "refilled" } == world.database.rows)
    }

    @Test func `a truncation in the middle of a first load leaves nothing out`() async throws {
        let world = World()
        world.rowLimit = 2
        world.database.put((1...9).map { FakeRow($0, 999_000, "first") })
        try await world.run(.init(stopAfterBatches: 2))
        world.database.truncate()
        world.database.put((1...9).map { FakeRow($0, 900_000, "refilled") })
        try await world.run()
        #expect(world.difference.isEmpty, "\(world.difference)")
        #expect(world.mirror?.state.compareDue == .truncated)
    }

    @Test func `a lost server's rows stay, and a compare is due`() async throws {
        let world = try await loadedWorld()
        world.database.delete(102)
        world.database.setIdentity(SourceIdentity(system: "7001", timeline: "00000002", database: "shop"))
        let progress = try await world.run()
        #expect(progress.notices == [.sourceChanged])
        #expect(world.mirror?.state.compareDue == .sourceChanged)
        #expect(world.replica.rows.contains { $0.key == 102 })
    }

    @Test func `files are kept as a short text, the table itself first`() throws {
        let files = SourceFiles(root: 30, files: [30: 0, 10: 11, 20: 22])
        let text = String(decoding: try JSONEncoder().encode([files]), as: UTF8.self)
        #expect(text == "[\"30:0 10:11 20:22\"]")
        #expect(try JSONDecoder().decode([SourceFiles].self, from: Data(text.utf8)) == [files])
    }

    @Test func `without a horizon any new file counts as a truncation, and any relation as one with old rows`() {
        var state = CheckpointState(
            definition: "d", source: SourceIdentity(system: "s", timeline: "1", database: "d"), horizon: nil)
        let changes = SourceFileChanges(isReplaced: false, rewritten: [1], added: [2], hasLost: false)
        let notice = SourceFileRule(changes: changes, withOlderRows: nil).apply(
            to: &state, of: World.mapping(), relations: 2)
        #expect(notice == .sourceTruncated && state.sweepDue && state.compareDue == .truncated && state.keysRead == 0)
    }

    @Test func `a partitioned table whose own entry has no file is not rewritten by that`() {
        let before = SourceFiles(root: 1, files: [1: 0, 2: 20])
        let changes = SourceFiles(root: 1, files: [1: 0, 2: 21]).changes(since: before)
        #expect(changes == SourceFileChanges(isReplaced: false, rewritten: [2], added: [], hasLost: false))
    }
}

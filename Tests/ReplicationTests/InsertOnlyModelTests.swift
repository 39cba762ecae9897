import Replication
import Synchronization
import TestServers
import Testing

/// Random transactions that insert rows under sequential keys, against repeated runs: whatever committed must be in the
/// replica, although a key is taken long before its row is seen.
struct InsertOnlyModelTests {
    /// Seconds.
    private static let lookback = 5
    private static let rounds = 60
    private static let seeds: ClosedRange<UInt64> = 1...10

    /// Writers with several open transactions. Keys are taken at the insert, and commits come in another order.
    private final class Writers: Sendable {
        private struct State {
            var generator: SeededGenerator
            /// Each with one chance in how many to end when its turn comes.
            var open: [(id: FakeDatabase.TransactionID, patience: Int)] = []
            var lastKey = 0
        }

        private let state: Mutex<State>
        let database: FakeDatabase
        /// The sequential value is a column of its own, and the row's key is not in its order.
        let isLeading: Bool

        init(seed: UInt64, database: FakeDatabase, isLeading: Bool) {
            state = Mutex(State(generator: SeededGenerator(seed: seed)))
            self.database = database
            self.isLeading = isLeading
        }

        func work() {
            state.withLock { state in
                for _ in 0..<Int.random(in: 0...6, using: &state.generator) { step(&state) }
            }
        }

        /// Nobody writes for a while.
        func rest() {
            state.withLock { state in database.advance(Int.random(in: 1...40, using: &state.generator)) }
        }

        func endAll() {
            state.withLock { state in
                for transaction in state.open { database.commit(transaction.id) }
                state.open = []
            }
        }

        private func step(_ state: inout State) {
            switch Int.random(in: 0..<10, using: &state.generator) {
            case 0, 1: database.advance(Int.random(in: 1...9, using: &state.generator))
            case 2, 3:
                guard state.open.count < 5 else { return }
                // One in eight stays open over several runs.
                let isLong = Int.random(in: 0..<8, using: &state.generator) == 0
                state.open.append((database.begin(), isLong ? 8 : 1))
            case 4, 5: end(&state)
            default: insert(&state)
            }
        }

        private func end(_ state: inout State) {
            guard let index = state.open.indices.randomElement(using: &state.generator),
                Int.random(in: 0..<state.open[index].patience, using: &state.generator) == 0
            else { return }
            let id = state.open.remove(at: index).id
            if Int.random(in: 0..<6, using: &state.generator) == 0 {
                database.rollback(id)
            } else {
                database.commit(id)
            }
        }

        private func insert(_ state: inout State) {
            guard let transaction = state.open.randomElement(using: &state.generator) else { return }
            state.lastKey += 1
            let number = state.lastKey
            var row = FakeRow(number, nil, "v\(number)")
            if isLeading {
                // Every key once, in no order; now and then the sequential column is NULL.
                row.key = number * 7919 % 100_003
                row.updated = Int.random(in: 0..<12, using: &state.generator) == 0 ? nil : number
            }
            database.write(row, in: transaction.id, inSavepoint: Bool.random(using: &state.generator))
        }
    }

    private static func world(rowLimit: Int, isLeading: Bool) -> World {
        let world = World()
        world.mapping = World.mapping(.insertOnly)
        if isLeading { world.mapping.cursorKey = "updated_at" }
        world.rowLimit = rowLimit
        world.lookback = Int64(lookback) * SourceTime.second
        return world
    }

    /// - Parameter sync: Brings the replica up to date once; `work` may happen in its midst.
    private func play(
        seed: UInt64, world: World, sync: (@escaping @Sendable () -> Void) async throws -> Void
    ) async throws {
        let writers = Writers(seed: seed, database: world.database, isLeading: world.mapping.cursorKey != nil)
        for round in 0..<Self.rounds {
            // Idle runs, in which time passes and floors move.
            let isIdle = round % 4 == 3
            isIdle ? writers.rest() : writers.work()
            let stretches = FaultPlan(killAt: isIdle ? 0 : 4)
            try await sync {
                do { try stretches.reach("work") } catch { return }
                writers.work()
            }
        }
        writers.endAll()
        try await sync {}
    }

    @Test(arguments: [1, 2, 3, 7, 1000] as [Int], [false, true])
    func `no committed row is missed or doubled`(rowLimit: Int, isLeading: Bool) async throws {
        var bounded = 0
        for seed in Self.seeds {
            let world = Self.world(rowLimit: rowLimit, isLeading: isLeading)
            var generator = SeededGenerator(seed: seed &* 131)
            try await play(seed: seed, world: world) { work in
                let kill =
                    Int.random(in: 0..<4, using: &generator) == 0 ? Int.random(in: 0..<12, using: &generator) : nil
                do { try await world.run(.init(killAt: kill, meanwhile: work)) } catch is Killed {}
                if world.mirror?.state.keyFloor?.key != nil { bounded += 1 }
            }
            // The last round's run may have been killed: the next one ends its pass, and the one after it reads on.
            try await world.run()
            try await world.run()
            let difference = world.difference
            #expect(difference == "", "seed \(seed), row limit \(rowLimit)")
            guard difference.isEmpty else { return }
        }
        // Without floors all passes would be sweeps, and show nothing.
        let runs = Self.seeds.count * Self.rounds
        #expect(bounded > runs / 4, "only \(bounded) of \(runs) runs had a floor")
    }

    /// The test of the test: with the floor at the highest key seen, the same runs must lose rows.
    @Test(arguments: [false, true])
    func `a floor at the highest key seen loses rows`(isLeading: Bool) async throws {
        var losses: [UInt64] = []
        for seed in UInt64(1)...40 {
            let world = Self.world(rowLimit: 1000, isLeading: isLeading)
            try await play(seed: seed, world: world) { work in
                try await world.run(.init(meanwhile: work))
                let highest = world.mirror?.state.maxPrimaryKey?.first
                world.mirror?.state.keyFloor?.key = highest
            }
            if world.difference != "" { losses.append(seed) }
        }
        #expect(losses.count > 30, "the model is too kind: only seeds \(losses) of 40 lost a row")
    }

    /// And with marks, but without a look at who is still open.
    @Test func `a floor that ignores open transactions loses rows`() async throws {
        var losses: [UInt64] = []
        for seed in UInt64(1)...40 {
            let world = Self.world(rowLimit: 1000, isLeading: false)
            try await play(seed: seed, world: world) { work in
                try await world.run(.init(meanwhile: work))
                let settled = FakeDatabase.time(world.database.clock - Self.lookback)
                guard let keys = world.mirror?.state.keyFloor else { return }
                world.mirror?.state.keyFloor?.key = keys.key(before: settled)
            }
            if world.difference != "" { losses.append(seed) }
        }
        #expect(losses.count > 20, "the model is too kind: only seeds \(losses) of 40 lost a row")
    }
}

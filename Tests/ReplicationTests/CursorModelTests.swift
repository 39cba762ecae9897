import Replication
import Synchronization
import TestServers
import Testing

/// Random transactions against repeated runs: whatever committed must be in the replica.
///
/// Stamps keep the rule that the floor relies on: none lies more than the lookback before its transaction's start.
struct CursorModelTests {
    private static let lookback = 30

    /// Writers with several open transactions, each step drawn from one generator.
    private final class Writers: Sendable {
        private struct State {
            var generator: SeededGenerator
            var open: [FakeDatabase.TransactionID] = []
            var written = 0
        }

        private let state: Mutex<State>
        let database: FakeDatabase

        init(seed: UInt64, database: FakeDatabase) {
            state = Mutex(State(generator: SeededGenerator(seed: seed)))
            self.database = database
        }

        /// A few steps: time passes, transactions begin, write, commit late or roll back.
        func work() {
            state.withLock { state in
                for _ in 0..<Int.random(in: 0...6, using: &state.generator) { step(&state) }
            }
        }

        func commitAll() {
            state.withLock { state in
                for transaction in state.open { database.commit(transaction) }
                state.open = []
            }
        }

        private func step(_ state: inout State) {
            switch Int.random(in: 0..<10, using: &state.generator) {
            case 0, 1: database.advance(Int.random(in: 1...20, using: &state.generator))
            case 2, 3: if state.open.count < 4 { state.open.append(database.begin()) }
            case 4:
                guard let transaction = state.open.randomElement(using: &state.generator) else { return }
                state.open.removeAll { $0 == transaction }
                if Int.random(in: 0..<5, using: &state.generator) == 0 {
                    database.rollback(transaction)
                } else {
                    database.commit(transaction)
                }
            default: write(&state)
            }
        }

        private func write(_ state: inout State) {
            guard let transaction = state.open.randomElement(using: &state.generator),
                let startedAt = database.startedAt(transaction)
            else { return }
            state.written += 1
            // Ties are common: stamps fall on tens, on the start, or as far back as is allowed.
            let stamps: [Int?] = [
                startedAt, startedAt - CursorModelTests.lookback, database.clock, nil,
                max(startedAt - CursorModelTests.lookback, startedAt / 10 * 10),
                Int.random(in: startedAt - CursorModelTests.lookback...database.clock, using: &state.generator),
            ]
            let stamp = stamps[Int.random(in: 0..<stamps.count, using: &state.generator)]
            let row = FakeRow(Int.random(in: 0..<40, using: &state.generator), stamp, "v\(state.written)")
            database.write(row, in: transaction, inSavepoint: Bool.random(using: &state.generator))
        }
    }

    /// - Parameter sync: Brings the replica up to date once; `work` may happen in its midst.
    private func play(
        seed: UInt64, rounds: Int, database: FakeDatabase, sync: (@escaping @Sendable () -> Void) async throws -> Void
    ) async throws {
        let writers = Writers(seed: seed, database: database)
        for _ in 0..<rounds {
            writers.work()
            // Writers that outran a small row limit would never let a pass end.
            let stretches = FaultPlan(killAt: 4)
            try await sync {
                do { try stretches.reach("work") } catch { return }
                writers.work()
            }
        }
        writers.commitAll()
        try await sync {}
    }

    @Test(arguments: [1, 2, 3, 7, 1000] as [Int])
    func `no committed row is missed or doubled`(rowLimit: Int) async throws {
        for seed in UInt64(1)...12 {
            let world = World()
            world.rowLimit = rowLimit
            world.lookback = Int64(Self.lookback) * SourceTime.second
            var generator = SeededGenerator(seed: seed &* 77)
            try await play(seed: seed, rounds: 25, database: world.database) { work in
                // Now and then a run is killed or stopped.
                let kill =
                    Int.random(in: 0..<4, using: &generator) == 0 ? Int.random(in: 0..<12, using: &generator) : nil
                do { try await world.run(.init(killAt: kill, meanwhile: work)) } catch is Killed {}
            }
            // The last round's run may have been killed: the next one ends its pass, and the one after it reads on.
            try await world.run()
            try await world.run()
            let difference = world.difference
            #expect(difference == "", "seed \(seed), row limit \(rowLimit)")
            guard difference.isEmpty else { return }
        }
    }

    /// The test of the test: the cursor that this product does not have must fail it.
    @Test func `a cursor that only remembers the highest timestamp loses rows`() async throws {
        var losses = 0
        for seed in UInt64(1)...40 {
            let database = FakeDatabase()
            var replica: [Int: FakeRow] = [:]
            var highest = Int.min
            try await play(seed: seed, rounds: 25, database: database) { work in
                work()
                let rows = database.rows.filter { ($0.updated ?? .max) > highest }
                for row in rows { replica[row.key] = row }
                highest = max(highest, rows.compactMap(\.updated).max() ?? highest)
            }
            if replica.values.sorted(by: { $0.key < $1.key }) != database.rows { losses += 1 }
        }
        #expect(losses > 30, "the model is too kind: only \(losses) of 40 seeds lost a row")
    }
}

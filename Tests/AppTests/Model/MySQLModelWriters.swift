import MySQLClient
import TestServers

/// Sessions that write one table of MySQL or MariaDB in random transactions: short and long ones, with savepoints, in two
/// phases.
actor MySQLModelWriters: ModelWriting {
    private struct Writer {
        var session: MySQLConnection
        var state = State.idle
        var savepoints = 0
        /// Keys taken in advance.
        var keys: Range<Int> = 0..<0
    }

    private enum State: Hashable {
        case idle, open
        /// A transaction in two phases: its first one, then its second.
        case branch(String)
        case prepared(String)
    }

    private let plan: ModelPlan
    private var generator: SeededGenerator
    private var writers: [Writer] = []
    private var written = 0
    private var nextKeys = 1_000
    private var isAtWork = true

    init(_ plan: ModelPlan, _ schema: TestSchema) async throws {
        self.plan = plan
        generator = SeededGenerator(seed: plan.seed &* 7919)
        for zone in plan.offsets {
            let session = try await schema.session()
            // Under REPEATABLE READ a rollback to a savepoint may leave a lock behind that holds up all insertions.
            try await session.execute("SET time_zone = '\(zone)'")
            try await session.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            writers.append(Writer(session: session))
        }
    }

    func work(_ steps: ClosedRange<Int>) async throws {
        guard isAtWork else { return }
        for _ in 0..<random(steps) { try await step(random(0...writers.count - 1)) }
    }

    func finish() async throws {
        isAtWork = false
        for index in writers.indices {
            try await end(index, commit: true)
            await writers[index].session.close()
        }
    }

    /// A prepared transaction would outlive its session, and hold up the end of the database.
    func abandon() async {
        for index in writers.indices {
            do { try await end(index, commit: false) } catch { print("model: a transaction stays open: \(error)") }
            await writers[index].session.close()
        }
    }

    private func random(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    private func happens(_ times: Int, outOf: Int) -> Bool { random(1...outOf) <= times }

    private func execute(_ index: Int, _ statements: String...) async throws {
        for statement in statements { try await writers[index].session.execute(statement) }
    }

    private func step(_ index: Int) async throws {
        switch writers[index].state {
        case .idle:
            // Half of the time a statement of its own, else the beginning of something longer.
            if happens(1, outOf: 2) { try await write(index) } else { try await begin(index) }
        case .prepared:
            if happens(1, outOf: 2) { try await end(index, commit: !happens(1, outOf: 6)) }
        case .branch:
            if happens(2, outOf: 3) { try await write(index) } else { try await prepare(index) }
        case .open:
            switch random(1...11) {
            case 7, 8: try await end(index, commit: true)
            case 9: try await end(index, commit: false)
            case 10:
                try await execute(index, "SAVEPOINT s\(writers[index].savepoints)")
                writers[index].savepoints += 1
            case 11 where writers[index].savepoints > 0:
                writers[index].savepoints -= 1
                let word = happens(1, outOf: 2) ? "ROLLBACK TO" : "RELEASE"
                try await execute(index, "\(word) SAVEPOINT s\(writers[index].savepoints)")
            default: try await write(index)
            }
        }
    }

    /// The time of its start, as an application would keep it, is taken when the server knows of the transaction.
    private func begin(_ index: Int) async throws {
        if happens(1, outOf: 6) {
            let name = freshName("model")
            try await execute(index, "XA START '\(name)'")
            writers[index].state = .branch(name)
        } else {
            try await execute(index, "START TRANSACTION")
            writers[index].state = .open
        }
        try await execute(index, "SELECT 1 FROM \(plan.table) LIMIT 1", "SET @began = UTC_TIMESTAMP(6)")
    }

    private func prepare(_ index: Int) async throws {
        guard case .branch(let name) = writers[index].state else { return }
        try await execute(index, "XA END '\(name)'", "XA PREPARE '\(name)'")
        writers[index].state = .prepared(name)
    }

    private func end(_ index: Int, commit: Bool) async throws {
        switch writers[index].state {
        case .idle: return
        case .open: try await execute(index, commit ? "COMMIT" : "ROLLBACK")
        case .branch(let name):
            try await execute(
                index, "XA END '\(name)'", commit ? "XA COMMIT '\(name)' ONE PHASE" : "XA ROLLBACK '\(name)'")
        case .prepared(let name): try await execute(index, "XA \(commit ? "COMMIT" : "ROLLBACK") '\(name)'")
        }
        writers[index].state = .idle
        writers[index].savepoints = 0
    }

    /// Inserts rows, or updates one that no other transaction holds.
    private func write(_ index: Int) async throws {
        written += 1
        let (table, stamp) = (plan.table, stamp())
        let isAlone = writers[index].state == .idle
        if isAlone { try await execute(index, "SET @began = UTC_TIMESTAMP(6)") }
        // An insert-only table is updated by nobody.
        if plan.mode == .insertOnly || happens(1, outOf: 2) {
            let rows = (0..<(happens(1, outOf: 4) ? random(2...6) : 1)).map { _ in
                "(\(key(index)), \(stamp), 'w\(written)')"
            }
            try await execute(index, "INSERT INTO \(table) (id, updated_at, v) VALUES \(rows.joined(separator: ", "))")
            return
        }
        let salt = random(1...10_000)
        let session = writers[index].session
        let chosen = try await session.execute("SELECT id FROM \(table) ORDER BY id * 7919 % \(salt), id LIMIT 1")
        guard let id = chosen.firstValue else { return }
        if isAlone { try await execute(index, "START TRANSACTION") }
        if try await session.execute("SELECT id FROM \(table) WHERE id = \(id) FOR UPDATE SKIP LOCKED").firstValue
            != nil
        {
            try await execute(index, "UPDATE \(table) SET v = 'w\(written)', updated_at = \(stamp) WHERE id = \(id)")
        }
        if isAlone { try await execute(index, "COMMIT") }
    }

    /// The server's next one, or one taken before others took theirs.
    private func key(_ index: Int) -> String {
        guard plan.cachesKeys else { return "NULL" }
        if writers[index].keys.isEmpty {
            writers[index].keys = nextKeys..<(nextKeys + 20)
            nextKeys += 20
        }
        return String(writers[index].keys.removeFirst())
    }

    /// A stamp as applications write it. Honest ones lie no further back than the lookback before the transaction.
    private func stamp() -> String {
        var times = [
            "@began", "UTC_TIMESTAMP(6)", "UTC_TIMESTAMP(2)", "@began - INTERVAL \(plan.lookback) MICROSECOND",
        ]
        // Where stamps have no zone, such rows would say that theirs lies ahead.
        if plan.hasBackdated || plan.stamp != .timestamp { times.append("UTC_TIMESTAMP(6) + INTERVAL 3 HOUR") }
        if plan.hasBackdated { times += ["@began - INTERVAL 30 MINUTE", "@began - INTERVAL 40 DAY"] }
        if plan.isNullable, plan.hasBackdated, happens(1, outOf: 6) { return "NULL" }
        return plan.stamp.mysql(times[random(0...times.count - 1)])
    }
}

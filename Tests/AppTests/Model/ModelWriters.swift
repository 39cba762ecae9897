import PostgresClient
import TestServers

/// Sessions that write one table in random transactions: short and long ones, with savepoints, in two phases.
actor ModelWriters: ModelWriting {
    private struct Writer {
        var session: PostgresConnection
        var isOpen = false
        var savepoints = 0
    }

    private let plan: ModelPlan
    private var generator: SeededGenerator
    private var writers: [Writer] = []
    private var prepared: [String] = []
    private var written = 0
    private var isAtWork = true

    init(_ plan: ModelPlan, _ database: TestDatabase) async throws {
        self.plan = plan
        generator = SeededGenerator(seed: plan.seed &* 7919)
        for zone in plan.zones {
            let session = try await database.session()
            try await session.execute("SET TimeZone TO '\(zone)'")
            writers.append(Writer(session: session))
        }
    }

    /// Some steps, in the midst of a pass or between two.
    func work(_ steps: ClosedRange<Int>) async throws {
        guard isAtWork else { return }
        for _ in 0..<random(steps) { try await step() }
    }

    /// Ends every transaction; nothing is written after this.
    func finish() async throws {
        isAtWork = false
        for index in writers.indices where writers[index].isOpen { try await end(index, commit: true) }
        for name in prepared { try await writers[0].session.execute("COMMIT PREPARED '\(name)'") }
        prepared = []
        for writer in writers { await writer.session.close() }
    }

    /// Drops what a failed test leaves: a prepared transaction would outlive its session.
    func abandon() async {
        for name in prepared {
            do {
                try await writers[0].session.execute("ROLLBACK PREPARED '\(name)'")
            } catch {
                print("model: \(name) stays prepared: \(error)")
            }
        }
        for writer in writers { await writer.session.close() }
    }

    private func random(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    private func happens(_ times: Int, outOf: Int) -> Bool { random(1...outOf) <= times }

    private func step() async throws {
        let index = random(0...writers.count - 1)
        if !prepared.isEmpty, happens(1, outOf: 6) {
            try await writers[index].session.commitPrepared(prepared.removeFirst(), isOpen: writers[index].isOpen)
                .map { prepared.append($0) }
            return
        }
        guard writers[index].isOpen else {
            // Half of the time a statement of its own, else the beginning of something longer.
            if happens(1, outOf: 2) { return try await write(index) }
            try await writers[index].session.execute("BEGIN")
            writers[index].isOpen = true
            return
        }
        switch random(1...12) {
        case 1...6: try await write(index)
        case 7, 8: try await end(index, commit: true)
        case 9: try await end(index, commit: false)
        case 10:
            try await writers[index].session.execute("SAVEPOINT s\(writers[index].savepoints)")
            writers[index].savepoints += 1
        case 11 where writers[index].savepoints > 0:
            writers[index].savepoints -= 1
            let word = happens(1, outOf: 2) ? "ROLLBACK TO" : "RELEASE"
            try await writers[index].session.execute("\(word) s\(writers[index].savepoints)")
        case 12 where prepared.count < 2: try await prepare(index)
        default: try await write(index)
        }
    }

    private func end(_ index: Int, commit: Bool) async throws {
        try await writers[index].session.execute(commit ? "COMMIT" : "ROLLBACK")
        writers[index].isOpen = false
        writers[index].savepoints = 0
    }

    private func prepare(_ index: Int) async throws {
        let name = freshName("model")
        try await writers[index].session.execute("PREPARE TRANSACTION '\(name)'")
        writers[index].isOpen = false
        writers[index].savepoints = 0
        prepared.append(name)
    }

    /// Inserts rows, or updates one that no other transaction holds.
    private func write(_ index: Int) async throws {
        written += 1
        let text = "w\(written)"
        let stamp = stamp()
        let table = plan.table
        // An insert-only table is updated by nobody.
        if plan.mode == .insertOnly || happens(1, outOf: 2) {
            let rows = happens(1, outOf: 4) ? random(2...6) : 1
            try await writers[index].session.execute(
                "INSERT INTO \(table) (updated_at, v) SELECT \(stamp), '\(text)' FROM generate_series(1, \(rows))")
        } else {
            let salt = random(1...10_000)
            try await writers[index].session.execute(
                """
                UPDATE \(table) SET v = '\(text)', updated_at = \(stamp) WHERE id = (SELECT id FROM \(table)
                ORDER BY id * 7919 % \(salt), id LIMIT 1 FOR UPDATE SKIP LOCKED)
                """)
        }
    }

    /// A stamp as applications write it. Honest ones lie no further back than the lookback before the transaction.
    private func stamp() -> String {
        let inLookback = "now() - interval '\(plan.lookback) microseconds'"
        var times = [
            "now()", "clock_timestamp()", "date_bin('10 milliseconds', clock_timestamp(), '2001-01-01')", inLookback,
            "clock_timestamp() + interval '3 hours'",
        ]
        if plan.hasBackdated { times += ["now() - interval '30 minutes'", "now() - interval '40 days'"] }
        if plan.isNullable, happens(1, outOf: 6) { return "NULL" }
        return plan.stamp.sql(times[random(0...times.count - 1)])
    }
}

extension PostgresConnection {
    /// - Returns: The name, where this session is within a transaction and cannot do it.
    fileprivate func commitPrepared(_ name: String, isOpen: Bool) async throws -> String? {
        if isOpen { return name }
        try await execute("COMMIT PREPARED '\(name)'")
        return nil
    }
}

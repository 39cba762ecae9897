import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// Transactions that commit late, in every way that applications know. Floors have no lookback here, so that it is the
/// oldest open transaction alone that holds them.
@Suite struct LateWriterTests {
    /// A follower behind the first load of `t`.
    private func withFollower(
        _ sql: String = edgeTable, rowLimit: Int = 1000, lookback: Int64 = 0, mode: SyncMode = .updateAndInsert,
        updated: String? = "updated_at", without: String? = nil,
        _ body: (TestDatabase, TableFollower) async throws -> Void
    ) async throws {
        try await TestDatabase.with { database in
            try await database.run(sql)
            try await withSource(database) { source in
                var mapping = try await source.mapping("t", updated: updated, mode: mode)
                mapping.columns.removeAll { $0.source.name == without }
                let follower = TableFollower(source: source, mapping: mapping, rowLimit: rowLimit, lookback: lookback)
                try await follower.follow()
                try await body(database, follower)
            }
        }
    }

    private func expectAll(
        _ follower: TableFollower, _ database: TestDatabase, _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(try await follower.missing(from: database.connection) == [], comment, sourceLocation: sourceLocation)
        #expect(try await follower.extra(beyond: database.connection) == [], comment, sourceLocation: sourceLocation)
    }

    // MARK: Transactions

    @Test(arguments: [1, 3, 1000])
    func `stamps of now() are as old as their transaction`(rowLimit: Int) async throws {
        try await withFollower(rowLimit: rowLimit) { database, follower in
            let late = try await database.session()
            try await late.execute("BEGIN; SELECT now()")
            for round in 1...3 {
                try await database.run("INSERT INTO t VALUES (\(100 + round), clock_timestamp(), 'early')")
                try await follower.follow()
            }
            // Its number is taken only now, its stamp was long ago.
            try await late.execute(
                "INSERT INTO t VALUES (10, now(), 'late'); UPDATE t SET v = 'late', updated_at = now() WHERE id = 101")
            try await follower.follow()
            try await late.execute("COMMIT")
            try await follower.follow()
            #expect(await follower.value(10) == "late")
            try await expectAll(follower, database)
            await late.close()
        }
    }

    @Test func `stamps of the clock, and stamps taken before BEGIN, arrive`() async throws {
        try await withFollower(lookback: SourceTime.second * 600) { database, follower in
            let late = try await database.session()
            let stamp = try #require(
                try await late.execute("SELECT clock_timestamp() - interval '9 minutes'").firstValue)
            try await follower.follow()
            try await late.execute("BEGIN; INSERT INTO t VALUES (10, '\(stamp)', 'before')")
            try await follower.follow()
            try await late.execute("INSERT INTO t VALUES (11, clock_timestamp(), 'clock')")
            try await follower.follow()
            try await late.execute("COMMIT")
            try await follower.follow()
            try await expectAll(follower, database)
            await late.close()
        }
    }

    @Test func `rows of savepoints arrive, and those of undone ones do not`() async throws {
        try await withFollower(rowLimit: 2) { database, follower in
            let late = try await database.session()
            try await late.execute(
                """
                BEGIN; INSERT INTO t VALUES (10, now(), 'outer'); SAVEPOINT a; INSERT INTO t VALUES (11, now(), 'a');
                SAVEPOINT b; UPDATE t SET v = 'b', updated_at = now() WHERE id = 10; ROLLBACK TO b
                """)
            try await database.run("INSERT INTO t VALUES (20, clock_timestamp(), 'early')")
            try await follower.follow()
            try await late.execute(
                """
                SAVEPOINT c; UPDATE t SET v = 'c', updated_at = now() WHERE id IN (2, 11); RELEASE c;
                SAVEPOINT d; INSERT INTO t VALUES (12, now(), 'd'); ROLLBACK TO d; RELEASE a
                """)
            try await follower.follow()
            try await late.execute("COMMIT")
            try await follower.follow()
            #expect(await follower.value(11) == "c")
            #expect(await follower.value(10) == "outer")
            try await expectAll(follower, database)
            await late.close()
        }
    }

    @Test func `a transaction of a hundred savepoints arrives`() async throws {
        try await withFollower(rowLimit: 7) { database, follower in
            let late = try await database.session()
            // More than 64 overflow the list of subtransactions that a snapshot takes along.
            var statements = "BEGIN; INSERT INTO t VALUES (1000, now(), 'outer');"
            for id in 1001...1100 { statements += "SAVEPOINT s; INSERT INTO t VALUES (\(id), now(), 'inner');" }
            try await late.execute(statements)
            try await database.run("INSERT INTO t VALUES (20, clock_timestamp(), 'early')")
            try await follower.follow()
            try await follower.follow()
            try await late.execute("COMMIT")
            try await follower.follow()
            try await expectAll(follower, database)
            await late.close()
        }
    }

    @Test func `two-phase commits arrive after passes and commits in between`() async throws {
        try await withFollower { database, follower in
            let name = freshName("edge")
            try await database.run(
                """
                BEGIN; INSERT INTO t VALUES (10, now(), 'prepared'); SAVEPOINT s;
                UPDATE t SET v = 'prepared', updated_at = now() WHERE id = 4; PREPARE TRANSACTION '\(name)'
                """)
            for round in 1...3 {
                try await database.run("INSERT INTO t VALUES (\(100 + round), clock_timestamp(), 'early')")
                try await follower.follow()
                #expect(await follower.value(100 + round) == "early")
            }
            try await database.run("COMMIT PREPARED '\(name)'")
            try await follower.follow()
            #expect(await follower.value(4) == "prepared")
            try await expectAll(follower, database)
        }
    }

    // MARK: Storage

    @Test(arguments: ["VACUUM (FREEZE)", "VACUUM (FREEZE, FULL)", "CLUSTER t USING t_pkey; VACUUM (FREEZE)"])
    func `freezing between a late commit and the pass hides nothing`(vacuum: String) async throws {
        try await withFollower { database, follower in
            let late = try await database.session()
            try await late.execute("BEGIN; INSERT INTO t VALUES (10, now(), 'late')")
            try await database.run("INSERT INTO t VALUES (11, clock_timestamp(), 'early')")
            try await follower.follow()
            try await late.execute("COMMIT")
            for statement in vacuum.split(separator: "; ") {
                try await database.run(statement.hasPrefix("VACUUM") ? statement + " t" : String(statement))
            }
            try await follower.follow()
            #expect(await follower.value(10) == "late")
            try await expectAll(follower, database)
            await late.close()
        }
    }

    @Test(arguments: [
        "VACUUM FULL t", "CLUSTER t USING t_pkey", "ALTER TABLE t ALTER n TYPE bigint", "ALTER TABLE t SET UNLOGGED",
        "ALTER TABLE t ADD COLUMN token float DEFAULT random()",
    ])
    func `a rewritten table keeps its late commits`(rewrite: String) async throws {
        let sql = edgeTable + "; ALTER TABLE t ADD COLUMN n int"
        try await withFollower(sql, without: "n") { database, follower in
            let late = try await database.session()
            try await late.execute("BEGIN; INSERT INTO t VALUES (10, now(), 'late'); SAVEPOINT s")
            try await late.execute("UPDATE t SET v = 'late', updated_at = now() WHERE id = 2")
            try await follower.follow()
            try await late.execute("COMMIT")
            try await database.run(rewrite)
            try await follower.follow()
            #expect(await follower.value(2) == "late")
            try await expectAll(follower, database)
            try await database.run("UPDATE t SET v = 'last', updated_at = clock_timestamp() WHERE id = 3")
            try await follower.follow()
            try await expectAll(follower, database)
            await late.close()
        }
    }

    /// A batch that waits for the lock of ALTER TABLE would see an empty table with a snapshot taken before.
    @Test func `a batch that waits for a rewrite sees what it left`() async throws {
        let sql = edgeTable + "; ALTER TABLE t ADD COLUMN n int"
        try await withFollower(sql, without: "n") { database, follower in
            try await database.run("INSERT INTO t VALUES (10, now(), 'new')")
            let alter = try await database.session()
            try await alter.execute("BEGIN; ALTER TABLE t ALTER n TYPE bigint")
            async let read = follower.followKeys()
            let waiting = "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND NOT granted"
            let deadline = ContinuousClock.now + .seconds(8)
            while try await alter.execute(waiting).firstValue == "0" {
                guard ContinuousClock.now < deadline else { break }
            }
            #expect(try await alter.execute(waiting).firstValue == "1")
            try await alter.execute("COMMIT")
            #expect(try await read.contains("10"))
            try await expectAll(follower, database)
            await alter.close()
        }
    }

    // MARK: The order of a pass

    @Test(arguments: [1, 2, 3])
    func `ties that commit late, before and after a batch's end, arrive`(rowLimit: Int) async throws {
        try await withFollower(rowLimit: rowLimit) { database, follower in
            let late = try await database.session()
            let stamp = try #require(try await late.execute("BEGIN; SELECT now()").firstValue)
            try await late.execute("INSERT INTO t SELECT i, now(), 'late' FROM generate_series(11, 19, 2) i")
            try await database.run("INSERT INTO t SELECT i, '\(stamp)', 'tie' FROM generate_series(10, 18, 2) i")
            await follower.afterEachBatch {
                // The first one counts, in the middle of the pass.
                try await late.execute("COMMIT")
            }
            try await follower.follow()
            await follower.afterEachBatch {}
            try await follower.follow()
            try await expectAll(follower, database)
            await late.close()
        }
    }

    @Test(arguments: [1, 2, 3])
    func `commits between the batches of a pass arrive with it or with the next`(rowLimit: Int) async throws {
        try await withFollower(rowLimit: rowLimit) { database, follower in
            try await database.run("INSERT INTO t SELECT i, clock_timestamp(), 'new' FROM generate_series(100, 109) i")
            let writer = try await database.session()
            let long = try await database.session()
            try await long.execute("BEGIN; INSERT INTO t VALUES (50, now(), 'long')")
            let steps = BatchSteps()
            await follower.afterEachBatch {
                switch await steps.next() {
                case 2:
                    try await writer.execute("UPDATE t SET v = 'back', updated_at = clock_timestamp() WHERE id = 100")
                case 3: try await writer.execute("INSERT INTO t VALUES (60, clock_timestamp() - interval '1 ms', 'in')")
                case 4: try await long.execute("COMMIT")
                case 5: try await writer.execute("BEGIN; INSERT INTO t VALUES (61, now(), 'over')")
                default: break
                }
            }
            try await follower.follow()
            await follower.afterEachBatch {}
            try await long.execute("COMMIT")
            try await writer.execute("COMMIT")
            try await follower.follow()
            try await expectAll(follower, database)
            await writer.close()
            await long.close()
        }
    }

    @Test func `NULL and future stamps arrive and hold nothing up`() async throws {
        let sql = """
            CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz, v text);
            INSERT INTO t SELECT i, clock_timestamp(), 'old' FROM generate_series(1, 5) i
            """
        try await withFollower(sql, rowLimit: 2) { database, follower in
            let late = try await database.session()
            try await late.execute(
                "BEGIN; INSERT INTO t VALUES (10, NULL, 'late'), (11, now() + interval '3 years', 'late'), (12, now(), 'late')"
            )
            try await database.run(
                """
                INSERT INTO t VALUES (20, NULL, 'null'), (21, clock_timestamp() + interval '2 years', 'future'),
                (22, 'infinity', 'end'), (23, clock_timestamp(), 'now')
                """)
            try await follower.follow()
            try await expectAll(follower, database)
            try await database.run(
                "INSERT INTO t VALUES (24, clock_timestamp(), 'behind'); UPDATE t SET v = 'again' WHERE id IN (20, 21, 22)"
            )
            try await follower.follow()
            try await expectAll(follower, database)
            try await late.execute("COMMIT")
            try await follower.follow()
            try await expectAll(follower, database)
            await late.close()
        }
    }

    // MARK: Sequences

    private static let sequence = """
        CREATE SEQUENCE ids CACHE 50;
        CREATE TABLE t (id bigint PRIMARY KEY DEFAULT nextval('ids'), v text);
        INSERT INTO t (v) SELECT 'old' FROM generate_series(1, 5)
        """

    @Test(arguments: [1, 3, 1000])
    func `sessions with sequence caches of their own lose nothing within the lookback`(rowLimit: Int) async throws {
        try await withFollower(
            Self.sequence, rowLimit: rowLimit, lookback: SourceTime.second * 600, mode: .insertOnly
        ) { database, follower in
            var sessions: [PostgresConnection] = []
            for _ in 1...3 { sessions.append(try await database.session()) }
            for round in 1...4 {
                for session in sessions { try await session.execute("INSERT INTO t (v) VALUES ('round \(round)')") }
                try await follower.follow()
                try await expectAll(follower, database, "round \(round)")
            }
            try await sessions[0].execute("BEGIN; INSERT INTO t (v) VALUES ('late')")
            try await sessions[2].execute("INSERT INTO t (v) VALUES ('early')")
            try await follower.follow()
            try await sessions[0].execute("COMMIT")
            try await follower.follow()
            try await expectAll(follower, database)
            for session in sessions { await session.close() }
        }
    }

    /// What an id says is bounded by its transaction only. One taken in an earlier transaction is found by a sweep.
    @Test func `an id taken long before its row arrives if its transaction was open since`() async throws {
        try await withFollower(Self.sequence, mode: .insertOnly) { database, follower in
            let late = try await database.session()
            let id = try #require(try await late.execute("BEGIN; SELECT nextval('ids')").firstValue)
            for round in 1...5 {
                try await database.run("INSERT INTO t (v) VALUES ('round \(round)')")
                try await follower.follow()
            }
            let floor = try #require(await follower.state?.keyFloor?.key.flatMap { Int($0) })
            #expect(floor <= Int(id) ?? 0)
            try await late.execute("INSERT INTO t VALUES (\(id), 'late'); COMMIT")
            try await follower.follow()
            try await expectAll(follower, database)
            await late.close()
        }
    }
}

/// Counts the batches of a pass.
private actor BatchSteps {
    private var count = 0

    func next() -> Int {
        count += 1
        return count
    }
}

import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// The cursor against a real server: what commits late, what was read, what bounds the floor.
@Suite(.serialized) struct LateCommitTests {
    private static let table = """
        CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL, v text);
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, clock_timestamp() - interval '1 day', 'old' FROM generate_series(1, 5) i
        """

    /// A loaded table, and a follower that stands behind its first load.
    private func withFollower(
        _ sql: String = table, rowLimit: Int = 1000,
        _ body: (TestDatabase, TableFollower) async throws -> Void
    ) async throws {
        try await TestDatabase.with { database in
            try await database.run(sql)
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                let follower = TableFollower(source: source, mapping: mapping, rowLimit: rowLimit)
                try await database.settle()
                try await follower.follow()
                try await body(database, follower)
            }
        }
    }

    @Test func `a commit below the cursor is read by the next pass`() async throws {
        try await withFollower { database, follower in
            let late = try await database.session()
            try await late.execute("BEGIN; INSERT INTO t VALUES (10, clock_timestamp(), 'late')")
            try await database.run("INSERT INTO t VALUES (11, clock_timestamp(), 'early')")
            #expect(try await follower.followKeys() == ["11"])
            try await late.execute("COMMIT")
            let read = try await follower.followKeys()
            #expect(read.contains("10"))
            #expect(await follower.replica.count == 7)
            await late.close()
        }
    }

    @Test func `an update of a savepoint that commits late is read by the next pass`() async throws {
        try await withFollower { database, follower in
            let late = try await database.session()
            try await late.execute(
                "BEGIN; SAVEPOINT s; UPDATE t SET v = 'late', updated_at = clock_timestamp() WHERE id = 2; RELEASE s")
            #expect(try await follower.follow().isEmpty)
            try await late.execute("COMMIT")
            #expect(try await follower.follow().map { $0[2] } == ["late"])
            await late.close()
        }
    }

    @Test func `a row version before the horizon is not read again`() async throws {
        try await withFollower { database, follower in
            try await database.run("UPDATE t SET v = 'new', updated_at = clock_timestamp() WHERE id = 3")
            try await database.settle()
            #expect(try await follower.followKeys() == ["3"])
            // It lies above the floor for ten minutes more, but its version has been read.
            #expect(try await follower.follow().isEmpty)
            #expect(try await follower.follow().isEmpty)
        }
    }

    @Test func `a frozen row keeps its number`() async throws {
        try await withFollower { database, follower in
            try await database.run("UPDATE t SET v = 'new', updated_at = clock_timestamp() WHERE id = 3")
            try await database.run("VACUUM (FREEZE) t")
            try await database.settle()
            #expect(try await follower.followKeys() == ["3"])
            try await database.run("VACUUM (FREEZE) t")
            #expect(try await follower.follow().isEmpty)
        }
    }

    @Test func `ties at a batch boundary all arrive`() async throws {
        try await withFollower(rowLimit: 2) { database, follower in
            try await database.run("INSERT INTO t SELECT i, now(), 'tie' FROM generate_series(20, 26) i")
            let read = try await follower.followKeys()
            #expect(read == (20...26).map { "\($0)" })
        }
    }

    @Test func `an open transaction bounds the floor`() async throws {
        try await withFollower { database, follower in
            let long = try await database.session()
            try await long.execute("BEGIN; SELECT 1")
            let begun = try #require(
                try await long.execute("SELECT (extract(epoch FROM now()) * 1000000)::bigint").firstValue.flatMap {
                    Int64($0)
                })
            try await follower.follow()
            #expect(await follower.lastStart?.activity.oldestTransaction?.microseconds == begun)
            #expect(await follower.state?.floor?.microseconds == begun - 600 * SourceTime.second)
            await long.close()
        }
    }

    @Test func `a prepared transaction keeps the floor, and arrives when it commits`() async throws {
        try await withFollower { database, follower in
            let before = await follower.state?.floor
            let name = freshName("two_phase")
            let session = try await database.session()
            try await session.execute(
                "BEGIN; INSERT INTO t VALUES (30, clock_timestamp(), 'prepared'); PREPARE TRANSACTION '\(name)'")
            #expect(try await follower.follow().isEmpty)
            #expect(await follower.lastStart?.activity.hasPreparedTransaction == true)
            #expect(await follower.state?.floor == before)
            try await session.execute("COMMIT PREPARED '\(name)'")
            #expect(try await follower.followKeys() == ["30"])
            try await follower.follow()
            #expect(await follower.lastStart?.activity.hasPreparedTransaction == false)
            #expect(await follower.state?.floor != before)
            await session.close()
        }
    }

    @Test func `a user who cannot see other sessions says so, and still finds late commits`() async throws {
        try await TestDatabase.with { database in
            let role = freshName("blind")
            try await database.run(Self.table)
            try await database.run("CREATE ROLE \(role) LOGIN PASSWORD 'pw'; GRANT SELECT ON t TO \(role)")
            let source = try await database.source(as: role, password: "pw")
            let mapping = try await database.mapping("t", source: source)
            let follower = TableFollower(source: source, mapping: mapping)
            try await follower.follow()
            let start = try #require(await follower.lastStart)
            #expect(start.activity.hasHiddenSessions)
            #expect(await follower.state?.floor == start.activity.clock - SourceTime.hour)
            try await database.run("INSERT INTO t VALUES (40, clock_timestamp(), 'new')")
            #expect(try await follower.followKeys() == ["40"])
            try await database.run("GRANT pg_read_all_stats TO \(role)")
            #expect(try await source.startPass(mapping).activity.hasHiddenSessions == false)
            await source.close()
            try await database.run("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }

    @Test func `rows without a timestamp are followed in a stretch of their own`() async throws {
        let sql = """
            CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz, v text);
            INSERT INTO t SELECT i, CASE WHEN i % 2 = 0 THEN clock_timestamp() END, 'old' FROM generate_series(1, 10) i
            """
        try await withFollower(sql, rowLimit: 2) { database, follower in
            #expect(await follower.replica.count == 10)
            try await database.run(
                "UPDATE t SET v = 'new' WHERE id IN (1, 3, 5); INSERT INTO t VALUES (11, NULL, 'new'), (12, now(), 'new')"
            )
            try await database.settle()
            #expect(try await follower.followKeys() == ["12", "1", "3", "5", "11"])
            #expect(try await follower.follow().isEmpty)
        }
    }

    @Test func `a timestamp that may become NULL after the setup loses no row`() async throws {
        try await withFollower { database, follower in
            try await database.run(
                "ALTER TABLE t ALTER updated_at DROP NOT NULL; INSERT INTO t VALUES (50, NULL, 'unstamped')")
            do {
                try await follower.follow()
                #expect(await follower.replica[["50"]] != nil, "the row was left out without a word")
            } catch let error as ReplicationError {
                // Refusing the changed column is as good.
                #expect(error.code == .schemaMismatch)
            }
        }
    }

    /// Each type's stamp of now, as an application in the far west would write it where no zone is kept.
    @Test(arguments: [
        ("timestamp", "(clock_timestamp() AT TIME ZONE 'Etc/GMT+12')"),
        ("timestamp", "(clock_timestamp() AT TIME ZONE 'Etc/GMT-14')"),
        ("date", "(clock_timestamp() AT TIME ZONE 'Etc/GMT+12')::date"),
        ("bigint", "extract(epoch FROM clock_timestamp())::bigint"),
        ("integer", "extract(epoch FROM clock_timestamp())::int"),
        ("bigint", "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"),
        ("bigint", "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"),
        ("timestamptz(0)", "clock_timestamp()"),
    ])
    func `changes are found by a timestamp of any type`(type: String, now: String) async throws {
        let sql = """
            CREATE TABLE t (id int PRIMARY KEY, updated_at \(type) NOT NULL, v text);
            INSERT INTO t SELECT i, \(now), 'old' FROM generate_series(1, 5) i
            """
        try await withFollower(sql, rowLimit: 2) { database, follower in
            let late = try await database.session()
            try await late.execute("BEGIN; INSERT INTO t VALUES (6, \(now), 'late')")
            try await database.run("UPDATE t SET v = 'new', updated_at = \(now) WHERE id = 2")
            try await follower.follow()
            try await late.execute("COMMIT")
            try await database.settle()
            try await follower.follow()
            #expect(await follower.replica.count == 6)
            let replica = await follower.replica
            #expect(replica[["2"]]?[2] == "new" && replica[["6"]]?[2] == "late")
            #expect(try await follower.follow().isEmpty)
            await late.close()
        }
    }
}

import MySQLClient
import Replication
import SourceTesting
import Testing
import TestServers

@testable import SourceMySQL

/// Servers whose system zone is not UTC: the shared ones run in Asia/Kathmandu, at +05:45.
@Suite struct ZoneTests {
    @Test(arguments: MySQLServerKind.tested)
    func `readings are in UTC, whatever the server's zone`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            let offset = try await schema.run(
                "SELECT TIMESTAMPDIFF(MINUTE, '2026-01-01', CONVERT_TZ('2026-01-01', '+00:00', 'SYSTEM'))"
            ).firstValue
            #expect(offset == "345", "the scripts' servers run in Asia/Kathmandu")
            try await schema.run("CREATE TABLE t (id int PRIMARY KEY, updated_at timestamp(6) NOT NULL)")
            let open = try await schema.session()
            try await open.execute("START TRANSACTION")
            try await open.execute("INSERT INTO t VALUES (1, NOW(6))")
            let mapping = try await schema.mapping()
            try await schema.withSource { source in
                let before = try #require(
                    try await schema.run("SELECT UTC_TIMESTAMP(6)").firstValue.flatMap(SourceTime.init(parsing:)))
                let activity = try await source.startPass(mapping).activity
                let oldest = try #require(activity.oldestTransaction)
                #expect(abs(activity.clock.microseconds - before.microseconds) < 60 * SourceTime.second)
                #expect(
                    oldest <= activity.clock && before.microseconds - oldest.microseconds < 3600 * SourceTime.second)
                // Other tests read the list as well, and keep it from showing this one.
                if let newest = activity.newestTransaction { #expect(newest <= activity.clock + SourceTime.second) }
                let started = try #require(try await source.startPass(mapping).moment?.startedAt)
                #expect(
                    started < activity.clock
                        && activity.clock.microseconds - started.microseconds < 86_400 * SourceTime.second)
            }
            try await open.execute("ROLLBACK")
            await open.close()
        }
    }

    /// Stamps as applications write them where no zone is kept, those of TIMESTAMP columns by sessions of any zone.
    @Test(
        arguments: MySQLServerKind.tested,
        [
            ("timestamp(6)", "NOW(6)", "+05:45"), ("timestamp", "NOW()", "-08:00"),
            ("timestamp(3)", "NOW(3)", "SYSTEM"),
            ("datetime(6)", "NOW(6)", "-12:00"), ("datetime(6)", "NOW(6)", "+13:00"), ("datetime", "NOW()", "SYSTEM"),
            ("date", "CURRENT_DATE", "-12:00"), ("int unsigned", "UNIX_TIMESTAMP()", "+02:00"),
            ("bigint", "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS SIGNED)", "-08:00"),
            ("bigint", "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)", "SYSTEM"),
        ])
    func `changes are found by a stamp of any type and zone`(
        _ kind: MySQLServerKind, _ stamp: (type: String, now: String, zone: String)
    ) async throws {
        try await withSchema(kind) { schema in
            try await schema.run("SET SESSION time_zone = '\(stamp.zone)'")
            try await schema.run(
                "CREATE TABLE t (id int PRIMARY KEY, updated_at \(stamp.type) NOT NULL, v varchar(10), INDEX (updated_at))",
                "INSERT INTO t VALUES (1, \(stamp.now), 'old'), (2, \(stamp.now), 'old'), (3, \(stamp.now), 'old')")
            let follower = schema.follower(try await schema.mapping(), rowLimit: 2)
            try await follower.follow()
            let late = try await schema.session()
            try await late.execute("SET SESSION time_zone = '\(stamp.zone)'")
            try await late.execute("START TRANSACTION")
            try await late.execute("INSERT INTO t VALUES (4, \(stamp.now), 'late')")
            try await schema.run("UPDATE t SET v = 'new', updated_at = \(stamp.now) WHERE id = 2")
            #expect(try await follower.followKeys() == ["2"])
            try await late.execute("COMMIT")
            #expect(try await follower.followKeys() == ["4"])
            #expect(try await follower.follow().isEmpty)
            #expect(await follower.replica.values.map { $0[2] ?? "" }.sorted() == ["late", "new", "old", "old"])
            await late.close()
        }
    }

    /// An application in Berlin's winter, whose rows have no zone.
    @Test(arguments: MySQLServerKind.tested)
    func `the zone that stamps are kept in is measured from live rows`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            let now = "SYSDATE(6) + INTERVAL 2 HOUR"
            try await schema.run(
                "CREATE TABLE t (id int PRIMARY KEY, updated_at datetime(6) NOT NULL, v varchar(20), INDEX (updated_at))",
                "INSERT INTO t VALUES (0, \(now), 'old')")
            let follower = schema.follower(try await schema.mapping())
            try await follower.follow()
            for id in 1...4 {
                // A look that finds a new row is one that counts.
                try await schema.run("INSERT INTO t VALUES (\(id), \(now), 'new')")
                #expect(try await follower.followKeys() == ["\(id)"])
            }
            #expect(await follower.state?.keptZone?.measured == 2 * SourceTime.hour)
            // Only the hour for clock changes and the lookback are read again now.
            try await schema.run("INSERT INTO t VALUES (9, SYSDATE(6) - INTERVAL 5 HOUR, 'far back')")
            #expect(try await follower.follow().isEmpty)
            try await schema.run("INSERT INTO t VALUES (10, SYSDATE(6) + INTERVAL 65 MINUTE, 'an hour back')")
            #expect(try await follower.followKeys() == ["10"])
            await follower.sweep(every: 0)
            #expect(try await follower.followKeys().contains("9"))
        }
    }

    // MARK: Starts of transactions

    /// The statement with literal rows in the place of the server's list.
    private static func transactions(_ starts: [(start: String, thread: Int)]) -> String {
        let rows = starts.map {
            "SELECT TIMESTAMP '\($0.start)' AS trx_started, \($0.thread) AS trx_mysql_thread_id"
        }
        return MySQLActivityStatements.transactions.replacing(
            "information_schema.INNODB_TRX", with: "(\(rows.joined(separator: " UNION ALL "))) AS listed")
    }

    @Test(arguments: MySQLServerKind.tested)
    func `the oldest and newest start are told in UTC`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            let statement = Self.transactions([
                ("2026-06-01 12:00:00", 900_001), ("2026-06-01 11:59:59", 900_002),
                ("2026-06-01 12:30:00", 900_003),
            ])
            #expect(statement.contains("UNION ALL"))
            let row = try #require(try await schema.run(statement).rows.first)
            #expect(row == ["2026-06-01 06:14:59", "2026-06-01 06:45:00"])
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `without transactions there is no start`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            let none = MySQLActivityStatements.transactions.replacing(
                "trx_mysql_thread_id <> CONNECTION_ID()", with: "trx_mysql_thread_id < -1")
            let rows = try await schema.run(none).rows
            #expect(rows == [[nil, nil]])
        }
    }

    /// Berlin: 03:00 becomes 02:00 again on 2026-10-25, at 01:00 UTC.
    @Test(arguments: MySQLServerKind.tested)
    func `of two times that the end of summer time makes of one the earlier counts`(_ kind: MySQLServerKind)
        async throws
    {
        try await OwnMySQLServers.with { servers in
            let server = try await servers.start(kind, zone: "Europe/Berlin")
            for (local, utc) in [
                ("2026-10-25 02:30:00", "2026-10-25 00:30:00"), ("2026-10-25 02:00:00", "2026-10-25 00:00:00"),
                ("2026-10-25 02:59:59", "2026-10-25 00:59:59"),
                // Told once only.
                ("2026-10-25 01:59:59", "2026-10-24 23:59:59"), ("2026-10-25 03:00:00", "2026-10-25 02:00:00"),
                ("2026-03-29 01:59:59", "2026-03-29 00:59:59"), ("2026-03-29 03:00:00", "2026-03-29 01:00:00"),
                ("2026-07-01 12:00:00", "2026-07-01 10:00:00"), ("2026-12-01 12:00:00", "2026-12-01 11:00:00"),
            ] {
                let row = try await server.run(
                    "SET SESSION time_zone = '+00:00'", Self.transactions([(local, 900_001)])
                ).rows.first
                #expect(row == [utc, utc], "\(local)")
            }
        }
    }
}

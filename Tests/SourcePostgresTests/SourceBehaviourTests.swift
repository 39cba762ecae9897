import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// How the source behaves towards the server and towards changes of the table.
@Suite(.serialized) struct SourceBehaviourTests {
    private static let table =
        "CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now(), v varchar(10), w int); "
        + "INSERT INTO t SELECT i FROM generate_series(1, 3) i"

    @Test(arguments: [
        ("DROP COLUMN v", "tables set job/t --exclude v."), ("DROP COLUMN id", "tables add job public.t."),
        ("DROP COLUMN updated_at", "tables remove job/t --drop-replica"),
        ("ALTER w TYPE bigint", "tables set job/t --column w --type default"),
        ("ALTER updated_at DROP NOT NULL", "tables set job/t --column updated_at --type default"),
        ("DROP CONSTRAINT t_pkey, ALTER id DROP NOT NULL", "tables set job/t --primary-key"),
    ])
    func `a changed column is told with the command that takes the change over`(change: String, fix: String)
        async throws
    {
        try await TestDatabase.with { database in
            try await database.run(Self.table)
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                try await database.run("ALTER TABLE t \(change)")
                let error = await failure { _ = try await source.startPass(mapping) }
                #expect(error?.code == .schemaMismatch)
                #expect(error?.fix.contains(fix) == true, "\(error?.fix ?? "")")
            }
        }
    }

    @Test(arguments: [
        ("ALTER TABLE t DROP COLUMN v", ErrorCode.schemaMismatch, "column v is gone"),
        ("ALTER TABLE t RENAME COLUMN v TO x", .schemaMismatch, "column v is gone"),
        ("ALTER TABLE t ALTER w TYPE bigint", .schemaMismatch, "column w is now bigint, it was integer"),
        ("ALTER TABLE t ALTER v TYPE varchar(20)", .schemaMismatch, "column v is now character varying(20)"),
        ("DROP TABLE t", .sourceTableGone, "dropped or renamed"),
        ("ALTER TABLE t RENAME TO u", .sourceTableGone, "dropped or renamed"),
        ("ALTER SCHEMA public RENAME TO private", .sourceTableGone, "dropped or renamed"),
    ])
    func `a change of the table is an error of its own`(sql: String, code: ErrorCode, why: String) async throws {
        try await TestDatabase.with { database in
            try await database.run(Self.table)
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                try await database.run(sql)
                let error = await failure { _ = try await source.startPass(mapping) }
                #expect(error?.code == code && error?.isRetryable == false)
                #expect(error?.why.contains(why) == true, "\(error?.why ?? "")")
            }
        }
    }

    @Test func `a table that vanishes between the pass's start and its batch is gone`() async throws {
        try await TestDatabase.with { database in
            try await database.run(Self.table)
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                _ = try await source.startPass(mapping)
                try await database.run("DROP TABLE t")
                let error = await failure {
                    _ = try await source.batch(
                        BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 5))
                }
                #expect(error?.code == .sourceTableGone)
            }
        }
    }

    @Test func `a new column is no error`() async throws {
        try await TestDatabase.with { database in
            try await database.run(Self.table)
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                try await database.run("ALTER TABLE t ADD COLUMN extra text DEFAULT 'x'")
                let follower = TableFollower(source: source, mapping: mapping)
                #expect(try await follower.follow().allSatisfy { $0.count == 4 })
            }
        }
    }

    @Test func `a batch is one read-only snapshot, named in the server's list of sessions`() async throws {
        try await TestDatabase.with { database in
            // A view whose function writes: the transaction must refuse it.
            try await database.run(
                Self.table + "; CREATE TABLE written (a int); CREATE FUNCTION f() RETURNS int LANGUAGE sql VOLATILE "
                    + "AS 'INSERT INTO written VALUES (1) RETURNING a'; "
                    + "CREATE VIEW sly AS SELECT id, f() AS n FROM t")
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                let query = BatchQuery(
                    mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 50)
                let extent = try await source.openBatch(query)
                let session = try await database.run(
                    "SELECT state, application_name FROM pg_stat_activity WHERE datname = current_database() "
                        + "AND application_name = 'redshift-loader' AND pid <> pg_backend_pid()")
                #expect(session.rows == [["idle in transaction", "redshift-loader"]])
                // What happens meanwhile belongs to the next batch.
                try await database.run(
                    "INSERT INTO t SELECT i FROM generate_series(4, 9) i; DELETE FROM t WHERE id = 1")
                var rows = 0
                for try await chunk in try await source.rows(
                    query, extent: extent, format: BatchFormat(nullSentinel: "nil"))
                {
                    rows += chunk.rows
                }
                try await source.closeBatch()
                #expect(extent.rows == 3 && rows == 3)
                let sly = try await database.mapping("sly", updated: nil, source: source)
                let error = await failure {
                    _ = try await source.batch(
                        BatchQuery(mapping: sly, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 5))
                }
                #expect(error != nil)
                #expect(try await database.run("SELECT count(*) FROM written").firstValue == "0")
            }
        }
    }

    @Test func `a statement over its time is cancelled and may be tried again`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                Self.table + "; CREATE VIEW slow AS SELECT id, updated_at, pg_sleep(30)::text AS s FROM t")
            let source = try await PostgresSource.connect(to: database.endpoint, statementTimeout: .milliseconds(200))
            let mapping = try await database.mapping("slow", source: source)
            let query = BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 5)
            let error = await failure { _ = try await source.batch(query) }
            #expect(error?.code == .sourceTimeout && error?.isRetryable == true)
            await source.close()
        }
    }

    @Test func `a read that a standby cancels leaves a connection that can read again`() async throws {
        try await TestDatabase.with { database in
            // What a standby says, said by a function that is asked for a third row.
            try await database.run(
                Self.table + """
                    ; CREATE FUNCTION cancelled(id int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
                        IF id > 2 THEN RAISE EXCEPTION 'canceling statement due to conflict with recovery'
                            USING ERRCODE = '40001'; END IF;
                        RETURN 'fine'; END $$;
                    CREATE VIEW standby AS SELECT id, updated_at, cancelled(id::int) AS s FROM t
                    """)
            try await withSource(database) { source in
                let mapping = try await database.mapping("standby", source: source)
                let query = BatchQuery(
                    mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 5)
                let error = await failure { _ = try await source.batch(query) }
                #expect(error?.code == .sourceConflict && error?.isRetryable == true)
                try await source.closeBatch()
                try await database.run("DELETE FROM t WHERE id > 2")
                let (extent, _) = try await source.batch(query)
                #expect(extent.rows == 2)
            }
        }
    }

    @Test func `the readings name server, timeline, database and transaction numbers`() async throws {
        try await TestDatabase.with { database in
            try await database.run(Self.table)
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                let start = try await source.startPass(mapping)
                let system = try await database.run("SELECT system_identifier FROM pg_control_system()").firstValue
                #expect(start.identity.system == system && start.identity.database == database.endpoint.database)
                #expect(start.identity.timeline.wholeMatch(of: /[0-9A-F]{8}/) != nil)
                let horizon = try #require(start.horizon)
                #expect(horizon > 0 && horizon <= start.nextTransaction)
                #expect(!start.activity.isStandby && start.activity.replayedUpTo == nil)
                #expect(!start.activity.hasHiddenSessions && !start.activity.hasPreparedTransaction)
                let writer = try await database.session()
                try await writer.execute("BEGIN; INSERT INTO t VALUES (9)")
                let xid = try await writer.execute("SELECT pg_current_xact_id()").firstValue.flatMap { UInt64($0) }
                let later = try await source.startPass(mapping)
                #expect(later.identity == start.identity && (later.horizon ?? .max) <= (xid ?? 0))
                #expect(later.nextTransaction >= start.nextTransaction)
                #expect(later.activity.clock > start.activity.clock && later.activity.oldestTransaction != nil)
                await writer.close()
            }
        }
    }

    @Test func `a source that cannot be reached says so in the words of a source`() async throws {
        var endpoint = try TestServers.postgres()
        endpoint.password = PostgresPassword("CANARY")
        let wrong = endpoint
        let error = await failure { _ = try await PostgresSource.connect(to: wrong) }
        #expect(error?.code == .sourceAuthentication && error?.description.contains("CANARY") == false)
        endpoint.port = 1
        let refused = endpoint
        let other = await failure { _ = try await PostgresSource.connect(to: refused) }
        #expect(other?.code == .sourceUnreachable && other?.isRetryable == true)
    }

    @Test func `closing twice is fine, and the server has no session left`() async throws {
        try await TestDatabase.with { database in
            let source = try await database.source()
            #expect(try await source.probe().isStandby == false)
            await source.close()
            await source.close()
            let sessions =
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            let deadline = ContinuousClock.now + .seconds(20)
            var left: String?
            repeat {
                left = try await database.run(sessions).firstValue
            } while left != "0" && ContinuousClock.now < deadline
            #expect(left == "0")
        }
    }
}

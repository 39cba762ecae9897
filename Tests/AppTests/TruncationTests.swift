import Foundation
import PostgresClient
import TestServers
import Testing

/// Source tables that are truncated, rewritten, replaced and partitioned behind the loader's back, on a real PostgreSQL.
@Suite struct TruncationTests {
    static let schema = """
        CREATE TABLE t (id bigserial PRIMARY KEY, note text, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON t (updated_at);
        INSERT INTO t (note, updated_at) SELECT 'first', now() - interval '3 days' FROM generate_series(1, 200);
        CREATE TABLE log (id bigserial PRIMARY KEY, line text NOT NULL);
        INSERT INTO log (line) SELECT 'line ' || i FROM generate_series(1, 50) i
        """

    private func withLoaded(
        _ schema: String = schema, _ body: (LoaderSetup, TestDatabase, TestReplica) async throws -> Void
    ) async throws {
        try await withLoader { loader, source, replica in
            try await source.run(schema)
            _ = try await loader.addJob(schema: replica.schema)
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            for _ in 0..<2 { try await RestoreTests.expectSync(loader) }
            try await body(loader, source, replica)
        }
    }

    private func compareDue(_ loader: LoaderSetup, _ table: String) async throws -> String? {
        let status = try CommandTests.tables(try await loader.run("status", "job/\(table)", "--json").output)
        return (status.first?["compare_due"] as? [String: Any])?["reason"] as? String
    }

    @Test func `a table truncated and refilled with old keys and old stamps arrives whole`() async throws {
        try await withLoaded { loader, source, replica in
            try await source.run(
                """
                BEGIN;
                TRUNCATE t, log RESTART IDENTITY;
                INSERT INTO t (note, updated_at) SELECT 'refilled', now() - interval '5 days' FROM generate_series(1, 150);
                INSERT INTO log (line) SELECT 'refilled ' || i FROM generate_series(1, 60) i;
                COMMIT
                """)
            try await RestoreTests.expectSync(loader)
            let rows = try await replica.rows(
                "SELECT note, COUNT(*) FROM \(replica.schema).t GROUP BY note ORDER BY note")
            #expect(rows == [["first", "50"], ["refilled", "150"]], "what vanished stays, everything else is there")
            #expect(try await compareDue(loader, "t") == "truncated")
            // All keys of the shorter content are in the longer one: nothing vanished, and nobody is called.
            try await Judge.expectEqual(source, replica, tables: ["log"], loader.folder)
            #expect(try await compareDue(loader, "log") == nil)
            _ = try await loader.run("jobs", "activate", "job")
            let status = try await loader.run("status", "job")
            #expect(status.status == 1 && status.output.contains("✖ Compare due – needs you"), "\(status.output)")

            #expect(try await loader.run("tables", "resync", "job/t", "--recreate", "--yes").status == 0)
            try await RestoreTests.expectSync(loader, "job/t")
            try await Judge.expectEqual(source, replica, loader.folder)
            #expect(try await compareDue(loader, "t") == nil)
        }
    }

    @Test func `a table that stays empty says so, and its rows stay`() async throws {
        try await withLoaded { loader, source, replica in
            try await source.run("TRUNCATE t")
            try await RestoreTests.expectSync(loader)
            #expect(try await compareDue(loader, "t") == "truncated")
            #expect(try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).t") == [["200"]])
        }
    }

    static let rewrites = [
        "VACUUM FULL t", "CLUSTER t USING t_pkey", "VACUUM (FULL, FREEZE) t", "REINDEX TABLE t",
        "ALTER TABLE t ALTER COLUMN note TYPE varchar(20)", "ALTER TABLE t SET LOGGED",
        "ALTER TABLE t ADD COLUMN more float DEFAULT random()", "ALTER TABLE t SET UNLOGGED",
    ]

    @Test(arguments: rewrites)
    func `rewriting a table needs nobody, and loses nothing`(_ statement: String) async throws {
        try await withLoaded { loader, source, replica in
            try await source.run("UPDATE t SET note = 'before', updated_at = now() WHERE id <= 10")
            try await source.run(statement)
            try await source.run("UPDATE t SET note = 'after', updated_at = now() WHERE id > 190")
            let sync = try await loader.run("sync", "job/t", "--wait")
            if statement.contains("varchar") {
                // Another type is the loader's business to tell before anything is read.
                #expect(sync.everything.contains("has changed its columns"), "\(sync.everything)")
                _ = try await loader.run("tables", "set", "job/t", "--column", "note", "--type", "default")
                try await RestoreTests.expectSync(loader)
            } else {
                #expect(sync.status == 0, "\(sync.everything)")
            }
            let rows = try await replica.rows("SELECT id, note FROM \(replica.schema).t ORDER BY id")
            #expect(try await source.run("SELECT id, note FROM t ORDER BY id").rows == rows)
            #expect(try await compareDue(loader, "t") == nil)
        }
    }

    @Test func `another table under the same name is read whole, however old its rows`() async throws {
        try await withLoaded { loader, source, replica in
            try await source.run(
                """
                CREATE TABLE t_new (LIKE t INCLUDING ALL);
                INSERT INTO t_new (id, note, updated_at)
                    SELECT i, 'other', now() - interval '9 days' FROM generate_series(1, 100) i
                """)
            try await RestoreTests.expectSync(loader)
            try await source.run("ALTER TABLE t RENAME TO t_old; ALTER TABLE t_new RENAME TO t")
            try await RestoreTests.expectSync(loader)
            let rows = try await replica.rows("SELECT note, COUNT(*) FROM \(replica.schema).t GROUP BY note ORDER BY 1")
            #expect(rows == [["first", "100"], ["other", "100"]])
            #expect(try await compareDue(loader, "t") == "replaced")
        }
    }

    @Test func `rows of an attached partition arrive however old they are, new partitions are nothing special`()
        async throws
    {
        let schema = """
            CREATE TABLE p (id bigint, day date NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
            CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
            CREATE INDEX ON p (updated_at);
            INSERT INTO p SELECT i, '2026-01-05', now() - interval '3 days' FROM generate_series(1, 50) i;
            CREATE TABLE p2 (LIKE p INCLUDING ALL);
            INSERT INTO p2 SELECT i, '2026-02-05', now() - interval '9 days' FROM generate_series(100, 150) i
            """
        try await withLoader { loader, source, replica in
            try await source.run(schema)
            _ = try await loader.addJob(schema: replica.schema)
            let added = try await loader.run("tables", "add", "job", "p")
            #expect(added.status == 0, "\(added.everything)")
            for _ in 0..<2 { try await RestoreTests.expectSync(loader) }
            try await source.run("ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')")
            try await RestoreTests.expectSync(loader)
            try await Judge.expectEqual(source, replica, tables: ["p"], loader.folder)
            #expect(try await RestoreTests.notices(loader, "p").contains("partitions were attached"))
            try await source.run(
                """
                CREATE TABLE p3 PARTITION OF p FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
                INSERT INTO p SELECT i, '2026-03-05', now() - interval '9 days' FROM generate_series(200, 210) i
                """)
            try await RestoreTests.expectSync(loader)
            try await Judge.expectEqual(source, replica, tables: ["p"], loader.folder)
            try await source.run(
                "TRUNCATE p3; INSERT INTO p SELECT i, '2026-03-05', now() - interval '9 days' FROM generate_series(205, 220) i"
            )
            try await RestoreTests.expectSync(loader)
            let rows = try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).p WHERE id >= 205")
            #expect(rows == [["16"]])
            #expect(try await compareDue(loader, "p") == "truncated")
        }
    }

    /// A copy of the database stands for the server that took over: it lacks the last commits, and has others.
    @Test func `after a failover that lost commits all rows of the new server arrive, and a compare is due`()
        async throws
    {
        try await withLoaded { loader, source, replica in
            try await TestDatabase.with { copy in
                try await copy.run(Self.schema)
                try await source.run("INSERT INTO t (note) SELECT 'lost' FROM generate_series(1, 5)")
                try await RestoreTests.expectSync(loader)
                try await copy.run(
                    """
                    INSERT INTO t (note) SELECT 'new server' FROM generate_series(1, 3);
                    INSERT INTO log (line) VALUES ('new server')
                    """)
                var moved = loader
                moved.environment["TEST_SOURCE"] = copy.url
                try await RestoreTests.expectSync(moved)
                let rows = try await replica.rows(
                    "SELECT id, note FROM \(replica.schema).t WHERE id > 200 ORDER BY id")
                #expect(
                    rows == [
                        ["201", "new server"], ["202", "new server"], ["203", "new server"], ["204", "lost"],
                        ["205", "lost"],
                    ])
                #expect(try await compareDue(loader, "t") == "sourceChanged")
                #expect(try await moved.run("tables", "resync", "job/t", "--recreate", "--yes").status == 0)
                try await RestoreTests.expectSync(moved, "job/t")
                try await Judge.expectEqual(copy, replica, loader.folder)
                #expect(try await compareDue(loader, "t") == nil)
            }
        }
    }
}

import Foundation
import PostgresClient
import TestServers
import Testing

/// Jobs beside each other, and other people at the replica while it is loaded.
@Suite struct InterleavingTests {
    static let schema = """
        CREATE TABLE t (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, 'first ' || i FROM generate_series(1, 400) i;
        CREATE TABLE u (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON u (updated_at);
        INSERT INTO u SELECT i, 'first ' || i FROM generate_series(1, 400) i;
        CREATE TABLE full_copy (a int, b text);
        INSERT INTO full_copy SELECT i, 'row ' || i FROM generate_series(1, 50) i
        """

    private func addJob(_ loader: LoaderSetup, _ name: String, schema: String) async throws {
        let added = try await loader.run(
            "jobs", "add", name, "--source-url-env", "TEST_SOURCE", "--destination-url-env", "TEST_DESTINATION",
            "--destination-schema", schema)
        #expect(added.status == 0, "\(added.everything)")
    }

    // MARK: Jobs

    @Test func `two jobs load into one schema at once`() async throws {
        try await withLoader(more: ["IMPORT_ROW_LIMIT": "70"]) { loader, source, replica in
            try await source.run(Self.schema)
            for (job, table) in [("one", "t"), ("two", "u")] {
                try await addJob(loader, job, schema: replica.schema)
                let added = try await loader.run("tables", "add", job, table)
                #expect(added.status == 0, "\(added.everything)")
            }
            for round in 1...3 {
                async let first = loader.run("sync", "one", "--wait")
                async let second = loader.run("sync", "two", "--wait")
                for sync in [try await first, try await second] { #expect(sync.status == 0, "\(sync.everything)") }
                try await source.run(
                    """
                    UPDATE t SET note = 'round \(round)', updated_at = now() WHERE id % \(round + 2) = 0;
                    UPDATE u SET note = 'round \(round)', updated_at = now() WHERE id % \(round + 3) = 0
                    """)
            }
            for job in ["one", "two"] { try await RestoreTests.expectSync(loader, job) }
            try await Judge.expectEqual(source, replica, tables: ["t", "u"], loader.folder)
        }
    }

    @Test func `one table in two jobs goes into two schemas, and never into one`() async throws {
        try await withLoader { loader, source, replica in
            try await TestReplica.with { second in
                try await source.run(Self.schema)
                try await addJob(loader, "one", schema: replica.schema)
                try await addJob(loader, "two", schema: second.schema)
                for job in ["one", "two"] { #expect(try await loader.run("jobs", "setup", job).status == 0) }
                async let first = loader.run("sync", "one", "--wait")
                async let other = loader.run("sync", "two", "--wait")
                for sync in [try await first, try await other] { #expect(sync.status == 0, "\(sync.everything)") }
                try await source.run("UPDATE t SET note = 'later', updated_at = now() WHERE id <= 20")
                for job in ["one", "two"] { try await RestoreTests.expectSync(loader, job) }
                try await Judge.expectEqual(source, replica, loader.folder)
                try await Judge.expectEqual(source, second, loader.folder)
                try await addJob(loader, "three", schema: replica.schema)
                let refused = try await loader.run("jobs", "setup", "three")
                #expect(refused.status == 78 && refused.errors.contains("already belongs to job one"))
            }
        }
    }

    // MARK: People at the replica

    /// A loaded job, and changes at the source that the next sync brings.
    private func withNews(_ body: (LoaderSetup, TestDatabase, TestReplica) async throws -> Void) async throws {
        try await withLoader(more: ["IMPORT_ROW_LIMIT": "100"]) { loader, source, replica in
            try await source.run(Self.schema)
            _ = try await loader.addJob(schema: replica.schema)
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            try await RestoreTests.expectSync(loader)
            try await source.run(
                """
                UPDATE t SET note = 'second ' || id, updated_at = now();
                INSERT INTO full_copy VALUES (51, 'new')
                """)
            try await body(loader, source, replica)
        }
    }

    /// Statements of a person's transaction that stays open until the load has come up against it, or went past.
    static let open = [
        "LOCK {t}", "SELECT COUNT(*) FROM {t}", "ALTER TABLE {t} ADD COLUMN mine INT",
        "ALTER TABLE {t} ADD COLUMN mine INT DEFAULT 7", "INSERT INTO {t} VALUES (100000, 'mine', SYSDATE)",
    ]

    @Test(arguments: open)
    func `a person's open transaction delays a load at most`(_ statement: String) async throws {
        try await withNews { loader, source, replica in
            let person = try await PostgresConnection.connect(to: replica.endpoint)
            try await person.execute("BEGIN")
            for table in ["t", "full_copy"] where table == "t" || statement.hasPrefix("SELECT") {
                try await person.execute(statement.replacing("{t}", with: "\(replica.schema).\(table)"))
            }
            let sync = try loader.start(["sync", "job/t", "job/u", "--wait"])
            async let result = sync.finish()
            // A reader holds no load up; the others do, until they end.
            if statement.hasPrefix("SELECT") {
                #expect(try await result.status == 0)
            } else {
                try await Self.waitUntilHeldUp("\(replica.schema).t", replica)
            }
            try await person.execute(statement.hasPrefix("INSERT") ? "ROLLBACK" : "COMMIT")
            await person.close()
            var ended = try await result
            // A conflict is told, and tried again.
            if ended.status == 1, ended.output.contains("E_DST_LOCKED") || ended.output.contains("E_LOCKED") {
                ended = try await loader.run("sync", "job", "--wait")
            }
            #expect(ended.status == 0, "\(ended.everything)")
            try await RestoreTests.expectSync(loader)
            let rows = try await replica.rows("SELECT id, note FROM \(replica.schema).t ORDER BY id")
            #expect(try await source.run("SELECT id, note FROM t ORDER BY id").rows == rows)
            try await Judge.expectEqual(source, replica, tables: ["u", "full_copy"], loader.folder)
        }
    }

    private static func waitUntilHeldUp(_ table: String, _ replica: TestReplica) async throws {
        let waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = '\(table)'::regclass"
        try await RestoreTests.until("a wait for \(table)") { try await replica.rows(waiting) != [["0"]] }
    }

    @Test func `a vacuum of the replica beside its load does no harm`() async throws {
        try await withNews { loader, source, replica in
            let sync = try loader.start(["sync", "job", "--wait"])
            for _ in 0..<10 { _ = try await replica.rows("VACUUM \(replica.schema).t") }
            let ended = try await sync.finish()
            #expect(ended.status == 0, "\(ended.everything)")
            try await Judge.expectEqual(source, replica, loader.folder)
        }
    }

    @Test func `a reader with an open transaction sees its rows through merge and swap`() async throws {
        try await withNews { loader, source, replica in
            let reader = try await PostgresConnection.connect(to: replica.endpoint)
            try await reader.execute("BEGIN")
            let query = "SELECT COUNT(*), MAX(note) FROM \(replica.schema).t WHERE note LIKE 'first%'"
            let before = try await reader.execute(query).rows
            // Merges do not wait for readers; a swap does, and gives up after a while.
            let merge = try await loader.run("sync", "job/t", "--wait")
            #expect(merge.status == 0, "\(merge.everything)")
            #expect(try await reader.execute(query).rows == before)
            try await reader.execute("SELECT COUNT(*) FROM \(replica.schema).full_copy")
            let swap = try await loader.run("sync", "job/full_copy", "--wait")
            #expect(swap.status == 1 && swap.everything.contains("is being read"), "\(swap.everything)")
            try await reader.execute("COMMIT")
            await reader.close()
            try await RestoreTests.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)
        }
    }

    @Test func `columns widened, added and vacuumed between two loads do no harm`() async throws {
        try await withNews { loader, source, replica in
            let table = "\(replica.schema).t"
            _ = try await replica.rows("VACUUM \(table)")
            _ = try await replica.rows("ALTER TABLE \(table) ADD COLUMN mine VARCHAR(10)")
            _ = try await replica.rows("ALTER TABLE \(table) ALTER COLUMN mine TYPE VARCHAR(300)")
            try await RestoreTests.expectSync(loader)
            try await source.run("UPDATE t SET note = 'third', updated_at = now() WHERE id < 50")
            _ = try await replica.rows("ANALYZE \(table)")
            try await RestoreTests.expectSync(loader)
            let rows = try await replica.rows("SELECT id, note FROM \(table) ORDER BY id")
            #expect(try await source.run("SELECT id, note FROM t ORDER BY id").rows == rows)
            // A column that rows cannot fill stops the table with a sentence.
            _ = try await replica.rows("ALTER TABLE \(table) DROP COLUMN note")
            try await source.run("UPDATE t SET note = 'fourth', updated_at = now() WHERE id < 50")
            let stopped = try await loader.run("sync", "job/t", "--wait")
            #expect(stopped.status == 1)
            let told = try await loader.run("sync", "job/t", "--wait")
            #expect(told.everything.contains("lacks columns"), "\(told.everything)")
        }
    }
}

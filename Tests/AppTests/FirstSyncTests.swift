import Foundation
import TestServers
import Testing

/// From nothing to an equal replica, by the commands alone.
@Suite struct FirstSyncTests {
    static let schema = """
        CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(50) NOT NULL,
          balance numeric(12,2), preferences jsonb, tags text[], vip boolean, note text,
          updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON customers (updated_at);
        CREATE TABLE "Order Lines" ("Order Id" int, line_no int, "select" text, weight double precision, raw bytea,
          born date, "Zeit" timestamp, updated_at timestamp, PRIMARY KEY ("Order Id", line_no));
        CREATE INDEX ON "Order Lines" (updated_at);
        CREATE TABLE empty_one (id uuid PRIMARY KEY, updated_at timestamptz NOT NULL);
        CREATE TABLE no_key (a int);
        CREATE TABLE schema_migrations (version text PRIMARY KEY);
        INSERT INTO customers (name, balance, preferences, tags, vip, note)
          SELECT 'Zoë "' || i || '"', i / 7.0, json_build_object('i', i, 't', E'a"b\\\\c'), array['x', NULL, 'y,' || i],
            i % 3 = 0, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN E'line\\nbreak\\r\\n' WHEN 3 THEN '日本 🙂'
            ELSE E'back\\\\slash, "quote"' END
          FROM generate_series(1, 2500) i;
        INSERT INTO "Order Lines" SELECT i / 3, i % 3, 'row ' || i, i / 3.0, decode(md5(i::text), 'hex'),
          date '2000-01-01' + i, timestamp '1999-12-31 23:59:59.123456' + i * interval '1 hour',
          CASE WHEN i % 4 = 0 THEN NULL ELSE now() AT TIME ZONE 'UTC' - i * interval '1 minute' END
          FROM generate_series(1, 1500) i;
        ANALYZE
        """

    @Test(arguments: ["true", "false", "auto"])
    func `discover, create and sync give an equal replica, and later changes follow`(viaS3: String) async throws {
        let environment = ["IMPORT_ROW_LIMIT": "700", "IMPORT_CHUNK_SIZE": "300", "COPY_VIA_S3": viaS3]
        try await withLoader(more: environment) { loader, source, replica in
            try await source.run(Self.schema)
            #expect(try await loader.addJob(schema: replica.schema).status == 0)
            let shown = try await loader.run("tables", "discover", "job")
            #expect(shown.status == 0)
            #expect(shown.output.contains("framework table"))
            #expect(try await replica.rows(Self.tableCount(replica)) == [["0"]], "discovery alone creates nothing")

            let created = try await loader.run("jobs", "setup", "job")
            #expect(created.status == 0, "\(created.everything)")
            let first = try await loader.run("sync", "job", "--wait")
            #expect(first.status == 0, "\(first.everything)")
            let tables = ["customers", "Order Lines:order lines", "empty_one", "no_key"]
            try await Judge.expectEqual(source, replica, tables: tables, loader.folder)

            try await source.run("UPDATE customers SET name = 'changed', updated_at = now() WHERE id % 10 = 0")
            try await source.run("INSERT INTO customers (name) SELECT 'new ' || i FROM generate_series(1, 900) i")
            try await source.run("UPDATE \"Order Lines\" SET \"select\" = 'x', updated_at = NULL WHERE line_no = 1")
            try await source.run("INSERT INTO empty_one SELECT gen_random_uuid(), now() FROM generate_series(1, 3)")
            let second = try await loader.run("sync", "job", "--wait")
            #expect(second.status == 0, "\(second.everything)")
            try await Judge.expectEqual(source, replica, tables: tables, loader.folder)
        }
    }

    @Test func `an idle table is left alone in the destination`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(Self.schema)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            // With a destination that cannot be reached, an idle pass still succeeds: it never asks it.
            var cut = loader
            cut.environment["TEST_DESTINATION"] = "redshift://nobody:x@127.0.0.1:1/dev"
            let idle = try await cut.run("sync", "job", "--wait")
            #expect(idle.status == 0, "\(idle.everything)")
            try await source.run("UPDATE customers SET note = 'y', updated_at = now() WHERE id = 1")
            #expect(try await cut.run("sync", "job/customers", "--wait").status == 1)
            #expect(try await loader.run("sync", "job/customers", "--wait").status == 0)
            try await Judge.expectEqual(source, replica, tables: ["customers"], loader.folder)
        }
    }

    @Test func `a row committed late, below what was already read, arrives`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(Self.schema)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("sync", "job/customers", "--wait").status == 0)
            let late = try await source.session()
            try await late.execute("BEGIN; INSERT INTO customers (name) VALUES ('late')")
            try await source.run("INSERT INTO customers (name) SELECT 'early ' || i FROM generate_series(1, 50) i")
            #expect(try await loader.run("sync", "job/customers", "--wait").status == 0)
            #expect(try await loader.run("sync", "job/customers", "--wait").status == 0)
            try await late.execute("COMMIT")
            await late.close()
            #expect(try await loader.run("sync", "job/customers", "--wait").status == 0)
            try await Judge.expectEqual(source, replica, tables: ["customers"], loader.folder)
        }
    }

    @Test func `a position set by hand goes on from there`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL);
                CREATE INDEX ON t (updated_at);
                INSERT INTO t SELECT i, timestamptz '2026-01-01 00:00Z' + i * interval '1 day' FROM generate_series(1, 100) i
                """)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            let set = try await loader.run("tables", "set", "job/t", "--max-updated-key", "2026-03-01 12:00:00")
            #expect(set.status == 0, "\(set.everything)")
            #expect(try await loader.run("sync", "job/t", "--wait").status == 0)
            // 2026-03-01 is day 59: days 60 to 100 lie above it, and nothing within the lookback of 10 minutes.
            let loaded = try await replica.rows("SELECT COUNT(*), MIN(id), MAX(id) FROM \(replica.schema).t")
            #expect(loaded == [["41", "60", "100"]])
        }
    }

    private static func tableCount(_ replica: TestReplica) -> String {
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '\(replica.schema)'"
    }
}

/// What people do to a replica by hand.
@Suite struct DroppedReplicaTests {
    @Test func `a replica dropped by hand is loaded again in full`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(FirstSyncTests.schema)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("sync", "job/customers", "--wait").status == 0)
            _ = try await replica.rows("DROP TABLE \(replica.schema).customers")
            try await source.run("INSERT INTO customers (name) VALUES ('after')")
            // A process looks at the replica before its first run of a table.
            let again = try await loader.run("sync", "job/customers", "--wait")
            #expect(again.status == 0, "\(again.everything)")
            try await Judge.expectEqual(source, replica, tables: ["customers"], loader.folder)
        }
    }
}

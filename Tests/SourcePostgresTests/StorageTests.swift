import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// The size of a table and its indexes, where PostgreSQL has more kinds than others.
@Suite struct StorageTests {
    private func storage(
        _ database: TestDatabase, _ table: String, mode: SyncMode = .updateAndInsert
    ) async throws -> TableStorage? {
        try await withSource(database) { source in
            let mapping = try await source.mapping(table, mode: mode)
            return try await source.startPass(mapping).storage
        }
    }

    @Test func `partitions add up, and their index is the partitioned table's`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL) PARTITION BY RANGE (id);
                CREATE TABLE one PARTITION OF t FOR VALUES FROM (0) TO (500);
                CREATE TABLE two PARTITION OF t FOR VALUES FROM (500) TO (1001);
                INSERT INTO t SELECT g, now() FROM generate_series(1, 1000) g
                """)
            let fresh = try #require(try await storage(database, "t"))
            try await database.run("ANALYZE")
            let analysed = try #require(try await storage(database, "t"))
            #expect(analysed.bytes == fresh.bytes, "a table that was never analysed is measured")
            let one = try #require(try await storage(database, "one"))
            #expect(one.bytes > 0 && one.bytes < analysed.bytes)
            let statement = try #require(analysed.indexStatement)
            #expect(statement == #"CREATE INDEX ON "public"."t" ("updated_at")"#)
            try await database.run(statement)
            #expect(try await storage(database, "t")?.isCursorIndexed == true)
        }
    }

    @Test func `long values count for a full copy alone, and an index that failed for nothing`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL, body text);
                ALTER TABLE t ALTER body SET STORAGE EXTERNAL;
                INSERT INTO t SELECT g, now(), repeat('x', 100000) FROM generate_series(1, 20) g
                """)
            try await database.run("ANALYZE t")
            let followed = try #require(try await storage(database, "t"))
            let copied = try #require(try await storage(database, "t", mode: .fullSync))
            #expect(followed.bytes < 100_000 && copied.bytes > 2_000_000)
            try await database.run(
                "CREATE INDEX broken ON t (updated_at); UPDATE pg_index SET indisvalid = false "
                    + "WHERE indexrelid = 'broken'::regclass")
            #expect(try await storage(database, "t")?.isCursorIndexed == false)
        }
    }

    @Test func `a materialized view has a size, a view has none`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL);
                INSERT INTO t SELECT g, now() FROM generate_series(1, 100) g;
                CREATE MATERIALIZED VIEW kept AS SELECT * FROM t;
                CREATE VIEW seen AS SELECT * FROM t
                """)
            #expect(try await storage(database, "kept", mode: .fullSync)?.bytes ?? 0 > 0)
            #expect(try await storage(database, "seen", mode: .fullSync) == nil)
        }
    }
}

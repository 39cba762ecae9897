import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// Whether a table was written to since the last time, at the cost of a scan.
@Suite(.serialized) struct ChangeTokenTests {
    private func token(_ source: PostgresSource, _ mapping: TableMapping) async throws -> String? {
        try await source.startPass(mapping).changeToken
    }

    private static let writes = [
        "INSERT INTO t VALUES (100, 'x', 'y')", "UPDATE t SET v = 'z' WHERE id = 1", "DELETE FROM t WHERE id = 2",
        "INSERT INTO t VALUES (1, 'x', 'y') ON CONFLICT (id) DO UPDATE SET v = 'w'",
        "COPY t FROM PROGRAM 'echo 200,x,y' (FORMAT csv)", "ALTER TABLE t ALTER v TYPE text USING upper(v)",
        "TRUNCATE t",
    ]

    @Test(arguments: [
        "CREATE TABLE t (id int PRIMARY KEY, v text, w text)",
        "CREATE TABLE t (id int PRIMARY KEY, v text, w text) PARTITION BY RANGE (id); "
            + "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (MINVALUE) TO (50) PARTITION BY HASH (id); "
            + "CREATE TABLE t1_0 PARTITION OF t1 FOR VALUES WITH (MODULUS 1, REMAINDER 0); "
            + "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (50) TO (MAXVALUE)",
    ])
    func `every write changes the token, and nothing else does`(definition: String) async throws {
        try await TestDatabase.with { database in
            try await database.run(definition + "; INSERT INTO t SELECT i, 'v', 'w' FROM generate_series(1, 20) i")
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source, mode: .fullSync)
                var known = try await token(source, mapping)
                #expect(known != nil)
                for write in Self.writes {
                    try await database.run(write)
                    let changed = try await token(source, mapping)
                    #expect(changed != known, "\(write)")
                    known = changed
                    for idle in [
                        "SELECT count(*) FROM t", "ANALYZE t", "VACUUM t", "CREATE TABLE IF NOT EXISTS o (a int)",
                    ] {
                        try await database.run(idle)
                    }
                    #expect(try await token(source, mapping) == known, "after \(write)")
                }
            }
        }
    }

    @Test func `partitions that come and go change the token`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                "CREATE TABLE t (id int, v text) PARTITION BY LIST (id); "
                    + "CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 (id int, v text)")
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", key: [], source: source, mode: .fullSync)
                let one = try await token(source, mapping)
                try await database.run("ALTER TABLE t ATTACH PARTITION t2 FOR VALUES IN (2)")
                let two = try await token(source, mapping)
                try await database.run("ALTER TABLE t DETACH PARTITION t1")
                let three = try await token(source, mapping)
                #expect(Set([one, two, three]).count == 3 && one != nil)
                // What another server counts shows here not at all.
                try await database.run(
                    "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing; "
                        + "CREATE FOREIGN TABLE t3 PARTITION OF t FOR VALUES IN (3) SERVER nowhere")
                #expect(try await token(source, mapping) == nil)
            }
        }
    }

    @Test func `views and foreign tables have none, materialized views change by a refresh`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t; "
                    + "CREATE MATERIALIZED VIEW m AS SELECT * FROM t; CREATE FOREIGN DATA WRAPPER nothing; "
                    + "CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing; CREATE FOREIGN TABLE f (id int) SERVER nowhere"
            )
            try await withSource(database) { source in
                for name in ["v", "f"] {
                    let mapping = try await database.mapping(name, source: source, mode: .fullSync)
                    let start = try await source.startPass(mapping)
                    #expect(start.changeToken == nil && start.horizon == nil, "\(name)")
                }
                let mapping = try await database.mapping("m", source: source, mode: .fullSync)
                let before = try await token(source, mapping)
                try await database.run("REFRESH MATERIALIZED VIEW m")
                #expect(try await token(source, mapping) != before)
            }
        }
    }

    /// As a pool of connections does: the server's own counters would lag behind for as long as the session is idle.
    @Test func `a write of a session that goes on is seen at once`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (id int PRIMARY KEY)")
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source, mode: .fullSync)
                let writer = try await database.session()
                var seen: Set<String?> = [try await token(source, mapping)]
                for id in 1...20 {
                    try await writer.execute("INSERT INTO t VALUES (\(id))")
                    seen.insert(try await token(source, mapping))
                }
                try await writer.execute("BEGIN; DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1); COMMIT")
                seen.insert(try await token(source, mapping))
                await writer.close()
                #expect(seen.count == 22)
            }
        }
    }

    @Test func `other modes have none`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (id int PRIMARY KEY)")
            try await withSource(database) { source in
                let following = try await database.mapping("t", updated: nil, source: source)
                #expect(try await source.startPass(following).changeToken == nil)
            }
        }
    }
}

import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// Sweeps by blocks, and transactions that are left out, on a real server.
@Suite(.serialized) struct SweepScanTests {
    private static let table = """
        CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz, v text) WITH (autovacuum_enabled = off);
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, clock_timestamp() - interval '1 day', repeat('old', 30) FROM generate_series(1, 3000) i
        """
    private static let partitioned = """
        CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz, v text) PARTITION BY RANGE (id);
        CREATE TABLE a PARTITION OF t FOR VALUES FROM (0) TO (1000);
        CREATE TABLE b PARTITION OF t FOR VALUES FROM (1000) TO (9000);
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, clock_timestamp() - interval '1 day', repeat('old', 30) FROM generate_series(1, 3000) i
        """

    private func withSource(
        _ sql: String, _ body: (TestDatabase, PostgresSource, TableMapping) async throws -> Void
    ) async throws {
        try await TestDatabase.with { database in
            try await database.run(sql)
            let source = try await database.source()
            let mapping = try await database.mapping("t", source: source)
            try await body(database, source, mapping)
            await source.close()
        }
    }

    /// All batches of a sweep.
    /// - Parameter meanwhile: Done between two batches.
    /// - Returns: The keys read, and how many batches it took.
    private func sweep(
        _ source: PostgresSource, _ mapping: TableMapping, from horizon: UInt64?, rowLimit: Int = 1000,
        meanwhile: (Int) async throws -> Void = { _ in }
    ) async throws -> (keys: [Int], batches: Int) {
        var keys: [Int] = []
        var place: String?
        var batches = 0
        repeat {
            let query = BatchQuery(
                mapping: mapping, scan: .places(from: place), floor: nil, horizon: horizon, rowLimit: rowLimit)
            let (extent, rows) = try await source.batch(query)
            #expect(extent.rows == rows.count && rows.count <= rowLimit)
            keys += rows.compactMap { $0.first??.description }.compactMap { Int($0) }
            place = extent.nextPlace
            batches += 1
            try await meanwhile(batches)
        } while place != nil && batches < 500
        return (keys, batches)
    }

    @Test(arguments: [table, partitioned])
    func `a sweep reads each row once, in batches under the row limit`(sql: String) async throws {
        try await withSource(sql) { _, source, mapping in
            let start = try await source.startPass(mapping)
            #expect(start.sweepsByPlaces)
            let all = try await sweep(source, mapping, from: nil)
            #expect(all.keys.sorted() == Array(1...3000) && all.batches > 3)
            let one = try await sweep(source, mapping, from: nil, rowLimit: 100_000)
            #expect(one.keys.sorted() == Array(1...3000) && one.batches == 1)
        }
    }

    @Test(arguments: [table, partitioned])
    func `rows with old stamps are found by what wrote them`(sql: String) async throws {
        try await withSource(sql) { database, source, mapping in
            try await database.settle()
            let horizon = try await source.startPass(mapping).horizon
            try await database.run(
                "UPDATE t SET v = 'new' WHERE id IN (7, 2500); INSERT INTO t VALUES (4000, '2001-01-01', 'import')")
            let found = try await sweep(source, mapping, from: horizon)
            #expect(found.keys.sorted() == [7, 2500, 4000] && found.batches == 1)
            try await database.settle()
            #expect(try await sweep(source, mapping, from: try await source.startPass(mapping).horizon).keys.isEmpty)
        }
    }

    @Test(arguments: ["VACUUM FULL t", "CLUSTER t USING t_pkey", "ALTER TABLE t ALTER v TYPE varchar(500)"])
    func `a table that is rewritten in the midst of a sweep is swept from its beginning`(rewrite: String) async throws {
        try await withSource(Self.table) { database, source, mapping in
            // Half of the rows move to the end, so that a rewrite moves others.
            try await database.run("UPDATE t SET v = repeat('new', 40) WHERE id <= 1500")
            let found = try await sweep(source, mapping, from: nil) { batch in
                if batch == 2 { try await database.run(rewrite) }
            }
            #expect(Set(found.keys) == Set(1...3000))
            #expect(found.keys.count > 3000, "the first rows came twice")
        }
    }

    /// A transaction that is open throughout, elsewhere.
    private func withLongTransaction(
        _ database: TestDatabase, _ body: () async throws -> Void
    ) async throws {
        try await database.run("CREATE TABLE elsewhere (id int)")
        let long = try await database.session()
        try await long.execute("BEGIN; INSERT INTO elsewhere VALUES (1)")
        try await body()
        try await long.execute("COMMIT")
        await long.close()
    }

    @Test(arguments: [true, false])
    func `what was read under a long transaction elsewhere is not read again`(sweeps: Bool) async throws {
        try await withSource(Self.table) { database, source, mapping in
            let follower = TableFollower(source: source, mapping: mapping, rowLimit: 10_000, sweeps: sweeps)
            try await database.settle()
            try await follower.follow()
            try await withLongTransaction(database) {
                try await database.run(
                    "UPDATE t SET v = 'new', updated_at = clock_timestamp() WHERE id = 3; "
                        + "UPDATE t SET v = 'new', updated_at = NULL WHERE id = 4")
                #expect(Set(try await follower.followKeys()) == ["3", "4"])
                for _ in 0..<3 { #expect(try await follower.followKeys() == []) }
                try await database.run("UPDATE t SET v = 'newer', updated_at = clock_timestamp() WHERE id = 3")
                #expect(try await follower.followKeys() == ["3"])
                #expect(try await follower.followKeys() == [])
            }
            try await database.run("UPDATE t SET v = 'last', updated_at = clock_timestamp() WHERE id = 3")
            #expect(try await follower.followKeys().contains("3"))
            let rows = try await database.run("SELECT id, v FROM t ORDER BY id").rows
            let held = await follower.replica.values.map { [$0[0], $0[2]] }
            #expect(held.sorted { Int($0[0] ?? "") ?? 0 < Int($1[0] ?? "") ?? 0 } == rows)
        }
    }
}

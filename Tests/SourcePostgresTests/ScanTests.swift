import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

@Suite(.serialized) struct ScanTests {
    private func query(
        _ mapping: TableMapping, _ scan: BatchScan, floor: SourceTime? = nil, horizon: UInt64? = nil, limit: Int = 40
    ) -> BatchQuery {
        BatchQuery(
            mapping: mapping, scan: scan, floor: floor.map { .time($0) }, horizon: horizon, rowLimit: limit)
    }

    /// Every scan over random rows, batch by batch: what is measured is what comes, and together it is the table.
    @Test(arguments: [1, 7, 40, 1000])
    func `measured rows are copied rows, in all scans of random data`(rowLimit: Int) async throws {
        try await TestDatabase.with { database in
            let seed = Double.random(in: -1...1)
            try await database.run("SELECT setseed(\(seed))")
            try await database.run(
                """
                CREATE TABLE t (a int, b text COLLATE "C", updated_at timestamptz, v text, PRIMARY KEY (a, b));
                INSERT INTO t SELECT (random() * 8)::int, md5(i::text),
                  CASE WHEN random() < 0.8 THEN '2026-11-22'::timestamptz + (random() * 12)::int * interval '1 h' END,
                  CASE WHEN random() < 0.8 THEN repeat(E'x",\\n', (random() * 50)::int) END FROM generate_series(1, 150) i
                """)
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", key: ["a", "b"], source: source)
                let all = try await read(source, mapping, rowLimit) { .byKey(after: $0?.key) }
                let stamped = try await read(source, mapping, rowLimit) { .changes(after: $0) }
                let unstamped = try await read(source, mapping, rowLimit) { .unstamped(after: $0?.key) }
                let columns = "a::text, b, to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || '+00', v"
                let expected = try await database.run("SELECT \(columns) FROM t ORDER BY a, b").rows
                #expect(all.sorted(by: Self.byKey) == expected.sorted(by: Self.byKey), "seed \(seed)")
                #expect((stamped + unstamped).sorted(by: Self.byKey) == expected.sorted(by: Self.byKey), "seed \(seed)")
                #expect(unstamped.allSatisfy { $0[2] == nil } && stamped.allSatisfy { $0[2] != nil })
            }
        }
    }

    private static func byKey(_ left: [String?], _ right: [String?]) -> Bool {
        (left[0] ?? "", left[1] ?? "") < (right[0] ?? "", right[1] ?? "")
    }

    private func read(
        _ source: PostgresSource, _ mapping: TableMapping, _ rowLimit: Int, _ scan: (CursorPosition?) -> BatchScan
    ) async throws -> [[String?]] {
        var rows: [[String?]] = []
        var last: CursorPosition?
        while true {
            let (extent, batch) = try await source.batch(query(mapping, scan(last), limit: rowLimit))
            #expect(extent.rows == batch.count)
            rows += batch
            guard extent.rows == rowLimit else { return rows }
            last = extent.last
        }
    }

    @Test func `an extent names the last row and the highest timestamp, an empty one nothing`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL); INSERT INTO t VALUES "
                    + "(1, '2026-11-22 12:00:00.25+00'), (2, '2026-11-22 14:00+00'), (3, '2026-11-22 13:00+00')")
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                let (byKey, _) = try await source.batch(query(mapping, .byKey(after: nil), limit: 3))
                #expect(
                    byKey
                        == BatchExtent(
                            rows: 3, last: CursorPosition(updated: "2026-11-22 13:00:00+00", key: ["3"]),
                            highestCursor: "2026-11-22 14:00:00+00"))
                let (changes, _) = try await source.batch(query(mapping, .changes(after: nil), limit: 2))
                #expect(changes.last == CursorPosition(updated: "2026-11-22 13:00:00+00", key: ["3"]))
                let (none, _) = try await source.batch(query(mapping, .byKey(after: ["3"])))
                #expect(none == BatchExtent(rows: 0, last: nil, highestCursor: nil))
            }
        }
    }

    /// The floor's text must be one that the server reads, however far back someone sets it.
    @Test(arguments: ["timestamptz", "timestamp", "date"])
    func `a floor before the year 1 reads everything`(type: String) async throws {
        try await TestDatabase.with { database in
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, updated_at \(type) NOT NULL); INSERT INTO t VALUES (1, '2026-11-22')"
            )
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                let start = try #require(SourceTime(parsing: "0001-01-01"))
                let floor = start - SourceTime.second * 600
                #expect(try await source.batch(query(mapping, .changes(after: nil), floor: floor)).1.count == 1)
            }
        }
    }

    @Test func `a view is read without transaction numbers`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now()); "
                    + "INSERT INTO t VALUES (1), (2); CREATE VIEW v AS SELECT * FROM t")
            try await withSource(database) { source in
                let mapping = try await database.mapping("v", source: source)
                #expect(try await source.startPass(mapping).horizon == nil)
                let follower = TableFollower(source: source, mapping: mapping)
                try await follower.follow()
                try await database.run("UPDATE t SET updated_at = clock_timestamp() WHERE id = 1")
                try await follower.follow()
                #expect(await follower.replica.count == 2)
            }
        }
    }

    @Test func `a row without a key is refused, wherever it lies`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                "CREATE TABLE t (id int, updated_at timestamptz NOT NULL); INSERT INTO t VALUES "
                    + "(1, '2026-11-22 12:00'), (NULL, '2026-11-22 13:00'), (3, '2026-11-22 14:00')")
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                let atEnd = await failure { _ = try await source.batch(query(mapping, .byKey(after: nil))) }
                #expect(atEnd?.code == .keyMissing)
            }
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                let within = await failure { _ = try await source.batch(query(mapping, .changes(after: nil))) }
                #expect(within?.code == .keyMissing)
            }
        }
    }
}

import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// Tables that grow by a sequential key, and databases that do not know their encoding.
@Suite(.serialized) struct CursorScanTests {
    private func query(
        _ mapping: TableMapping, _ scan: BatchScan, limit: Int = 40, highest: String? = nil
    ) -> BatchQuery {
        BatchQuery(mapping: mapping, scan: scan, floor: nil, horizon: nil, rowLimit: limit, highestCursor: highest)
    }

    /// A cursor's type, its values in its order, and one above all.
    private static let cursors: [(type: String, values: [String], above: String)] = [
        ("integer", ["-5", "9", "10"], "11"),
        ("bigint", ["-9223372036854775808", "0", "9223372036854775806"], "9223372036854775807"),
        (#"text COLLATE "C""#, ["", "Z", "a'\\b"], "ü"),
        (
            "uuid",
            [
                "00000000-0000-0000-0000-00000000000a", "0fffffff-0000-0000-0000-000000000000",
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ], "ffffffff-ffff-ffff-ffff-ffffffffffff"
        ),
        (
            "timestamp(3)", ["0044-03-15 12:00:00 BC", "2026-11-22 12:00:00", "2026-11-22 12:00:00.001"],
            "2026-11-22 12:00:01"
        ),
        ("date", ["2026-02-28", "2026-11-22", "2027-01-01"], "2027-01-02"),
        ("numeric(6,2)", ["-1.50", "2.00", "10.25"], "11.00"),
    ]

    @Test(arguments: cursors)
    func `the highest cursor value is told, whatever orders the scan`(type: String, values: [String], above: String)
        async throws
    {
        try await TestDatabase.with { database in
            // The key runs against the cursor.
            let rows = values.enumerated().map { "(\(9 - $0), \(CatalogStatements.literal($1)))" }
            try await database.run(
                "CREATE TABLE t (k int PRIMARY KEY, c \(type) NOT NULL UNIQUE); "
                    + "INSERT INTO t VALUES \(rows.joined(separator: ", "))")
            try await withSource(database) { source in
                let leading = try await database.mapping(
                    "t", key: ["k"], source: source, mode: .insertOnly, cursor: "c")
                let only = try await database.mapping("t", key: ["c"], source: source, mode: .insertOnly)
                let last = try #require(values.last)
                for scan in [BatchScan.byKey(after: nil), .changes(after: nil)] {
                    for mapping in [leading, only] {
                        let extent = try await source.batch(query(mapping, scan)).0
                        #expect(extent.highestCursor == last && extent.rows == values.count)
                        let known = try await source.batch(query(mapping, scan, highest: above)).0
                        #expect(known.highestCursor == above)
                        let lower = try await source.batch(query(mapping, scan, highest: values[0])).0
                        #expect(lower.highestCursor == last)
                    }
                }
                // A first chunk by key has seen the highest already, by cursor it has not.
                #expect(try await source.batch(query(leading, .byKey(after: nil), limit: 1)).0.highestCursor == last)
                #expect(
                    try await source.batch(query(leading, .changes(after: nil), limit: 1)).0.highestCursor == values[0])
            }
        }
    }

    @Test(arguments: ["bigserial", "uuid"])
    func `new rows are found by their key alone, late commits included`(type: String) async throws {
        try await TestDatabase.with { database in
            func value(_ number: Int) -> String {
                type == "uuid" ? "lpad('\(number)', 32, '0')::uuid" : "\(number)"
            }
            try await database.run(
                "CREATE TABLE t (id \(type) PRIMARY KEY, v text); "
                    + (1...5).map { "INSERT INTO t VALUES (\(value($0)), 'old')" }.joined(separator: "; "))
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source, mode: .insertOnly)
                let follower = TableFollower(source: source, mapping: mapping, rowLimit: 2)
                try await database.settle()
                try await follower.follow()
                #expect(await follower.replica.count == 5)
                let late = try await database.session()
                try await late.execute("BEGIN; INSERT INTO t VALUES (\(value(6)), 'late')")
                try await database.run("INSERT INTO t VALUES (\(value(7)), 'early'), (\(value(8)), 'early')")
                #expect(try await follower.follow().map(\.last) == ["early", "early"])
                try await late.execute("COMMIT")
                #expect(try await follower.follow().contains { $0.last == "late" })
                try await database.settle()
                try await follower.follow()
                #expect(try await follower.follow().isEmpty)
                #expect(await follower.replica.count == 8)
                await late.close()
            }
        }
    }

    // MARK: Text of an unknown encoding

    @Test func `bytes of a database without an encoding arrive as they are, and are not vouched for`() async throws {
        let options = "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        try await TestDatabase.with(options: options) { database in
            try await database.run(
                #"CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, E'caf\xe9'), (2, 'ü'), (3, NULL)"#
            )
            try await withSource(database, hashSalt: "s") { source in
                var mapping = try await database.mapping("t", updated: nil, source: source)
                let start = try await source.startPass(mapping)
                #expect(start.guaranteesUTF8 == false)
                let bytes = try await source.batchBytes(query(mapping, .byKey(after: nil))).1
                #expect(bytes == Array("1,caf".utf8) + [0xE9, 0x0A] + Array("2,ü\n3,nilSentinel\n".utf8))
                // hashlib.sha256(b"s" + b"caf\xe9"), and of the UTF-8 that the other value is.
                mapping.columns[1].treatment = .hashed
                let rows = try await source.batch(query(mapping, .byKey(after: nil))).1
                #expect(rows[0][1] == "7a82423f467b032c58f94d4b7a6b1934c6e7259e49d037a99613ad353ec2f847")
                #expect(rows[1][1]?.count == 64 && rows[2][1] == nil)
            }
        }
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (id int PRIMARY KEY)")
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", updated: nil, source: source)
                #expect(try await source.startPass(mapping).guaranteesUTF8)
            }
        }
    }
}

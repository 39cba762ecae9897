import MySQLClient
import Replication
import SourceTesting
import Testing
import TestServers

@testable import SourceMySQL

/// Sweeps by checksums over ranges of keys: they read what differs, and nothing else.
@Suite struct SweepTests {
    private static let old = "SYSDATE(6) - INTERVAL 1 DAY"

    /// A loaded table of rows 1 to `rows`, all below the window, in ranges of `rowLimit`.
    private func withFollower(
        _ kind: MySQLServerKind, _ key: KeyKind, rows: Int = 40, rowLimit: Int = 10,
        _ body: (TestSchema, TableFollower) async throws -> Void
    ) async throws {
        try await withSchema(kind) { schema in
            try await schema.run(key.table, key.insert(1...rows, stamp: Self.old, "old"))
            let follower = schema.follower(try await schema.mapping(key: key.names), rowLimit: rowLimit)
            #expect(try await follower.follow().count == rows)
            await follower.sweep(every: 0)
            try await body(schema, follower)
        }
    }

    /// What the sweeps of the last run read.
    private func swept(_ follower: TableFollower) async -> [Int] {
        numbers(
            await follower.steps.filter { if case .places = $0.query.scan { true } else { false } }.flatMap(\.rows))
    }

    @Test(arguments: MySQLServerKind.tested, KeyKind.all)
    func `ranges that did not change are not read`(_ kind: MySQLServerKind, _ key: KeyKind) async throws {
        try await withFollower(kind, key) { schema, follower in
            #expect(try await follower.follow().isEmpty)
            let before = try #require(await follower.state?.sweep?.sweptAt)
            #expect(try await follower.follow().isEmpty)
            let after = try #require(await follower.state?.sweep?.sweptAt)
            #expect(after > before)
            #expect(await follower.state?.completeUpTo == after)
            // A write that changes nothing is none.
            try await schema.run("UPDATE t SET v = 'old', updated_at = updated_at")
            #expect(try await follower.follow().isEmpty)
        }
    }

    @Test(arguments: MySQLServerKind.tested, KeyKind.all)
    func `a backdated row is found, and only its range is read`(_ kind: MySQLServerKind, _ key: KeyKind) async throws {
        try await withFollower(kind, key) { schema, follower in
            for (number, statement) in [
                (17, "UPDATE t SET v = 'changed', updated_at = updated_at WHERE n = 17"),
                (1, "UPDATE t SET updated_at = updated_at - INTERVAL 1 MICROSECOND WHERE n = 1"),
                (40, "UPDATE t SET v = NULL, updated_at = updated_at WHERE n = 40"),
                (50, key.insert([50], stamp: Self.old, "imported")),
            ] {
                try await schema.run(statement)
                let read = numbers(try await follower.follow())
                #expect(read.contains(number) && read.count <= 20, "\(statement): \(read)")
                #expect(try await content(follower) == content(schema))
                #expect(try await follower.follow().isEmpty)
            }
            // A deleted row changes its range, whose rows come again; the replica keeps it until a compare.
            try await schema.run("DELETE FROM t WHERE n = 25")
            #expect(try await numbers(follower.follow()).count <= 20)
            #expect(try await follower.follow().isEmpty)
        }
    }

    @Test(arguments: MySQLServerKind.tested, KeyKind.all)
    func `a row that was changed, handed out and set back to its old bytes is read again`(
        _ kind: MySQLServerKind, _ key: KeyKind
    ) async throws {
        try await withFollower(kind, key) { schema, follower in
            let stamps = Dictionary(
                uniqueKeysWithValues: try await schema.run("SELECT n, updated_at FROM t").rows.map {
                    ($0[0] ?? "", $0[1] ?? "")
                })
            for number in [1, 9, 10, 11, 25, 40] {
                await follower.sweep(every: .max)
                try await schema.run("UPDATE t SET v = 'changed', updated_at = SYSDATE(6) WHERE n = \(number)")
                #expect(try await numbers(follower.follow()) == [number])
                try await schema.run(
                    "UPDATE t SET v = 'old', updated_at = '\(stamps["\(number)"] ?? "")' WHERE n = \(number)")
                // It lies below the floor again.
                #expect(try await follower.follow().isEmpty)
                #expect(await content(follower)[number] == "changed")
                await follower.sweep(every: 0)
                try await follower.follow()
                #expect(await content(follower)[number] == "old", "\(number)")
            }
            #expect(try await follower.follow().isEmpty)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a row set back while the sweep is under way is found by the one after it`(_ kind: MySQLServerKind)
        async throws
    {
        let key = KeyKind.all[0]
        try await withFollower(kind, key) { schema, follower in
            let stamp = try #require(try await schema.run("SELECT updated_at FROM t WHERE n = 30").firstValue)
            // Changes make the sweep stop at each range.
            try await schema.run("UPDATE t SET v = 'backdated', updated_at = updated_at WHERE n IN (5, 15, 25, 35)")
            try await follower.follow(batches: 2)
            #expect(await follower.state?.sweep?.underWay != nil)
            await follower.sweep(every: .max)
            try await schema.run("UPDATE t SET v = 'changed', updated_at = SYSDATE(6) WHERE n = 30")
            try await follower.follow()
            try await schema.run("UPDATE t SET v = 'old', updated_at = '\(stamp)' WHERE n = 30")
            await follower.sweep(every: 0)
            try await follower.follow()
            try await follower.follow()
            #expect(try await content(follower) == content(schema))
        }
    }

    @Test(arguments: MySQLServerKind.tested, KeyKind.all)
    func `ranges split and grow with the table`(_ kind: MySQLServerKind, _ key: KeyKind) async throws {
        try await withFollower(kind, key, rows: 8, rowLimit: 4) { schema, follower in
            // Twice: below the window, and so large that no range holds them.
            for numbers in [Array(9...60), Array(61...90)] {
                try await schema.run(key.insert(numbers, stamp: Self.old, "imported"))
                try await follower.follow()
                #expect(try await content(follower) == content(schema))
                #expect(try await follower.follow().isEmpty)
            }
            let stored = try #require(await follower.memory)
            let memory = try #require(MySQLMemory(stored: stored))
            #expect(memory.ranges.ranges.count >= 90 / 8 && memory.ranges.ranges.last?.upper == nil)
            #expect(memory.ranges.ranges.allSatisfy { $0.sum != nil && $0.rows <= 8 })
            try await schema.run("UPDATE t SET v = 'changed', updated_at = updated_at WHERE n = 45")
            let read = numbers(try await follower.follow())
            #expect(read.contains(45) && read.count <= 8)
            try await schema.run("DELETE FROM t WHERE n > 4")
            try await follower.follow()
            #expect(try await follower.follow().isEmpty)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `without memory all ranges are read again, once`(_ kind: MySQLServerKind) async throws {
        try await withFollower(kind, KeyKind.all[3]) { schema, follower in
            await follower.forgetMemory()
            let read = numbers(try await follower.follow())
            #expect(read == Array(1...40))
            #expect(await swept(follower) == Array(1...40))
            #expect(try await follower.follow().isEmpty)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a sweep that was interrupted goes on where it was`(_ kind: MySQLServerKind) async throws {
        try await withFollower(kind, KeyKind.all[5]) { schema, follower in
            await follower.forgetMemory()
            var read: [Int] = []
            for _ in 1...12 {
                read += numbers(try await follower.follow(batches: 2))
                guard await follower.state?.sweep?.underWay != nil else { break }
                await follower.forgetMemory()
            }
            #expect(await follower.state?.sweep?.underWay == nil)
            #expect(Set(read) == Set(1...40))
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `long values count by their digests`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            try await schema.run("CREATE TABLE t (id int PRIMARY KEY, v longtext, w longblob, n int)")
            try await schema.run("INSERT INTO t VALUES (1, 'x', 'x', 1), (2, 'y', 'y', 2), (3, 'z', 'z', 3)")
            let follower = schema.follower(try await schema.mapping(updated: nil, mode: .insertOnly), sweepInterval: 0)
            try await follower.follow()
            for column in ["v", "w"] {
                for value in ["REPEAT('z', 5000000)", "CONCAT(REPEAT('z', 4999999), 'y')"] {
                    try await schema.run("UPDATE t SET \(column) = \(value) WHERE id = 1")
                    #expect(try await numbers(follower.follow()).contains(1), "\(value)")
                }
            }
        }
    }

    /// 20 × 60,000 bytes are more than this server puts together.
    @Test(arguments: MySQLServerKind.tested)
    func `rows too long to be put together are always read`(_ kind: MySQLServerKind) async throws {
        try await OwnMySQLServers.with { servers in
            let server = try await servers.start(kind, ["--max-allowed-packet=1M"])
            let names = (1...20).map { "c\($0)" }
            try await server.run(
                "CREATE DATABASE d",
                "CREATE TABLE d.t (id int PRIMARY KEY, \(names.map { "\($0) text" }.joined(separator: ", ")))",
                "INSERT INTO d.t (id) VALUES (1), (2), (3)",
                "UPDATE d.t SET \(names.map { "\($0) = REPEAT('x', 60000)" }.joined(separator: ", ")) WHERE id = 1")
            let endpoint = server.endpoint
            let mapping = try await withSource(endpoint) {
                try await $0.mapping(of: TableName(schema: "d", name: "t"), updated: nil, mode: .insertOnly)
            }
            let follower = TableFollower(mapping, sweepInterval: 0) { try await MySQLSource.connect(to: endpoint) }
            try await follower.follow()
            #expect(await follower.replica.count == 3)
            for value in ["y", "z"] {
                try await server.run("UPDATE d.t SET c20 = REPEAT('\(value)', 60000) WHERE id = 1")
                try await follower.follow()
                let replica = await follower.replica
                #expect(replica[["1"]]?[20]?.first == value.first)
            }
        }
    }
}

import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// What of a table leaves the source: filters, hashes, excluded columns.
@Suite(.serialized) struct CopyScopeTests {
    private func whole(_ mapping: TableMapping) -> BatchQuery {
        BatchQuery(mapping: mapping, scan: .whole, floor: nil, horizon: nil, rowLimit: .max)
    }

    // MARK: Filters

    private static let orders = """
        CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz, status text);
        INSERT INTO t SELECT i, CASE WHEN i % 4 > 0 THEN now() - interval '1 day' END,
          CASE i % 3 WHEN 0 THEN 'draft' WHEN 1 THEN 'sent' END FROM generate_series(1, 30) i
        """

    @Test(arguments: [
        ("status <> 'draft' OR status IS NULL -- drafts stay here", 20), ("t.status = 'sent' /* all */", 10),
        ("id IN (SELECT max(id) FROM t)", 1), ("status = ')' OR id < 3", 2), ("false", 0),
    ])
    func `only rows of the filter are read, in all scans`(filter: String, count: Int) async throws {
        try await TestDatabase.with { database in
            try await database.run(Self.orders)
            try await withSource(database) { source in
                var mapping = try await database.mapping("t", source: source)
                mapping.scope.filter = filter
                try await source.checkFilter(of: mapping)
                let expected = try await database.run("SELECT id FROM t WHERE (\(filter)\n) ORDER BY id").rows
                #expect(expected.count == count)
                let follower = TableFollower(source: source, mapping: mapping, rowLimit: 3)
                try await database.settle()
                try await follower.follow()
                #expect(await Set(follower.replica.keys.map { $0[0] }) == Set(expected.map { $0[0] }))
                #expect(await follower.replica.count == count)
                let rows = try await source.batch(whole(mapping)).1
                #expect(Set(rows.map { $0[0] }) == Set(expected.map { $0[0] }) && rows.count == count)
                #expect(try await source.count(mapping, from: nil, within: .seconds(20)) == count)
            }
        }
    }

    @Test func `a row that comes to fit the filter arrives with the next pass`() async throws {
        try await TestDatabase.with { database in
            try await database.run(Self.orders)
            try await withSource(database) { source in
                var mapping = try await database.mapping("t", source: source)
                mapping.scope.filter = "status = 'sent'"
                let follower = TableFollower(source: source, mapping: mapping)
                try await database.settle()
                try await follower.follow()
                try await database.run("UPDATE t SET status = 'sent', updated_at = now() WHERE id IN (3, 6)")
                try await database.run("UPDATE t SET status = 'draft', updated_at = now() WHERE id = 1")
                try await database.settle()
                #expect(try await follower.followKeys().sorted() == ["3", "6"])
            }
        }
    }

    @Test(arguments: [
        ("status =", "syntax error"), ("nope = 1", "column \"nope\" does not exist"),
        ("id", "argument of WHERE must be type boolean, not type integer"),
        ("", "syntax error"), ("count(*) > 1", "aggregate functions are not allowed in WHERE"),
        ("id = 'x'", "a value does not fit"), ("missing(id)", "function missing(integer) does not exist"),
        // Brackets that close those around the filter would let it out of them.
        ("true) OR (true", "syntax error"), ("true); DROP TABLE t; SELECT (true", "syntax error"),
        ("true], ARRAY[true", "syntax error"), ("true LIMIT 5", "syntax error"),
    ])
    func `a filter that is no condition is told in the server's words`(filter: String, why: String) async throws {
        try await TestDatabase.with { database in
            try await database.run(Self.orders)
            try await withSource(database) { source in
                var mapping = try await database.mapping("t", source: source)
                mapping.scope.filter = filter
                let error = await failure { try await source.checkFilter(of: mapping) }
                #expect(error?.code == .config && error?.isRetryable == false)
                #expect(
                    error?.what == "The filter of public.t cannot be used" && error?.fix.contains("--where") == true)
                #expect(error?.why.contains(why) == true, "\(error?.why ?? "")")
                // The connection goes on, and nothing was done to the table.
                mapping.scope.filter = "id > 0"
                try await source.checkFilter(of: mapping)
                #expect(try await source.batch(whole(mapping)).1.count == 30)
            }
        }
    }

    @Test(arguments: [
        ("10 / (id - 7) > 0", "division by zero"),
        ("note::int > 0", #"invalid input syntax for type integer: "…""#),
        (
            "(SELECT t2.id FROM t AS t2 WHERE t2.id > t.id) > 0",
            "more than one row returned by a subquery used as an expression"
        ),
    ])
    func `a filter that fails on a row is told with the row's value left out`(filter: String, why: String) async throws
    {
        try await TestDatabase.with { database in
            try await database.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now(), note text);
                INSERT INTO t (id, note) SELECT i, CASE i WHEN 7 THEN 'hush "x" hush' ELSE i::text END
                FROM generate_series(1, 30) i
                """)
            let scans: [BatchScan?] = [.whole, .byKey(after: nil), nil]
            for scan in scans {
                // A source of its own for each: the failure ends its transaction.
                try await withSource(database) { source in
                    var mapping = try await database.mapping("t", source: source)
                    mapping.scope.filter = filter
                    try await source.checkFilter(of: mapping)
                    let filtered = mapping
                    let error = await failure {
                        guard let scan else {
                            _ = try await source.count(filtered, from: nil, within: .seconds(20))
                            return
                        }
                        _ = try await source.batch(
                            BatchQuery(mapping: filtered, scan: scan, floor: nil, horizon: nil, rowLimit: 100))
                    }
                    #expect(error?.code == .config && error?.isRetryable == false)
                    #expect(error?.what == "The filter of public.t failed on a row" && error?.why == why)
                    #expect(
                        error?.fix.contains("tables set job/t --where") == true
                            && error?.fix.contains("--no-where") == true)
                    #expect(error?.description.contains("hush") == false)
                }
            }
        }
    }

    // MARK: Hashes

    /// Python: hashlib.sha256(("pepper'\\ü" + text).encode()).hexdigest()
    private static let hashes: [(type: String, value: String, hash: String?)] = [
        ("text", "NULL", nil), ("text", "''", "81611de09adb41f215d99915b5b174e50ebcdc6f93d0e49dc9b75369c33bd57e"),
        ("text", "'anna@example.com'", "ed413e668b9fe1952c050e4c134892bb81105f8fcfc4e5771acde126a0a1a5d4"),
        ("text", "'ANNA@example.com'", "08aaa8f5a84733636d7af6f45c83818cf4252f8d9a8d6c23b3a8a0b3bff0cdfc"),
        (
            "text", #"'it''s "q" ' || chr(92) || ' ü🚀'"#,
            "d63fefe833d1884e9aeeb64cf4deeb381535a4dceff6483c6ab71c78d850b250"
        ),
        ("character(5)", "'ab'", "5063c09b38f3975e40a16fb053f242c6865549d57e4df826584f17251faa3d2e"),
        ("integer", "42", "16a193b74140548d848977be56947c80afe1be654d6096427e8690728f965401"),
        ("numeric(5,2)", "-7.5", "cf416519defac41c39d1897f286c26936513bccbe176ddd773183b5a10b629b1"),
        ("boolean", "true", "d3c5fd5858cfea07dd9a9eb15e333806b2acd713b4778293801e27f6792ab7f0"),
        (
            "timestamptz", "'2026-07-01 12:00:00+02'",
            "b4cfbe70efbc76c2e97def4f4506e721676fe806a8c98e0a563424297b46f02b"
        ),
        ("jsonb", #"'{"a":1}'"#, "0559d0150adb74f28d51e1ff5e6cc19a868b209ccc7d22c615404338b4ae8eff"),
        ("bytea", #"decode('00ff41', 'hex')"#, "49cffda517201d7e2e852714ddd4f3f2d64806bffd495c466a3ee3df144ff5f6"),
        (
            "uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
            "a58484f30504a9a8296351e4bc1cc7e5fa0e34276877b9354fee78d4339cbad9"
        ),
    ]

    @Test func `a hash is SHA-256 of salt and text in hexadecimal digits, and NULL stays NULL`() async throws {
        try await TestDatabase.with { database in
            let columns = Self.hashes.enumerated().map { "c\($0) \($1.type)" }.joined(separator: ", ")
            let values = Self.hashes.map { "(\($0.value))::\($0.type)" }.joined(separator: ", ")
            try await database.run("CREATE TABLE t (id int PRIMARY KEY, \(columns)); INSERT INTO t SELECT 1, \(values)")
            try await withSource(database, hashSalt: #"pepper'\ü"#) { source in
                var mapping = try await database.mapping("t", source: source, mode: .fullSync)
                for index in mapping.columns.indices.dropFirst() {
                    mapping.columns[index].treatment = .hashed
                    mapping.columns[index].destinationType = .varchar(bytes: 64)
                }
                let rows = try await source.batch(whole(mapping)).1
                #expect(rows == [["1"] + Self.hashes.map(\.hash)])
            }
        }
    }

    // MARK: Columns

    /// A user who may read some columns only, and the mapping without the others.
    private func withReader(
        _ grants: String, _ body: (TestDatabase, PostgresSource, TableMapping) async throws -> Void
    ) async throws {
        try await TestDatabase.with { database in
            let role = freshName("reader")
            try await database.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now(), secret text, v text);
                INSERT INTO t SELECT i, now() - interval '1 day', 'hush', 'v' || i FROM generate_series(1, 5) i;
                CREATE ROLE \(role) LOGIN PASSWORD 'pw'; GRANT pg_read_all_stats TO \(role);
                GRANT SELECT (\(grants)) ON t TO \(role)
                """)
            let source = try await database.source(as: role, password: "pw")
            var mapping = try await database.mapping("t", source: source)
            mapping.columns.removeAll { $0.source.name == "secret" }
            mapping.scope.excludedColumns = ["secret"]
            do {
                try await body(database, source, mapping)
                await source.close()
            } catch {
                await source.close()
                throw error
            }
            try await database.run("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }

    @Test func `excluded columns are never asked for: SELECT on the others is enough`() async throws {
        try await withReader("id, updated_at, v") { database, source, mapping in
            let start = try await source.startPass(mapping)
            #expect(start.horizon == nil)
            let follower = TableFollower(source: source, mapping: mapping, rowLimit: 2)
            try await follower.follow()
            #expect(await follower.replica.count == 5)
            #expect(await follower.replica[["2"]]?.last == "v2")
            try await database.run("UPDATE t SET v = 'new', updated_at = now() WHERE id = 3")
            #expect(try await follower.followKeys().contains("3"))
            #expect(await follower.replica[["3"]]?.last == "new")
            var whole = mapping
            whole.mode = .fullSync
            whole.updatedKey = nil
            _ = try await source.startPass(whole)
            #expect(try await source.batch(self.whole(whole)).1.count == 5)
            #expect(try await source.count(mapping, from: nil, within: .seconds(20)) == 5)
            try await source.checkFilter(of: mapping)
            // The test of the test: the excluded column is out of reach.
            var all = mapping
            all.columns.append(try #require(try await source.describe(mapping.source).column("secret")).mapped)
            let error = await failure { _ = try await source.batch(self.whole(all)) }
            #expect(error?.code == .sourcePermission)
        }
    }

    @Test func `with SELECT on xmin too, such a user follows versions, and late commits are found`() async throws {
        try await withReader("id, updated_at, v, xmin") { database, source, mapping in
            #expect(try await source.startPass(mapping).horizon != nil)
            let follower = TableFollower(source: source, mapping: mapping)
            try await database.settle()
            try await follower.follow()
            #expect(try await follower.follow().isEmpty)
            let late = try await database.session()
            try await late.execute("BEGIN; INSERT INTO t VALUES (9, clock_timestamp(), 'hush', 'late')")
            try await follower.follow()
            try await late.execute("COMMIT")
            #expect(try await follower.followKeys() == ["9"])
            await late.close()
        }
    }

    // MARK: Counting

    @Test func `rows are counted above a floor, or not at all where that takes too long`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                Self.orders
                    + "; CREATE VIEW slow AS SELECT id, updated_at, pg_sleep(30)::text AS s FROM t WHERE id < 3; "
                    + "CREATE TABLE stamped (id int PRIMARY KEY, updated_at timestamptz NOT NULL); INSERT INTO stamped "
                    + "SELECT i, '2026-11-22 00:00+00'::timestamptz + i * interval '1 h' FROM generate_series(1, 20) i")
            try await withSource(database) { source in
                let stamped = try await database.mapping("stamped", source: source)
                let floor = try #require(SourceTime(parsing: "2026-11-22 10:00:00"))
                #expect(try await source.count(stamped, from: .time(floor), within: .seconds(20)) == 11)
                let byKey = try await database.mapping("t", source: source, mode: .insertOnly)
                #expect(try await source.count(byKey, from: .key("21"), within: .seconds(20)) == 10)
                #expect(try await source.count(byKey, from: nil, within: .seconds(20)) == 30)
                var slow = try await database.mapping("slow", source: source, mode: .fullSync)
                slow.scope.filter = "s IS NOT NULL"
                #expect(try await source.count(slow, from: nil, within: .milliseconds(200)) == nil)
                #expect(try await source.count(byKey, from: nil, within: .seconds(20)) == 30)
            }
        }
    }
}

extension SourceColumn {
    /// As it travels when nothing else is said.
    fileprivate var mapped: ColumnMapping {
        ColumnMapping(source: self, destinationName: name, destinationType: replicaType)
    }
}

import Replication
import SourceTesting
import Testing

/// What of a table leaves the source.
@Suite struct ScopeConformanceTests {
    private func fill(_ database: any SourceUnderTest) async throws {
        try await database.run(tableStatement(database.dialect, isNullable: true))
        let rows = (1...30).map { id in
            "(\(id), \(id % 4 > 0 ? database.dialect.ago(86_400) : "NULL"), "
                + "\(id % 3 == 0 ? "'draft'" : id % 3 == 1 ? "'sent'" : "NULL"), \(id))"
        }
        try await database.run("INSERT INTO t VALUES " + rows.joined(separator: ", "))
    }

    private func whole(_ mapping: TableMapping) -> BatchQuery {
        BatchQuery(mapping: mapping, scan: .whole, floor: nil, horizon: nil, rowLimit: .max)
    }

    @Test(
        arguments: SourceKind.tested,
        [
            ("v <> 'draft' OR v IS NULL -- drafts stay here", 20), ("t.v = 'sent' /* all */", 10),
            ("id IN (SELECT MAX(id) FROM t)", 1), ("v = ')' OR id < 3", 2), ("1 = 0", 0),
        ])
    func `only rows of the filter are read, in all scans`(_ kind: SourceKind, _ filter: (text: String, count: Int))
        async throws
    {
        try await withDatabase(kind) { database in
            try await fill(database)
            var mapping = try await database.mapping()
            mapping.scope.filter = filter.text
            let expected = Set(try await database.first("SELECT id FROM t WHERE (\(filter.text)\n)"))
            #expect(expected.count == filter.count)
            try await database.withSource { source in
                try await source.checkFilter(of: mapping)
                #expect(try await Set(source.batch(whole(mapping)).1.map { $0[0] }) == expected)
                #expect(try await source.count(mapping, from: nil, within: .seconds(60)) == filter.count)
            }
            let follower = database.follower(mapping, rowLimit: 3)
            try await follower.follow()
            #expect(await Set(follower.replica.keys.map { $0[0] }) == expected)
            // A row that comes to fit arrives as a change, one that no longer does is no news.
            try await database.run("UPDATE t SET v = 'other', updated_at = \(database.dialect.now) WHERE id IN (6, 7)")
            let fitting = Set(try await database.first("SELECT id FROM t WHERE id IN (6, 7) AND (\(filter.text)\n)"))
            #expect(try await Set(follower.followKeys()).intersection(["6", "7"]) == fitting)
        }
    }

    @Test(
        arguments: SourceKind.tested,
        [
            "v =", "nope = 1", "", "COUNT(*) > 1", "missing(id)", "id = 1 LIMIT 5", "1 = 1) OR (1 = 1",
            "1 = 1); DROP TABLE t; SELECT (1 = 1", "(id = 1", "id = 1)", "id = 'open", "id = 1 /* open",
            "id = 1, 2 = 2",
            "1 = 1 THEN 1 END OR CASE WHEN 1 = 1", "id IN (SELECT id FROM nowhere)",
            "1 = 1) UNION SELECT 1 FROM t WHERE (1 = 1",
            "1 = 1, 0), COALESCE((1 = 1", "1 = 1 GROUP BY id",
        ])
    func `what is no condition is refused in the server's words`(_ kind: SourceKind, _ filter: String) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            var mapping = try await database.mapping()
            mapping.scope.filter = filter
            try await database.withSource { source in
                let refused = mapping
                let error = await failure { try await source.checkFilter(of: refused) }
                #expect(error?.code == .config && error?.isRetryable == false)
                #expect(error?.what == "The filter of \(database.schema).t cannot be used")
                #expect(error?.fix.contains("--where") == true && error?.why.isEmpty == false)
                // The connection goes on, and nothing was done to the table.
                mapping.scope.filter = "id > 0"
                try await source.checkFilter(of: mapping)
                #expect(try await source.batch(whole(mapping)).1.count == 30)
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `excluded columns are never asked for`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            var mapping = try await database.mapping()
            mapping.columns.removeAll { $0.source.name == "v" }
            mapping.scope.excludedColumns = ["v"]
            // Were it asked for, the statement would fail.
            try await database.run("ALTER TABLE t DROP COLUMN v")
            let follower = database.follower(mapping, rowLimit: 7, sweepInterval: 0)
            let rows = try await follower.follow()
            #expect(await follower.replica.count == 30)
            #expect(rows.allSatisfy { $0.count == 3 })
        }
    }

    /// Python: hashlib.sha256(("pepper'\\ü" + text).encode()).hexdigest()
    private static let hashes: [(text: String, hash: String)] = [
        ("", "81611de09adb41f215d99915b5b174e50ebcdc6f93d0e49dc9b75369c33bd57e"),
        ("anna@example.com", "ed413e668b9fe1952c050e4c134892bb81105f8fcfc4e5771acde126a0a1a5d4"),
        ("ANNA@example.com", "08aaa8f5a84733636d7af6f45c83818cf4252f8d9a8d6c23b3a8a0b3bff0cdfc"),
        (#"it's "q" \ ü🚀"#, "d63fefe833d1884e9aeeb64cf4deeb381535a4dceff6483c6ab71c78d850b250"),
    ]

    @Test(arguments: SourceKind.tested)
    func `equal texts have equal hashes wherever they come from`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            let long = database.dialect.isPostgres ? "text" : "longtext"
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, a varchar(50), b char(50), c \(long), n int, d decimal(5,2))")
            for (id, text) in Self.hashes.map(\.text).enumerated() {
                let literal = database.dialect.text(text)
                try await database.run("INSERT INTO t VALUES (\(id), \(literal), \(literal), \(literal), 42, -7.5)")
            }
            try await database.run("INSERT INTO t (id) VALUES (99)")
            var mapping = try await database.mapping(updated: nil)
            for index in 1..<mapping.columns.count { mapping.columns[index].treatment = .hashed }
            let rows = try await database.withSource(hashSalt: #"pepper'\ü"#) { source in
                try await source.batch(
                    BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 100)
                ).1
            }
            let byKey = Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", Array($0.dropFirst())) })
            for (id, known) in Self.hashes.enumerated() {
                #expect(
                    byKey["\(id)"] == [
                        known.hash, known.hash, known.hash,
                        "16a193b74140548d848977be56947c80afe1be654d6096427e8690728f965401",
                        "cf416519defac41c39d1897f286c26936513bccbe176ddd773183b5a10b629b1",
                    ], "\(known.text)")
            }
            #expect(byKey["99"] == [nil, nil, nil, nil, nil])
        }
    }

    @Test(arguments: SourceKind.tested)
    func `a filter that fails on a row is told with the row's value left out`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            var mapping = try await database.mapping()
            mapping.scope.filter = "(SELECT t2.id FROM t AS t2 WHERE t2.id > t.id) > 0"
            try await database.withSource { source in
                try await source.checkFilter(of: mapping)
                let filtered = mapping
                let error = await failure { _ = try await source.batch(whole(filtered)) }
                #expect(error?.code == .config && error?.isRetryable == false, "\(error?.description ?? "")")
                #expect(error?.what == "The filter of \(database.schema).t failed on a row")
                #expect(error?.fix.contains("--where") == true && error?.fix.contains("--no-where") == true)
            }
        }
    }
}

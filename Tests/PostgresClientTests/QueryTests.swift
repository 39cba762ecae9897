import PostgresClient
import Testing
import TestServers

@Suite(.serialized) struct QueryTests {
    @Test func `values, NULL and UTF-8 come back as they are`() async throws {
        try await TestDatabase.with { database in
            let result = try await database.run(
                "SELECT 1 AS one, NULL AS nothing, '' AS empty, 'Grüße 日本 🚀 e\u{301}' AS \"Ü b\", 12.50::numeric(10,2) AS n"
            )
            #expect(result.rows == [["1", nil, "", "Grüße 日本 🚀 e\u{301}", "12.50"]])
            #expect(result.columns.map(\.name) == ["one", "nothing", "empty", "Ü b", "n"])
            #expect(result.columns.map(\.typeOID) == [23, 25, 25, 25, 1700])
            #expect(result.columns[4].typeModifier == (10 << 16) + 2 + 4)
            #expect(result.columns[0].typeSize == 4 && result.columns[3].typeSize < 0)
            #expect(result.commandTag == "SELECT 1" && result.firstValue == "1" && result.affectedRows == 1)
        }
    }

    @Test func `several statements give the last one's answer`() async throws {
        try await TestDatabase.with { database in
            let result = try await database.run(
                "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); SELECT a + 40 FROM t")
            #expect(result.rows == [["41"], ["42"]])
            let inserted = try await database.run("INSERT INTO t SELECT generate_series(1, 5)")
            #expect(inserted.affectedRows == 5 && inserted.rows.isEmpty && inserted.firstValue == nil)
            #expect(try await database.run("").rows.isEmpty)
        }
    }

    @Test func `an error names its statement's cause, and the connection goes on`() async throws {
        try await TestDatabase.with { database in
            let table = await failure { try await database.run("SELECT * FROM nowhere") }
            #expect(table?.code == .undefinedTable && table?.sqlState == "42P01" && table?.position == 15)
            let column = await failure { try await database.run("SELECT nothing") }
            #expect(column?.code == .undefinedColumn)
            let syntax = await failure { try await database.run("SELEKT") }
            #expect(syntax?.code == .syntax && syntax?.isRetryable == false)
            let answer = try await database.run("SELECT 1").firstValue
            #expect(answer == "1")
        }
    }

    @Test func `the text of an error never holds a row's value`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (a text); INSERT INTO t VALUES ('CANARY')")
            let error = await failure { try await database.run("SELECT a::int FROM t") }
            #expect(error?.code == .dataRejected)
            #expect(error?.description.contains("CANARY") == false, "\(error?.description ?? "")")
        }
    }

    @Test func `the state of the transaction is known`() async throws {
        try await TestDatabase.with { database in
            let connection = database.connection
            #expect(await connection.transactionStatus == .idle)
            try await database.run("BEGIN")
            #expect(await connection.transactionStatus == .inTransaction)
            _ = await failure { try await database.run("SELECT 1 / 0") }
            #expect(await connection.transactionStatus == .inFailedTransaction)
            try await database.run("ROLLBACK")
            #expect(await connection.transactionStatus == .idle)
            #expect(await connection.parameterStatus("client_encoding") == "UTF8")
            #expect(await connection.parameterStatus("no such thing") == nil)
        }
    }

    @Test func `notices are kept in order, and the oldest give way`() async throws {
        try await TestDatabase.with { database in
            _ = await database.connection.takeNotices()
            try await database.run(
                """
                DO $$ BEGIN RAISE NOTICE 'first' USING DETAIL = 'more', HINT = 'less';
                RAISE WARNING 'second' USING ERRCODE = '01008'; END $$
                """)
            let notices = await database.connection.takeNotices()
            #expect(notices.map(\.message) == ["first", "second"])
            #expect(notices.map(\.severity) == ["NOTICE", "WARNING"])
            #expect(notices.first?.detail == "more" && notices.first?.hint == "less")
            #expect(notices.last?.sqlState == "01008")
            #expect(await database.connection.takeNotices().isEmpty)
            try await database.run("DO $$ BEGIN FOR i IN 1..250 LOOP RAISE NOTICE '%', i; END LOOP; END $$")
            #expect(await database.connection.takeNotices().map(\.message) == (51...250).map(String.init))
        }
    }

    // MARK: Streams

    /// Everything that a streamed query gives, rows joined.
    private func events(
        of connection: PostgresConnection, _ sql: String, maximumBytes: Int
    ) async throws -> (columns: [[String]], rows: [[String?]], tags: [String], portions: Int) {
        var (columns, rows, tags, portions): ([[String]], [[String?]], [String], Int) = ([], [], [], 0)
        try await connection.beginQuery(sql)
        while let event = try await connection.nextQueryEvent(maximumBytes: maximumBytes) {
            switch event {
            case .columns(let found): columns.append(found.map(\.name))
            case .rows(let some):
                portions += 1
                rows += some.map { row in row.map { $0.map { String(decoding: $0, as: UTF8.self) } } }
            case .completed(let tag): tags.append(tag)
            }
        }
        return (columns, rows, tags, portions)
    }

    @Test func `a streamed query gives columns, rows in portions, and the tag`() async throws {
        try await TestDatabase.with { database in
            let streamed = try await events(
                of: database.connection,
                "SELECT i AS n, NULL AS x, repeat('é', 50) AS y FROM generate_series(1, 1000) i",
                maximumBytes: 4096)
            #expect(streamed.columns == [["n", "x", "y"]])
            #expect(
                streamed.rows.count == 1000 && streamed.rows.last == ["1000", nil, String(repeating: "é", count: 50)])
            #expect(streamed.rows.map(\.[0]) == (1...1000).map(String.init))
            #expect(streamed.tags == ["SELECT 1000"])
            #expect((25...40).contains(streamed.portions), "\(streamed.portions)")
            let answer = try await database.run("SELECT 1").firstValue
            #expect(answer == "1")
        }
    }

    @Test(arguments: [1, 1 << 20])
    func `several streamed statements each give their events`(maximumBytes: Int) async throws {
        try await TestDatabase.with { database in
            let streamed = try await events(
                of: database.connection,
                "SELECT 1 AS a; CREATE TABLE t (x int); SELECT 2 AS b WHERE false; SELECT 3 AS c UNION ALL SELECT 4",
                maximumBytes: maximumBytes)
            #expect(streamed.columns == [["a"], ["b"], ["c"]])
            #expect(streamed.rows == [["1"], ["3"], ["4"]])
            #expect(streamed.tags == ["SELECT 1", "CREATE TABLE", "SELECT 0", "SELECT 2"])
        }
    }

    @Test func `an error in the midst of a stream ends it, and the connection goes on`() async throws {
        try await TestDatabase.with { database in
            let error = await failure {
                _ = try await events(
                    of: database.connection, "SELECT 10 / (100 - i) FROM generate_series(1, 200) i", maximumBytes: 100)
            }
            #expect(error?.code == .dataRejected && error?.sqlState == "22012")
            let again = try await events(of: database.connection, "SELECT 7", maximumBytes: 100)
            #expect(again.rows == [["7"]] && again.columns.count == 1)
        }
    }
}

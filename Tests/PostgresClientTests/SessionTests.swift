import PostgresClient
import Testing
import TestServers

@Suite(.serialized) struct SessionTests {
    private static let kept = "SELECT count(*) FROM pg_prepared_statements"

    // MARK: Values

    @Test(
        arguments: [
            (.integer(0), 20, "0"), (.integer(.min), 20, "-9223372036854775808"),
            (.integer(.max), 20, "9223372036854775807"), (.integer(nil), 20, nil),
            (.real(0.1), 701, "0.1"), (.real(-0.0), 701, "-0"), (.real(.infinity), 701, "Infinity"),
            (.real(.nan), 701, "NaN"), (.real(.leastNonzeroMagnitude), 701, "5e-324"), (.real(nil), 701, nil),
            (.text(""), 25, ""), (.text(#"'"\$1;--"#), 25, #"'"\$1;--"#),
            (.text("Grüße 日本 🚀 e\u{301}\r\n\t"), 25, "Grüße 日本 🚀 e\u{301}\r\n\t"), (.text(nil), 25, nil),
            (.bytes([]), 17, #"\x"#), (.bytes([0, 1, 0x7F, 0x80, 0xFF, 0]), 17, #"\x00017f80ff00"#),
            (.bytes(nil), 17, nil),
        ] as [(PostgresParameter, UInt32, String?)])
    func `a value of every type comes back as it went`(
        value: PostgresParameter, type: UInt32, expected: String?
    ) async throws {
        try await TestDatabase.with { database in
            for isKept in [false, true] {
                let result = try await database.connection.withSession { session in
                    try session.execute("SELECT $1", [value], isKept: isKept)
                }
                #expect(result.rows == [[expected]] && result.columns.map(\.typeOID) == [type])
            }
        }
    }

    @Test func `values are stored in their columns, every byte and NULL among them`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (i int, r float8, t text, b bytea)")
            let insert = "INSERT INTO t VALUES ($1, $2, $3, $4)"
            let bytes = (0...255).map { UInt8($0) }
            let inserted = try await database.connection.withSession { session in
                try session.execute(insert, [.integer(7), .real(2.5), .text("it's"), .bytes(bytes)])
                return try session.execute(insert, [.integer(nil), .real(nil), .text(nil), .bytes(nil)])
            }
            #expect(inserted.affectedRows == 1 && inserted.rows.isEmpty)
            let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let rows = try await database.run("SELECT i, r, t, encode(b, 'hex') FROM t ORDER BY i").rows
            #expect(rows == [["7", "2.5", "it's", hex], [nil, nil, nil, nil]])
        }
    }

    @Test func `a large value comes whole, there and back`() async throws {
        try await TestDatabase.with { database in
            let text = String(repeating: "é", count: 5_000_000)
            let answer = try await database.connection.withSession { session in
                try session.execute("SELECT $1 || 'end'", [.text(text)]).firstValue
            }
            // As one truth: the report of a difference would take minutes.
            let isSame = answer == text + "end"
            #expect(isSame)
        }
    }

    @Test func `a text with U+0000 is refused, never cut short`() async throws {
        try await TestDatabase.with { database in
            let error = await failure {
                try await database.connection.withSession { session in
                    try session.execute("SELECT $1", [.text("a\u{0}b")])
                }
            }
            #expect(error?.code == .dataRejected)
        }
    }

    // MARK: Kept statements

    @Test func `a kept statement is prepared once, over sessions`() async throws {
        try await TestDatabase.with { database in
            for round in 0..<3 {
                let (answers, count) = try await database.connection.withSession { session in
                    let answers = try (Int64(1)...4).map { number in
                        try session.execute("SELECT $1 + 10", [.integer(number)], isKept: true).firstValue
                    }
                    return (answers, try session.execute(Self.kept).firstValue)
                }
                #expect(answers == ["11", "12", "13", "14"] && count == "1", "round \(round)")
            }
        }
    }

    @Test func `the same text with values of other types is another kept statement`() async throws {
        try await TestDatabase.with { database in
            let answers = try await database.connection.withSession { session in
                try [PostgresParameter.integer(1), .text("a"), .integer(2), .text("b")].map { value in
                    try session.execute("SELECT $1", [value], isKept: true).firstValue
                }
            }
            #expect(answers == ["1", "a", "2", "b"])
            #expect(try await database.run(Self.kept).firstValue == "2")
        }
    }

    @Test func `no more than 500 statements are kept, and further ones run all the same`() async throws {
        try await TestDatabase.with { database in
            let answers = try await database.connection.withSession { session in
                try (1...503).map { number in
                    try session.execute("SELECT \(number) + $1", [.integer(0)], isKept: true).firstValue
                }
            }
            let expected: [String?] = (1...503).map { String($0) }
            #expect(answers == expected)
            #expect(try await database.run(Self.kept).firstValue == "500")
        }
    }

    @Test(arguments: ["DEALLOCATE ALL", "DISCARD ALL"])
    func `a kept statement that the server has forgotten is prepared again`(forget: String) async throws {
        try await TestDatabase.with { database in
            let answers = try await database.connection.withSession { session in
                let first = try session.execute("SELECT $1", [.text("before")], isKept: true).firstValue
                try session.executeScript(forget)
                let second = try session.execute("SELECT $1", [.text("after")], isKept: true).firstValue
                return [first, second]
            }
            #expect(answers == ["before", "after"])
            #expect(try await database.run(Self.kept).firstValue == "1")
        }
    }

    @Test func `a forgotten statement fails its transaction, and the next one prepares it again`() async throws {
        try await TestDatabase.with { database in
            let connection = database.connection
            try await connection.withSession { session in
                try session.execute("SELECT 1", isKept: true)
                try session.execute("SELECT 2", isKept: true)
                try session.executeScript("DEALLOCATE ALL; BEGIN")
            }
            let error = await failure {
                try await connection.withSession { session in try session.execute("SELECT 1", isKept: true) }
            }
            #expect(error?.sqlState == "26000")
            #expect(await connection.transactionStatus == .inFailedTransaction)
            let answers = try await connection.withSession { session in
                try session.executeScript("ROLLBACK; BEGIN")
                let answers = [
                    try session.execute("SELECT 1", isKept: true).firstValue,
                    try session.execute("SELECT 2", isKept: true).firstValue,
                ]
                try session.executeScript("COMMIT")
                return answers
            }
            #expect(answers == ["1", "2"])
        }
    }

    // MARK: Bodies

    @Test func `statements of one body share a transaction that nobody sees before its end`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (a int8)")
            let writer = try await database.session()
            let inside = try await writer.withSession { session in
                try session.executeScript("BEGIN")
                for number in 1...3 { try session.execute("INSERT INTO t VALUES ($1)", [.integer(Int64(number))]) }
                return try session.execute("SELECT sum(a) FROM t").firstValue
            }
            #expect(inside == "6")
            #expect(await writer.transactionStatus == .inTransaction)
            #expect(try await database.run("SELECT count(*) FROM t").firstValue == "0")
            try await writer.withSession { session in try session.executeScript("COMMIT") }
            #expect(try await database.run("SELECT count(*) FROM t").firstValue == "3")
            await writer.close()
        }
    }

    @Test func `a script gives the last statement's answer`() async throws {
        try await TestDatabase.with { database in
            let result = try await database.connection.withSession { session in
                try session.executeScript("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); SELECT a + 40 FROM t")
            }
            #expect(result.rows == [["41"], ["42"]] && result.commandTag == "SELECT 2")
            let rows = try await database.connection.withSession { session in try session.executeScript("").rows }
            #expect(rows.isEmpty)
        }
    }

    @Test(
        arguments: [
            ("INSERT INTO child VALUES ($1, 1)", 1, .uniqueViolation, "23505"),
            ("INSERT INTO child VALUES (2, $1)", 9, .foreignKeyViolation, "23503"),
            ("INSERT INTO child VALUES (NULL, $1)", 1, .dataRejected, "23502"),
            ("SELECT $1 FROM nowhere", 1, .undefinedTable, "42P01"),
            ("SELEKT $1", 1, .syntax, "42601"),
        ] as [(String, Int64, PostgresError.Code, String)])
    func `a failing statement is classified, and the connection goes on after ROLLBACK`(
        sql: String, value: Int64, code: PostgresError.Code, state: String
    ) async throws {
        try await TestDatabase.with { database in
            try await database.run(
                """
                CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
                CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent); INSERT INTO child VALUES (1, 1)
                """)
            let connection = database.connection
            for isKept in [false, true] {
                try await connection.withSession { session in try session.executeScript("BEGIN") }
                let error = await failure {
                    try await connection.withSession { session in
                        try session.execute(sql, [.integer(value)], isKept: isKept)
                    }
                }
                #expect(error?.code == code && error?.sqlState == state && error?.isRetryable == false)
                #expect(await connection.transactionStatus == .inFailedTransaction)
                let answer = try await connection.withSession { session in
                    try session.executeScript("ROLLBACK")
                    return try session.execute("SELECT $1", [.text("goes on")]).firstValue
                }
                #expect(answer == "goes on")
            }
        }
    }

    @Test func `a body that catches a statement's error goes on`() async throws {
        try await TestDatabase.with { database in
            let answer = try await database.connection.withSession { session -> String? in
                do {
                    try session.execute("SELECT 1 / $1", [.integer(0)])
                    return "no error"
                } catch let error as PostgresError where error.sqlState == "22012" {
                    return try session.execute("SELECT 'caught'").firstValue
                }
            }
            #expect(answer == "caught")
        }
    }

    @Test func `the connection is as before for whole answers, streams and COPY`() async throws {
        try await TestDatabase.with { database in
            try await database.connection.withSession { session in try session.execute("SELECT 1", isKept: true) }
            #expect(try await database.run("SELECT 2").firstValue == "2")
            try await database.connection.beginCopyOut("COPY (SELECT generate_series(1, 1000)) TO STDOUT")
            let chunks = try await allChunks(of: database.connection, maximumBytes: 1 << 20)
            #expect(chunks.reduce(0) { $0 + $1.rows } == 1000)
        }
    }

    @Test func `a COPY in a session is misuse and ends the connection`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let error = await failure {
                try await session.withSession { session in try session.execute("COPY (SELECT 1) TO STDOUT") }
            }
            #expect(error?.code == .misuse)
            #expect(await !session.isUsable)
            await session.close()
        }
    }

    @Test func `a killed backend is a lost connection`() async throws {
        try await TestDatabase.with { database in
            let session = try await database.session()
            let pid = try #require(try await session.execute("SELECT pg_backend_pid()").firstValue)
            try await database.run("SELECT pg_terminate_backend(\(pid))")
            try await waitUntil(
                database.connection, "SELECT count(*) FROM pg_stat_activity WHERE pid = \(pid)", gives: "0")
            for _ in 0..<2 {
                let error = await failure {
                    try await session.withSession { session in try session.execute("SELECT 1") }
                }
                #expect(error?.code == .connectionLost && error?.isRetryable == true)
            }
            #expect(await !session.isUsable)
            await session.close()
        }
    }
}

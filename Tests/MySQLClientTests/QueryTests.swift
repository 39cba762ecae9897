import MySQLClient
import TestServers
import Testing

@Suite(.serialized) struct QueryTests {
    @Test(arguments: MySQLServerKind.tested)
    func `values, NULL, empty and UTF-8 come back as they are`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let result = try await schema.run(
                "SELECT 1 AS one, NULL AS nothing, '' AS blank, 'Grüße 日本 🚀 e\u{301}' AS `Ü b`, CAST(12.5 AS DECIMAL(10,2)) AS n"
            )
            #expect(result.rows == [["1", nil, "", "Grüße 日本 🚀 e\u{301}", "12.50"]])
            #expect(result.columns.map(\.name) == ["one", "nothing", "blank", "Ü b", "n"])
            #expect(result.firstValue == "1" && result.affectedRows == 1)
            let set = try await schema.run("SELECT @@character_set_client, @@character_set_results").rows
            #expect(set == [["utf8mb4", "utf8mb4"]])
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `columns tell type, sign, width and character set`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let columns = try await schema.run(
                "CREATE TABLE t (a bigint unsigned, b varchar(10), c varbinary(7), d decimal(12, 3), e datetime(6))",
                "SELECT * FROM t"
            ).columns
            #expect(columns.map(\.type) == [8, 253, 253, 246, 12])
            #expect(columns.map { $0.flags & 32 != 0 } == [true, false, false, false, false])
            #expect(columns[2].charset == 63 && columns[1].charset != 63)
            #expect(columns[2].length == 7 && columns[1].length == 40)
            #expect(columns[3].decimals == 3 && columns[4].decimals == 6)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `invalid UTF-8 is repaired in whole answers, and NUL is kept`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let result = try await schema.run("SELECT x'610062', x'61ff62'")
            #expect(result.rows == [["a\0b", "a\u{fffd}b"]])
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `changed rows are counted, and statements without rows give none`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await schema.run("CREATE TABLE t (a int)")
            let inserted = try await schema.run("INSERT INTO t VALUES (1), (2), (3)")
            #expect(inserted.affectedRows == 3 && inserted.rows.isEmpty && inserted.firstValue == nil)
            #expect(try await schema.run("SELECT a FROM t WHERE a > 9").rows.isEmpty)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a procedure's last answer is given, and its error thrown`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await schema.run(
                "CREATE PROCEDURE two() BEGIN SELECT 1; SELECT 2; END",
                "CREATE PROCEDURE fails() BEGIN SELECT 1; SELECT nothing; END")
            #expect(try await schema.run("CALL two()").rows == [["2"]])
            let error = await failure { try await schema.run("CALL fails()") }
            #expect(error?.code == .undefinedColumn)
            #expect(try await schema.run("SELECT 3").firstValue == "3")
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `only one statement goes in a string`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let error = await failure { try await schema.run("SELECT 1; SELECT 2") }
            #expect(error?.code == .syntax)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `an error names its statement's cause, and the connection goes on`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let causes: [(String, MySQLError.Code, UInt32, String)] = [
                ("SELECT * FROM nowhere", .undefinedTable, 1146, "42S02"),
                ("SELECT nothing", .undefinedColumn, 1054, "42S22"),
                ("SELEKT", .syntax, 1064, "42000"),
                ("SELECT @@no_such_variable", .undefinedObject, 1193, "HY000"),
                ("SELECT no_such_function(1)", .undefinedObject, 1305, "42000"),
                ("USE no_such_database", .missingDatabase, 1049, "42000"),
            ]
            for (sql, code, number, state) in causes {
                let error = await failure { try await schema.run(sql) }
                #expect(error?.code == code && error?.errno == number && error?.sqlState == state, "\(sql)")
                #expect(error?.isRetryable == false)
            }
            let answer = try await schema.run("SELECT 1").firstValue
            #expect(answer == "1")
            #expect(await schema.connection.isUsable)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a missing right is named`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await schema.run("CREATE TABLE t (a int)", "CREATE TABLE u (a int)")
            let limited = try await schema.user(grants: ["SELECT ON \(schema.name).u"]).endpoint
            let session = try await MySQLConnection.connect(to: limited)
            for sql in ["SELECT * FROM t", "CREATE TABLE v (a int)", "SELECT * FROM information_schema.innodb_trx"] {
                let error = await failure { try await session.execute(sql) }
                #expect(error?.code == .permission, "\(sql): \(error?.description ?? "")")
            }
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `the text of an error never holds a row's value`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await schema.run(
                "CREATE TABLE t (a varchar(9) PRIMARY KEY, b int, c date)", "INSERT INTO t VALUES ('CANARY', 1, NULL)")
            let refused = [
                "INSERT INTO t VALUES ('CANARY', 1, NULL)", "INSERT INTO t VALUES ('a', 'CANARY', NULL)",
                "INSERT INTO t VALUES ('b', 1, 'CANARY')", "INSERT INTO t VALUES ('CANARYCANARY', 1, NULL)",
                "SELECT FROM t WHERE a = 'CANARY'",
            ]
            for sql in refused {
                let error = await failure { try await schema.run(sql) }
                #expect(error?.code == (sql.hasPrefix("SELECT") ? .syntax : .dataRejected), "\(sql)")
                #expect(error?.description.contains("CANARY") == false, "\(error?.description ?? "")")
            }
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a lock waited for in vain and a deadlock are tried again`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await schema.run("CREATE TABLE t (a int PRIMARY KEY, b int)", "INSERT INTO t VALUES (1, 1), (2, 2)")
            let other = try await schema.session()
            try await schema.run("BEGIN", "UPDATE t SET b = 3 WHERE a = 1")
            try await other.execute("SET innodb_lock_wait_timeout = 1")
            let waited = await failure { try await other.execute("UPDATE t SET b = 4 WHERE a = 1") }
            #expect(waited?.code == .serialization && waited?.errno == 1205 && waited?.isRetryable == true)
            try await other.execute("SET innodb_lock_wait_timeout = 20")
            try await other.execute("BEGIN")
            try await other.execute("UPDATE t SET b = 4 WHERE a = 2")
            let errors = await withTaskGroup(of: MySQLError?.self) { group in
                for (session, key) in [(other, 1), (schema.connection, 2)] {
                    group.addTask {
                        do {
                            try await session.execute("UPDATE t SET b = 5 WHERE a = \(key)")
                            return nil
                        } catch { return error as? MySQLError }
                    }
                }
                return await group.reduce(into: [MySQLError]()) { if let error = $1 { $0.append(error) } }
            }
            #expect(errors.map(\.errno) == [1213] && errors.first?.code == .serialization)
            await other.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a table that changed under its snapshot is tried again`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await schema.run("CREATE TABLE t (a int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
            let reader = try await schema.session()
            try await reader.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            try await schema.run("ALTER TABLE t ADD b int, ALGORITHM = COPY")
            let error = await failure { try await reader.execute("SELECT * FROM t") }
            #expect(error?.errno == 1412 && error?.code == .serialization && error?.isRetryable == true)
            await reader.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a limit on a statement's time ends it by name`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            try await schema.run(
                kind == .mariadb ? "SET max_statement_time = 0.1" : "SET max_execution_time = 100")
            let error = await failure {
                try await schema.run("SELECT count(*) FROM numbers a JOIN numbers b WHERE a.n + b.n < 5")
            }
            #expect(error?.code == .cancelled && error?.errno == (kind == .mariadb ? 1969 : 3024))
            #expect(await schema.connection.isUsable)
        }
    }

    /// A server may answer any statement with the wish for one of the client's files.
    @Test(arguments: MySQLServerKind.tested)
    func `no server gets this machine's files`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await schema.run("CREATE TABLE t (a text)")
            await #expect(throws: MySQLError.self) {
                try await schema.run("LOAD DATA LOCAL INFILE '/etc/hosts' INTO TABLE t")
            }
            let rest = try await schema.session()
            #expect(try await rest.execute("SELECT count(*) FROM t").firstValue == "0")
            await rest.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `names and texts are quoted as the server reads them`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let text = #"a'b"c\d%_`e \' "# + "\n\t\u{1a}🚀"
            let name = "a`b'c\\d 🦆".replacing("🦆", with: "ü")
            let result = try await schema.run(
                "SELECT \(MySQLSQL.literal(text)) AS \(MySQLSQL.identifier(name)), \(MySQLSQL.literal(""))")
            #expect(result.rows == [[text, ""]] && result.columns.first?.name == name)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `the server's version and the program's name are known`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let connection = schema.connection
            let told = try await connection.execute("SELECT version(), connection_id()").rows
            #expect(told == [[connection.serverVersion, "\(connection.connectionID)"]])
            #expect(connection.serverVersion.contains("MariaDB") == (kind == .mariadb))
        }
    }
}

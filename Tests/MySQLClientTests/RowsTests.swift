import Foundation
import MySQLClient
import TestServers
import Testing

@Suite(.serialized) struct RowsTests {
    @Test(arguments: MySQLServerKind.tested, [1, 100, 4096, 1 << 20])
    func `chunks hold whole rows, all of them, in order, byte for byte`(
        kind: MySQLServerKind, maximumBytes: Int
    ) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            let columns = try await schema.connection.beginRows(
                "SELECT n, REPEAT('é', n % 97) AS v, NULL AS x FROM numbers WHERE n < 3000 ORDER BY n")
            #expect(columns.map(\.name) == ["n", "v", "x"])
            let chunks = try await allChunks(of: schema.connection, maximumBytes: maximumBytes)
            let expected = (0..<3000).map { "\($0)," + String(repeating: "é", count: $0 % 97) + ",nil\n" }
            // As one truth: the report of a difference between two such arrays would take minutes.
            let isSame = chunks.flatMap(\.bytes) == expected.flatMap { Array($0.utf8) }
            #expect(isSame)
            #expect(chunks.reduce(0) { $0 + $1.rows } == 3000)
            #expect(chunks.map(\.longestRowBytes).max() == expected.map(\.utf8.count).max())
            #expect(chunks.allSatisfy { $0.bytes.count <= maximumBytes + 205 })
            if maximumBytes == 1 { #expect(chunks.count == 3000) }
            let after = try await schema.connection.nextChunk(maximumBytes: 10, encoder: LineEncoder())
            #expect(after.chunk == nil)
            #expect(try await schema.run("SELECT 1").firstValue == "1")
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `every byte arrives, NUL and invalid UTF-8 too`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let all = (0...255).map { UInt8($0) }
            let hex = all.map { String(format: "%02x", $0) }.joined()
            try await schema.run(
                "CREATE TABLE t (a varbinary(300), b blob)", "INSERT INTO t VALUES (x'\(hex)', x''), (NULL, x'00')")
            _ = try await schema.connection.beginRows("SELECT * FROM t")
            let chunks = try await allChunks(of: schema.connection, maximumBytes: 1 << 20)
            #expect(chunks.flatMap(\.bytes) == all + Array(",\nnil,\0\n".utf8))
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a row of many megabytes comes whole`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            _ = try await schema.connection.beginRows("SELECT REPEAT('x', 20000000), REPEAT('y', 17000000)")
            let chunks = try await allChunks(of: schema.connection, maximumBytes: 1 << 20)
            #expect(chunks.map(\.rows) == [1] && chunks.first?.longestRowBytes == 37_000_002)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `no rows give no chunk`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let columns = try await schema.connection.beginRows("SELECT 1 AS a FROM dual WHERE 1 = 0")
            #expect(columns.count == 1)
            #expect(try await allChunks(of: schema.connection, maximumBytes: 100).isEmpty)
            #expect(try await schema.run("SELECT 1").firstValue == "1")
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a slow reader holds the server back, and memory does not grow`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            let session = try await schema.session()
            _ = try await session.beginRows(endlessRows)
            let before = try residentBytes()
            var bytes = 0
            var encoder = LineEncoder()
            // 200 MB; between the chunks the server has time to run ahead if anything lets it.
            while bytes < 200_000_000 {
                let next = try await session.nextChunk(maximumBytes: 1 << 20, encoder: encoder)
                encoder = next.encoder
                let chunk = try #require(next.chunk)
                bytes += chunk.bytes.count
                try await schema.run("SELECT 1")
            }
            #expect(encoder.rowsSeen * 4000 >= 190_000_000)
            let grown = try residentBytes() - before
            #expect(grown < 60 << 20, "\(grown >> 20) MiB")
            try await waitUntil(schema.connection, running(session), gives: "1")
            await session.close()
            try await waitUntil(schema.connection, sessions(session), gives: "0")
        }
    }

    private func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (Int(fields[1]) ?? 0) * 4096
    }

    // MARK: Encoders

    @Test(arguments: MySQLServerKind.tested)
    func `rows that the encoder leaves out leave no trace`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            _ = try await schema.connection.beginRows("SELECT n FROM numbers ORDER BY n")
            let chunks = try await allChunks(
                of: schema.connection, maximumBytes: 100, encoder: LineEncoder(everyRow: 1000))
            let text = String(decoding: chunks.flatMap(\.bytes), as: UTF8.self)
            #expect(text == (1...10).map { "\($0 * 1000 - 1)\n" }.joined())
            #expect(chunks.reduce(0) { $0 + $1.rows } == 10 && chunks.map(\.longestRowBytes).max() == 5)
            _ = try await schema.connection.beginRows("SELECT n FROM numbers")
            let none = try await schema.connection.nextChunk(
                maximumBytes: 100, encoder: LineEncoder(everyRow: 20000))
            #expect(none.chunk == nil && none.encoder.rowsSeen == 10000)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `an encoder's error is thrown again until the rows are dropped`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            _ = try await schema.connection.beginRows(endlessRows)
            await #expect(throws: LineEncoder.Refusal(row: 3)) {
                try await schema.connection.nextChunk(maximumBytes: 1 << 20, encoder: LineEncoder(refusesRow: 3))
            }
            // The rows before the third are lost: going on would leave a hole.
            await #expect(throws: LineEncoder.Refusal(row: 3)) {
                try await schema.connection.nextChunk(maximumBytes: 1 << 20, encoder: LineEncoder())
            }
            try await schema.connection.dropRows()
            #expect(try await schema.run("SELECT 1").firstValue == "1")
        }
    }

    // MARK: Errors

    @Test(arguments: MySQLServerKind.tested, [10, 1 << 20])
    func `an error in the midst of the rows is an error, never a short end`(
        kind: MySQLServerKind, maximumBytes: Int
    ) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            // exp(710) is out of range, exp(709) is not.
            _ = try await schema.connection.beginRows("SELECT n, EXP(n) FROM numbers ORDER BY n")
            let error = await failure { _ = try await allChunks(of: schema.connection, maximumBytes: maximumBytes) }
            #expect(error?.errno == 1690 && error?.code == .dataRejected)
            let again = await failure {
                _ = try await schema.connection.nextChunk(maximumBytes: 10, encoder: LineEncoder())
            }
            #expect(again?.errno == 1690)
            #expect(try await schema.run("SELECT 1").firstValue == "1")
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `wrong use is named`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let connection = schema.connection
            let unbegun = await failure { _ = try await connection.nextChunk(maximumBytes: 1, encoder: LineEncoder()) }
            #expect(unbegun?.code == .misuse)
            let rowless = await failure { _ = try await connection.beginRows("SET @a = 1") }
            #expect(rowless?.code == .misuse)
            let missing = await failure { _ = try await connection.beginRows("SELECT * FROM nowhere") }
            #expect(missing?.code == .undefinedTable)
            _ = try await connection.beginRows("SELECT 1 UNION ALL SELECT 2")
            let second = await failure { try await connection.execute("SELECT 3") }
            #expect(second?.code == .misuse)
            let chunks = try await allChunks(of: connection, maximumBytes: 1)
            #expect(chunks.map(\.bytes) == [Array("1\n".utf8), Array("2\n".utf8)])
        }
    }

    // MARK: Dropping

    @Test(arguments: MySQLServerKind.tested)
    func `dropped rows end at the server, and the transaction goes on`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            try await schema.run("CREATE TABLE t (a int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
            let reader = try await schema.session()
            try await reader.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            try await schema.run("INSERT INTO t VALUES (2)")
            for _ in 0..<5 {
                _ = try await reader.beginRows(endlessRows)
                _ = try await reader.nextChunk(maximumBytes: 10_000, encoder: LineEncoder())
                try await reader.dropRows()
                #expect(try await reader.execute("SELECT count(*) FROM t").firstValue == "1")
            }
            // Rows that end by themselves before the request comes, and none at all.
            for _ in 0..<20 {
                _ = try await reader.beginRows("SELECT 1 UNION ALL SELECT 2")
                try await reader.dropRows()
                #expect(try await reader.execute("SELECT count(*) FROM t").firstValue == "1")
            }
            try await reader.dropRows()
            #expect(await reader.isUsable)
            await reader.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `rows that cannot be dropped cost the connection`(kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            try await makeNumbers(schema)
            let limited = try await schema.user()
            let user = limited.endpoint.user
            try await schema.run("ALTER USER '\(user)'@'%' WITH MAX_USER_CONNECTIONS 1")
            let session = try await MySQLConnection.connect(to: limited.endpoint)
            _ = try await session.beginRows(endlessRows)
            let error = await failure { try await session.dropRows() }
            #expect(error?.code == .tooManyConnections)
            #expect(await !session.isUsable)
            await session.close()
            try await waitUntil(schema.connection, sessions(session), gives: "0")
        }
    }
}

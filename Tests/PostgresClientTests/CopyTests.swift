import Foundation
import PostgresClient
import Testing
import TestServers

@Suite(.serialized) struct CopyTests {
    private static let csv = "TO STDOUT (FORMAT csv, NULL 'nil')"

    @Test(arguments: [1, 100, 4096, 1 << 20])
    func `chunks hold whole rows, all of them, in order, byte for byte`(maximumBytes: Int) async throws {
        try await TestDatabase.with { database in
            let rows = (1...3000).map { "\($0)," + String(repeating: "é", count: $0 % 97) + ",nil" }
            try await database.connection.beginCopyOut(
                "COPY (SELECT i, repeat('é', i % 97), NULL FROM generate_series(1, 3000) i ORDER BY i) \(Self.csv)")
            let chunks = try await allChunks(of: database.connection, maximumBytes: maximumBytes)
            let expected = rows.map { $0 + "\n" }
            // As one truth: the report of a difference between two such arrays would take minutes.
            let isSame = chunks.flatMap(\.bytes) == expected.flatMap { Array($0.utf8) }
            #expect(isSame)
            #expect(chunks.reduce(0) { $0 + $1.rows } == 3000)
            #expect(chunks.map(\.longestRowBytes).max() == expected.map(\.utf8.count).max())
            #expect(chunks.allSatisfy { $0.bytes.last == UInt8(ascii: "\n") && $0.bytes.count <= maximumBytes + 205 })
            if maximumBytes == 1 { #expect(chunks.count == 3000) }
            #expect(await database.connection.transactionStatus == .idle)
        }
    }

    @Test func `awkward values keep their bytes, and a row of many lines is one row`() async throws {
        try await TestDatabase.with { database in
            try await database.run(
                #"CREATE TABLE t (id int, v text); INSERT INTO t VALUES (1, E'a\nb\r\n"c",\\'), (2, NULL), (3, ''), (4, 'nil'), (5, '\.')"#
            )
            try await database.connection.beginCopyOut("COPY (SELECT * FROM t ORDER BY id) \(Self.csv)")
            let chunks = try await allChunks(of: database.connection, maximumBytes: 1 << 20)
            #expect(chunks.map(\.rows) == [5])
            let text = String(decoding: chunks.flatMap(\.bytes), as: UTF8.self)
            #expect(text == "1,\"a\nb\r\n\"\"c\"\",\\\"\n2,nil\n3,\n4,\"nil\"\n5,\\.\n")
        }
    }

    @Test func `a row of many megabytes comes whole`() async throws {
        try await TestDatabase.with { database in
            try await database.connection.beginCopyOut("COPY (SELECT repeat('x', 20000000)) \(Self.csv)")
            let chunks = try await allChunks(of: database.connection, maximumBytes: 1 << 20)
            #expect(chunks.map(\.rows) == [1] && chunks.first?.longestRowBytes == 20_000_001)
        }
    }

    @Test func `an empty COPY gives no chunk`() async throws {
        try await TestDatabase.with { database in
            try await database.connection.beginCopyOut("COPY (SELECT 1 WHERE false) \(Self.csv)")
            #expect(try await allChunks(of: database.connection, maximumBytes: 100).isEmpty)
            let answer = try await database.run("SELECT 1").firstValue
            #expect(answer == "1")
        }
    }

    @Test func `a slow reader holds the server back, and memory does not grow`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE SEQUENCE produced")
            // 400 MB in rows of 4 kB; the sequence counts what the server has produced.
            try await database.connection.beginCopyOut(
                "COPY (SELECT nextval('produced'), repeat('x', 4000) FROM generate_series(1, 100000)) \(Self.csv)")
            let before = try residentBytes()
            let observer = try await database.session()
            var rows = 0
            var next = 1
            for _ in 0..<20 {
                let chunk = try #require(try await database.connection.nextCopyChunk(maximumBytes: 1 << 20))
                rows += chunk.rows
                #expect(String(decoding: chunk.bytes.prefix(12), as: UTF8.self).hasPrefix("\(next),"))
                next = rows + 1
                // What was produced but not read lies in the buffers of two sockets and libpq: a few megabytes.
                try await waitUntil(
                    observer, "SELECT wait_event FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT nextval%'",
                    gives: "ClientWrite")
                let produced = try await observer.execute("SELECT last_value FROM produced").firstValue.flatMap {
                    Int($0)
                }
                #expect((produced ?? 0) - rows < 5000, "\(produced ?? 0) rows were produced when \(rows) were read")
            }
            await observer.close()
            #expect(try residentBytes() - before < 60 << 20)
            database.connection.requestCancel()
            let error = await failure { _ = try await allChunks(of: database.connection, maximumBytes: 1 << 20) }
            #expect(error?.code == .cancelled)
        }
    }

    private func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (Int(fields[1]) ?? 0) * 4096
    }

    @Test func `an error in the midst of a COPY is an error, never a short end`() async throws {
        try await TestDatabase.with { database in
            for maximumBytes in [10, 1 << 20] {
                try await database.connection.beginCopyOut(
                    "COPY (SELECT 10 / (1000 - i) FROM generate_series(1, 2000) i) \(Self.csv)")
                let error = await failure {
                    _ = try await allChunks(of: database.connection, maximumBytes: maximumBytes)
                }
                #expect(error?.sqlState == "22012")
                let answer = try await database.run("SELECT 1").firstValue
                #expect(answer == "1")
            }
        }
    }

    @Test func `a COPY that cannot begin is an error, and a statement that is no COPY is misuse`() async throws {
        try await TestDatabase.with { database in
            let missing = await failure { try await database.connection.beginCopyOut("COPY nowhere TO STDOUT") }
            #expect(missing?.code == .undefinedTable)
            let none = await failure { try await database.connection.beginCopyOut("SELECT 1") }
            #expect(none?.code == .misuse)
            let answer = try await database.run("SELECT 1").firstValue
            #expect(answer == "1")
        }
    }

    // MARK: In

    @Test func `rows are copied in from pieces cut anywhere`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (id int, v text)")
            let bytes = Array("1,a\n2,\"é\n\"\"x\"\"\"\n3,nil\n4,\"\"\n".utf8)
            try await database.connection.beginCopyIn("COPY t FROM STDIN (FORMAT csv, NULL 'nil')")
            for byte in bytes { try await database.connection.sendCopyData([byte]) }
            try await database.connection.sendCopyData([])
            #expect(try await database.connection.endCopyIn() == 4)
            let rows = try await database.run("SELECT id, v FROM t ORDER BY id").rows
            #expect(rows == [["1", "a"], ["2", "é\n\"x\""], ["3", nil], ["4", ""]])
        }
    }

    @Test func `a bad row refuses the whole COPY`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (id int)")
            try await database.connection.beginCopyIn("COPY t FROM STDIN")
            try await database.connection.sendCopyData(Array("1\nx\n".utf8))
            let error = await failure { _ = try await database.connection.endCopyIn() }
            #expect(error?.code == .dataRejected)
            #expect(try await database.run("SELECT count(*) FROM t").firstValue == "0")
        }
    }

    @Test func `a COPY given up leaves nothing behind and the connection usable`() async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (id int)")
            try await database.connection.beginCopyIn("COPY t FROM STDIN")
            try await database.connection.sendCopyData(Array("1\n2\n".utf8))
            try await database.connection.failCopyIn(reason: "changed its mind")
            #expect(await database.connection.transactionStatus == .idle)
            #expect(try await database.run("SELECT count(*) FROM t").firstValue == "0")
            try await database.connection.beginCopyIn("COPY t FROM STDIN")
            try await database.connection.sendCopyData(Array("3\n".utf8))
            #expect(try await database.connection.endCopyIn() == 1)
        }
    }
}

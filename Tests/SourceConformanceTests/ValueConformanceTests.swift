import Foundation
import Replication
import SourceTesting
import Testing

/// Values as they leave the source, byte by byte.
@Suite struct ValueConformanceTests {
    private static let texts = [
        "", " ", "plain", "null", "NULL", #"\N"#, #"\."#, "comma, comma", "quote\"quote", "\"", "\"\"", "two\nlines",
        "carriage\rreturn", "\r\n", "tab\there", #"back\slash"#, "it's", "ä", "日本", "🚀", "sentinel", "sentinels",
        "sentine", ";--", "%s", "a\u{1}b", "\u{7f}", "\u{feff}bom", "e\u{301}",
    ]

    @Test(arguments: SourceKind.tested)
    func `any text arrives as it is, and never looks like NULL`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            let long = database.dialect.isPostgres ? "text" : "longtext"
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, a varchar(50), b \(long), c varchar(50) NOT NULL)")
            for (id, text) in Self.texts.enumerated() {
                let literal = database.dialect.text(text)
                try await database.run("INSERT INTO t VALUES (\(id), \(literal), \(literal), \(literal))")
            }
            try await database.run("INSERT INTO t (id, c) VALUES (1000, 'x')")
            let mapping = try await database.mapping(updated: nil)
            try await database.withSource { source in
                for scan in [BatchScan.whole, .byKey(after: nil)] {
                    let query = BatchQuery(mapping: mapping, scan: scan, floor: nil, horizon: nil, rowLimit: 10_000)
                    let bytes = try await source.batchBytes(query, null: "sentinel").1
                    let rows = CSV.rows(bytes, null: "sentinel")
                    let byKey = Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", Array($0.dropFirst())) })
                    #expect(byKey.count == Self.texts.count + 1)
                    for (id, text) in Self.texts.enumerated() {
                        #expect(byKey["\(id)"] == [text, text, text], "\(text.debugDescription)")
                    }
                    #expect(byKey["1000"] == [nil, nil, "x"])
                    // Without quotes COPY would take it for NULL.
                    #expect(String(decoding: bytes, as: UTF8.self).contains("\"sentinel\""))
                }
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `bytes arrive as digits, and empty ones are marked`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, a \(database.dialect.binary), b \(database.dialect.binary))")
            let all = (0...99).map { String(format: "%02x", ($0 * 37 + 200) % 256) }.joined()
            try await database.run(
                "INSERT INTO t VALUES (1, \(database.dialect.bytes(all)), \(database.dialect.bytes("")))",
                "INSERT INTO t VALUES (2, NULL, \(database.dialect.bytes("00")))")
            let mapping = try await database.mapping(updated: nil)
            #expect(mapping.markedColumns.count == 2)
            let rows = try await database.withSource {
                try await $0.batch(
                    BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 10)
                ).1
            }
            #expect(Set(rows) == [["1", all, "", "f", "t"], ["2", nil, "00", "f", "f"]])
        }
    }

    @Test(arguments: SourceKind.tested)
    func `numbers and times have one form`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            let dialect = database.dialect
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, a smallint, b bigint, c decimal(38,10), d double precision, e date, "
                    + "f \(dialect.instant), g \(dialect.stamp) NULL, h \(dialect.isPostgres ? "boolean" : "bit(1)"))",
                "INSERT INTO t VALUES (1, -32768, 9223372036854775807, -1234567890123456789012345678.0123456789, "
                    + "0.1, '2024-02-29', '2026-03-29 02:30:00.123456', '2026-03-29 01:30:00.5', \(dialect.isPostgres ? "true" : "1"))",
                "INSERT INTO t (id, h) VALUES (2, \(dialect.isPostgres ? "false" : "0"))")
            let mapping = try await database.mapping(updated: nil)
            let rows = try await database.withSource {
                try await $0.batch(
                    BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 10)
                ).1
            }
            let first = try #require(rows.first { $0[0] == "1" })
            #expect(
                first.prefix(7) == [
                    "1", "-32768", "9223372036854775807", "-1234567890123456789012345678.0123456789", "0.1",
                    "2024-02-29", "2026-03-29 02:30:00.123456",
                ])
            #expect(first[7] == (dialect.isPostgres ? "2026-03-29 01:30:00.5+00" : "2026-03-29 01:30:00.500000+00"))
            #expect(first[8] == "t")
            #expect(rows.contains(["2", nil, nil, nil, nil, nil, nil, nil, "f"]))
        }
    }

    @Test(arguments: SourceKind.tested)
    func `rows longer than a chunk arrive whole`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            let long = database.dialect.isPostgres ? "text" : "longtext"
            try await database.run("CREATE TABLE t (id int PRIMARY KEY, v \(long))")
            for id in 1...5 { try await database.run("INSERT INTO t VALUES (\(id), repeat('é,\"', \(id * 300_000)))") }
            let mapping = try await database.mapping(updated: nil)
            let rows = try await database.withSource {
                try await $0.batch(
                    BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 10)
                ).1
            }
            let lengths = Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", $0[1]?.unicodeScalars.count) })
            #expect(lengths == ["1": 900_000, "2": 1_800_000, "3": 2_700_000, "4": 3_600_000, "5": 4_500_000])
        }
    }
}

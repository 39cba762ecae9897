import Foundation
import Replication
import Testing

@testable import DestinationRedshift

/// The text of INSERTs: a value's literal by its type, and where a statement ends.
@Suite struct InsertStatementTests {
    private static func mapping(_ columns: KeyValuePairs<String, ReplicaType>) -> TableMapping {
        Fixture.mapping(columns, key: ["id"], updated: nil, destination: TableName(schema: "s", name: "t"))
    }

    private static func chunk(_ csv: String) -> RowChunk {
        let lines = csv.split(separator: "\n")
        return RowChunk(
            bytes: Array(csv.utf8), rows: lines.count, longestRowBytes: (lines.map(\.utf8.count).max() ?? 0) + 1)
    }

    private static func statements(
        _ columns: KeyValuePairs<String, ReplicaType>, _ chunks: [String], rowLimit: Int = 10_000
    ) throws -> [String] {
        var statements = InsertStatements(
            into: "\"t\"", mapping(columns), format: Fixture.format, rowLimit: rowLimit)
        var all: [String] = []
        for csv in chunks { all += try statements.add(chunk(csv)) }
        return all + statements.finish()
    }

    static let literals: [(ReplicaType, csv: String, sql: String)] = [
        (.smallint, "-1", "-1"), (.integer, "2", "2"), (.bigint, "-9223372036854775808", "-9223372036854775808"),
        (.decimal(precision: 38, scale: 2), "-0.10", "-0.10"), (.boolean, "t", "TRUE"), (.boolean, "f", "FALSE"),
        // A bare number would be read as DECIMAL, which ends at 38 digits.
        (.real, "1.5e+10", "'1.5e+10'::REAL"), (.doublePrecision, "-2e-300", "'-2e-300'::DOUBLE PRECISION"),
        (.varchar(bytes: 9), "", "''"), (.varchar(bytes: 9), "\"\"", "''"),
        (.varchar(bytes: 9), "it's", "'it''s'"), (.varchar(bytes: 9), #"a\b"#, #"'a\\b'"#),
        (.varchar(bytes: 9), #""a,""b""\""#, #"'a,"b"\\'"#), (.varchar(bytes: 9), "NULL", "'NULL'"),
        (.varchar(bytes: 9), "\"NULLxNULL\"", "'NULLxNULL'"), (.varchar(bytes: 9), "NULLxNULL", "NULL"),
        (.varchar(bytes: 9), "ü🚀", "'ü🚀'"), (.bigint, "NULLxNULL", "NULL"), (.semistructured, "NULLxNULL", "NULL"),
        (.date, "2026-11-22", "'2026-11-22'"), (.date, "0044-03-15 BC", "'0044-03-15 BC'"),
        (.timestamp, "2026-11-22 12:00:00.5", "'2026-11-22 12:00:00.5'"),
        (.timestamptz, "2026-11-22 12:00:00+00", "'2026-11-22 12:00:00+00'"), (.time, "24:00:00", "'24:00:00'"),
        (.semistructured, #""{""a"": ""\\ it's""}""#, #"JSON_PARSE('{"a": "\\\\ it''s"}')"#),
        (.varbyte(bytes: 9), "00ff", "FROM_HEX('00ff')"), (.varbyte(bytes: 9), "", "FROM_HEX('')"),
    ]

    @Test(arguments: literals)
    func `a value is written by its type`(_ type: ReplicaType, csv: String, sql: String) throws {
        // A binary column has a field more, for COPY, that says whether the value is empty.
        let marker = if case .varbyte = type { csv.isEmpty ? ",t" : ",f" } else { "" }
        #expect(
            try Self.statements(["id": .bigint, "v": type], ["7,\(csv)\(marker)\n"])
                == ["INSERT INTO \"t\" (\"id\", \"v\") VALUES (7,\(sql))"])
    }

    @Test func `rows share a statement up to the limit, over chunks as well`() throws {
        let found = try Self.statements(["id": .bigint], ["1\n2\n3\n", "4\n", "5\n"], rowLimit: 2)
        let head = #"INSERT INTO "t" ("id") VALUES "#
        #expect(found == [head + "(1), (2)", head + "(3), (4)", head + "(5)"])
        #expect(try Self.statements(["id": .bigint], []) == [])
        #expect(try Self.statements(["id": .bigint], ["1\n2\n"], rowLimit: 0) == [head + "(1)", head + "(2)"])
    }

    @Test func `a chunk with another number of fields is refused`() {
        #expect(throws: ReplicationError.self) { try Self.statements(["id": .bigint, "v": .integer], ["1\n"]) }
    }

    /// Redshift takes statements of 16 MB.
    @Test(arguments: [
        (rows: 40, bytes: 4_100_000, filler: "'"), (rows: 200, bytes: 700_000, filler: "\\"),
        (rows: 30_000, bytes: 600, filler: "a"), (rows: 3, bytes: 4_100_000, filler: "ü"),
    ])
    func `no statement comes near 16 MB, and none is cut for nothing`(rows: Int, bytes: Int, filler: String) throws {
        let row = String(repeating: filler, count: bytes / filler.utf8.count)
        var statements = InsertStatements(
            into: "\"t\"", Self.mapping(["id": .bigint, "v": .varchar(bytes: 65_535)]), format: Fixture.format,
            rowLimit: .max)
        var sizes: [Int] = []
        for id in 1...rows { sizes += try statements.add(Self.chunk("\(id),\(row)\n")).map(\.utf8.count) }
        sizes += statements.finish().map(\.utf8.count)
        #expect(sizes.allSatisfy { $0 < 9 << 20 })
        // All but the last hold as many rows as fit.
        #expect(sizes.dropLast().allSatisfy { $0 > 3 << 20 })
        #expect(sizes.reduce(0, +) > rows * bytes)
    }
}

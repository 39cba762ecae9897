import Foundation
import MySQLClient
import Replication
import SourceTesting
import Testing
import TestServers

@testable import SourceMySQL

/// Values at the edges of their types, as the batch carries them.
@Suite struct ValueTests {
    /// One column `c` of a type, its values as SQL, and their bytes in the batch.
    private func check(
        _ kind: MySQLServerKind, _ type: String, _ values: [(sql: String, text: String?)],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await withSchema(kind) { schema in
            try await schema.run("SET SESSION sql_mode = ''", "CREATE TABLE t (id int PRIMARY KEY, c \(type))")
            for (id, value) in values.enumerated() {
                try await schema.run("INSERT INTO t VALUES (\(id), \(value.sql))")
            }
            let rows = try await schema.rows(try await schema.mapping(updated: nil))
            let read = rows.sorted { Int($0[0] ?? "") ?? 0 < Int($1[0] ?? "") ?? 0 }.map { $0[1] }
            #expect(read == values.map(\.text), "\(type)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `integers keep their extremes`(_ kind: MySQLServerKind) async throws {
        for (type, least, most) in [
            ("tinyint", "-128", "127"), ("tinyint(1)", "-128", "127"), ("tinyint unsigned", "0", "255"),
            ("smallint", "-32768", "32767"), ("smallint unsigned", "0", "65535"), ("mediumint", "-8388608", "8388607"),
            ("mediumint unsigned", "0", "16777215"), ("int", "-2147483648", "2147483647"),
            ("int unsigned", "0", "4294967295"), ("bigint", "-9223372036854775808", "9223372036854775807"),
            ("bigint unsigned", "0", "18446744073709551615"),
            (
                "decimal(65,30)", "-99999999999999999999999999999999999.999999999999999999999999999999",
                "99999999999999999999999999999999999.999999999999999999999999999999"
            ),
            ("decimal(65,0)", "-" + String(repeating: "9", count: 65), String(repeating: "9", count: 65)),
            ("decimal(30,30)", "-0.999999999999999999999999999999", "0.000000000000000000000000000001"),
            ("year", "1901", "2155"),
        ] {
            try await check(kind, type, [(least, least), (most, most), ("NULL", nil)])
        }
        try await check(kind, "int unsigned zerofill", [("5", "0000000005"), ("4294967295", "4294967295")])
        try await check(kind, "year", [("'0000'", "0000"), ("0", "0000")])
    }

    @Test(arguments: MySQLServerKind.tested)
    func `bit strings arrive as numbers`(_ kind: MySQLServerKind) async throws {
        try await check(kind, "bit(1)", [("b'1'", "t"), ("b'0'", "f"), ("NULL", nil)])
        try await withSchema(kind) { schema in
            let columns = (2...64).map { "b\($0) bit(\($0))" }.joined(separator: ", ")
            let ones = (2...64).map { "b'" + String(repeating: "1", count: $0) + "'" }.joined(separator: ", ")
            let tops = (2...64).map { "b'1" + String(repeating: "0", count: $0 - 1) + "'" }.joined(separator: ", ")
            try await schema.run(
                "CREATE TABLE t (id int PRIMARY KEY, \(columns))", "INSERT INTO t VALUES (1, \(ones)), (2, \(tops))")
            let rows = try await schema.rows(try await schema.mapping(updated: nil)).sorted {
                ($0[0] ?? "") < ($1[0] ?? "")
            }
            #expect(
                rows[0].dropFirst().map { $0 } == (2...64).map { "\($0 == 64 ? UInt64.max : (1 << UInt64($0)) - 1)" })
            #expect(rows[1].dropFirst().map { $0 } == (2...64).map { "\(UInt64(1) << UInt64($0 - 1))" })
        }
    }

    /// Read as text they would have six digits.
    @Test(arguments: MySQLServerKind.tested, [1, 2])
    func `floats keep every bit`(_ kind: MySQLServerKind, _ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var patterns: [UInt32] = [
            Float.leastNormalMagnitude.bitPattern, Float.greatestFiniteMagnitude.bitPattern, Float(0.1).bitPattern,
            Float(16_777_217).bitPattern, Float.pi.bitPattern, (0 as Float).bitPattern,
        ]
        while patterns.count < 400 {
            let pattern = UInt32.random(in: .min ... .max, using: &random)
            if Float(bitPattern: pattern).isNormal { patterns.append(pattern) }
        }
        try await withSchema(kind) { schema in
            try await schema.run("CREATE TABLE t (id int PRIMARY KEY, f float, d double)")
            let doubles = patterns.map { UInt64($0) << 32 | UInt64.random(in: 0...UInt64(UInt32.max), using: &random) }
            let usable = zip(patterns, doubles).map {
                ($0, Double(bitPattern: $1).isNormal ? Double(bitPattern: $1) : 0.1)
            }
            // Seventeen digits say exactly which number is meant.
            let values = usable.enumerated().map { index, pair in
                String(format: "(%d, %.17e, %.17e)", index, Double(Float(bitPattern: pair.0)), pair.1)
            }
            try await schema.run("INSERT INTO t VALUES " + values.joined(separator: ", "))
            let rows = try await schema.rows(try await schema.mapping(updated: nil))
            #expect(rows.count == patterns.count)
            for row in rows {
                let (pattern, double) = usable[try #require(Int(row[0] ?? ""))]
                #expect(Float(row[1] ?? "")?.bitPattern == pattern, "seed \(seed): \(row)")
                #expect(Double(row[2] ?? "")?.bitPattern == double.bitPattern, "seed \(seed): \(row)")
            }
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `times keep their extremes, and dates that are none arrive as they are`(_ kind: MySQLServerKind) async throws {
        try await check(
            kind, "time(6)",
            [
                ("'-838:59:59.000000'", "-838:59:59.000000"), ("'838:59:59'", "838:59:59.000000"),
                ("'-00:00:00.000001'", "-00:00:00.000001"), ("'24:00:00'", "24:00:00.000000"),
                ("'837:59:59.999999'", "837:59:59.999999"),
            ])
        try await check(kind, "time", [("'-838:59:59'", "-838:59:59"), ("'00:00:00'", "00:00:00"), ("NULL", nil)])
        try await check(
            kind, "datetime(6)",
            [
                ("'1000-01-01'", "1000-01-01 00:00:00.000000"),
                ("'9999-12-31 23:59:59.999999'", "9999-12-31 23:59:59.999999"),
                ("'0000-00-00'", "0000-00-00 00:00:00.000000"),
                ("'2024-00-15 01:02:03.5'", "2024-00-15 01:02:03.500000"),
            ])
        try await check(
            kind, "date",
            [("'0000-00-00'", "0000-00-00"), ("'2024-05-00'", "2024-05-00"), ("'9999-12-31'", "9999-12-31")])
        try await check(
            kind, "timestamp(6) NULL",
            [
                ("'1970-01-01 00:00:01'", "1970-01-01 00:00:01.000000+00"),
                ("'2038-01-19 03:14:07.999999'", "2038-01-19 03:14:07.999999+00"), ("NULL", nil),
                ("0", "0000-00-00 00:00:00.000000+00"),
            ])
        try await check(kind, "timestamp NULL", [("'2026-03-29 01:30:00'", "2026-03-29 01:30:00+00")])
    }

    @Test(arguments: MySQLServerKind.tested)
    func `labels, sets, documents and shapes`(_ kind: MySQLServerKind) async throws {
        try await check(
            kind, "enum('b','a,c','it''s','ü\"')",
            [("'b'", "b"), ("'a,c'", "a,c"), ("3", "it's"), ("'ü\"'", "ü\""), ("'none such'", "")])
        try await check(kind, "set('x','y y','z')", [("'z,x'", "x,z"), ("''", ""), ("7", "x,y y,z")])
        try await check(
            kind, "json",
            kind == .mariadb
                ? [(#"'{"b":1,"a":[null,"é\\n"]}'"#, #"{"b":1,"a":[null,"é\n"]}"#), ("NULL", nil)]
                : [
                    (#"'{"b":1,"a":[null,"é\\n"]}'"#, #"{"a": [null, "é\n"], "b": 1}"#), ("'null'", "null"),
                    ("NULL", nil),
                ])
        // Little-endian, a point, x = 1, y = -2; the reference system, which the server puts before it, stays there.
        try await check(
            kind, "point",
            [("ST_GeomFromText('POINT(1 -2)', 0)", "0101000000000000000000f03f00000000000000c0"), ("NULL", nil)])
    }

    @Test(arguments: MySQLServerKind.tested)
    func `text of any character set arrives in UTF-8`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            try await schema.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, a varchar(50) CHARACTER SET latin1, b varchar(50) CHARACTER SET utf8mb3,
                  c varchar(50) CHARACTER SET utf8mb4, d varchar(50) CHARACTER SET utf16, e varchar(50) CHARACTER SET sjis,
                  f char(10) CHARACTER SET latin1, g varchar(50) CHARACTER SET binary, h text CHARACTER SET cp1251)
                """,
                "INSERT INTO t VALUES (1, 'ä€ß', '日本ü', '🚀e\u{301}', '🚀日本', '日本', 'é  ', 'é', 'Привет')",
                #"INSERT INTO t (id, c, g) VALUES (2, 'a\0b', x'ff00c3')"#)
            let mapping = try await schema.mapping(updated: nil)
            #expect(mapping.columns[7].destinationType == .varbyte(bytes: 50))
            let rows = try await schema.rows(mapping)
            #expect(
                Set(rows) == [
                    ["1", "ä€ß", "日本ü", "🚀e\u{301}", "🚀日本", "日本", "é", "c3a9", "Привет", "f"],
                    ["2", nil, nil, "a\0b", nil, nil, nil, "ff00c3", nil, "f"],
                ])
        }
    }

    /// Servers check what they store today; older ones, and repairs by hand, left such bytes behind.
    @Test(arguments: MySQLServerKind.tested)
    func `bytes that are no text are handed on for the screen`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            try await schema.run(
                "CREATE TABLE t (id int PRIMARY KEY, v varchar(50) CHARACTER SET latin1, n int)",
                "INSERT INTO t VALUES (1, x'818d8f909d', 7), (2, 'fine', 8)")
            let rows = try await schema.rows(try await schema.mapping(updated: nil))
            #expect(rows.count == 2 && Set(rows.map { $0[2] }) == ["7", "8"])
            try await schema.withSource { source in
                let start = try await source.startPass(try await source.mapping(of: schema.table("t"), updated: nil))
                #expect(!start.guaranteesUTF8)
            }
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `generated and invisible columns are columns like any other`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            try await schema.run(
                "CREATE TABLE t (id int PRIMARY KEY, a int, twice int AS (a * 2) VIRTUAL, thrice int AS (a * 3) STORED, "
                    + "hidden int \(kind == .mariadb ? "INVISIBLE DEFAULT 9" : "DEFAULT 9 INVISIBLE"))",
                "INSERT INTO t (id, a) VALUES (1, 5)")
            let mapping = try await schema.mapping(updated: nil)
            #expect(mapping.columns.map(\.source.name) == ["id", "a", "twice", "thrice", "hidden"])
            #expect(try await schema.rows(mapping) == [["1", "5", "10", "15", "9"]])
        }
    }

    @Test func `addresses and UUIDs of MariaDB arrive as text, and make keys`() async throws {
        try await withSchema(.mariadb) { schema in
            try await schema.run(
                "CREATE TABLE t (id uuid PRIMARY KEY, four inet4, six inet6 NOT NULL UNIQUE, updated_at timestamp(6) NOT NULL)"
            )
            for number in 1...9 {
                try await schema.run(
                    "INSERT INTO t VALUES ('123e4567-e89b-12d3-a456-42661417400\(number)', '10.0.0.\(number)', '2001:db8::\(number)', NOW(6))"
                )
            }
            for key in ["id", "six"] {
                let mapping = try await schema.mapping(key: [key])
                let follower = schema.follower(mapping, rowLimit: 2)
                try await follower.follow()
                let replica = await follower.replica.values.map { Array($0.prefix(3)) }
                #expect(
                    Set(replica)
                        == Set(
                            (1...9).map {
                                ["123e4567-e89b-12d3-a456-42661417400\($0)", "10.0.0.\($0)", "2001:db8::\($0)"]
                            }), "\(key)")
            }
        }
    }

    /// MariaDB keeps documents as checked text.
    @Test func `a checked text of MariaDB is a document`() async throws {
        try await withSchema(.mariadb) { schema in
            try await schema.run(
                "CREATE TABLE t (id int PRIMARY KEY, a json, `b``c` longtext CHECK (json_valid(`b``c`)), d longtext, "
                    + "e longtext CHECK (json_valid(e) OR e = ''))")
            let types = try await schema.mapping(updated: nil).columns.map(\.destinationType)
            #expect(types == [.integer, .semistructured, .semistructured, .widestText, .widestText])
        }
    }

    @Test(.onMySQL) func `vectors of MySQL arrive as their bytes`() async throws {
        try await check(.mysql, "vector(2)", [("STRING_TO_VECTOR('[1,-2]')", "0000803f000000c0"), ("NULL", nil)])
    }
}

import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// A value, and its bytes in the batch.
struct ValueCase: Sendable, CustomTestStringConvertible {
    var type: String
    var value: String
    var bytes: String
    var testDescription: String { "\(value)::\(type)" }

    init(_ type: String, _ value: String, _ bytes: String) {
        self.type = type
        self.value = value
        self.bytes = bytes
    }
}

@Suite(.serialized) struct ValueTests {
    private static let cases = [
        ValueCase("text", "NULL", "nilSentinel"), ValueCase("text", "''", ""),
        ValueCase("text", "'nilSentinel'", "\"nilSentinel\""), ValueCase("text", "'a,b'", "\"a,b\""),
        ValueCase("text", #"'say "hi"'"#, #""say ""hi""""#), ValueCase("text", #"E'a\nb\r\nc\td'"#, "\"a\nb\r\nc\td\""),
        ValueCase("text", #"'back\slash\n'"#, #"back\slash\n"#), ValueCase("text", #"'\.'"#, #"\."#),
        ValueCase("text", "'  blanks  '", "  blanks  "), ValueCase("text", "'ü 日本 🚀'", "ü 日本 🚀"),
        ValueCase("bytea", #"'\x00ff41'"#, "00ff41"), ValueCase("bytea", "''", ""),
        ValueCase("bytea", "NULL", "nilSentinel"),
        ValueCase("character(5)", "'ab'", "ab"), ValueCase("character(5)", "''", ""),
        ValueCase("character varying(5)", "'ab '", "ab "), ValueCase("boolean", "true", "t"),
        ValueCase("boolean", "false", "f"), ValueCase("money", "-1234.5", "-1234.50"),
        ValueCase(
            "numeric", "123456789012345678901234567890.12345678901234567890",
            "123456789012345678901234567890.12345678901234567890"),
        ValueCase("numeric(10,2)", "1.5", "1.50"), ValueCase("numeric(3,-2)", "12345", "12300"),
        ValueCase("numeric", "'NaN'", "NaN"), ValueCase("double precision", "0.1", "0.1"),
        ValueCase("double precision", "1.0/3", "0.3333333333333333"),
        ValueCase("double precision", "'-Infinity'", "-Infinity"),
        ValueCase("real", "0.1", "0.1"), ValueCase("real", "16777217", "1.6777216e+07"),
        ValueCase("bigint", "-9223372036854775808", "-9223372036854775808"),
        ValueCase("interval", "'1 year 2 mons -3 days 04:05:06.5'", "P1Y2M-3DT4H5M6.5S"),
        ValueCase("interval", "'0'", "PT0S"),
        ValueCase("timestamp with time zone", "'2026-07-01 12:00:00.123456+05:30'", "2026-07-01 06:30:00.123456+00"),
        ValueCase("timestamp with time zone", "'2026-07-01 12:00:00 America/New_York'", "2026-07-01 16:00:00+00"),
        ValueCase("timestamp without time zone", "'2026-07-01 12:00:00.5'", "2026-07-01 12:00:00.5"),
        ValueCase("timestamp without time zone", "'0044-03-15 12:00 BC'", "0044-03-15 12:00:00 BC"),
        ValueCase("date", "'2026-02-28'", "2026-02-28"), ValueCase("date", "'infinity'", "infinity"),
        ValueCase("time without time zone", "'24:00'", "24:00:00"),
        ValueCase("time with time zone", "'12:30:00.5+05:30'", "12:30:00.5+05:30"),
        ValueCase("integer[]", "'{1,NULL,3}'", "\"[1, null, 3]\""), ValueCase("integer[]", "'{}'", "[]"),
        ValueCase("integer[]", "'{{1,2},{3,4}}'", "\"[[1, 2], [3, 4]]\""),
        ValueCase("text[]", #"ARRAY['a"b', 'c,d', NULL]"#, #""[""a\""b"", ""c,d"", null]""#),
        ValueCase("timestamp with time zone[]", "'{\"2026-07-01 12:00+02\"}'", #""[""2026-07-01T10:00:00+00:00""]""#),
        ValueCase("jsonb", #"'{"b": 1, "a": [null, "x"]}'"#, #""{""a"": [null, ""x""], ""b"": 1}""#),
        ValueCase("json", #"'{"b":1,  "a":2}'"#, #""{""b"":1,  ""a"":2}""#), ValueCase("jsonb", "'null'", "null"),
        ValueCase("jsonb", #"'"text"'"#, #""""text""""#),
        ValueCase("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ValueCase("inet", "'192.168.0.1/24'", "192.168.0.1/24"), ValueCase("inet", "'::1'", "::1"),
        ValueCase("cidr", "'10.0.0.0/8'", "10.0.0.0/8"), ValueCase("macaddr", "'08002b010203'", "08:00:2b:01:02:03"),
        ValueCase("bit(4)", "B'0101'", "0101"), ValueCase("bit varying", "B''", ""),
        ValueCase("int4range", "'(1,5]'", "\"[2,6)\""), ValueCase("point", "'(1,2)'", "\"(1,2)\""),
        ValueCase("tsvector", "'a fat cat'", "'a' 'cat' 'fat'"), ValueCase("xml", "'<a>1</a>'", "<a>1</a>"),
        ValueCase("hstore", "'a=>1, b=>NULL'", #""{""a"": ""1"", ""b"": null}""#), ValueCase("citext", "'AbC'", "AbC"),
        ValueCase("oid", "4294967295", "4294967295"),
    ]

    /// One table with a column for each value, under settings that would all print them otherwise.
    @Test func `every value leaves PostgreSQL in its agreed form, whatever the server's settings`() async throws {
        try await TestDatabase.with { database in
            let name = database.endpoint.database
            try await database.run("CREATE EXTENSION hstore; CREATE EXTENSION citext")
            for setting in [
                "DateStyle TO 'SQL, DMY'", "TimeZone TO 'Asia/Kathmandu'", "IntervalStyle TO 'sql_standard'",
                "bytea_output TO 'escape'", "extra_float_digits TO -5", "standard_conforming_strings TO off",
                "client_encoding TO 'LATIN1'", "search_path TO pg_catalog, public",
            ] { try await database.run("ALTER DATABASE \(name) SET \(setting)") }
            let columns = Self.cases.enumerated().map { "c\($0) \($1.type)" }.joined(separator: ", ")
            let values = Self.cases.map { "(\($0.value))::\($0.type)" }.joined(separator: ", ")
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, \(columns)); INSERT INTO t SELECT 1, \(values)")
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", updated: nil, source: source)
                for (number, given) in Self.cases.enumerated() {
                    var narrow = mapping
                    narrow.columns = mapping.columns.filter { ["id", "c\(number)"].contains($0.source.name) }
                    let (_, bytes) = try await source.batchBytes(
                        BatchQuery(mapping: narrow, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 5))
                    let text = String(decoding: bytes, as: UTF8.self)
                    // Behind the columns stands, for binary ones, whether the value is empty.
                    let marker = given.type == "bytea" ? (given.bytes.isEmpty ? ",t" : ",f") : ""
                    #expect(text == "1,\(given.bytes)\(marker)\n", "\(given.testDescription)")
                }
            }
        }
    }

    /// What a position keeps must read back as the same value, or a batch would skip or repeat rows.
    @Test(arguments: [
        ("bigint", "i"), ("text", "chr(64 + i) || ' ''\\'"), ("uuid", "md5(i::text)::uuid"),
        ("numeric(20,5)", "i / 7.0"),
        ("double precision", "i / 7.0::float8"), ("real", "(i / 7.0)::real"), ("date", "'2026-01-01'::date + i"),
        ("timestamp with time zone", "'2026-01-01'::timestamptz + i * interval '1.000001 s'"),
        ("timestamp(3) without time zone", "'2026-01-01'::timestamp + i * interval '1.5 s'"),
        ("character(9)", "'k' || i"), ("character varying(9)", "'k' || i || ' '"),
        ("bytea", "decode(lpad(to_hex(i), 4, '0'), 'hex')"),
        ("interval", "i * interval '1 day 1 s'"), ("boolean", "i = 1"), ("mood", "(enum_range(NULL::mood))[i]"),
        ("inet", "'10.0.0.0'::inet + i"), ("cents", "i"), ("\"char\"", "chr(64 + i)::\"char\""), ("money", "i::money"),
    ])
    func `keys of every type divide a table into batches`(type: String, expression: String) async throws {
        try await TestDatabase.with { database in
            let count = type == "boolean" ? 2 : 9
            try await database.run(
                """
                CREATE TYPE mood AS ENUM ('z', 'y', 'x', 'w', 'v', 'u', 't', 's', 'r'); CREATE DOMAIN cents AS numeric(9,2);
                CREATE TABLE t (id \(type) PRIMARY KEY, n int, updated_at timestamptz NOT NULL DEFAULT now());
                INSERT INTO t SELECT \(expression), i FROM generate_series(1, \(count)) i
                """)
            try await database.settle()
            try await withSource(database) { source in
                let mapping = try await database.mapping("t", source: source)
                let follower = TableFollower(source: source, mapping: mapping, rowLimit: 2)
                let numbers = try await follower.follow().compactMap { $0[1] }
                #expect(numbers.sorted() == (1...count).map(String.init))
                // All stamps are one: the key alone divides the batches of changes.
                try await database.run("UPDATE t SET n = n + 100, updated_at = now()")
                #expect(try await follower.follow().count == count)
            }
        }
    }
}

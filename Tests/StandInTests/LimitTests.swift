import PostgresClient
import Testing

@testable import StandIn

/// What a column refuses when rows come by INSERT and UPDATE.
@Suite struct LimitTests {
    @Test func `too long text fails with a DETAIL block, unless only blanks are too much`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute("create table \(schema).t (v varchar(3), c char(3), w varchar(max))")
            try await connection.execute("insert into \(schema).t values ('é    ', 'ab     ', 'x')")
            #expect(
                try await connection.execute("select octet_length(v), octet_length(c) from \(schema).t").rows == [
                    ["3", "3"]
                ])
            for statement in [
                "insert into \(schema).t (v) values ('éé')", "update \(schema).t set v = 'abcd'",
                "insert into \(schema).t (v) select 'abcd'", "insert into \(schema).t (c) values ('abcd')",
                "insert into \(schema).t (w) values ('\(String(repeating: "y", count: 65_536))')",
            ] {
                let error = await #expect(throws: PostgresError.self) { try await connection.execute(statement) }
                #expect(error?.sqlState == "XX000")
                #expect(error?.serverMessage == "Value too long for character type")
                #expect(error?.detail?.contains("code:      8001") == true)
            }
            try await connection.execute(
                "insert into \(schema).t (w) values ('\(String(repeating: "y", count: 65_535))')")
        }
    }

    @Test func `DECIMAL(19) holds 64 bits, DECIMAL(20) its digits, and INSERT rounds`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute("create table \(schema).t (a decimal(19,2), b decimal(20,0), c decimal(5,2))")
            try await connection.execute("create table \(schema).u (like \(schema).t)")
            for table in ["t", "u"] {
                try await connection.execute(
                    "insert into \(schema).\(table) values (92233720368547758.07, 99999999999999999999, 1.235)")
                let row = try await connection.execute("select * from \(schema).\(table)").rows
                #expect(row == [["92233720368547758.07", "99999999999999999999", "1.24"]])
                for wrong in ["(92233720368547758.08, 0, 0)", "(-99999999999999999, 0, 0)", "(0, 0, 1000)"] {
                    let error = await #expect(throws: PostgresError.self) {
                        try await connection.execute("insert into \(schema).\(table) values \(wrong)")
                    }
                    #expect(error?.serverMessage == "Numeric data overflow (result precision)")
                }
            }
        }
    }

    @Test func `VARBYTE keeps its length`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                "create table \(schema).t (b varbyte(2)); alter table \(schema).t add column c varbyte(1)")
            try await connection.execute(
                "insert into \(schema).t values (from_hex('0102'), null), (null, from_hex('ff'))")
            for wrong in ["(from_hex('010203'), null)", "(null, from_hex('ffff'))"] {
                #expect(
                    try await StandInServer.state(of: "insert into \(schema).t values \(wrong)", on: connection)
                        == "XX000")
            }
        }
    }

    @Test func `text in SUPER is a string, JSON_PARSE makes a document`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                """
                create table \(schema).t (k int, j super);
                insert into \(schema).t values (1, '{"a": 1}'), (2, json_parse('{"a": 1}')), (3, 'say "x"\\\\\\n'), (4, 1.50),
                    (5, true), (6, null), (7, json_parse('"text"')), (8, json_parse('null'));
                insert into \(schema).t select 9, 'v'::varchar
                """)
            let rows = try await connection.execute(
                "select j, json_serialize(j), j::varchar from \(schema).t order by k"
            ).rows
            #expect(
                rows == [
                    [#""{\"a\": 1}""#, #""{\"a\": 1}""#, #"{"a": 1}"#], [#"{"a": 1}"#, #"{"a": 1}"#, #"{"a": 1}"#],
                    [#""say \"x\"\\\n""#, #""say \"x\"\\\n""#, "say \"x\"\\\n"], ["1.50", "1.50", "1.50"],
                    ["true", "true", "true"], [nil, nil, nil], [#""text""#, #""text""#, "text"],
                    ["null", "null", "null"],
                    [#""v""#, #""v""#, "v"],
                ])
        }
    }

    @Test(arguments: [
        ("{\"a\": }", false), ("{\"a\": 1", false), ("", false),
        ("[\"" + String(repeating: "z", count: 65_536) + "\"]", false),
        ("[\"" + String(repeating: "z", count: 65_535) + "\"]", true),
        (String(repeating: "[", count: 1_001) + String(repeating: "]", count: 1_001), false),
        (String(repeating: "[", count: 1_000) + String(repeating: "]", count: 1_000), true),
        ("[\"" + String(repeating: "[", count: 3_000) + "\"]", true),
    ])
    func `JSON_PARSE knows SUPER's limits`(_ document: String, _ isRight: Bool) async throws {
        let connection = try await StandInServer.connect()
        let state = try await StandInServer.state(of: "select json_parse('\(document)')", on: connection)
        #expect(state == (isRight ? nil : "XX000"))
        await connection.close()
    }

    @Test func `a row over 4 MB and a statement over 16 MB are refused, a NUL as well`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute("create table \(schema).t (k int, j super, v varchar(9))")
            func insert(_ bytes: Int, rows: Int = 1) -> String {
                let row =
                    "(1, json_parse('\"\(String(repeating: "a", count: 60_000))\"'), '\(String(repeating: " ", count: bytes))')"
                return "insert into \(schema).t values " + Array(repeating: row, count: rows).joined(separator: ", ")
            }
            #expect(try await StandInServer.state(of: insert(4 << 20), on: connection) == "XX000")
            #expect(try await StandInServer.state(of: insert(1 << 20, rows: 6), on: connection) == nil)
            #expect(try await StandInServer.state(of: insert(1 << 20, rows: 16), on: connection) == "54000")
            #expect(try await connection.execute("select count(*) from \(schema).t").firstValue == "6")
            #expect(
                try await StandInServer.state(of: "insert into \(schema).t (v) values ('a\\000b')", on: connection)
                    == "22021")
        }
    }
}

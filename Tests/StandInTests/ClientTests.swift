import Foundation
import NIOCore
import Testing

@testable import StandIn

/// Clients that nobody here wrote.
@Suite struct ClientTests {
    @Test func `psql connects, changes and queries`() async throws {
        try await StandInServer.withSchema { _, schema in
            let outcome = try await ClientProgram.psql(
                """
                create table \(schema).t (a int, b varchar(10));
                insert into \(schema).t values (1, 'x'), (2, null);
                select a, b from \(schema).t order by a
                """)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output == "1|x\n2|\n")
            let refused = try await ClientProgram.psql("select 1 from absent")
            #expect(refused.status != 0 && refused.errors.contains("relation \"absent\" does not exist"))
        }
    }

    @Test func `AWS's Python driver connects, binds, fetches and commits`() async throws {
        try await StandInServer.withSchema { connection, schema in
            let outcome = try await ClientProgram.redshiftConnector(
                """
                k = c.cursor()
                k.execute("create table \(schema).t (a int, b varchar(20), n decimal(10,2), d date, at timestamp, ok boolean)")
                row = (7, "it's ü\\\\", decimal.Decimal("1.50"), datetime.date(2024, 2, 29),
                    datetime.datetime(1969, 12, 31, 23, 59, 59, 250000), True)
                k.execute("insert into \(schema).t values (%s, %s, %s, %s, %s, %s)", row)
                k.executemany("insert into \(schema).t (a, b) values (%s, %s)", [(8, None), (9, "z")])
                c.commit()
                k.execute("select * from \(schema).t where a = %s", (7,))
                print([column[0].decode() if isinstance(column[0], bytes) else column[0] for column in k.description])
                print(k.fetchone() == list(row), k.fetchone())
                k.execute("select a, b from \(schema).t where a > %s order by a", (7,))
                print(k.fetchall())
                k.execute("select count(*), 2::smallint, 3::bigint, 0.5::real, 0.25::float8, '12:30:01.5'::time, "
                    "'2024-01-02 03:04:05+02'::timestamptz, json_parse('[1]'), from_hex('6162')")
                print(k.fetchall())
                c.rollback()
                """)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(
                outcome.output == """
                    ['a', 'b', 'n', 'd', 'at', 'ok']
                    True None
                    ([8, None], [9, 'z'])
                    ([1, 2, 3, 0.5, 0.25, datetime.time(12, 30, 1, 500000), \
                    datetime.datetime(2024, 1, 2, 1, 4, 5, tzinfo=datetime.timezone.utc), '[1]', 'ab'],)

                    """)
            #expect(try await connection.execute("select count(*) from \(schema).t").firstValue == "3")
        }
    }

    @Test func `AWS's Python driver is told what Redshift refuses, and goes on after it`() async throws {
        let outcome = try await ClientProgram.redshiftConnector(
            """
            k = c.cursor()
            def told(sql, values=None):
                try:
                    k.execute(sql, values)
                    print("passed")
                except redshift_connector.ProgrammingError as error:
                    print(error.args[0]["C"], error.args[0]["M"])
                c.rollback()
            told("select 1; select 2")
            told("copy t from %s iam_role default", ("s3://a/b",))
            told("create table t (a int default %s)", (1,))
            told("select * from absent where a = %s", (1,))
            told("select %s::int", ("x",))
            told("select %s", ("fine",))
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.output == """
                42601 cannot insert multiple commands into a prepared statement
                42601 syntax error at or near "$1"
                42601 syntax error at or near "$1"
                42P01 relation "absent" does not exist
                22P02 invalid input syntax for type integer: "x"
                passed

                """)
    }
}

@Suite struct ExtendedMessageTests {
    @Test func `messages are read field by field, and cut ones are refused`() {
        var parse = ByteBuffer()
        parse.writeNullTerminatedString("s")
        parse.writeNullTerminatedString("select $1")
        parse.writeInteger(UInt16(1))
        parse.writeInteger(UInt32(23))
        var cut = parse.getSlice(at: 0, length: parse.readableBytes - 1) ?? ByteBuffer()
        #expect(
            ExtendedMessage(type: UInt8(ascii: "P"), frame: &parse)
                == .parse(statement: "s", sql: Array("select $1".utf8), types: [23]))
        #expect(ExtendedMessage(type: UInt8(ascii: "P"), frame: &cut) == nil)
        var describe = ByteBuffer(string: "Sname\0")
        #expect(ExtendedMessage(type: UInt8(ascii: "D"), frame: &describe) == .describeStatement("name"))
    }

    @Test(arguments: [
        (UInt32(23), "-2", [255, 255, 255, 254]), (21, "258", [1, 2]), (16, "t", [1]), (16, "f", [0]),
        (1082, "1999-12-31", [255, 255, 255, 255]), (1082, "2000-03-01", [0, 0, 0, 60]),
        (1083, "00:00:01.5", [0, 0, 0, 0, 0, 22, 227, 96]),
        (1114, "2000-01-01 00:00:00.000007", [0, 0, 0, 0, 0, 0, 0, 7]),
        (1184, "2000-01-01 02:00:00+02", [0, 0, 0, 0, 0, 0, 0, 0]), (1043, "ü", [195, 188]),
        (701, "0.5", [63, 224, 0, 0, 0, 0, 0, 0]),
    ])
    func `values take their binary form`(_ type: UInt32, _ text: String, _ bytes: [Int]) throws {
        #expect(try BinaryValue.encode(Array(text.utf8), type: type) == bytes.map(UInt8.init))
    }

    @Test(arguments: [
        ("2024-02-29 13:14:15.000250", UInt32(1114)), ("0044-03-15 00:00:00.000000 BC", 1114),
        ("1969-12-31 23:59:59.999999", 1114), ("9999-12-31 23:59:59.000000", 1114),
    ])
    func `a moment survives the way out and back`(_ text: String, _ type: UInt32) throws {
        let bytes = try BinaryValue.encode(Array(text.utf8), type: type)
        #expect(try BinaryValue.decode(bytes, type: type) == text)
    }

    @Test func `a frame that is too long is told when its last byte has come, and the next one is read`() throws {
        var decoder = FrontendDecoder()
        var start = ByteBuffer()
        start.writeInteger(Int32(9))
        start.writeInteger(Int32(196_608))
        start.writeInteger(UInt8(0))
        #expect(try decoder.next(&start) == .startup([:]))
        let length = FrontendDecoder.statementLimitBytes + 100
        var head = ByteBuffer(string: "Q")
        head.writeInteger(Int32(length))
        #expect(try decoder.next(&head) == nil)
        var body = ByteBuffer(repeating: 32, count: length - 5)
        #expect(try decoder.next(&body) == nil)
        var last = ByteBuffer(string: " S\0\0\0\u{4}")
        #expect(try decoder.next(&last) == .tooLong(length, isExtended: false))
        #expect(try decoder.next(&last) == .sync)
    }

    @Test func `a value of the wrong length is refused`() {
        #expect(throws: StandInError.self) { try BinaryValue.decode([1, 2, 3], type: 23) }
    }

    @Test func `parameters belong into statements about rows only`() throws {
        let copy = Array("copy t from $1".utf8)
        #expect(throws: StandInError.syntax(near: "$1")) { try PreparedStatement(bytes: copy, declaredTypes: []) }
        let two = Array("select 1; select 2".utf8)
        #expect(throws: StandInError.self) { try PreparedStatement(bytes: two, declaredTypes: []) }
        let far = ExpressionContext(parameters: .kept)
        #expect(throws: StandInError.noParameter(32_768)) { try Plans.plan("select $32768", far) }
        #expect(StandInError.noParameter(32_768).what == "there is no parameter $-32768")
    }
}

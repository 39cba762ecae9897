import Replication
import Testing

struct CSVRowsTests {
    @Test func `every kind of field is read and told from NULL`() throws {
        let values: [[UInt8]?] = [
            nil, [], TestRows.bytes("plain"), TestRows.bytes(#"say "hi", twice"#), TestRows.bytes("a\nb\r\nc"),
            TestRows.bytes(TestRows.sentinel), TestRows.bytes(#"\."#), TestRows.bytes("\""), TestRows.bytes("\"\""),
            TestRows.bytes("é😀"), TestRows.bytes(TestRows.sentinel + "x"), nil,
        ]
        let rows = [values, values.reversed(), values]
        var reader = CSVRows(TestRows.chunk(rows).bytes, columns: values.count, format: TestRows.format)
        for row in rows {
            #expect(try reader.next())
            #expect(row.indices.map { reader.value($0).map(Array.init) } == row)
            #expect(row.indices.map { reader.isNull($0) } == row.map { $0 == nil })
            #expect(Array(reader.bytes[reader.row]) == TestRows.line(row))
            #expect(
                reader.fields.indices.filter { row[$0] != nil }.allSatisfy {
                    reader.fields[$0].valueBytes == row[$0]?.count
                })
        }
        #expect(try !reader.next())
        #expect(try !reader.next())
    }

    @Test func `a row of one empty value is an empty line`() throws {
        var reader = CSVRows(TestRows.bytes("\n\n"), columns: 1, format: TestRows.format)
        #expect(try reader.next())
        #expect(reader.value(0) == [])
        #expect(try reader.next())
        #expect(try !reader.next())
    }

    @Test(arguments: [
        "a,b", "a\n", "a,b,c\n", "a,\"b\n", "a,\"b\"", "a,\"b\"c\n", "a,\"b\n\n", "\n", "a,\"", "a,\"\"\"", "a,",
    ])
    func `bytes that are no rows of two fields are refused`(text: String) throws {
        var reader = CSVRows(TestRows.bytes(text), columns: 2, format: TestRows.format)
        let error = #expect(throws: ReplicationError.self) { while try reader.next() {} }
        #expect(error?.code == .internal)
    }

    @Test(
        arguments: [
            ("", ""), ("a b", "a b"), ("a,b", "\"a,b\""), ("\"", "\"\"\"\""), ("a\rb", "\"a\rb\""),
            ("a\nb", "\"a\nb\""),
            ("\t\\;'|", "\t\\;'|"), (TestRows.sentinel, "\"\(TestRows.sentinel)\""),
            (TestRows.sentinel + " ", TestRows.sentinel + " "), (#"\."#, #"\."#), ("é😀", "é😀"),
        ])
    func `a value is quoted only where PostgreSQL does`(value: String, written: String) {
        let writer = CSVFieldWriter(format: TestRows.format, columns: 2)
        var output: [UInt8] = []
        writer.append(Array(value.utf8)[...], to: &output)
        #expect(String(decoding: output, as: UTF8.self) == written)
        #expect(writer.bytes(of: Array(value.utf8)[...]) == output.count)
    }

    @Test func `the end-of-data mark is quoted where it would stand alone on its line`() {
        var output: [UInt8] = []
        CSVFieldWriter(format: TestRows.format, columns: 1).append(Array(#"\."#.utf8)[...], to: &output)
        #expect(String(decoding: output, as: UTF8.self) == #""\.""#)
    }
}

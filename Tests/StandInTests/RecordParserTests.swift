import Foundation
import Testing

@testable import StandIn

@Suite struct RecordParserTests {
    private static let text = FieldRule(.varchar, limit: 20)
    private static let number = FieldRule(.integer)

    /// What a stream becomes when it arrives in pieces of `piece` bytes.
    private func load(
        _ csv: [UInt8], rules: [FieldRule], piece: Int = 7, _ change: (inout CopyOptions) -> Void = { _ in }
    ) -> (output: String, errors: [LoadError], rows: Int) {
        var options = CopyOptions()
        options.isCSV = true
        options.nullString = Array("NULLX".utf8)
        change(&options)
        let parser = RecordParser(rules: rules, names: rules.indices.map { "c\($0)" }, options: options)
        parser.beginFile("f")
        do throws(RecordParser.Stop) {
            for start in stride(from: 0, to: csv.count, by: piece) {
                let part = csv[start..<min(start + piece, csv.count)]
                parser.space(piece).copyBytes(from: part)
                try parser.parse(added: part.count, isLast: false)
            }
            try parser.parse(added: 0, isLast: true)
        } catch {}
        return (String(decoding: parser.output.take(), as: UTF8.self), parser.errors, parser.rows)
    }

    @Test(arguments: [
        ("1,a\n2,b\n", "1\ta\n2\tb\n"),
        ("1,a\n2,b", "1\ta\n2\tb\n"),
        ("1,\"a,\"\"b\"\"\"\n", "1\ta,\"b\"\n"),
        ("1,\"x\ny\"\n2,z\n", "1\tx\\ny\n2\tz\n"),
        ("NULLX,NULLX\nNULLX,\"NULLX\"\n", "\\N\t\\N\n\\N\t\\N\n"),
        (",\n,\"\"\n", "\\N\t\n\\N\t\n"),
        ("1, \"q\" \n", "1\tq\n"),
        ("1,a\r\n2,\"b\"\r\n", "1\ta\n2\tb\n"),
        ("1,a\\b\tc\n", "1\ta\\\\b\\tc\n"),
        ("1,é€😀\n", "1\té€😀\n"),
    ])
    func `CSV becomes COPY text, whatever the pieces`(_ csv: String, _ expected: String) {
        for piece in [1, 2, 3, 7, 100] {
            let result = load(Array(csv.utf8), rules: [Self.number, Self.text], piece: piece)
            #expect(result.output == expected)
            #expect(result.errors.isEmpty)
        }
    }

    @Test(arguments: [
        ("1,a,b\n", 1202, "", Int64(1)), ("1\n", 1203, "c1", 1), ("1,\"a", 1214, "c1", 1),
        ("1,\"a\"x\n", 1214, "c1", 1),
        ("1,a\n\n", 1211, "c0", 2), ("1,a\nx,b\n", 1207, "c0", 2), ("1,\"a\nb\"\n2,c,d\n", 1202, "", 3),
        ("1,abcdefghijklmnopqrstu\n", 1204, "c1", 1),
    ])
    func `a bad record is reported with line, column and code`(
        _ csv: String, _ code: Int, _ column: String, _ line: Int64
    ) {
        let result = load(Array(csv.utf8), rules: [Self.number, Self.text])
        #expect(result.errors.first?.failure.code == code)
        #expect(result.errors.first?.column == column)
        #expect(result.errors.first?.line == line)
    }

    @Test func `MAXERROR skips bad records until there are too many`() {
        let csv = Array("1,a\nx,b\n2,c\ny,d\n3,e\n".utf8)
        let some = load(csv, rules: [Self.number, Self.text]) { $0.maxErrors = 3 }
        #expect(some.output == "1\ta\n2\tc\n3\te\n" && some.errors.count == 2)
        let few = load(csv, rules: [Self.number, Self.text]) { $0.maxErrors = 2 }
        #expect(few.errors.count == 2 && few.rows == 2)
    }

    @Test func `options change the reading`() {
        let rules = [Self.number, Self.text]
        #expect(load(Array("h\n1,a\n".utf8), rules: rules) { $0.headerLines = 1 }.output == "1\ta\n")
        #expect(load(Array("1\n".utf8), rules: rules) { $0.fillsRecord = true }.output == "1\t\n")
        #expect(load(Array("1,  \n".utf8), rules: rules) { $0.blanksAsNull = true }.output == "1\t\\N\n")
        #expect(load(Array("1,\"\"\n".utf8), rules: rules) { $0.emptyAsNull = true }.output == "1\t\\N\n")
        #expect(load(Array("1|\"a\n".utf8), rules: rules) { $0.isCSV = false }.output == "1\t\"a\n")
        #expect(load(Array("1,a\n\n2,b\n".utf8), rules: rules) { $0.ignoresBlankLines = true }.output == "1\ta\n2\tb\n")
        let cut = load(Array("1,ééééééééééé\n".utf8), rules: [Self.number, FieldRule(.varchar, limit: 5)]) {
            $0.truncatesColumns = true
        }
        #expect(cut.output == "1\téé\n")
        let repaired = load([49, 44, 0xFF, 97, 10], rules: rules) { $0.invalidCharacter = UInt8(ascii: "?") }
        #expect(repaired.output == "1\t?a\n")
    }

    @Test func `a row over 4 MB stops the load`() {
        let csv = Array("1,".utf8) + [UInt8](repeating: 97, count: 4 * 1024 * 1024 + 10) + [10]
        let result = load(csv, rules: [Self.number, FieldRule(.varchar, limit: 65_535)], piece: 1 << 20)
        #expect(result.errors.first?.failure.code == 1216)
    }

    @Test func `a blank line is an empty value where there is one text column`() {
        #expect(load(Array("a\n\n\"\"\n".utf8), rules: [Self.text]).output == "a\n\n\n")
    }

    @Test func `gzip members one after the other are all read, in pieces`() throws {
        let member: [UInt8] = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0x33, 0xd4, 0x49, 0xe4, 2, 0, 0xa4, 0x4c, 0xb7, 0xc4, 4, 0, 0, 0,
        ]
        let decompressor = try Decompressor(.gzip)
        var out: [UInt8] = []
        for byte in member + member {
            decompressor.feed([byte])
            let target = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 1)
            defer { target.deallocate() }
            let count = try decompressor.read(into: target)
            out += target[..<count]
        }
        try decompressor.finish()
        #expect(String(decoding: out, as: UTF8.self) == "1,a\n1,a\n")
    }
}

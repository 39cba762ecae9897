import Replication
import Testing

struct RowScreenTests {
    private static let name = ColumnRule(name: "name", form: .text, limitBytes: 10, isKey: false)
    private static let note = ColumnRule(name: "note", form: .text, limitBytes: 65_535, isKey: false)
    private static let day = ColumnRule(name: "day", form: .date, limitBytes: nil, isKey: false)
    private static let data = ColumnRule(name: "data", form: .json, limitBytes: nil, isKey: false)

    private func bytes(_ text: String, _ count: Int = 1) -> [UInt8] {
        Array(String(repeating: text, count: count).utf8)
    }

    // MARK: Widths

    @Test func `text over its column asks for the longest width met, and stays as it is`() throws {
        var screen = RowScreen([Self.name, Self.note])
        let rows = [[bytes("1"), bytes("é", 6), nil], [bytes("2"), bytes("a", 300), nil]]
        let isSame = TestRows.isSame(try screen.screen(TestRows.chunk(rows)).chunk, rows)
        #expect(isSame)
        #expect(screen.neededWidths == ["name": 300])
        _ = try screen.screen(TestRows.chunk([[bytes("3"), bytes("a", 11), bytes("a", 65_535)]]))
        #expect(screen.neededWidths == ["name": 300])
    }

    @Test func `text over the widest column is cut, and the narrow one is to become the widest`() throws {
        var screen = RowScreen([Self.name])
        let screened = try screen.screen(TestRows.chunk([[bytes("1"), bytes("€", 30_000)]]))
        let isSame = TestRows.isSame(screened.chunk, [[bytes("1"), bytes("€", 21_845)]])
        #expect(isSame)
        #expect(screened.repairs == [RepairedValue(key: ["1"], column: "name", reason: .cut, originalBytes: 90_000)])
        #expect(screen.neededWidths == ["name": 65_535])
    }

    @Test func `rows longer than a column that its source type fits into pass unparsed`() throws {
        var rule = Self.name
        rule.isBounded = true
        var screen = RowScreen([rule, Self.note])
        // Not a row at all: reading its fields would fail.
        let chunk = RowChunk(bytes: bytes("a", 500), rows: 1, longestRowBytes: 500)
        #expect(try screen.screen(chunk).chunk.bytes == chunk.bytes)
        var careful = RowScreen([Self.name, Self.note])
        #expect(throws: ReplicationError.self) { _ = try careful.screen(chunk) }
    }

    // MARK: The sentinel

    @Test(arguments: [false, true], [0, 1, 2])
    func `a value that equals the sentinel asks for another one`(parsesAll: Bool, column: Int) throws {
        var row: [[UInt8]?] = [bytes("1"), bytes("a"), bytes("b")]
        row[column] = bytes(TestRows.sentinel)
        var screen = RowScreen([Self.name, Self.note], parsesAll: parsesAll)
        #expect(throws: SentinelCollision.self) {
            _ = try screen.screen(TestRows.chunk([[bytes("0"), nil, nil], row, [bytes("2"), nil, nil]]))
        }
    }

    @Test func `a cut that leaves the sentinel asks for another one`() throws {
        let rule = ColumnRule(name: "name", form: .text, limitBytes: 20, isKey: false)
        var screen = RowScreen([rule], cuts: true)
        #expect(throws: SentinelCollision.self) {
            _ = try screen.screen(TestRows.chunk([[bytes("1"), bytes(TestRows.sentinel + "x")]]))
        }
    }

    // MARK: Policy and keys

    @Test func `under fail the table stops with key and column, never the value`() throws {
        let unfit: [(ColumnRule, String, ErrorCode)] = [
            (Self.day, "294277-01-01", .valueBad), (Self.day, "infinity", .valueBad),
            (Self.note, "secret\0", .valueBad),
            (Self.note, String(repeating: "a", count: 65_536), .valueLong),
            (Self.data, "\"" + String(repeating: "a", count: 65_536) + "\"", .valueLong),
        ]
        for (rule, value, code) in unfit {
            var screen = RowScreen([rule], policy: .fail)
            let chunk = TestRows.chunk([[bytes("4711"), bytes(value)]])
            let error = try #require(#expect(throws: ReplicationError.self) { _ = try screen.screen(chunk) })
            #expect(error.code == code)
            let text = error.description
            #expect(text.contains("4711") && text.contains(rule.name))
            let isSilent = !text.contains(value) && !text.contains("aaa") && !text.contains("secret")
            #expect(isSilent)
        }
    }

    @Test func `under fail a column is still widened`() throws {
        var screen = RowScreen([Self.name], policy: .fail)
        #expect(try screen.screen(TestRows.chunk([[bytes("1"), bytes("a", 11)]])).repairs == [])
        #expect(screen.neededWidths == ["name": 11])
    }

    @Test func `a key is never made NULL or cut`() throws {
        let unfit: [(ValueForm, Int?, [UInt8])] = [
            (.date, nil, bytes("infinity")), (.float, nil, bytes("NaN")), (.text, 65_535, bytes("a", 65_536)),
        ]
        for (form, limit, value) in unfit {
            let rule = ColumnRule(name: "k", form: form, limitBytes: limit, isKey: true)
            var screen = RowScreen([rule], cuts: true)
            let chunk = TestRows.chunk([[bytes("7"), value]])
            let error = try #require(#expect(throws: ReplicationError.self) { _ = try screen.screen(chunk) })
            #expect(error.fix.contains("key"))
        }
        let rule = ColumnRule(name: "k", form: .text, limitBytes: 10, isKey: true)
        var screen = RowScreen([rule], cuts: true)
        #expect(try screen.screen(TestRows.chunk([[bytes("7"), bytes("a", 11)]])).repairs == [])
        #expect(screen.neededWidths == ["k": 11])
    }

    @Test func `repairs name the key as the source has it, in key order`() throws {
        let rules = [
            ColumnRule(name: "a", form: .text, limitBytes: 65_535, isKey: true), Self.day,
            ColumnRule(name: "b", form: .exact, limitBytes: nil, isKey: true),
        ]
        var screen = RowScreen(
            rules: rules, keyColumns: [2, 0], format: TestRows.format, policy: .repair, cutsLongText: false)
        let chunk = TestRows.chunk([[bytes("say \"x\",\n\0é"), bytes("infinity"), bytes("5")]])
        let screened = try screen.screen(chunk)
        #expect(screened.repairs.map(\.key) == [["5", "say \"x\",\n\0é"], ["5", "say \"x\",\n\0é"]])
        #expect(screened.repairs.map(\.column) == ["a", "day"])
        #expect(screened.repairs.map(\.reason) == [.nulRemoved, .infinity])
    }

    @Test func `without a key the row's number in the batch stands for it`() throws {
        var screen = RowScreen(
            rules: [Self.day], keyColumns: [], format: TestRows.format, policy: .repair, cutsLongText: false)
        _ = try screen.screen(TestRows.chunk([[nil], [bytes("2024-01-01")]]))
        _ = try screen.screen(TestRows.chunk([[bytes("infinity")]]))
        let screened = try screen.screen(TestRows.chunk([[nil], [bytes("infinity")]]))
        #expect(screened.repairs.map(\.key) == [["#5"]])
    }

    @Test func `a long key is shortened in errors only`() throws {
        let key = ColumnRule(name: "k", form: .text, limitBytes: 65_535, isKey: true)
        let chunk = TestRows.chunk([[bytes("é", 5_000), bytes("infinity")]])
        func screen(_ policy: BadValuePolicy) -> RowScreen {
            RowScreen(
                rules: [key, Self.day], keyColumns: [0], format: TestRows.format, policy: policy, cutsLongText: false)
        }
        var (repairing, failing) = (screen(.repair), screen(.fail))
        let isWhole = try repairing.screen(chunk).repairs.map(\.key) == [[String(repeating: "é", count: 5_000)]]
        #expect(isWhole)
        let error = try #require(#expect(throws: ReplicationError.self) { _ = try failing.screen(chunk) })
        #expect(error.what.contains(String(repeating: "é", count: 100) + "…"))
        #expect(!error.what.contains(String(repeating: "é", count: 101)))
    }

    // MARK: The chunk

    @Test func `several values of a row are repaired at once`() throws {
        var screen = RowScreen([Self.day, Self.note, Self.day])
        let chunk = TestRows.chunk([
            [bytes("1"), bytes("2024-01-01"), bytes("a,b"), nil],
            [bytes("2"), bytes("infinity"), bytes("\"q\""), bytes("-infinity")],
            [bytes("3"), nil, bytes("a\0"), bytes("999999-01-01")], [bytes("4"), nil, nil, nil],
        ])
        let screened = try screen.screen(chunk)
        let expected = [
            [bytes("1"), bytes("2024-01-01"), bytes("a,b"), nil], [bytes("2"), nil, bytes("\"q\""), nil],
            [bytes("3"), nil, bytes("a"), nil], [bytes("4"), nil, nil, nil],
        ]
        let isSame = TestRows.isSame(screened.chunk, expected)
        #expect(isSame)
        #expect(screened.repairs.map(\.reason) == [.infinity, .infinity, .nulRemoved, .dateOutOfRange])
    }

    @Test func `a chunk with another number of rows than it says is refused`() throws {
        var screen = RowScreen([Self.note], parsesAll: true)
        var chunk = TestRows.chunk([[bytes("1"), nil]])
        chunk.rows = 2
        let error = #expect(throws: ReplicationError.self) { _ = try screen.screen(chunk) }
        #expect(error?.code == .internal)
    }

    @Test func `a chunk without rows passes`() throws {
        var screen = RowScreen([Self.note, Self.day, Self.data], utf8: true, parsesAll: true)
        #expect(try screen.screen(TestRows.chunk([])).chunk.rows == 0)
    }
}

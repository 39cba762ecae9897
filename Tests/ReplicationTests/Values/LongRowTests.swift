import Replication
import Testing

/// Rows around Redshift's limit of 4,194,304 bytes, line end included.
struct LongRowTests {
    private static let limit = 4_194_304

    private func rule(_ name: String, _ form: ValueForm) -> ColumnRule {
        ColumnRule(name: name, form: form, limitBytes: form == .text ? 65_535 : nil, isKey: false)
    }

    private func bytes(_ byte: String, _ count: Int) -> [UInt8] {
        Array(repeating: byte.utf8.first ?? 0, count: count)
    }

    /// JSON of so many bytes, which CSV leaves without quotes.
    private func document(_ bytes: Int) -> [UInt8] { self.bytes("7", bytes) }

    private func screen(_ rules: [ColumnRule], _ row: [[UInt8]?], policy: BadValuePolicy = .repair) throws
        -> ScreenedChunk
    {
        var screen = RowScreen(rules, policy: policy)
        let next: [[UInt8]?] = [Array("2".utf8)] + rules.map { _ in nil }
        return try screen.screen(TestRows.chunk([row, next]))
    }

    @Test func `a row of exactly the limit stays, and one byte more takes its largest JSON`() throws {
        let rules = [rule("a", .json), rule("b", .binary), rule("c", .json)]
        // `1`, three commas and the line end.
        let rest = Self.limit - 5 - 600_000 - 700_000
        let row = [Array("1".utf8), document(600_000), bytes("0", rest), document(700_000)]
        let repairs = try screen(rules, row).repairs
        #expect(repairs == [])

        let longer = [Array("1".utf8), document(600_001), row[2], row[3]]
        let screened = try screen(rules, longer)
        #expect(
            screened.repairs == [RepairedValue(key: ["1"], column: "c", reason: .rowTooLarge, originalBytes: 700_000)])
        let next = [Array("2".utf8), nil, nil, nil]
        let isSame = TestRows.isSame(screened.chunk, [[longer[0], longer[1], longer[2], nil], next])
        #expect(isSame)
    }

    @Test func `as much JSON goes as must, the largest first`() throws {
        let rules = ["a", "b", "c", "d", "e", "f"].map { rule($0, .json) }
        let sizes = [900_000, 910_000, 920_000, 930_000, 940_000, 1_000]
        let screened = try screen(rules, [Array("1".utf8)] + sizes.map(document))
        #expect(screened.repairs.map(\.column) == ["e"])
        #expect(screened.repairs.map(\.originalBytes) == [940_000])
        #expect(screened.chunk.longestRowBytes == 1 + 900_000 + 910_000 + 920_000 + 930_000 + 20 + 1_000 + 7)
    }

    @Test func `without JSON to take the largest binary value goes`() throws {
        let rules = [rule("a", .binary), rule("b", .binary), rule("c", .json), rule("d", .text)]
        let row = [
            Array("1".utf8), bytes("a", 2_000_000), bytes("b", 2_100_000), document(800_000), bytes("t", 60_000),
        ]
        let screened = try screen(rules, row)
        #expect(screened.repairs.map(\.column) == ["c"], "JSON alone suffices here")

        let full = [
            Array("1".utf8), bytes("a", 2_200_000), bytes("b", 2_100_000), document(800_000), bytes("t", 60_000),
        ]
        let emptied = try screen(rules, full)
        #expect(emptied.repairs.map(\.column) == ["a", "c"])
        #expect(emptied.repairs.map(\.originalBytes) == [1_100_000, 800_000])
        #expect(emptied.chunk.longestRowBytes < Self.limit)
    }

    @Test func `with nothing else to take the longest text is cut until the row fits`() throws {
        let rules = (0..<40).map { rule("t\($0)", .text) }
        let row = [Array("1".utf8)] + rules.indices.map { bytes("\"", $0 == 7 ? 65_535 : 65_000) }
        let screened = try screen(rules, row)
        #expect(screened.chunk.longestRowBytes <= Self.limit)
        #expect(screened.chunk.longestRowBytes > Self.limit - 8)
        #expect(screened.repairs.first?.column.hasPrefix("t") == true)
        #expect(screened.repairs.allSatisfy { $0.reason == .rowTooLarge })
        #expect(screened.repairs.contains { $0.column == "t7" && $0.originalBytes == 65_535 })
        let values = TestRows.rows(screened.chunk)
        let isWhole = values.isConsistent && values.rows.map(\.count) == [41, 41]
        #expect(isWhole)
    }

    @Test func `a row that nothing can shorten stops the table`() throws {
        let row = [Array("1".utf8), bytes("a", Self.limit)]
        let rules = [rule("x", .exact)]
        let error = #expect(throws: ReplicationError.self) { _ = try screen(rules, row) }
        #expect(error?.code == .valueLong)
    }

    @Test func `under fail a long row stops the table`() throws {
        let rules = (0..<5).map { rule("j\($0)", .json) }
        let row = [Array("1".utf8)] + rules.map { _ in document(999_999) }
        let error = #expect(throws: ReplicationError.self) { _ = try screen(rules, row, policy: .fail) }
        #expect(error?.code == .valueLong && error?.what.contains("j0") == true)
    }
}

import Testing

@testable import Replication

/// Dates that are none, which MySQL keeps where its `sql_mode` allows them.
struct PartialDateTests {
    private static let partial = [
        "0000-00-00", "2024-00-15", "2024-05-00", "2024-00-00", "0000-05-15", "0000-00-15", "0000-05-00", "9999-00-31",
    ]
    private static let whole = [
        "2024-05-15", "0001-01-01", "2000-10-10", "9999-12-31", "1000-01-10", "2024-10-01", "0100-01-01", "0010-01-01",
    ]

    private func isPartial(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes(RowLimits.isPartialDate)
    }

    @Test func `a date lacks its year, its month or its day`() {
        for text in Self.partial { #expect(isPartial(text), "\(text)") }
        for text in Self.whole { #expect(!isPartial(text), "\(text)") }
        for text in [
            "", "0000-00-0", "0000-00-000", "0000/00/00", "000a-00-00", "2024-0a-15", "00000-00-0", "0000-0000-",
        ] {
            #expect(!isPartial(text), "\(text)")
        }
    }

    @Test(arguments: [
        ("date", ReplicaType.date, ""), ("datetime", .timestamp, " 00:00:00"),
        ("datetime(6)", .timestamp, " 10:11:12.123456"),
        ("timestamp", .timestamptz, " 00:00:00+00"), ("timestamp(3)", .timestamptz, " 00:00:00.000+00"),
    ])
    func `such a date becomes NULL and is recorded, the others stay`(
        type: String, destination: ReplicaType, rest: String
    )
        throws
    {
        let form = ValueForm(destination: destination, sourceType: type)
        let rule = ColumnRule(name: "at", form: form, limitBytes: nil, isKey: false)
        for parsesAll in [false, true] {
            for text in Self.partial {
                var screen = RowScreen([rule], parsesAll: parsesAll)
                let value = Array((text + rest).utf8)
                let screened = try screen.screen(TestRows.chunk([[Array("7".utf8), value], [Array("8".utf8), nil]]))
                let isNull = TestRows.isSame(screened.chunk, [[Array("7".utf8), nil], [Array("8".utf8), nil]])
                #expect(isNull, "\(text + rest)")
                #expect(
                    screened.repairs == [
                        RepairedValue(key: ["7"], column: "at", reason: .dateIncomplete, originalBytes: value.count)
                    ])
            }
            var screen = RowScreen([rule], parsesAll: parsesAll)
            let rows = Self.whole.map { [Array("7".utf8), Array(($0 + rest).utf8)] }
            let screened = try screen.screen(TestRows.chunk(rows))
            let isSame = TestRows.isSame(screened.chunk, rows)
            #expect(isSame && screened.repairs.isEmpty)
        }
    }

    /// PostgreSQL has no such dates, and its text may look like them.
    @Test func `text that looks like such a date stays`() throws {
        let note = ColumnRule(name: "note", form: .text, limitBytes: 65_535, isKey: false)
        let at = ColumnRule(
            name: "at", form: ValueForm(destination: .date, sourceType: "date"), limitBytes: nil, isKey: false)
        var screen = RowScreen([note, at])
        let rows = [[Array("1".utf8), Array("0000-00-00".utf8), Array("2024-05-15".utf8)]]
        let screened = try screen.screen(TestRows.chunk(rows))
        let isSame = TestRows.isSame(screened.chunk, rows)
        #expect(isSame && screened.repairs.isEmpty)
    }

    @Test func `under fail, and in a key, it stops the table`() throws {
        for (isKey, policy) in [(true, BadValuePolicy.repair), (false, .fail)] {
            let rule = ColumnRule(name: "at", form: .date, limitBytes: nil, isKey: isKey)
            var screen = RowScreen([rule], policy: policy)
            let chunk = TestRows.chunk([[Array("7".utf8), Array("0000-00-00".utf8)]])
            let error = try #require(#expect(throws: ReplicationError.self) { _ = try screen.screen(chunk) })
            #expect(error.code == .valueBad && !error.description.contains("0000-00-00"))
        }
    }

    /// Over all edges of the blocks that the search goes by.
    @Test func `it is found wherever it lies`() {
        for before in 0..<140 {
            for text in Self.partial {
                let bytes = Array((String(repeating: "x", count: before) + "," + text + "\n").utf8)
                #expect(bytes.withUnsafeBytes(ChunkSearch.holdsPartialDate), "\(text) at \(before)")
            }
            for text in Self.whole {
                let bytes = Array((String(repeating: "x", count: before) + "," + text + "\n").utf8)
                #expect(!bytes.withUnsafeBytes(ChunkSearch.holdsPartialDate), "\(text) at \(before)")
            }
        }
    }
}

import Replication
import Testing

/// One value, what the screen makes of it, and why.
struct ScreenedValue: Sendable, CustomTestStringConvertible {
    var name: String
    var form: ValueForm
    var limit: Int?
    var value: [UInt8]
    /// nil for NULL.
    var expected: [UInt8]?
    /// nil for a value that stays as it is.
    var reason: RepairedValue.Reason?
    var cuts = false
    var utf8 = false
    var originalBytes: Int?
    var testDescription: String { name }

    static func kept(
        _ name: String, _ form: ValueForm, _ value: String, limit: Int? = nil, utf8: Bool = false
    ) -> ScreenedValue {
        let bytes = Array(value.utf8)
        return ScreenedValue(name: name, form: form, limit: limit, value: bytes, expected: bytes, utf8: utf8)
    }

    static func changed(
        _ name: String, _ form: ValueForm, _ value: String, to expected: String?, _ reason: RepairedValue.Reason,
        limit: Int? = nil, cuts: Bool = false
    ) -> ScreenedValue {
        ScreenedValue(
            name: name, form: form, limit: limit, value: Array(value.utf8), expected: expected.map { Array($0.utf8) },
            reason: reason, cuts: cuts)
    }

    static func of(_ part: String, _ count: Int, _ tail: String = "") -> String {
        String(repeating: part, count: count) + tail
    }
}

struct ScreenedValueTests {
    private typealias Value = ScreenedValue
    private static let emoji = "😀"
    private static let accent = "e\u{301}"

    static let text: [ScreenedValue] = [
        .kept("65,535 bytes", .text, Value.of("a", 65_535)),
        .changed("65,536 bytes", .text, Value.of("a", 65_536), to: Value.of("a", 65_535), .cut),
        .kept("two bytes up to the limit", .text, Value.of("a", 65_533, "é")),
        .changed("two bytes over it", .text, Value.of("a", 65_534, "é"), to: Value.of("a", 65_534), .cut),
        .kept("three bytes up to the limit", .text, Value.of("a", 65_532, "€")),
        .changed("three bytes over it", .text, Value.of("a", 65_534, "€"), to: Value.of("a", 65_534), .cut),
        .kept("four bytes up to the limit", .text, Value.of("a", 65_531, emoji)),
        .changed("four bytes over it", .text, Value.of("a", 65_532, emoji), to: Value.of("a", 65_532), .cut),
        .changed("four bytes far over it", .text, Value.of("a", 65_534, emoji), to: Value.of("a", 65_534), .cut),
        .changed("emoji all along", .text, Value.of(emoji, 20_000), to: Value.of(emoji, 16_383), .cut),
        .changed("a combining character", .text, Value.of("a", 65_534, accent), to: Value.of("a", 65_534, "e"), .cut),
        .kept("quotes up to the limit", .text, Value.of("\"", 65_535)),
        .changed("quotes over it", .text, Value.of("\"", 65_536), to: Value.of("\"", 65_535), .cut),
        .changed("line ends over it", .text, Value.of("\r\n", 40_000), to: Value.of("\r\n", 32_767, "\r"), .cut),
        .changed("backslashes over it", .text, Value.of("\\", 65_536), to: Value.of("\\", 65_535), .cut),
        .kept("an empty string", .text, ""), .kept("a backslash", .text, "\\"), .kept("the end mark", .text, #"\."#),
        .kept("the sentinel within text", .text, "x\(TestRows.sentinel)"),
        .kept("the quoted sentinel within text", .text, "\"\(TestRows.sentinel)\""),
        .kept("commas around the quoted sentinel", .text, ",\"\(TestRows.sentinel)\","),
        .kept("words of numbers in text", .text, "infinity"), .kept("NaN in text", .text, "NaN"),
        .changed("NUL", .text, "a\0b\0", to: "ab", .nulRemoved),
        .changed("nothing but NUL", .text, "\0", to: "", .nulRemoved),
        .kept("ten bytes in ten", .text, Value.of("a", 10), limit: 10),
        .changed("eleven in ten", .text, Value.of("a", 11), to: Value.of("a", 10), .truncated, limit: 10, cuts: true),
        .changed("an emoji in ten", .text, Value.of("a", 7, emoji), to: "aaaaaaa", .truncated, limit: 10, cuts: true),
        .changed("a quote at the cut", .text, "aaaa\"\"", to: "aaaa\"", .truncated, limit: 5, cuts: true),
        .changed("one byte", .text, emoji, to: "", .truncated, limit: 1, cuts: true),
        .changed("NUL beyond the column", .text, "abc\0def", to: "abc", .truncated, limit: 3, cuts: true),
        .changed("NUL only beyond the column", .text, "abc\0", to: "abc", .nulRemoved, limit: 3, cuts: true),
        .kept("valid UTF-8", .text, "aé€\(emoji)\u{FFFD}", utf8: true),
    ]

    static let numbersAndDates: [ScreenedValue] = [
        .changed("NaN in a decimal", .decimal, "NaN", to: nil, .notANumber),
        .changed("infinity in a decimal", .decimal, "Infinity", to: nil, .infinity),
        .kept("a decimal", .decimal, "-12345678901234567890.123"), .kept("zero", .decimal, "0"),
        .changed("NaN in a float", .float, "NaN", to: nil, .notANumber),
        .changed("infinity in a float", .float, "Infinity", to: nil, .infinity),
        .changed("less than any float", .float, "-Infinity", to: nil, .infinity),
        .kept("a large float", .float, "1.7976931348623157e+308"), .kept("minus zero", .float, "-0"),
        .changed("an infinite date", .date, "infinity", to: nil, .infinity),
        .changed("before every date", .date, "-infinity", to: nil, .infinity),
        .kept("a date", .date, "2024-02-29"), .kept("a date before Christ", .date, "4713-01-01 BC"),
        .kept("five digits", .date, "12345-06-07"), .kept("the last year", .date, "294276-12-31"),
        .changed("the year after", .date, "294277-01-01", to: nil, .dateOutOfRange),
        .changed("six digits", .date, "999999-01-01", to: nil, .dateOutOfRange),
        .changed("PostgreSQL's last date", .date, "5874897-12-31", to: nil, .dateOutOfRange),
        .changed("an infinite timestamp", .timestamp, "infinity", to: nil, .infinity),
        .changed("before every timestamp", .timestamp, "-infinity", to: nil, .infinity),
        .kept("the last timestamp", .timestamp, "294276-12-31 23:59:59.999999"),
        .kept("a timestamp with zone", .timestamp, "2024-02-29 12:00:00.5+00"),
        .kept("a timestamp before Christ", .timestamp, "4713-01-01 00:00:00+00 BC"),
        .kept("anything exact", .exact, "9223372036854775807"),
    ]

    static let documents: [ScreenedValue] = [
        .kept("a document", .json, #"{"a": [1, "two\n", null], "NaN": "infinity"}"#),
        .kept("a NUL escape", .json, #"{"a": "\u0000"}"#),
        .kept("1,000,000 bytes", .json, "[\(Value.of("12345678,", 111_110))12345678]"),
        .changed("one more", .json, "[\(Value.of("12345678,", 111_110))123456789]", to: nil, .jsonTooLarge),
        .kept("1,000 levels", .json, Value.of("[", 1_000) + Value.of("]", 1_000)),
        .changed("1,001 levels", .json, Value.of("[", 1_001) + Value.of("]", 1_001), to: nil, .jsonTooDeep),
        .changed(
            "a number on level 1,001", .json, Value.of("[", 1_000, "1") + Value.of("]", 1_000), to: nil, .jsonTooDeep),
        .kept("a number on level 1,000", .json, Value.of("[", 999, "1") + Value.of("]", 999)),
        .changed(
            "members on 1,001 levels", .json, Value.of(#"{"a":"#, 1_000, "{}") + Value.of("}", 1_000), to: nil,
            .jsonTooDeep),
        .kept("brackets in a string", .json, "[\"\(Value.of("[{", 5_000))\"]"),
        .kept("wide, not deep", .json, "[\(Value.of("[],", 5_000))[]]"),
        .kept("a string of 65,535 bytes", .json, "\"\(Value.of("a", 65_535))\""),
        .changed("a string of 65,536", .json, "\"\(Value.of("a", 65_536))\"", to: nil, .jsonStringTooLong),
        .changed("a name of 65,536", .json, "{\"\(Value.of("a", 65_536))\":1}", to: nil, .jsonStringTooLong),
        .kept("65,535 bytes in escapes", .json, "\"\(Value.of(#"\n"#, 65_535))\""),
        .kept("NUL escapes count one", .json, "\"\(Value.of(#"\u0000"#, 65_535))\""),
        .changed("65,536 bytes in escapes", .json, "\"\(Value.of(#"\""#, 65_536))\"", to: nil, .jsonStringTooLong),
        .kept("é escaped counts two", .json, "\"\(Value.of(#"\u00e9"#, 32_767))\""),
        .changed("one é more", .json, "\"\(Value.of(#"\u00E9"#, 32_768))\"", to: nil, .jsonStringTooLong),
        .kept("€ escaped counts three", .json, "\"\(Value.of(#"\u20AC"#, 21_845))\""),
        .changed("one € more", .json, "\"\(Value.of(#"\u20ac"#, 21_846))\"", to: nil, .jsonStringTooLong),
        .kept("a pair counts four", .json, "\"\(Value.of(#"\uD83D\uDE00"#, 16_383))abc\""),
        .changed("one byte more", .json, "\"\(Value.of(#"\ud83d\ude00"#, 16_383))abcd\"", to: nil, .jsonStringTooLong),
        .kept(
            "two strings that are long together", .json, "[\"\(Value.of("a", 40_000))\",\"\(Value.of("b", 40_000))\"]"),
    ]

    static let bytes: [ScreenedValue] = [
        .kept("no bytes", .binary, ""), .kept("2,000,000 bytes", .binary, Value.of("0f", 2_000_000)),
        ScreenedValue(
            name: "one more", form: .binary, value: Array(repeating: 0x61, count: 4_000_002), expected: nil,
            reason: .binaryTooLarge, originalBytes: 2_000_001),
        ScreenedValue(
            name: "a stray byte", form: .text, value: [0x61, 0xFF, 0x62], expected: Array("a\u{FFFD}b".utf8),
            reason: .invalidUTF8, utf8: true),
        ScreenedValue(
            name: "a broken character is one", form: .text, value: [0xF0, 0x9F, 0x98, 0x41],
            expected: Array("\u{FFFD}A".utf8), reason: .invalidUTF8, utf8: true),
        ScreenedValue(
            name: "a surrogate is three", form: .text, value: [0xED, 0xA0, 0x80],
            expected: Array("\u{FFFD}\u{FFFD}\u{FFFD}".utf8), reason: .invalidUTF8, utf8: true),
        ScreenedValue(
            name: "an overlong slash is two", form: .text, value: [0xC0, 0xAF],
            expected: Array("\u{FFFD}\u{FFFD}".utf8), reason: .invalidUTF8, utf8: true),
        ScreenedValue(
            name: "bad bytes that no longer fit", form: .text, limit: 5, value: [0x61, 0x61, 0xFF, 0xFF],
            expected: Array("aa\u{FFFD}".utf8), reason: .truncated, cuts: true, utf8: true),
        ScreenedValue(
            name: "bad bytes in JSON", form: .json, value: [0x22, 0xE9, 0x22], expected: Array("\"\u{FFFD}\"".utf8),
            reason: .invalidUTF8, utf8: true),
    ]

    /// Between two rows that must not change, with and without every field being looked at.
    @Test(arguments: [text, numbersAndDates, documents, bytes].flatMap { $0 }, [false, true])
    func `a value is carried or repaired`(value: ScreenedValue, parsesAll: Bool) throws {
        let limit = value.form == .text ? value.limit ?? 65_535 : nil
        let rule = ColumnRule(name: "v", form: value.form, limitBytes: limit, isKey: false)
        var screen = RowScreen([rule], cuts: value.cuts, utf8: value.utf8, parsesAll: parsesAll)
        let one = TestRows.bytes("1")
        let rows = [[one, nil], [TestRows.bytes("2"), value.value], [TestRows.bytes("3"), nil]]
        let chunk = TestRows.chunk(rows)
        let screened = try screen.screen(chunk)

        let expected = [rows[0], [rows[1][0], value.expected], rows[2]]
        let isSame = TestRows.isSame(screened.chunk, expected)
        #expect(isSame)
        let repairs = value.reason.map {
            [
                RepairedValue(
                    key: ["2"], column: "v", reason: $0, originalBytes: value.originalBytes ?? value.value.count)
            ]
        }
        #expect(screened.repairs == repairs ?? [])
        #expect(screen.neededWidths == [:])
    }
}

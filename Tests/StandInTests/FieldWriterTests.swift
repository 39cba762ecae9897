import Testing

@testable import StandIn

@Suite struct FieldWriterTests {
    /// Output, or the error code in angle brackets.
    private func write(_ rule: FieldRule, _ value: String, _ change: (inout CopyOptions) -> Void = { _ in }) -> String {
        var options = CopyOptions()
        options.timeFormat = .auto
        options.dateFormat = .auto
        change(&options)
        let out = CopyTextBuffer(capacity: 16)
        let writer = FieldWriter(options: options, out: out)
        let failure = Array(value.utf8 + [0]).withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { writer.write(rule, $0, value.utf8.count) } ?? nil
        }
        // A document of SUPER is marked as such.
        return failure.map { "<\($0.code)>" }
            ?? String(decoding: out.take().drop { $0 == SuperText.documentMark }, as: UTF8.self)
    }

    @Test(arguments: [
        (FieldRule.Kind.smallint, "32767", "32767"), (.smallint, "32768", "<1204>"), (.smallint, "-32768", "-32768"),
        (.integer, "2147483648", "<1204>"), (.integer, " 7 ", "7"), (.integer, "+5", "+5"), (.integer, "1.5", "<1207>"),
        (.integer, "-", "<1207>"), (.bigint, "-9223372036854775808", "-9223372036854775808"),
        (.bigint, "9223372036854775808", "<1222>"), (.boolean, "YES", "t"), (.boolean, "0", "f"),
        (.boolean, "maybe", "<1210>"), (.double, "1.5e3", "1.5e3"), (.double, "NaN", "<1208>"),
        (.double, "Infinity", "<1208>"), (.double, "1e400", "<1208>"), (.double, "1e-400", "0"),
        (.double, "1x", "<1208>"),
        (.real, "3.5e38", "<1208>"), (.date, "2024-02-29", "2024-02-29"), (.date, "2023-02-29", "<1205>"),
        (.date, "20240229", "2024-02-29"), (.date, "02/29/2024", "2024-02-29"),
        (.date, "2024-02-29 10:00:00", "2024-02-29"),
        (.date, "0044-03-15 BC", "0044-03-15 BC"), (.date, "294276-12-31", "294276-12-31"),
        (.date, "294277-01-01", "<1205>"), (.date, "infinity", "<1205>"), (.date, "0000-01-01", "<1205>"),
        (.timestamp, "2024-01-02 03:04:05.123456", "2024-01-02 03:04:05.123456"),
        (.timestamp, "2024-01-02T03:04:05.1234567Z", "2024-01-02 03:04:05.123456"),
        (.timestamp, "2024-01-31 03:04:05+05", "2024-01-31 03:04:05"),
        (.timestamp, "2024-01-02", "2024-01-02 00:00:00"),
        (.timestamp, "2024-01-02 24:00:00", "2024-01-02 24:00:00"), (.timestamp, "2024-01-02 25:00:00", "<1206>"),
        (.timestamp, "0044-03-15 01:02:03 BC", "0044-03-15 01:02:03 BC"), (.timestamp, "infinity", "<1206>"),
        (.timestamptz, "2024-01-02 03:04:05+05:30", "2024-01-02 03:04:05+05:30"),
        (.timestamptz, "2024-01-02 03:04:05", "2024-01-02 03:04:05+00:00"),
        (.timestamptz, "0044-03-15 00:00:00+00 BC", "0044-03-15 00:00:00+00:00 BC"),
        (.time, "24:00:00", "24:00:00"), (.time, "24:00:01", "<1206>"), (.time, "01:02", "01:02:00"),
        (
            .json, "{\"a\": [1, 2.5e3, \"x\\n\\u00e9\", null, true, {}]}",
            "{\"a\": [1, 2.5e3, \"x\\\\n\\\\u00e9\", null, true, {}]}"
        ),
        (.json, "{\"a\":}", "<1224>"), (.json, "[1,]", "<1224>"), (.json, "01", "<1224>"), (.json, "\"a", "<1224>"),
        (.json, "1 2", "<1224>"), (.json, "", "\\N"), (.json, "{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"),
    ])
    func `a field is checked and written by its type`(_ kind: FieldRule.Kind, _ value: String, _ expected: String) {
        #expect(write(FieldRule(kind), value) == expected)
    }

    @Test(arguments: [
        (10, 2, "1.239", "1.23"), (10, 2, "-1.239", "-1.23"), (10, 2, "1", "1"), (10, 2, ".5", ".5"),
        (4, 2, "100", "<1209>"), (4, 2, "0099.99", "0099.99"), (5, 0, "1.9", "1"), (5, 0, "-.9", "0"),
        (10, 2, "1e2", "100"),
        (10, 2, "1.5E-1", "0.15"), (10, 2, "x", "<1209>"), (10, 2, "NaN", "<1209>"), (10, 2, "", "\\N"),
        (10, 2, ".", "<1209>"),
        (19, 0, "9223372036854775807", "9223372036854775807"), (19, 0, "9223372036854775808", "<1209>"),
        (19, 2, "92233720368547758.08", "<1209>"), (20, 0, "99999999999999999999", "99999999999999999999"),
    ])
    func `decimals lose digits silently and overflow loudly`(
        _ precision: Int, _ scale: Int, _ value: String, _ expected: String
    ) {
        #expect(write(FieldRule(.decimal, limit: precision, scale: scale), value) == expected)
    }

    @Test(arguments: [
        ("1.235", "1.24"), ("-1.235", "-1.24"), ("1.234", "1.23"), ("9.999", "10.00"), ("99.999", "<1209>"),
    ])
    func `ROUNDEC rounds instead`(_ value: String, _ expected: String) {
        #expect(write(FieldRule(.decimal, limit: 4, scale: 2), value) { $0.roundsDecimals = true } == expected)
    }

    @Test func `text and bytes are measured in bytes`() {
        #expect(write(FieldRule(.varchar, limit: 4), "éé") == "éé")
        #expect(write(FieldRule(.varchar, limit: 3), "éé") == "<1204>")
        #expect(write(FieldRule(.varchar, limit: 9), "a\0b") == "<1218>")
        #expect(write(FieldRule(.char, limit: 3), "abc") == "abc")
        #expect(write(FieldRule(.char, limit: 3), "é") == "<1220>")
        #expect(write(FieldRule(.varbyte, limit: 2), "00fF") == "\\\\x00fF")
        #expect(write(FieldRule(.varbyte, limit: 2), "00ff00") == "<1204>")
        #expect(write(FieldRule(.varbyte, limit: 2), "0g") == "<1219>")
        #expect(write(FieldRule(.varbyte, limit: 2), "000") == "<1219>")
        #expect(write(FieldRule(.integer, notNull: true), "") == "<1213>")
    }

    @Test func `SUPER's limits are its own`() {
        let deep = String(repeating: "[", count: 1_000) + String(repeating: "]", count: 1_000)
        #expect(write(FieldRule(.json), deep) == deep)
        #expect(write(FieldRule(.json), "[\(deep)]") == "<1224>")
        #expect(write(FieldRule(.json), "\"\(String(repeating: "x", count: 65_536))\"") == "<1224>")
        #expect(write(FieldRule(.json), "[\(String(repeating: "1,", count: 500_000))1]") == "<1224>")
    }

    @Test func `epochs count from 1970`() {
        #expect(write(FieldRule(.timestamp), "86399") { $0.timeFormat = .epochSeconds } == "1970-01-01 23:59:59")
        #expect(
            write(FieldRule(.timestamp), "-1") { $0.timeFormat = .epochMilliseconds } == "1969-12-31 23:59:59.999000")
        #expect(write(FieldRule(.timestamp), "2024-01-02T03:04:05") { $0.timeFormat = .standard } == "<1206>")
        #expect(write(FieldRule(.date), "nonsense") { $0.acceptsAnyDate = true } == "\\N")
    }
}

import Replication
import TestServers
import Testing

/// Random tables and rows: what nothing is wrong with keeps its bytes on both paths, and of what is, exactly that is
/// repaired.
struct ScreenPropertyTests {
    private static let seed = UInt64.random(in: 0...UInt64.max)
    private static let tables = 200

    /// A random table with its rows, drawn from one seed.
    private struct Table {
        /// A change that a screen must make: row, column, what stands there before and after.
        struct Injected {
            var row: Int
            var column: Int
            var value: [UInt8]
            var expected: [UInt8]?
            var reason: RepairedValue.Reason
        }

        var generator: SeededGenerator
        var rules: [ColumnRule] = []
        var keyColumns: [Int] = []
        var rows: [[[UInt8]?]] = []
        var injected: [Injected] = []
        let cuts: Bool

        init(seed: UInt64) {
            generator = SeededGenerator(seed: seed)
            cuts = Bool.random(using: &generator)
            let columns = Int.random(in: 1...8, using: &generator)
            let forms: [ValueForm] = [.text, .text, .decimal, .float, .date, .timestamp, .json, .binary, .exact]
            for column in 0..<columns {
                let form = forms[Int.random(in: 0..<forms.count, using: &generator)]
                let limit = form == .text ? [65_535, 40, 12].randomElement(using: &generator) : nil
                rules.append(ColumnRule(name: "c\(column)", form: form, limitBytes: limit, isKey: false))
            }
            let keys = Int.random(in: 0...2, using: &generator)
            for key in 0..<keys {
                keyColumns.append(rules.count)
                rules.append(ColumnRule(name: "k\(key)", form: .exact, limitBytes: nil, isKey: true))
            }
            for row in 0..<Int.random(in: 1...40, using: &generator) {
                rows.append(rules.map { $0.isKey ? Array("\(row)".utf8) : harmless($0) })
            }
        }

        mutating func injectUnfitValues() {
            for row in rows.indices {
                for column in rules.indices where Int.random(in: 0..<12, using: &generator) == 0 {
                    guard let (value, expected, reason) = unfit(rules[column]) else { continue }
                    rows[row][column] = value
                    injected.append(
                        Injected(row: row, column: column, value: value, expected: expected, reason: reason))
                }
            }
        }

        private static let pieces = [
            "\"", ",", "\n", "\r", "\\", #"\."#, "é", "😀", "e\u{301}", "a", "word ", "NaN", "infinity", "294277-01-01",
            "-", "[[", "}}", "'", TestRows.sentinel + "x", "\"\(TestRows.sentinel)\"", "\t", "0",
        ]

        private mutating func pick<T>(_ values: [T]) -> T {
            values[Int.random(in: 0..<values.count, using: &generator)]
        }

        private mutating func harmless(_ rule: ColumnRule) -> [UInt8]? {
            if Int.random(in: 0..<6, using: &generator) == 0 { return nil }
            switch rule.form {
            case .text: return Array(text(limit: rule.limitBytes ?? 65_535).utf8)
            case .decimal: return Array(pick(["0", "-0.001", "12345678901234567890.50", "999"]).utf8)
            case .float: return Array(pick(["0", "-0", "1.5e+300", "-3.25", "5e-324"]).utf8)
            case .date: return Array(pick(["2024-02-29", "4713-01-01 BC", "12345-01-01", "294276-12-31"]).utf8)
            case .timestamp:
                return Array(
                    pick(["2024-02-29 23:59:59.999999+00", "0044-03-15 00:00:00 BC", "294276-12-31 00:00:00"]).utf8)
            case .json: return Array(document().utf8)
            case .binary: return Array(pick(["", "00", "0a0b0c", String(repeating: "ff", count: 500)]).utf8)
            case .exact: return Array(pick(["0", "-1", "9223372036854775807", "t", "24:00:00"]).utf8)
            }
        }

        private mutating func text(limit: Int) -> String {
            var text = ""
            for _ in 0..<Int.random(in: 0...9, using: &generator) {
                let piece = pick(Self.pieces)
                if text.utf8.count + piece.utf8.count <= limit { text += piece }
            }
            return text
        }

        private mutating func document() -> String {
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: #"{"a": "\u0000\ud83d\ude00", "b": [1.50, null, true]}"#
            case 1: "\"" + String(repeating: #"\""#, count: 1_500) + "\""
            case 2: String(repeating: "[", count: 999) + "1" + String(repeating: "]", count: 999)
            case 3: "[" + String(repeating: "{},", count: 900) + "{}]"
            case 4: "null"
            default: "{\"NaN\": \"infinity\", \"t\": \"[[[[\"}"
            }
        }

        private mutating func unfit(_ rule: ColumnRule) -> ([UInt8], [UInt8]?, RepairedValue.Reason)? {
            switch rule.form {
            case .text: return unfitText(limit: rule.limitBytes ?? 65_535)
            case .decimal: return (Array("NaN".utf8), nil, .notANumber)
            case .float:
                return pick([
                    (Array("NaN".utf8), nil, .notANumber), (Array("Infinity".utf8), nil, .infinity),
                    (Array("-Infinity".utf8), nil, .infinity),
                ])
            case .date:
                return pick([
                    (Array("infinity".utf8), nil, .infinity), (Array("294277-01-01".utf8), nil, .dateOutOfRange),
                    (Array("5874897-12-31".utf8), nil, .dateOutOfRange),
                ])
            case .timestamp: return (Array(pick(["infinity", "-infinity"]).utf8), nil, .infinity)
            case .json:
                let deep = String(repeating: "[", count: 1_001) + String(repeating: "]", count: 1_001)
                let long = "[\"" + String(repeating: "a", count: 65_536) + "\"]"
                return pick([(Array(deep.utf8), nil, .jsonTooDeep), (Array(long.utf8), nil, .jsonStringTooLong)])
            case .binary, .exact: return nil
            }
        }

        private mutating func unfitText(limit: Int) -> ([UInt8], [UInt8]?, RepairedValue.Reason) {
            let widest = cuts ? limit : 65_535
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                let kept = Array(text(limit: limit - 1).utf8)
                return (kept + [0], kept, .nulRemoved)
            case 1:
                // The character at the cut does not fit as a whole.
                let kept = [UInt8](repeating: 0x61, count: widest - 1)
                return (kept + Array("😀".utf8), kept, widest < 65_535 ? .truncated : .cut)
            default:
                let kept = [UInt8](repeating: 0x2C, count: widest)
                return (kept + [0x61], kept, widest < 65_535 ? .truncated : .cut)
            }
        }

        func screen(parsesAll: Bool) -> RowScreen {
            RowScreen(
                rules: rules, keyColumns: keyColumns, format: TestRows.format, policy: .repair, cutsLongText: cuts,
                checksUTF8: parsesAll, parsesAll: parsesAll)
        }
    }

    @Test func `rows with nothing unfit keep their bytes, whether their fields are looked at or not`() throws {
        print("seed \(Self.seed)")
        for number in 0..<Self.tables {
            let table = Table(seed: Self.seed &+ UInt64(number))
            let chunk = TestRows.chunk(table.rows)
            for parsesAll in [false, true] {
                var screen = table.screen(parsesAll: parsesAll)
                let screened = try screen.screen(chunk)
                let isSame = TestRows.isSame(screened.chunk, table.rows)
                #expect(isSame, "seed \(Self.seed), table \(number)")
                #expect(screened.repairs.isEmpty && screen.neededWidths.isEmpty, "seed \(Self.seed), table \(number)")
            }
        }
    }

    @Test func `exactly the unfit values are repaired, and every row stays`() throws {
        print("seed \(Self.seed)")
        var injected = 0
        for number in 0..<Self.tables {
            var table = Table(seed: Self.seed &+ UInt64(number))
            table.injectUnfitValues()
            injected += table.injected.count
            try check(table, "seed \(Self.seed), table \(number)")
        }
        #expect(injected > Self.tables)
    }

    private func check(_ table: Table, _ label: String) throws {
        var expected = table.rows
        for change in table.injected { expected[change.row][change.column] = change.expected }
        let repairs = table.injected.map { change in
            let key = table.keyColumns.isEmpty ? ["#\(change.row + 1)"] : table.keyColumns.map { _ in "\(change.row)" }
            return RepairedValue(
                key: key, column: table.rules[change.column].name, reason: change.reason,
                originalBytes: change.value.count)
        }
        for parsesAll in [false, true] {
            var screen = table.screen(parsesAll: parsesAll)
            let screened = try screen.screen(TestRows.chunk(table.rows))
            let isSame = TestRows.isSame(screened.chunk, expected)
            #expect(isSame, "\(label)")
            #expect(screened.repairs == repairs, "\(label)")
        }
    }
}

import Replication

/// A value of the column that a table is followed by, as a person types it.
enum CursorValue {
    /// Types of which new rows can have ever higher values.
    enum Kind: Sendable, Hashable {
        case integer(bits: Int)
        /// Of 64 bits; smaller ones fit into an integer of one bit more.
        case unsigned
        case numeric, text, uuid, timestamptz, timestamp, date

        /// - Parameter typeName: The source's spelling, PostgreSQL's or MySQL's.
        /// - Returns: nil for a type without such an order.
        init?(typeName: String) {
            let plain = typeName.replacing(/\(\d+(?:,\s*-?\d+)?\)/, with: "").replacing(" zerofill", with: "")
            if let integer = Self.integers[plain] {
                self = integer
                return
            }
            switch plain {
            case "numeric", "decimal", "decimal unsigned": self = .numeric
            case "text", "character varying", "character", "citext", "varchar", "char", "tinytext", "mediumtext",
                "longtext":
                self = .text
            case "uuid": self = .uuid
            case "timestamp with time zone": self = .timestamptz
            // MySQL's `timestamp` has no zone in its text: the session reads it as UTC.
            case "timestamp without time zone", "timestamp", "datetime": self = .timestamp
            case "date": self = .date
            default: return nil
            }
        }

        private static let integers: [String: Kind] = [
            "tinyint": .integer(bits: 8), "tinyint unsigned": .integer(bits: 9), "smallint": .integer(bits: 16),
            "smallint unsigned": .integer(bits: 17), "mediumint": .integer(bits: 24),
            "mediumint unsigned": .integer(bits: 25), "integer": .integer(bits: 32), "int": .integer(bits: 32),
            "int unsigned": .integer(bits: 33), "bigint": .integer(bits: 64), "bigint unsigned": .unsigned,
        ]
    }

    /// - Returns: The value in a form that the source casts to the column's type.
    /// - Throws: `OperationError` when it is no value of that type.
    static func parse(_ text: String, for column: SourceColumn, option: String) throws -> String {
        guard let kind = Kind(typeName: column.typeName), let value = normal(text, kind) else {
            throw OperationError(
                .usage, what: "\(text) is no value of \(column.name)",
                why: "\(option) takes one of its type, \(column.typeName)", fix: example(column, option))
        }
        return value
    }

    /// Whether the first is known to lie below the second. Text goes by its bytes, which its server may order otherwise.
    static func isBelow(_ left: String, _ right: String, of column: SourceColumn) -> Bool {
        switch Kind(typeName: column.typeName) {
        case .integer: (Int(left) ?? .min) < (Int(right) ?? .min)
        case .unsigned: (UInt64(left) ?? .min) < (UInt64(right) ?? .min)
        case .numeric: (Double(left) ?? 0) < (Double(right) ?? 0)
        case .timestamptz, .timestamp, .date:
            SourceTime(parsing: left).flatMap { a in SourceTime(parsing: right).map { a < $0 } } ?? (left < right)
        case .text, .uuid, nil: Array(left.utf8).lexicographicallyPrecedes(Array(right.utf8))
        }
    }

    private static func normal(_ text: String, _ kind: Kind) -> String? {
        switch kind {
        case .integer(let bits):
            guard let number = Int64(text), bits == 64 || number.magnitude < 1 << (bits - 1) else { return nil }
            return String(number)
        case .unsigned: return UInt64(text).map { String($0) }
        case .numeric: return text.wholeMatch(of: /[+-]?(\d+(\.\d*)?|\.\d+)/) == nil ? nil : text
        case .text: return text.isEmpty ? nil : text
        case .uuid:
            let plain = text.lowercased()
            return plain.wholeMatch(of: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/) == nil ? nil : plain
        case .timestamptz: return SourceTime(parsing: text).map { $0.text + "+00" }
        case .timestamp: return SourceTime(parsing: text)?.text
        case .date: return SourceTime(parsing: text).map { String($0.text.prefix(10)) }
        }
    }

    private static func example(_ column: SourceColumn, _ option: String) -> String {
        switch Kind(typeName: column.typeName) {
        case .integer, .unsigned, .numeric, nil: "For example: \(option) 100000."
        case .text: "For example: \(option) 2026-0001."
        case .uuid: "For example: \(option) 0190163d-8694-739b-aea5-966c26f8ad91."
        case .timestamptz, .timestamp, .date: "For example: \(option) '2026-11-22 17:00:00'; it is read as UTC."
        }
    }
}

extension SourceTime {
    /// A point in time as people name one: a time in UTC, RFC 3339, `24h ago`, or, of an epoch column, its number.
    /// - Parameter kind: The column's; nil reads no numbers.
    init?(typed text: String, kind: UpdatedKeyKind?, now: SourceTime) {
        if let time = SourceTime(parsing: text) {
            self = time
        } else if let match = text.wholeMatch(of: /(\d{1,6})\s*(s|m|h|d)\s+ago/), let count = Int64(match.1) {
            let unit: Int64 =
                switch match.2 {
                case "s": 1
                case "m": 60
                case "h": 3600
                default: 86_400
                }
            self = now - count * unit * Self.second
        } else if kind == .epoch, let number = Int64(text), let unit = Self.microsecondsOfEpochUnit(number) {
            self.init(microseconds: number * unit)
        } else {
            return nil
        }
    }

    /// Seconds, milliseconds or microseconds, by magnitude: each lies a thousandfold above the one before, for years
    /// after 1973.
    private static func microsecondsOfEpochUnit(_ number: Int64) -> Int64? {
        switch number {
        case 100_000_000..<100_000_000_000: 1_000_000
        case 100_000_000_000..<100_000_000_000_000: 1_000
        case 100_000_000_000_000..<100_000_000_000_000_000: 1
        default: nil
        }
    }
}

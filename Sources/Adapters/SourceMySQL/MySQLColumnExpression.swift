import MySQLClient
import Replication

/// How a column stands in the SELECT list, and how its values order rows: everything that is to happen to values happens
/// at the source.
struct MySQLColumnExpression: Sendable {
    let column: SourceColumn
    private let type: MySQLType
    private let form: MySQLTypeMapping.Form

    init(_ column: SourceColumn) {
        self.column = column
        type = MySQLType(column.typeName)
        form = MySQLTypeMapping(type).form
    }

    var name: String { "t." + MySQLSQL.identifier(column.name) }

    /// The value as it is asked for; binary values as they are.
    var value: String {
        switch form {
        case .float: "\(name) + 0e0"
        case .bits, .bit: "\(name) + 0"
        case .spatial: "ST_AsWKB(\(name))"
        case .number, .text, .utcTimestamp, .bytes: name
        }
    }

    /// SHA-256 of salt and text in hexadecimal digits; of binary values, of their digits.
    func hashed(salt: String) -> String {
        let text =
            switch form {
            case .bytes, .spatial: "LOWER(HEX(\(value)))"
            default: "CONVERT(CAST(\(value) AS CHAR) USING utf8mb4)"
            }
        return "SHA2(CONCAT(\(MySQLSQL.literal(salt)), \(text)), 256)"
    }

    /// For a checksum: bytes that differ where values differ, few enough to be put together with others.
    var digested: String {
        switch type.base {
        case "mediumtext", "longtext", "mediumblob", "longblob": "SHA2(\(name), 256)"
        case "json": "SHA2(CAST(\(name) AS CHAR), 256)"
        case _ where form == .spatial: "SHA2(\(value), 256)"
        default: "CAST(\(value) AS BINARY)"
        }
    }

    /// Whether values are whole numbers, and ordered as such.
    var isInteger: Bool { ["tinyint", "smallint", "mediumint", "int", "bigint"].contains(type.base) }

    /// Compared and ordered by numbers that the text of a value does not show: labels by their places.
    private var isOrderedByNumber: Bool { ["enum", "set", "bit", "year"].contains(type.base) }

    /// How a value of the position is asked for; `literal` takes it back.
    var position: String {
        if isOrderedByNumber { return "\(name) + 0" }
        return form == .bytes ? "HEX(\(name))" : value
    }

    /// The value of a position as an expression to compare the column with. A number in quotes would be compared as a
    /// floating-point number, and rounded.
    func literal(_ position: String) -> String {
        switch form {
        case .bytes: return "x'\(position)'"
        case .float: return Self.isNumber(position) ? "CAST(\(position) AS DOUBLE)" : "NULL"
        case .number where type.base == "double":
            // An exponent makes it a floating-point literal.
            return Self.isNumber(position) ? (position.lowercased().contains("e") ? position : position + "e0") : "NULL"
        case .number, .bits, .bit:
            let isTime = ["date", "datetime", "time"].contains(type.base)
            return isTime ? MySQLSQL.literal(position) : Self.isNumber(position) ? position : "NULL"
        case .text, .utcTimestamp, .spatial:
            return isOrderedByNumber && Self.isNumber(position) ? position : MySQLSQL.literal(position)
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        text.wholeMatch(of: /-?\d+(\.\d+)?([eE][+-]?\d+)?/) != nil
    }

    /// How the encoder writes the value.
    func encoding(of mapping: ColumnMapping) -> MySQLRowWriter.Encoding {
        if mapping.treatment == .hashed { return .plain }
        switch form {
        case .number, .float, .bits: return .plain
        case .bit: return .boolean
        case .text: return .text
        case .utcTimestamp: return .utcTimestamp
        case .bytes, .spatial: return .hex
        }
    }
}

import Replication

/// A MySQL or MariaDB type as the catalog describes it: `COLUMN_TYPE`, for example `bigint(20) unsigned`.
struct MySQLType: Sendable, Hashable {
    /// In lower case, without arguments and attributes: `bigint`, `varchar`, `enum`.
    let base: String
    /// Numbers in the brackets: length, or precision and scale. None for enumerations.
    let arguments: [Int]
    let isUnsigned: Bool
    /// Of an ENUM or SET, without quotes.
    let labels: [String]

    init(_ columnType: String) {
        let text = columnType.lowercased()
        base = String(text.prefix { $0 != "(" && $0 != " " })
        isUnsigned = text.contains(") unsigned") || text.contains(" unsigned")
        guard let open = columnType.firstIndex(of: "("), let close = columnType.lastIndex(of: ")") else {
            (arguments, labels) = ([], [])
            return
        }
        let inside = columnType[columnType.index(after: open)..<close]
        if base == "enum" || base == "set" {
            (arguments, labels) = ([], Self.labels(inside))
        } else {
            arguments = inside.split(separator: ",").compactMap { Int($0.filter(\.isNumber)) }
            labels = []
        }
    }

    /// `'a','it''s'` as a and it's.
    private static func labels(_ list: Substring) -> [String] {
        var labels: [String] = []
        var label = ""
        var isInside = false
        var characters = list.makeIterator()
        var next = characters.next()
        while let character = next {
            next = characters.next()
            if character != "'" {
                if isInside { label.append(character) }
            } else if isInside, next == "'" {
                label.append("'")
                next = characters.next()
            } else {
                if isInside {
                    labels.append(label)
                    label = ""
                }
                isInside.toggle()
            }
        }
        return labels
    }
}

/// Which Redshift type takes a MySQL type, and in which form its values leave the server.
///
/// Nothing is rounded; what Redshift has no type for travels as text, JSON or bytes.
struct MySQLTypeMapping: Sendable, Hashable {
    /// How a value is asked for, and how its bytes are written.
    enum Form: Sendable, Hashable {
        /// Digits, signs and points: never quoted.
        case number
        /// FLOAT prints six digits only; as a DOUBLE it prints all that tell it from its neighbours.
        case float
        /// A bit string, as the number it stands for.
        case bits
        case bit
        /// Quoted where CSV needs it.
        case text
        /// A point in time that the session shows in UTC.
        case utcTimestamp
        /// Two hexadecimal digits a byte.
        case bytes
        /// Well-known binary, without the reference system in front of it.
        case spatial
    }

    var replicaType: ReplicaType
    var form: Form
    var warnings: [String]

    init(_ replicaType: ReplicaType, _ form: Form, warnings: [String] = []) {
        self.replicaType = replicaType
        self.form = form
        self.warnings = warnings
    }

    init(_ type: MySQLType) {
        self = Self.integer(type) ?? Self.number(type) ?? Self.time(type) ?? Self.text(type) ?? Self.binary(type)
    }

    private static func integer(_ type: MySQLType) -> MySQLTypeMapping? {
        switch (type.base, type.isUnsigned) {
        case ("tinyint", _), ("smallint", false), ("year", _): .init(.smallint, .number)
        case ("smallint", true), ("mediumint", _), ("int", false): .init(.integer, .number)
        case ("int", true), ("bigint", false): .init(.bigint, .number)
        case ("bigint", true):
            .init(.decimal(precision: 20, scale: 0), .number, warnings: ["unsigned bigint arrives as DECIMAL(20,0)"])
        default: nil
        }
    }

    private static func number(_ type: MySQLType) -> MySQLTypeMapping? {
        switch type.base {
        case "float": return .init(.real, .float)
        case "double": return .init(.doublePrecision, .number)
        case "bit":
            let bits = type.arguments.first ?? 1
            if bits == 1 { return .init(.boolean, .bit) }
            return .init(bits < 64 ? .bigint : .decimal(precision: 20, scale: 0), .bits)
        case "decimal":
            let precision = type.arguments.first ?? 10
            let scale = type.arguments.count > 1 ? type.arguments[1] : 0
            guard precision <= 38, scale <= 37 else {
                return .init(
                    .varchar(bytes: precision + 3), .number, warnings: ["over 38 digits: arrives as exact text"])
            }
            return .init(.exactDecimal(precision: precision, scale: scale), .number)
        default: return nil
        }
    }

    private static let zeroDates = "zero and partial dates, such as 2024-00-15, become NULL, and are recorded"

    private static func time(_ type: MySQLType) -> MySQLTypeMapping? {
        switch type.base {
        case "date": .init(.date, .number, warnings: [zeroDates])
        case "datetime": .init(.timestamp, .number, warnings: [zeroDates])
        case "timestamp": .init(.timestamptz, .utcTimestamp)
        // Up to 838 hours either way: -838:59:59.999999.
        case "time": .init(.varchar(bytes: 17), .number, warnings: ["time arrives as text: it may exceed a day"])
        default: nil
        }
    }

    private static func text(_ type: MySQLType) -> MySQLTypeMapping? {
        switch type.base {
        case "char", "varchar": return .init(.text(characters: type.arguments.first ?? 1), .text)
        case "tinytext": return .init(.varchar(bytes: 1_024), .text)
        case "text", "mediumtext", "longtext":
            return .init(.widestText, .text, warnings: ["text over 65,535 bytes is cut, and recorded"])
        case "enum":
            let longest = type.labels.map(\.unicodeScalars.count).max() ?? 64
            return .init(.text(characters: max(1, longest)), .text, warnings: ["enum labels arrive as text"])
        case "set":
            let joined = type.labels.isEmpty ? 256 : type.labels.reduce(-1) { $0 + $1.unicodeScalars.count + 1 }
            return .init(.text(characters: max(1, joined)), .text, warnings: ["sets arrive as text"])
        case "json":
            return .init(
                .semistructured, .text,
                warnings: [
                    "JSON arrives as SUPER; over 1,000,000 bytes, or with a string over 65,535, it becomes NULL, and "
                        + "is recorded"
                ])
        case "uuid": return .init(.varchar(bytes: 36), .text)
        case "inet4": return .init(.varchar(bytes: 15), .text)
        case "inet6": return .init(.varchar(bytes: 45), .text)
        default: return nil
        }
    }

    private static let spatialTypes: Set<String> = [
        "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
        "geometrycollection", "geomcollection",
    ]
    private static let tooLarge = "binary values over 2,000,000 bytes become NULL, and are recorded"

    private static func binary(_ type: MySQLType) -> MySQLTypeMapping {
        switch type.base {
        case "binary", "varbinary": return .init(.varbyte(bytes: max(1, type.arguments.first ?? 1)), .bytes)
        case "tinyblob": return .init(.varbyte(bytes: 255), .bytes)
        case "blob": return .init(.varbyte(bytes: 65_535), .bytes)
        case "mediumblob", "longblob": return .init(.varbyte(bytes: 16_777_216), .bytes, warnings: [tooLarge])
        case _ where spatialTypes.contains(type.base):
            return .init(
                .varbyte(bytes: 16_777_216), .spatial, warnings: ["spatial values arrive as well-known binary"])
        case "vector":
            return .init(
                .varbyte(bytes: 65_535), .bytes, warnings: ["vectors arrive as 4-byte floats, one behind another"])
        default:
            return .init(.widestText, .text, warnings: ["type \(type.base) arrives as its text form"])
        }
    }
}

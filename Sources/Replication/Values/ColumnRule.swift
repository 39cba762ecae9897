/// What can be wrong with a column's values on their way to Redshift.
package enum ValueForm: String, Sendable, Hashable, Codable {
    /// Too long, NUL bytes, characters that are not UTF-8. Numbers that travel as text are text: NaN is carried.
    case text
    /// NaN and infinities, which DECIMAL does not know.
    case decimal
    /// NaN and infinities.
    case float
    /// Infinities, years beyond Redshift's last one, and dates that are none, as MySQL keeps them.
    case date
    /// Infinities.
    case timestamp
    /// Size, depth, and the longest string inside.
    case json
    /// Size; CSV carries two hexadecimal digits a byte.
    case binary
    /// Nothing: integers, booleans, times, UUIDs and the like.
    case exact

    /// - Parameter sourceType: The source's spelling, for example `numeric(10,2)`.
    package init(destination: ReplicaType, sourceType: String) {
        let base = sourceType.prefix { $0 != "(" }
        switch destination {
        case .smallint, .integer, .bigint, .boolean, .time: self = .exact
        case .real, .doublePrecision: self = .float
        case .decimal: self = Self.wholeTypes.contains(String(base)) ? .exact : .decimal
        case .date, .timestamp, .timestamptz:
            // MySQL's names; PostgreSQL's timestamps name their zone.
            let isCalendar =
                ["date", "datetime"].contains(base) || (base == "timestamp" && !sourceType.contains("zone"))
            self = isCalendar ? .date : .timestamp
        case .semistructured: self = .json
        case .varbyte: self = .binary
        case .varchar: self = Self.shortTypes.contains(String(base)) ? .exact : .text
        }
    }

    /// Numbers without NaN.
    private static let wholeTypes: Set<String> = [
        "smallint", "integer", "bigint", "oid", "xid", "cid", "money", "tinyint", "mediumint", "int", "bit", "year",
    ]
    /// Types of short ASCII text.
    private static let shortTypes: Set<String> = [
        "uuid", "inet", "cidr", "macaddr", "macaddr8", "xid8", "pg_lsn", "tid", "time with time zone",
        "inet4", "inet6",
    ]
}

/// What the screen holds one column's values against.
package struct ColumnRule: Sendable, Hashable {
    /// Redshift's widest VARCHAR, in bytes.
    package static let widestText = 65_535

    /// The column's name at the source.
    package var name: String
    package var form: ValueForm
    /// Bytes that the destination's VARCHAR holds now; nil for other types.
    package var limitBytes: Int?
    /// Bytes up to which that column may be widened.
    package var widestBytes: Int
    /// Keys are never cut: another row may have what would be left.
    package var isKey: Bool
    /// Whether the source's type ends within `limitBytes`, so that the length of a row says nothing about the column.
    package var isBounded: Bool

    package init(
        name: String, form: ValueForm, limitBytes: Int?, widestBytes: Int = Self.widestText, isKey: Bool,
        isBounded: Bool = false
    ) {
        self.name = name
        self.form = form
        self.limitBytes = limitBytes
        self.widestBytes = widestBytes
        self.isKey = isKey
        self.isBounded = isBounded
    }

    /// - Parameter widthBytes: The destination's VARCHAR as it is now, where that is not what the mapping says.
    package init(_ column: ColumnMapping, isKey: Bool, widthBytes: Int? = nil) {
        var form = ValueForm(destination: column.destinationType, sourceType: column.source.typeName)
        var limit: Int?
        var isBounded = true
        if case .varchar(let bytes) = column.destinationType {
            let width = widthBytes ?? bytes
            limit = width
            isBounded = Self.longestText(of: column.source.replicaType).map { $0 <= width } ?? false
            if !isBounded { form = .text }
        }
        self.init(name: column.source.name, form: form, limitBytes: limit, isKey: isKey, isBounded: isBounded)
    }

    /// Bytes that a value of the source's type takes at most, judged by what the adapter maps the type to; nil where
    /// there is no bound. A VARCHAR below the widest is the adapter's word that all values fit.
    private static func longestText(of natural: ReplicaType) -> Int? {
        switch natural {
        case .varchar(let bytes): bytes < widestText ? bytes : nil
        case .decimal(let precision, _): precision + 3
        case .semistructured, .varbyte: nil
        // A timestamp of the year 294276 before Christ, with zone, takes 39 characters.
        default: 40
        }
    }
}

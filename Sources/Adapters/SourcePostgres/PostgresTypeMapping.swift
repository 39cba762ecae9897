import Replication

/// A PostgreSQL type as the catalog describes it, domains resolved.
struct PostgresType: Sendable, Hashable {
    /// `format_type`, for example `numeric(10,2)`.
    var name: String
    /// `pg_type.typtype`: b base, e enum, c composite, r range, m multirange.
    var kind: Character
    /// `pg_type.typcategory`: A for arrays.
    var category: Character
}

/// Which Redshift type takes a PostgreSQL type, and in which form its values leave PostgreSQL.
///
/// The choices follow the product's mapping: nothing is rounded, and what Redshift has no type for travels as text or
/// JSON.
struct PostgresTypeMapping: Sendable, Hashable {
    /// How a value is written in the SELECT list.
    enum Form: Sendable, Hashable {
        /// As PostgreSQL prints it under the session's settings.
        case plain
        /// Through a cast, for example away from money's local format or char's padding.
        case cast(String)
        /// Through a function of one argument.
        case function(String)
        /// Two hexadecimal digits a byte.
        case hex
    }

    var replicaType: ReplicaType
    var form: Form
    var warnings: [String]

    init(_ replicaType: ReplicaType, form: Form = .plain, warnings: [String] = []) {
        self.replicaType = replicaType
        self.form = form
        self.warnings = warnings
    }

    init(type: PostgresType) {
        let (base, arguments) = Self.split(type.name)
        if type.category == "A" {
            self.init(
                .semistructured, form: .function("to_jsonb"), warnings: ["arrays arrive as JSON in a SUPER column"])
        } else if type.kind == "c" {
            self.init(.semistructured, form: .function("to_jsonb"), warnings: ["composites arrive as JSON"])
        } else if type.kind == "e" {
            self.init(.varchar(bytes: 256), warnings: ["enum labels arrive as text"])
        } else if type.kind == "r" || type.kind == "m" {
            self.init(.widestText)
        } else {
            self = Self.scalars[base] ?? Self.parameterised(base, arguments)
        }
    }

    private static let json = PostgresTypeMapping(
        .semistructured,
        warnings: [
            "JSON arrives as SUPER; over 1,000,000 bytes, or with a string over 65,535, it becomes NULL, and is recorded"
        ])
    private static let longText = PostgresTypeMapping(
        .widestText, warnings: ["text over 65,535 bytes is cut, and recorded"])
    private static let shape = PostgresTypeMapping(.widestText)

    /// Types without arguments, by `format_type`.
    private static let scalars: [String: PostgresTypeMapping] = [
        "smallint": .init(.smallint), "integer": .init(.integer), "bigint": .init(.bigint),
        "oid": .init(.bigint), "xid": .init(.bigint), "cid": .init(.bigint),
        "xid8": .init(.varchar(bytes: 64)), "pg_lsn": .init(.varchar(bytes: 64)), "tid": .init(.varchar(bytes: 64)),
        "txid_snapshot": .init(.varchar(bytes: 64)), "pg_snapshot": .init(.varchar(bytes: 64)),
        "real": .init(.real), "double precision": .init(.doublePrecision), "boolean": .init(.boolean),
        "money": .init(.decimal(precision: 20, scale: 2), form: .cast("numeric")),
        "date": .init(.date), "uuid": .init(.varchar(bytes: 36)),
        "bytea": .init(
            .varbyte(bytes: 16_777_216), form: .hex,
            warnings: ["values over 2,000,000 bytes become NULL, and are recorded"]),
        "json": json, "jsonb": json, "hstore": .init(.semistructured, form: .function("hstore_to_jsonb")),
        "text": longText, "citext": longText, "xml": longText, "tsvector": longText, "tsquery": longText,
        "jsonpath": longText, "name": longText, "\"char\"": longText, "refcursor": longText,
        // PostGIS prints hexadecimal EWKB.
        "geometry": .init(.varbyte(bytes: 16_777_216), warnings: ["arrives as EWKB in a VARBYTE column"]),
        "geography": .init(.varbyte(bytes: 16_777_216), warnings: ["arrives as EWKB in a VARBYTE column"]),
        "inet": .init(.varchar(bytes: 64)), "cidr": .init(.varchar(bytes: 64)),
        "macaddr": .init(.varchar(bytes: 17)), "macaddr8": .init(.varchar(bytes: 23)),
        "point": shape, "line": shape, "lseg": shape, "box": shape, "path": shape, "polygon": shape, "circle": shape,
    ]

    private static func parameterised(_ base: String, _ arguments: [Int]) -> PostgresTypeMapping {
        switch base {
        case "character": .init(.text(characters: arguments.first ?? 1), form: .cast("text"))
        case "character varying": arguments.first.map { .init(.text(characters: $0)) } ?? longText
        case "numeric": numeric(arguments)
        case "timestamp without time zone": .init(.timestamp)
        case "timestamp with time zone": .init(.timestamptz)
        case "time without time zone": .init(.time)
        case "time with time zone": .init(.varchar(bytes: 24))
        case "bit", "bit varying":
            .init(.varchar(bytes: min(65_535, arguments.first ?? (base == "bit" ? 1 : 65_535))))
        case _ where base.hasPrefix("interval"): .init(.varchar(bytes: 64))
        default: .init(.widestText, form: .cast("text"), warnings: ["type \(base) arrives as its text form"])
        }
    }

    /// Redshift's DECIMAL ends at 38 digits with at most 37 behind the point; what lies beyond travels as text.
    private static func numeric(_ arguments: [Int]) -> PostgresTypeMapping {
        guard let precision = arguments.first else {
            return .init(.widestText, warnings: ["numeric without precision arrives as exact text"])
        }
        let scale = arguments.count > 1 ? arguments[1] : 0
        if scale < 0, precision - scale <= 38 { return .init(.exactDecimal(precision: precision - scale, scale: 0)) }
        if scale > precision, scale <= 37 { return .init(.exactDecimal(precision: scale, scale: scale)) }
        guard (0...37).contains(scale), precision <= 38, scale <= precision else {
            return .init(
                .varchar(bytes: max(precision, abs(scale)) + 3 + max(0, -scale)),
                warnings: ["over 38 digits: arrives as exact text"])
        }
        return .init(.exactDecimal(precision: precision, scale: scale))
    }

    /// `numeric(10,2)` as its name and arguments; `timestamp(3) without time zone` keeps its tail.
    static func split(_ name: String) -> (base: String, arguments: [Int]) {
        guard let open = name.firstIndex(of: "("), let close = name[open...].firstIndex(of: ")") else {
            return (name, [])
        }
        let arguments = name[name.index(after: open)..<close].split(separator: ",")
        let base = String(name[..<open]) + String(name[name.index(after: close)...])
        return (base, arguments.compactMap { Int($0.replacing(" ", with: "")) })
    }
}

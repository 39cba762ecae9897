/// A column type of Redshift and what stands for it in the PostgreSQL behind.
struct ColumnType: Sendable, Equatable {
    /// PostgreSQL's spelling; SUPER and VARBYTE are domains of the catalog set-up.
    var postgres: String
    /// Bytes of a VARBYTE, kept in the shadow catalog because a domain takes no argument.
    var varbyteBytes: Int?
    /// DISTKEY and SORTKEY refuse SUPER and VARBYTE.
    var canBeKey: Bool { varbyteBytes == nil && postgres != "super" }
    var isVarchar: Bool { postgres.hasPrefix("varchar(") }

    /// Digits after the point of DECIMAL(19,s), which Redshift keeps in 64 bits.
    private var int64Scale: Int? {
        guard postgres.hasPrefix("numeric(19,") else { return nil }
        return Int(postgres.dropFirst(11).dropLast())
    }

    /// A constraint for limits that PostgreSQL's type does not have; the functions in it only raise the error.
    func limit(of column: String) -> String {
        if let varbyteBytes {
            return " CHECK (octet_length(\(column)) <= \(varbyteBytes) "
                + "OR pg_catalog.standin_too_wide(\(column), \(varbyteBytes)))"
        }
        guard let int64Scale else { return "" }
        var digits = String(Int64.max)
        if int64Scale > 0 { digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -int64Scale)) }
        return " CHECK (abs(\(column)) <= \(digits) OR pg_catalog.standin_over_int64(\(column)))"
    }

    init(_ postgres: String, varbyteBytes: Int? = nil) {
        self.postgres = postgres
        self.varbyteBytes = varbyteBytes
    }
}

/// Reads a type as Redshift spells it. Limits: https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
struct ColumnTypeParser {
    static let varcharLimit = 65_535
    static let charLimit = 4_096
    static let varbyteLimit = 16_777_216

    /// Whether the type stands in a table definition, where TEXT means VARCHAR(256), or in a cast, where it does not cut.
    enum Place { case column, cast }

    /// Types that PostgreSQL has and Redshift has not.
    static let unsupported: Set<String> = [
        "money", "serial", "serial2", "serial4", "serial8", "bigserial", "smallserial", "bytea", "bit", "varbit",
        "uuid",
        "json", "jsonb", "xml", "hstore", "inet", "cidr", "macaddr", "macaddr8", "point", "line", "lseg", "box", "path",
        "polygon", "circle", "tsvector", "tsquery", "citext", "int4range", "int8range", "numrange", "tsrange",
        "tstzrange", "daterange", "jsonpath", "pg_lsn", "tinyint", "mediumint", "xid8",
    ]

    static func read(_ reader: inout StatementReader, place: Place) throws(StandInError) -> ColumnType {
        guard let word = reader.word() else { throw reader.unexpected() }
        reader.advance()
        let type = try read(word, &reader, place)
        if reader.isNextSymbol("[") { throw .unsupported("An array type") }
        return type
    }

    private static func read(_ word: String, _ reader: inout StatementReader, _ place: Place) throws(StandInError)
        -> ColumnType
    {
        switch word {
        case "smallint", "int2": return ColumnType("smallint")
        case "integer", "int", "int4": return ColumnType("integer")
        case "bigint", "int8": return ColumnType("bigint")
        case "decimal", "numeric": return try decimal(&reader)
        case "real", "float4": return ColumnType("real")
        case "double":
            try reader.expect("precision")
            return ColumnType("double precision")
        case "float8": return ColumnType("double precision")
        case "float":
            let digits = try argument(&reader, limit: 53)
            return ColumnType((digits ?? 53) < 25 ? "real" : "double precision")
        case "boolean", "bool": return ColumnType("boolean")
        case "character", "char", "nchar", "bpchar", "varchar", "nvarchar", "text", "national":
            return try text(word, &reader, place)
        case "date": return ColumnType("date")
        case "datetime": return ColumnType("timestamp")
        case "time", "timestamp": return try clock(word, &reader)
        case "timetz": return ColumnType("time with time zone")
        case "timestamptz": return ColumnType("timestamp with time zone")
        case "super": return ColumnType("super")
        case "varbyte", "varbinary": return try varbyte(&reader)
        case "binary":
            try reader.expect("varying")
            return try varbyte(&reader)
        case "interval":
            if reader.take("year", "to", "month") || reader.take("day", "to", "second") {
                _ = try argument(&reader, limit: 6)
            }
            return ColumnType("interval")
        case "geometry", "geography", "hllsketch", "geometryhex": throw .notImitated("The type \(word.uppercased())")
        case "oid", "regclass", "regtype", "name", "regproc", "\"char\"":
            guard place == .cast else { throw unsupportedType(word) }
            return ColumnType(word)
        default:
            if unsupported.contains(word) { throw unsupportedType(word) }
            throw StandInError("42704", "type \"\(word)\" does not exist")
        }
    }

    private static func unsupportedType(_ word: String) -> StandInError {
        StandInError("0A000", "Column has unsupported type \"\(word)\".")
    }

    private static func text(_ word: String, _ reader: inout StatementReader, _ place: Place) throws(StandInError)
        -> ColumnType
    {
        var word = word
        if word == "national" {
            guard reader.take("character") || reader.take("char") else { throw reader.unexpected() }
            word = "nchar"
        }
        let varying = reader.take("varying") || ["varchar", "nvarchar", "text"].contains(word)
        let limit = varying ? varcharLimit : charLimit
        let given = try argument(&reader, limit: limit, allowsMax: true)
        guard varying else { return ColumnType("char(\(given ?? (word == "bpchar" ? 256 : 1)))") }
        if given == nil, place == .cast { return ColumnType(word == "text" ? "text" : "varchar") }
        return ColumnType("varchar(\(given ?? 256))")
    }

    private static func varbyte(_ reader: inout StatementReader) throws(StandInError) -> ColumnType {
        ColumnType("varbyte", varbyteBytes: try argument(&reader, limit: varbyteLimit) ?? 64_000)
    }

    private static func clock(_ word: String, _ reader: inout StatementReader) throws(StandInError) -> ColumnType {
        if reader.take("with", "time", "zone") { return ColumnType("\(word) with time zone") }
        _ = reader.take("without", "time", "zone")
        return ColumnType(word == "time" ? "time" : "timestamp")
    }

    private static func decimal(_ reader: inout StatementReader) throws(StandInError) -> ColumnType {
        guard reader.takeSymbol("(") else { return ColumnType("numeric(18,0)") }
        let precision = try reader.integer()
        let scale = reader.takeSymbol(",") ? try reader.integer() : 0
        try reader.expectSymbol(")")
        guard (1...38).contains(precision) else {
            throw StandInError("22023", "NUMERIC precision \(precision) must be between 1 and 38")
        }
        guard (0...min(37, precision)).contains(scale) else {
            throw StandInError("22023", "NUMERIC scale \(scale) must be between 0 and precision \(precision)")
        }
        return ColumnType("numeric(\(precision),\(scale))")
    }

    /// `(n)` or, where allowed, `(max)`; nil when absent.
    private static func argument(_ reader: inout StatementReader, limit: Int, allowsMax: Bool = false)
        throws(StandInError) -> Int?
    {
        guard reader.takeSymbol("(") else { return nil }
        if allowsMax, reader.take("max") {
            try reader.expectSymbol(")")
            return limit
        }
        let value = try reader.integer()
        try reader.expectSymbol(")")
        guard value >= 1 else { throw StandInError("22023", "length for type must be at least 1") }
        guard value <= limit else { throw StandInError("22023", "length for type cannot exceed \(limit)") }
        return value
    }
}

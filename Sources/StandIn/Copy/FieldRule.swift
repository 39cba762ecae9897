/// What a column demands of a field. Plain numbers only: the hot loop copies it freely.
struct FieldRule: Sendable, Equatable {
    enum Kind: UInt8, Sendable {
        case smallint, integer, bigint, decimal, real, double, boolean, char, varchar
        case date, time, timetz, timestamp, timestamptz, json, varbyte, interval
    }

    var kind: Kind
    /// Bytes for text and VARBYTE, precision for decimals.
    var limit: Int
    var scale: Int
    var notNull: Bool

    init(_ kind: Kind, limit: Int = 0, scale: Int = 0, notNull: Bool = false) {
        self.kind = kind
        self.limit = limit
        self.scale = scale
        self.notNull = notNull
    }

    var isText: Bool { kind == .char || kind == .varchar }

    /// The rule of a backing column; nil for types that a Redshift table cannot have.
    /// - Parameters:
    ///   - typeName: `pg_type.typname`.
    ///   - typeModifier: `pg_attribute.atttypmod`.
    init?(typeName: String, typeModifier: Int, varbyteBytes: Int?, notNull: Bool) {
        let kinds: [String: Kind] = [
            "int2": .smallint, "int4": .integer, "int8": .bigint, "numeric": .decimal, "float4": .real,
            "float8": .double, "bool": .boolean, "bpchar": .char, "varchar": .varchar, "text": .varchar, "date": .date,
            "time": .time, "timetz": .timetz, "timestamp": .timestamp, "timestamptz": .timestamptz, "super": .json,
            "varbyte": .varbyte, "interval": .interval,
        ]
        guard let kind = kinds[typeName] else { return nil }
        let argument = typeModifier - 4
        switch kind {
        case .decimal:
            self.init(
                kind, limit: argument < 0 ? 38 : argument >> 16 & 0xFFFF, scale: argument < 0 ? 0 : argument & 0xFFFF,
                notNull: notNull)
        case .char, .varchar:
            self.init(kind, limit: argument < 0 ? ColumnTypeParser.varcharLimit : argument, notNull: notNull)
        case .varbyte: self.init(kind, limit: varbyteBytes ?? 64_000, notNull: notNull)
        default: self.init(kind, notNull: notNull)
        }
    }

    /// As `stl_load_errors.type` shows it.
    var typeName: String {
        switch kind {
        case .smallint: "int2"
        case .integer: "int4"
        case .bigint: "int8"
        case .decimal: "numeric"
        case .real: "float4"
        case .double: "float8"
        case .boolean: "bool"
        case .char: "char"
        case .json: "super"
        default: "\(kind)"
        }
    }

    /// As `stl_load_errors.col_length` shows it.
    var lengthText: String {
        switch kind {
        case .decimal: "\(limit),\(scale)"
        case .char, .varchar, .varbyte: "\(limit)"
        default: "0"
        }
    }
}

/// Why a field was refused: Redshift's number and words.
/// Numbers: https://docs.aws.amazon.com/redshift/latest/dg/r_Load_Error_Reference.html
struct FieldFailure: Error, Sendable, Equatable {
    var code: Int
    var reason: String

    init(_ code: Int, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

/// A refused line, as the load error tables show it.
struct LoadError: Sendable, Equatable {
    var file: String
    var line: Int64
    var column: String
    var rule: FieldRule?
    var position: Int
    var rawLine: String
    var rawField: String
    var failure: FieldFailure
}

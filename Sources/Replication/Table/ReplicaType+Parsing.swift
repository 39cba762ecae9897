extension ReplicaType {
    /// Names as Redshift documents them ("Data types"), aliases included, that take no argument.
    private static let plainNames: [String: ReplicaType] = [
        "smallint": .smallint, "int2": .smallint,
        "integer": .integer, "int": .integer, "int4": .integer,
        "bigint": .bigint, "int8": .bigint,
        "real": .real, "float4": .real,
        "double precision": .doublePrecision, "float8": .doublePrecision, "float": .doublePrecision,
        "boolean": .boolean, "bool": .boolean,
        "date": .date,
        "timestamp": .timestamp, "timestamp without time zone": .timestamp,
        "timestamptz": .timestamptz, "timestamp with time zone": .timestamptz,
        "time": .time, "time without time zone": .time,
        "super": .semistructured,
        // Without a length: CREATE TABLE takes 256 bytes of text, 64,000 of binary, and 18 digits.
        "text": .varchar(bytes: 256), "varchar": .varchar(bytes: 256), "character varying": .varchar(bytes: 256),
        "nvarchar": .varchar(bytes: 256),
        "varbyte": .varbyte(bytes: 64_000), "varbinary": .varbyte(bytes: 64_000),
        "binary varying": .varbyte(bytes: 64_000),
        "decimal": .decimal(precision: 18, scale: 0), "numeric": .decimal(precision: 18, scale: 0),
    ]

    /// Reads a type as people write it in Redshift's SQL: `VARCHAR(64)`, `numeric(12,2)`, `super`.
    ///
    /// A DECIMAL of 19 digits becomes one of 20, which holds all of its values; Redshift's own does not.
    /// - Returns: nil for a type that a replica cannot have: unknown, out of range, or CHAR, which holds ASCII only.
    package init?(sql: String) {
        let words = sql.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard let match = words.wholeMatch(of: /([a-z0-9 ]+?) ?(?:\( ?([a-z0-9]+) ?(?:, ?(\d+) ?)?\))?/) else {
            return nil
        }
        let name = String(match.1)
        guard let first = match.2 else {
            guard let type = Self.plainNames[name] else { return nil }
            self = type
            return
        }
        self.init(name: name, first: String(first), second: match.3.map(String.init))
    }

    private init?(name: String, first: String, second: String?) {
        switch name {
        case "varchar", "character varying", "nvarchar", "text":
            guard second == nil, let bytes = Self.length(first, upTo: 65_535) else { return nil }
            self = .varchar(bytes: bytes)
        case "varbyte", "varbinary", "binary varying":
            guard second == nil, let bytes = Self.length(first, upTo: 16_777_216) else { return nil }
            self = .varbyte(bytes: bytes)
        case "decimal", "numeric":
            guard let precision = Int(first), (1...38).contains(precision), let scale = Int(second ?? "0"),
                (0...min(37, precision)).contains(scale)
            else { return nil }
            self = .exactDecimal(precision: precision, scale: scale)
        case "float":
            guard second == nil, let digits = Int(first), (1...53).contains(digits) else { return nil }
            self = digits <= 24 ? .real : .doublePrecision
        default:
            return nil
        }
    }

    /// A number of bytes, or `max`.
    private static func length(_ text: String, upTo limit: Int) -> Int? {
        if text == "max" { return limit }
        guard let bytes = Int(text), (1...limit).contains(bytes) else { return nil }
        return bytes
    }
}

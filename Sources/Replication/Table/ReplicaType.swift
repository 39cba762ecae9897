/// A column type of Redshift. Sizes follow its documentation, "Data types".
package enum ReplicaType: Sendable, Hashable, Codable {
    case smallint, integer, bigint, real, doublePrecision, boolean
    /// Precision 1…38, scale 0…37. Never precision 19: Redshift holds that in 64 bits and overflows below 19 nines.
    case decimal(precision: Int, scale: Int)
    /// Bytes, 1…65,535: Redshift counts bytes where sources count characters.
    case varchar(bytes: Int)
    case date, timestamp, timestamptz, time
    /// JSON.
    case semistructured
    /// Bytes, 1…16,777,216.
    case varbyte(bytes: Int)

    /// The widest VARCHAR.
    package static let widestText = ReplicaType.varchar(bytes: 65_535)

    /// A VARCHAR that holds any text of `characters` characters: UTF-8 takes up to four bytes for each.
    package static func text(characters: Int) -> ReplicaType {
        .varchar(bytes: max(1, min(65_535, characters * 4)))
    }

    /// A DECIMAL of at least this precision that avoids the 64-bit limit of precision 19.
    package static func exactDecimal(precision: Int, scale: Int) -> ReplicaType {
        .decimal(precision: precision == 19 ? 20 : precision, scale: scale)
    }

    /// The type as written in CREATE TABLE.
    package var sql: String {
        switch self {
        case .smallint: "SMALLINT"
        case .integer: "INTEGER"
        case .bigint: "BIGINT"
        case .real: "REAL"
        case .doublePrecision: "DOUBLE PRECISION"
        case .boolean: "BOOLEAN"
        case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
        case .varchar(let bytes): "VARCHAR(\(bytes))"
        case .date: "DATE"
        case .timestamp: "TIMESTAMP"
        case .timestamptz: "TIMESTAMPTZ"
        case .time: "TIME"
        case .semistructured: "SUPER"
        case .varbyte(let bytes): "VARBYTE(\(bytes))"
        }
    }

    /// Whether Redshift accepts a column of this type as distribution or sort key.
    package var canBeSortKey: Bool {
        switch self {
        case .semistructured, .varbyte: false
        default: true
        }
    }

    /// Whether Redshift compares values of this type, as merges do with keys.
    /// https://docs.aws.amazon.com/redshift/latest/dg/r_VARBYTE_type.html names joins on binary columns.
    package var isComparable: Bool { self != .semistructured }

    /// Whether equality ignores trailing blanks, so that joins on it must compare lengths too.
    package var isText: Bool {
        if case .varchar = self { true } else { false }
    }
}

extension ReplicaType {
    /// The width of a VARCHAR; nil for other types.
    package var textBytes: Int? {
        if case .varchar(let bytes) = self { bytes } else { nil }
    }
}

extension ReplicaType {
    /// Whether a column of this type holds every value of a source column that naturally maps to `natural`, but for the
    /// length of text, which is looked at value by value. Redshift's COPY cuts decimals without a word, so a type that
    /// could lose digits is none to choose.
    package func carries(_ natural: ReplicaType) -> Bool {
        if self == natural { return true }
        switch (self, natural) {
        case (.varchar, .varbyte(let bytes)): return bytes <= 65_535 / 2
        case (.varchar, _): return true
        case (.doublePrecision, .real), (.doublePrecision, .smallint), (.doublePrecision, .integer): return true
        case (.timestamp, .timestamptz), (.timestamp, .date), (.timestamptz, .date), (.timestamptz, .timestamp):
            return true
        case (.varbyte(let bytes), .varbyte(let needed)): return bytes >= needed
        default:
            guard let mine = digits, let needed = natural.digits else { return false }
            return mine.whole >= needed.whole && mine.fraction >= needed.fraction
        }
    }

    /// Digits before and behind the point of exact numbers; nil for other types.
    private var digits: (whole: Int, fraction: Int)? {
        switch self {
        case .smallint: (5, 0)
        case .integer: (10, 0)
        case .bigint: (19, 0)
        case .decimal(let precision, let scale): (precision - scale, scale)
        default: nil
        }
    }
}

/// The types whose order is the order of changes, and how a point in time is written in each.
package enum UpdatedKeyKind: Sendable, Hashable {
    case timestamptz
    /// A point in time that the source's session shows in UTC, without saying so.
    case utcTimestamp
    /// Zone-less: the zone it is kept in is not known.
    case timestamp
    case date
    /// An integer count since 1970, in a unit that the values themselves show.
    case epoch

    /// - Parameter typeName: The source's spelling, with or without precision.
    /// - Returns: nil for a type that orders nothing in time.
    package init?(typeName: String) {
        let plain = typeName.replacing(/\(\d+\)/, with: "")
        switch plain {
        case "timestamp with time zone": self = .timestamptz
        case "timestamp without time zone", "datetime": self = .timestamp
        case "timestamp": self = .utcTimestamp
        case "date": self = .date
        case "bigint", "integer", "int", "int unsigned", "bigint unsigned": self = .epoch
        default: return nil
        }
    }

    /// How far a zone-less value may lie below UTC: zones reach to −12 h, and clock changes add an hour.
    private static let zoneSlack = SourceTime.hour * 13

    /// 0001-01-01: servers read no year below it, and no change was made there.
    private static let firstYear: Int64 = -62_135_596_800_000_000

    /// The lowest value of this type that a change at or after `time` can carry.
    /// - Parameters:
    ///   - sample: Some value of the column, from which the unit of an epoch is read; nil for an empty table.
    ///   - keptOffset: `BatchQuery.keptOffset`. An hour more is left for clock changes.
    /// - Returns: Text that the source casts to the column's type; nil when no bound is safe.
    package func lowerBound(of time: SourceTime, sample: String?, keptOffset: Int64? = nil) -> String? {
        guard (time - Self.zoneSlack).microseconds >= Self.firstYear else { return nil }
        switch self {
        case .timestamptz: return time.text + "+00"
        case .utcTimestamp: return time.text
        case .timestamp: return (time - (keptOffset.map { SourceTime.hour - $0 } ?? Self.zoneSlack)).text
        case .date: return String((time - Self.zoneSlack).text.prefix(10))
        case .epoch:
            guard let sample, let unit = EpochUnit(sample: sample) else { return nil }
            return String(time.microseconds / unit.microseconds - 1)
        }
    }

    private struct EpochUnit {
        /// Microseconds in one unit; below one microsecond it is not offered.
        let microseconds: Int64

        /// Reads the unit from a value's magnitude: 1e8…1e11 seconds are the years 1973 to 5138, and each finer unit
        /// lies a thousandfold higher, so that the ranges do not meet for years after 1973.
        init?(sample: String) {
            guard let value = Int64(sample) else { return nil }
            switch value {
            case 100_000_000..<100_000_000_000: microseconds = 1_000_000
            case 100_000_000_000..<100_000_000_000_000: microseconds = 1_000
            case 100_000_000_000_000..<100_000_000_000_000_000: microseconds = 1
            default: return nil
            }
        }
    }
}

/// The zone in which an application keeps a zone-less `updated_key`, measured: the newest row's stamp against the clock,
/// wherever a row has come since the look before.
package struct KeptZone: Sendable, Hashable, Codable {
    /// Microseconds that stamps lie ahead of UTC, a multiple of a quarter of an hour; the lowest seen lately.
    private var offset: Int64?
    /// Looks in a row that showed this offset.
    private var agreeing = 0
    private var clock: SourceTime
    private var highest: SourceTime

    private static let quarter = SourceTime.hour / 4
    /// A row that came between two looks this far apart is as old as that at most.
    private static let freshness = SourceTime.second * 300
    /// Looks that must agree before the offset counts: one row may be stamped by anybody.
    private static let enough = 3

    /// The offset to rely on; nil while too few looks agree.
    package var measured: Int64? { agreeing >= Self.enough ? offset : nil }

    /// - Parameters:
    ///   - former: What the looks before have shown.
    ///   - highest: The highest stamp, read as if it were UTC.
    ///   - clock: The source's, in UTC, read before the stamp.
    package init(_ former: KeptZone?, highest: SourceTime, clock: SourceTime) {
        self.clock = clock
        self.highest = highest
        guard let former else { return }
        (offset, agreeing) = (former.offset, former.agreeing)
        let isFresh =
            highest > former.highest && (0...Self.freshness).contains(clock.microseconds - former.clock.microseconds)
        guard isFresh, let seen = Self.offset(of: highest.microseconds - clock.microseconds) else { return }
        if seen == offset {
            agreeing = min(agreeing + 1, Self.enough)
        } else if let known = measured, seen > known {
            // A clock change, or writers of several zones: the lower one reads more.
            return
        } else {
            (offset, agreeing) = (seen, 1)
        }
    }

    /// The whole quarter of an hour that a stamp of the last minutes lies at.
    /// - Returns: nil where none is near enough, or beyond the zones there are.
    private static func offset(of difference: Int64) -> Int64? {
        let nearest = Int64((Double(difference) / Double(quarter)).rounded()) * quarter
        let isNear = abs(difference - nearest) <= freshness
        return isNear && (-12 * SourceTime.hour...14 * SourceTime.hour).contains(nearest) ? nearest : nil
    }
}

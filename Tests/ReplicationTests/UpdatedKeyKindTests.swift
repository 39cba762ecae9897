import Replication
import Testing

struct UpdatedKeyKindTests {
    @Test(
        arguments: [
            ("timestamp with time zone", UpdatedKeyKind.timestamptz), ("timestamp(3) with time zone", .timestamptz),
            ("timestamp without time zone", .timestamp), ("timestamp(0) without time zone", .timestamp),
            ("date", .date), ("bigint", .epoch), ("integer", .epoch), ("smallint", nil), ("text", nil), ("uuid", nil),
            ("numeric(20,0)", nil), ("double precision", nil), ("time without time zone", nil), ("date[]", nil),
            ("", nil),
            ("timestamp with time zone[]", nil), ("tstzrange", nil),
        ] as [(String, UpdatedKeyKind?)])
    func `only types whose order is the order of time can order changes`(typeName: String, kind: UpdatedKeyKind?) {
        #expect(UpdatedKeyKind(typeName: typeName) == kind)
    }

    /// 2026-11-22 10:00:00.5 UTC.
    private static let time = SourceTime(parsing: "2026-11-22 10:00:00.5") ?? SourceTime(microseconds: 0)

    @Test(
        arguments: [
            (.timestamptz, nil, "2026-11-22 10:00:00.500000+00"),
            // Twelve hours for the zone, one for a clock change.
            (.timestamp, nil, "2026-11-21 21:00:00.500000"),
            (.date, nil, "2026-11-21"),
            (.epoch, "1795341600", "1795341599"), (.epoch, "1795341600123", "1795341600499"),
            (.epoch, "1795341600123456", "1795341600499999"),
            // The unit of these cannot be told, and a wrong one would hide rows: no bound.
            (.epoch, nil, nil), (.epoch, "", nil), (.epoch, "0", nil), (.epoch, "42", nil),
            (.epoch, "-1795341600", nil),
            (.epoch, "99999999", nil), (.epoch, "100000000000000000", nil), (.epoch, "1795341600123456789", nil),
            (.epoch, "12345678901234567890", nil),
            // The ends of the units' ranges.
            (.epoch, "100000000", "1795341599"), (.epoch, "99999999999", "1795341599"),
            (.epoch, "100000000000", "1795341600499"), (.epoch, "99999999999999", "1795341600499"),
            (.epoch, "100000000000000", "1795341600499999"), (.epoch, "99999999999999999", "1795341600499999"),
        ] as [(UpdatedKeyKind, String?, String?)])
    func `a point in time has a lower bound in each type`(kind: UpdatedKeyKind, sample: String?, bound: String?) {
        #expect(kind.lowerBound(of: Self.time, sample: sample) == bound)
    }

    /// A floor set by hand to the first day of year 1 lies, less its lookback, in a year that no server reads.
    @Test(arguments: [UpdatedKeyKind.timestamptz, .timestamp, .date])
    func `a floor before the year 1 gives no bound, or one that servers read`(kind: UpdatedKeyKind) throws {
        let start = try #require(SourceTime(parsing: "0001-01-01"))
        for time in [start, start - 600 * SourceTime.second, start - SourceTime.hour * 24 * 500] {
            guard let bound = kind.lowerBound(of: time, sample: nil) else { continue }
            #expect(bound.prefix(4) != "0000" && bound.prefix(4).allSatisfy(\.isNumber), "\(bound)")
        }
    }
}

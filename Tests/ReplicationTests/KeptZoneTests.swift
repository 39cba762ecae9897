import Replication
import Testing

/// The zone of a zone-less column, measured from fresh rows.
struct KeptZoneTests {
    private static let noon = SourceTime(parsing: "2026-11-22 12:00:00") ?? SourceTime(microseconds: 0)
    private static let minute = SourceTime.second * 60

    /// Looks a minute apart, each with a row stamped a few seconds before it, this many hours ahead of UTC; nil: no row
    /// has come.
    private func zone(_ hours: [Double?], apart: Int64 = minute) -> KeptZone? {
        var zone: KeptZone?
        var highest = Self.noon - SourceTime.hour * 24
        for (number, hours) in hours.enumerated() {
            let clock = Self.noon + Int64(number) * apart
            if let hours { highest = clock - 3 * SourceTime.second + Int64(hours * Double(SourceTime.hour)) }
            zone = KeptZone(zone, highest: highest, clock: clock)
        }
        return zone
    }

    @Test(
        arguments: [
            ([nil], nil), ([2], nil), ([nil, 2], nil), ([nil, 2, 2], nil), ([nil, 2, 2, 2], 2), ([2, 2, 2, 2], 2),
            // Looks without a new row say nothing.
            ([nil, 2, nil, 2, nil, nil, 2], 2), ([nil, 2, 2, 2, nil, nil, nil], 2),
            ([nil, 0, 0, 0], 0), ([nil, -12, -12, -12], -12), ([nil, 14, 14, 14], 14), ([nil, 5.75, 5.75, 5.75], 5.75),
            ([nil, 3.5, 3.5, 3.5], 3.5),
            // No zone lies there, and no quarter of an hour is near enough.
            ([nil, 15, 15, 15], nil), ([nil, -13, -13, -13], nil), ([nil, 2.1, 2.1, 2.1], nil),
        ] as [([Double?], Double?)])
    func `three looks that agree tell the zone`(hours: [Double?], measured: Double?) {
        #expect(zone(hours)?.measured == measured.map { Int64($0 * Double(SourceTime.hour)) })
    }

    @Test func `a look that disagrees takes three others`() {
        #expect(zone([nil, 2, 2, 3, 3])?.measured == nil)
        #expect(zone([nil, 2, 2, 3, 3, 3])?.measured == 3 * SourceTime.hour)
    }

    @Test func `once known, only a lower one counts`() {
        // Rows stamped ahead, by another zone or a clock change: less is left out with the lower one.
        #expect(zone([nil, 2, 2, 2, 3, 3, 3, 3, 3])?.measured == 2 * SourceTime.hour)
        // After the end of summer time no stamp is the highest for an hour.
        let known: [Double?] = [nil, 2, 2, 2] + Array(repeating: nil, count: 61)
        #expect(zone(known)?.measured == 2 * SourceTime.hour)
        #expect(zone(known + [1])?.measured == nil)
        #expect(zone(known + [1, 1, 1])?.measured == SourceTime.hour)
    }

    @Test func `rows that may be old say nothing`() {
        #expect(zone([nil, 2, 2, 2, 2], apart: SourceTime.second * 301)?.measured == nil)
        #expect(zone([nil, 2, 2, 2], apart: SourceTime.second * 300)?.measured == 2 * SourceTime.hour)
        // The clock was set back.
        #expect(zone([nil, 2, 2, 2], apart: -Self.minute)?.measured == nil)
    }

    @Test func `a stamp is some minutes old at most`() {
        for (age, offset) in [(0, Int64(0)), (299, 0), (301, nil), (-299, 0), (-301, nil)] as [(Int64, Int64?)] {
            var zone: KeptZone?
            for look in 0..<4 {
                let clock = Self.noon + Int64(look) * Self.minute
                zone = KeptZone(zone, highest: clock - age * SourceTime.second, clock: clock)
            }
            #expect(zone?.measured == offset, "\(age) s")
        }
    }
}

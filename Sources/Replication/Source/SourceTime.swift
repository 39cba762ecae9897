/// A reading of the source's clock: microseconds since 1970-01-01 00:00 UTC.
///
/// Never this machine's clock: the two differ, and only the source's orders its rows.
package struct SourceTime: Sendable, Hashable, Comparable, Codable {
    package var microseconds: Int64

    package static let second: Int64 = 1_000_000
    package static let hour: Int64 = 3_600_000_000

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    package init(from decoder: any Decoder) throws {
        microseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(microseconds)
    }

    package static func < (left: SourceTime, right: SourceTime) -> Bool { left.microseconds < right.microseconds }
    package static func - (time: SourceTime, microseconds: Int64) -> SourceTime {
        SourceTime(microseconds: time.microseconds - microseconds)
    }
    package static func + (time: SourceTime, microseconds: Int64) -> SourceTime {
        SourceTime(microseconds: time.microseconds + microseconds)
    }

    /// Seconds since 1970.
    package var seconds: Double { Double(microseconds) / 1_000_000 }

    /// `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, which both engines read.
    package var text: String {
        let (days, rest) = Self.floorDivide(microseconds, 86_400 * Self.second)
        let (year, month, day) = Self.civil(days: days)
        let (secondOfDay, fraction) = Self.floorDivide(rest, Self.second)
        return Self.padded(year, 4) + "-" + Self.padded(month, 2) + "-" + Self.padded(day, 2) + " "
            + Self.padded(secondOfDay / 3600, 2) + ":" + Self.padded(secondOfDay / 60 % 60, 2) + ":"
            + Self.padded(secondOfDay % 60, 2) + "." + Self.padded(fraction, 6)
    }

    /// RFC 3339 with a `Z`.
    package var iso8601: String { text.replacing(" ", with: "T") + "Z" }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let remainder = (value % divisor + divisor) % divisor
        return ((value - remainder) / divisor, remainder)
    }

    /// Days since 1970 as a date of the Gregorian calendar, counted in years that begin in March, so that the leap
    /// day comes last.
    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let (era, dayOfEra) = floorDivide(shifted, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

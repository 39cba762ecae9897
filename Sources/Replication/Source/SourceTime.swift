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

extension SourceTime {
    /// Reads `2026-11-22`, `2026-11-22 17:40:02.123456` or RFC 3339, in UTC unless an offset is given.
    package init?(parsing text: String) {
        let pattern = /(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?/
        guard let match = text.wholeMatch(of: pattern), let year = Int64(match.1), let month = Int64(match.2),
            let day = Int64(match.3), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        guard Self.civil(days: Self.days(year: year, month: month, day: day)) == (year, month, day) else { return nil }
        let hour = match.4.flatMap { Int64($0) } ?? 0
        let minute = match.5.flatMap { Int64($0) } ?? 0
        let second = match.6.flatMap { Int64($0) } ?? 0
        guard hour < 24, minute < 60, second < 60 else { return nil }
        let fraction = match.7.flatMap { Int64($0.padding(toLength: 6, with: "0")) } ?? 0
        let seconds =
            Self.days(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
            - Self.offsetSeconds(match.8.map(String.init) ?? "Z")
        self.init(microseconds: seconds * Self.second + fraction)
    }

    /// `+02`, `+0230`, `+02:30` or `Z` in seconds.
    private static func offsetSeconds(_ text: String) -> Int64 {
        let digits = text.filter(\.isNumber)
        guard let number = Int64(digits) else { return 0 }
        let seconds = digits.count > 2 ? number / 100 * 3600 + number % 100 * 60 : number * 3600
        return text.hasPrefix("-") ? -seconds : seconds
    }

    /// Days from 1970-01-01, by the same years from March as in `civil`.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension Substring {
    fileprivate func padding(toLength length: Int, with pad: Character) -> String {
        String(self) + String(repeating: pad, count: Swift.max(0, length - count))
    }
}

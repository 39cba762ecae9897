import Foundation

/// Values in the binary form of the wire, as AWS's drivers ask for and send them.
///
/// Layouts: aws/amazon-redshift-python-driver, utils/type_utils.py. Integers are big-endian; clocks count microseconds
/// from 2000-01-01. The PostgreSQL behind speaks text, so this translates.
enum BinaryValue {
    /// Microseconds in a day.
    private static let day: Int64 = 86_400_000_000

    // MARK: Towards the client

    /// - Parameter text: The value in PostgreSQL's text form, dates in ISO style.
    /// - Throws: `StandInError` 0A000 for a type that has no binary form here, 22P03 for text that is not understood.
    static func encode(_ text: [UInt8], type: UInt32) throws(StandInError) -> [UInt8] {
        let value = String(decoding: text, as: UTF8.self)
        let encoded: [UInt8]? =
            switch type {
            case 16: [text.first == UInt8(ascii: "t") ? 1 : 0]
            case 21: Int16(value).map(bytes)
            case 23: Int32(value).map(bytes)
            case 20: Int64(value).map(bytes)
            case 24, 26, 28: UInt32(value).map(bytes)
            case 700: Float(special(value)).map { bytes($0.bitPattern) }
            case 701: Double(special(value)).map { bytes($0.bitPattern) }
            case 1082: days(value).map(bytes)
            case 1083: clock(value).map(bytes)
            case 1266: zonedClock(value)
            case 1114, 1184: moment(value).map(bytes)
            case 18, 19, 25, 705, 1042, 1043, 114, 17: text
            default: type >= 16_384 ? text : nil
            }
        guard let encoded else {
            throw StandInError("0A000", "type \(type) is not imitated in binary form by the stand-in")
        }
        return encoded
    }

    private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func special(_ text: String) -> String { text.replacing("Infinity", with: "inf") }

    /// `YYYY-MM-DD[ BC]` in days since 2000-01-01.
    private static func days(_ text: some StringProtocol) -> Int32? {
        let isBC = text.hasSuffix(" BC")
        let parts = text.prefix { $0 != " " }.split(separator: "-")
        guard parts.count == 3, let year = Int64(parts[0]), let month = Int64(parts[1]), let date = Int64(parts[2])
        else { return nil }
        return Int32(exactly: civilDays(isBC ? 1 - year : year, month, date))
    }

    /// Days since 2000-01-01 in the proleptic Gregorian calendar, from years that begin in March.
    private static func civilDays(_ year: Int64, _ month: Int64, _ date: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 730_425
    }

    /// `HH:MM:SS[.ffffff]` in microseconds.
    private static func clock(_ text: some StringProtocol) -> Int64? {
        let parts = text.split(separator: ":")
        guard parts.count == 3, let hours = Int64(parts[0]), let minutes = Int64(parts[1]) else { return nil }
        let seconds = parts[2].split(separator: ".")
        guard let whole = seconds.first.flatMap({ Int64($0) }) else { return nil }
        let digits = seconds.count > 1 ? String(seconds[1].prefix(6)) : ""
        guard let fraction = Int64(digits + String(repeating: "0", count: 6 - digits.count)) else { return nil }
        return ((hours * 60 + minutes) * 60 + whole) * 1_000_000 + fraction
    }

    /// `HH:MM:SS.ffffff±HH[:MM[:SS]]`: microseconds, then seconds west of Greenwich.
    private static func zonedClock(_ text: String) -> [UInt8]? {
        guard let (head, zone) = splitZone(Substring(text)), let time = clock(head) else { return nil }
        return bytes(time) + bytes(Int32(truncatingIfNeeded: -zone))
    }

    /// Parts a trailing `±HH[:MM[:SS]]` from a time; the zone in seconds east.
    private static func splitZone(_ text: Substring) -> (head: Substring, zone: Int64)? {
        guard let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return (text, 0) }
        let parts = text[text.index(after: sign)...].split(separator: ":").compactMap { Int64($0) }
        guard (1...3).contains(parts.count) else { return nil }
        let seconds = parts[0] * 3_600 + (parts.count > 1 ? parts[1] * 60 : 0) + (parts.count > 2 ? parts[2] : 0)
        return (text[..<sign], text[sign] == "-" ? -seconds : seconds)
    }

    /// `YYYY-MM-DD HH:MM:SS[.ffffff][±zone][ BC]` in microseconds.
    private static func moment(_ text: String) -> Int64? {
        if text == "infinity" { return .max }
        if text == "-infinity" { return .min }
        let isBC = text.hasSuffix(" BC")
        let parts = text.split(separator: " ")
        guard parts.count >= 2, let date = days(parts[0] + (isBC ? " BC" : "")), let (head, zone) = splitZone(parts[1]),
            let time = clock(head)
        else { return nil }
        return Int64(date) * day + time - zone * 1_000_000
    }

    // MARK: From the client

    /// A bound value as the text that PostgreSQL's input functions read.
    /// - Throws: `StandInError` 22P03 for a length that does not fit the type, 0A000 for a type without binary form.
    static func decode(_ value: [UInt8], type: UInt32) throws(StandInError) -> String {
        let text: String? =
            switch type {
            case 16: value.count == 1 ? (value[0] == 0 ? "f" : "t") : nil
            case 21: integer(value, as: Int16.self).map { String($0) }
            case 23: integer(value, as: Int32.self).map { String($0) }
            case 20: integer(value, as: Int64.self).map { String($0) }
            case 26: integer(value, as: UInt32.self).map { String($0) }
            case 700: integer(value, as: UInt32.self).map { "\(Float(bitPattern: $0))" }
            case 701: integer(value, as: UInt64.self).map { "\(Double(bitPattern: $0))" }
            case 1082: integer(value, as: Int32.self).map { momentText(Int64($0) * day) }
            case 1114: integer(value, as: Int64.self).map { momentText($0) }
            case 1184: integer(value, as: Int64.self).map { momentText($0) + "+00" }
            case 1186: interval(value)
            case 0, 18, 19, 25, 705, 1042, 1043, 114, 4000, 6551, .max: String(decoding: value, as: UTF8.self)
            default: throw StandInError("0A000", "a binary parameter of type \(type) is not imitated by the stand-in")
            }
        guard let text else { throw StandInError("22P03", "incorrect binary data format in bind parameter") }
        return text
    }

    private static func integer<Number: FixedWidthInteger>(_ value: [UInt8], as: Number.Type) -> Number? {
        guard value.count == Number.bitWidth / 8 else { return nil }
        return value.reduce(Number(0)) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    /// Microseconds since 2000-01-01 as a date and a time.
    private static func momentText(_ micros: Int64) -> String {
        let days = (micros >= 0 ? micros : micros - day + 1) / day
        let rest = micros - days * day
        let shifted = days + 730_425
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthPart = (5 * dayOfYear + 2) / 153
        let month = monthPart < 10 ? monthPart + 3 : monthPart - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = String(
            format: "%04d-%02d-%02d", Int(year > 0 ? year : 1 - year), Int(month),
            Int(dayOfYear - (153 * monthPart + 2) / 5 + 1))
        let seconds = rest / 1_000_000
        let time = String(
            format: "%02d:%02d:%02d.%06d", Int(seconds / 3_600), Int(seconds / 60 % 60), Int(seconds % 60),
            Int(rest % 1_000_000))
        return "\(date) \(time)\(year > 0 ? "" : " BC")"
    }

    /// Microseconds, then days and months in two bytes each, as AWS's driver packs them.
    private static func interval(_ value: [UInt8]) -> String? {
        guard value.count == 12, let micros = integer(Array(value[..<8]), as: Int64.self),
            let days = integer(Array(value[8..<10]), as: Int16.self),
            let months = integer(Array(value[10...]), as: Int16.self)
        else { return nil }
        return "\(months) months \(days) days \(micros) microseconds"
    }
}

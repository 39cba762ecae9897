import Foundation

/// Dates and times: read by Redshift's rules, written in the one form that PostgreSQL reads without settings.
/// https://docs.aws.amazon.com/redshift/latest/dg/automatic-recognition.html
struct ClockFields {
    /// The last year of Redshift's DATE and TIMESTAMP.
    static let lastYear = 294_276

    let options: CopyOptions
    let out: CopyTextBuffer

    private struct Day {
        var year: Int
        var month: Int
        var day: Int
    }

    private struct Clock {
        var hour = 0
        var minute = 0
        var second = 0
        var microsecond = 0
    }

    /// A place in the field.
    private struct Scan {
        let bytes: UnsafePointer<UInt8>
        let count: Int
        var index = 0

        var isAtEnd: Bool { index >= count }
        var next: UInt8 { index < count ? bytes[index] : 0 }

        @inline(__always)
        mutating func take(_ byte: UInt8) -> Bool {
            guard index < count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        /// Between `low` and `high` digits.
        @inline(__always)
        mutating func number(_ low: Int, _ high: Int) -> Int? {
            var value = 0
            let start = index
            while index < count, index - start < high, ASCII.isDigit(bytes[index]) {
                value = value * 10 + Int(bytes[index] - 48)
                index += 1
            }
            return index - start >= low ? value : nil
        }

        mutating func skipBlanks() { while next == 32 { index += 1 } }
    }

    func write(_ kind: FieldRule.Kind, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        if kind == .date || kind == .timestamp, isPlain(bytes, count, isDate: kind == .date) {
            out.append(bytes, count)
            return nil
        }
        var scan = Scan(bytes: bytes, count: count)
        scan.skipBlanks()
        let mark = out.count
        let done: Bool
        switch kind {
        case .date: done = date(&scan)
        case .time: done = time(&scan, withZone: false)
        case .timetz: done = time(&scan, withZone: true)
        case .timestamp: done = timestamp(&scan, withZone: false)
        default: done = timestamp(&scan, withZone: true)
        }
        if done { return nil }
        out.truncate(to: mark)
        if options.acceptsAnyDate, kind != .time, kind != .timetz {
            out.appendNull()
            return nil
        }
        return kind == .date
            ? FieldFailure(1205, "Invalid Date Format - length must be 10 or more")
            : FieldFailure(1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]")
    }

    /// `YYYY-MM-DD`, or that and ` HH:MM:SS[.ffffff]`, with a day that every month has: already PostgreSQL's form.
    @inline(__always)
    private func isPlain(_ bytes: UnsafePointer<UInt8>, _ count: Int, isDate: Bool) -> Bool {
        guard isDate ? count == 10 : count >= 19 && count <= 26 && count != 20 && options.timeFormat.isText else {
            return false
        }
        func two(_ place: Int) -> Int {
            let (tens, ones) = (Int(bytes[place]) - 48, Int(bytes[place + 1]) - 48)
            return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
        }
        let century = two(0)
        let year = two(2)
        guard century >= 0, year >= 0, century + year > 0, bytes[4] == 45, bytes[7] == 45 else { return false }
        let (month, day) = (two(5), two(8))
        guard month >= 1, month <= 12, day >= 1, day <= 28 else { return false }
        if isDate { return true }
        guard bytes[10] == 32, bytes[13] == 58, bytes[16] == 58 else { return false }
        let (hour, minute, second) = (two(11), two(14), two(17))
        guard hour >= 0, hour < 24, minute >= 0, minute < 60, second >= 0, second < 60 else { return false }
        guard count > 19 else { return true }
        guard bytes[19] == UInt8(ascii: ".") else { return false }
        for index in 20..<count where !ASCII.isDigit(bytes[index]) { return false }
        return true
    }

    private func date(_ scan: inout Scan) -> Bool {
        guard let day = readDay(&scan, options.dateFormat == .auto) else { return false }
        var scan = scan
        if !isEnd(scan), readClock(&scan, separated: true) == nil { return false }
        _ = readZone(&scan)
        let isBC = takeBC(&scan)
        scan.skipBlanks()
        guard scan.isAtEnd, isValid(day, isBC) else { return false }
        write(day)
        if isBC { writeBC() }
        return true
    }

    private func timestamp(_ scan: inout Scan, withZone: Bool) -> Bool {
        switch options.timeFormat {
        case .epochSeconds: return epoch(&scan, perSecond: 1, withZone)
        case .epochMilliseconds: return epoch(&scan, perSecond: 1_000, withZone)
        case .standard, .auto: break
        }
        let isAuto = options.timeFormat == .auto
        guard let day = readDay(&scan, isAuto) else { return false }
        var clock = Clock()
        if !isEnd(scan) {
            if scan.next == UInt8(ascii: "T"), !isAuto { return false }
            guard let read = readClock(&scan, separated: true) else { return false }
            clock = read
        }
        let zone = readZone(&scan)
        let isBC = takeBC(&scan)
        scan.skipBlanks()
        guard scan.isAtEnd, isValid(day, isBC) else { return false }
        write(day)
        out.append(32)
        write(clock)
        if withZone { writeZone(zone ?? 0) }
        if isBC { writeBC() }
        return true
    }

    private func time(_ scan: inout Scan, withZone: Bool) -> Bool {
        guard let clock = readClock(&scan, separated: false) else { return false }
        let zone = readZone(&scan)
        scan.skipBlanks()
        guard scan.isAtEnd else { return false }
        write(clock)
        if withZone { writeZone(zone ?? 0) }
        return true
    }

    private func epoch(_ scan: inout Scan, perSecond: Int, _ withZone: Bool) -> Bool {
        let isNegative = scan.take(UInt8(ascii: "-"))
        guard let value = scan.number(1, 15), scan.isAtEnd else { return false }
        let signed = isNegative ? -value : value
        let seconds = signed >= 0 ? signed / perSecond : (signed - perSecond + 1) / perSecond
        let rest = signed - seconds * perSecond
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let inDay = seconds - days * 86_400
        guard let day = Self.day(sinceEpoch: days) else { return false }
        write(Day(year: day.year, month: day.month, day: day.day))
        out.append(32)
        write(
            Clock(
                hour: inDay / 3_600, minute: inDay / 60 % 60, second: inDay % 60,
                microsecond: rest * (1_000_000 / perSecond)))
        if withZone { writeZone(0) }
        return true
    }

    /// Civil date from days since 1970-01-01 (proleptic Gregorian), years 1 to `lastYear`.
    private static func day(sinceEpoch days: Int) -> (year: Int, month: Int, day: Int)? {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        guard (1...lastYear).contains(year) else { return nil }
        return (year, month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    // MARK: Reading

    @inline(__always)
    private func isEnd(_ scan: Scan) -> Bool {
        if scan.isAtEnd { return true }
        guard scan.next == 32 else { return false }
        // A blank may lead to BC or to nothing, besides a time.
        return scan.index + 1 >= scan.count || !ASCII.isDigit(scan.bytes[scan.index + 1])
    }

    /// `YYYY-MM-DD`; with 'auto' also `YYYY/MM/DD`, `YYYYMMDD` and `MM/DD/YYYY`.
    private func readDay(_ scan: inout Scan, _ isAuto: Bool) -> Day? {
        let start = scan.index
        guard let first = scan.number(1, 8) else { return nil }
        let digits = scan.index - start
        if scan.take(UInt8(ascii: "-")) || (isAuto && digits >= 4 && scan.take(UInt8(ascii: "/"))) {
            guard digits >= 4, digits <= 6, let month = scan.number(1, 2),
                scan.take(UInt8(ascii: "-")) || (isAuto && scan.take(UInt8(ascii: "/"))), let day = scan.number(1, 2)
            else { return nil }
            return Day(year: first, month: month, day: day)
        }
        guard isAuto else { return nil }
        if digits == 8 { return Day(year: first / 10_000, month: first / 100 % 100, day: first % 100) }
        guard digits <= 2, scan.take(UInt8(ascii: "/")), let day = scan.number(1, 2), scan.take(UInt8(ascii: "/")),
            let year = scan.number(4, 6)
        else { return nil }
        return Day(year: year, month: first, day: day)
    }

    private func isValid(_ day: Day, _ isBC: Bool) -> Bool {
        guard (1...12).contains(day.month), day.day >= 1, day.year >= 1 else { return false }
        guard isBC ? day.year <= 4_713 : day.year <= Self.lastYear else { return false }
        let year = isBC ? 1 - day.year : day.year
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let length =
            switch day.month {
            case 2: isLeap ? 29 : 28
            case 4, 6, 9, 11: 30
            default: 31
            }
        return day.day <= length
    }

    /// `HH:MM[:SS[.ffffff]]`; digits behind the microsecond are cut.
    private func readClock(_ scan: inout Scan, separated: Bool) -> Clock? {
        if separated, !scan.take(32), !scan.take(UInt8(ascii: "T")) { return nil }
        var clock = Clock()
        guard let hour = scan.number(1, 2), scan.take(UInt8(ascii: ":")), let minute = scan.number(2, 2) else {
            return nil
        }
        (clock.hour, clock.minute) = (hour, minute)
        if scan.take(UInt8(ascii: ":")) {
            guard let second = scan.number(2, 2) else { return nil }
            clock.second = second
            if scan.take(UInt8(ascii: ".")) {
                let start = scan.index
                guard var fraction = scan.number(1, 6) else { return nil }
                for _ in (scan.index - start)..<6 { fraction *= 10 }
                clock.microsecond = fraction
                while ASCII.isDigit(scan.next) { scan.index += 1 }
            }
        }
        guard clock.minute < 60, clock.second < 60, clock.hour < 24 else {
            let isMidnight = clock.hour == 24 && clock.minute == 0 && clock.second == 0 && clock.microsecond == 0
            return isMidnight ? clock : nil
        }
        return clock
    }

    /// Seconds east of UTC: `Z`, `UTC`, `+HH[[:]MM[:SS]]`; nil when there is none.
    private func readZone(_ scan: inout Scan) -> Int? {
        let start = scan.index
        scan.skipBlanks()
        if scan.take(UInt8(ascii: "Z")) || scan.take(UInt8(ascii: "z")) { return 0 }
        for name in ["UTC", "utc", "GMT"] where matches(scan, name) {
            scan.index += 3
            return 0
        }
        let sign = scan.next == UInt8(ascii: "-") ? -1 : 1
        guard scan.take(UInt8(ascii: "-")) || scan.take(UInt8(ascii: "+")), let hours = scan.number(1, 2) else {
            scan.index = start
            return nil
        }
        var seconds = hours * 3_600
        if scan.take(UInt8(ascii: ":")) || ASCII.isDigit(scan.next) {
            seconds += (scan.number(2, 2) ?? 0) * 60
            if scan.take(UInt8(ascii: ":")) { seconds += scan.number(2, 2) ?? 0 }
        }
        return sign * seconds
    }

    private func matches(_ scan: Scan, _ name: String) -> Bool {
        guard scan.index + name.utf8.count <= scan.count else { return false }
        for (offset, byte) in name.utf8.enumerated() where scan.bytes[scan.index + offset] != byte { return false }
        return true
    }

    private func takeBC(_ scan: inout Scan) -> Bool {
        guard matches(scan, " BC") else { return false }
        scan.index += 3
        return true
    }

    // MARK: Writing

    @inline(__always)
    private func write(_ day: Day) {
        out.append(number: day.year, width: 4)
        out.append(UInt8(ascii: "-"))
        out.append(number: day.month, width: 2)
        out.append(UInt8(ascii: "-"))
        out.append(number: day.day, width: 2)
    }

    private func write(_ clock: Clock) {
        out.append(number: clock.hour, width: 2)
        out.append(UInt8(ascii: ":"))
        out.append(number: clock.minute, width: 2)
        out.append(UInt8(ascii: ":"))
        out.append(number: clock.second, width: 2)
        guard clock.microsecond > 0 else { return }
        out.append(UInt8(ascii: "."))
        out.append(number: clock.microsecond, width: 6)
    }

    private func writeZone(_ seconds: Int) {
        let size = abs(seconds)
        out.append(UInt8(ascii: seconds < 0 ? "-" : "+"))
        out.append(number: size / 3_600, width: 2)
        out.append(UInt8(ascii: ":"))
        out.append(number: size / 60 % 60, width: 2)
        if size % 60 > 0 {
            out.append(UInt8(ascii: ":"))
            out.append(number: size % 60, width: 2)
        }
    }

    private func writeBC() {
        for byte in " BC".utf8 { out.append(byte) }
    }
}

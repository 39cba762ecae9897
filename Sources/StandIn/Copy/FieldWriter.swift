import Foundation

/// Checks one field by Redshift's rules and writes it for PostgreSQL. Everything works on raw bytes; a `String` is made
/// only for an error.
struct FieldWriter {
    let options: CopyOptions
    let out: CopyTextBuffer
    private let clocks: ClockFields
    /// Compared before the whole null string is.
    private let nullFirst: UInt8
    private let nullCount: Int

    init(options: CopyOptions, out: CopyTextBuffer) {
        self.options = options
        self.out = out
        clocks = ClockFields(options: options, out: out)
        nullFirst = options.nullString.first ?? 0
        nullCount = options.nullString.count
    }

    /// - Returns: nil when the value was written.
    @inline(__always)
    func write(_ rule: FieldRule, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        if isNull(rule, bytes, count) {
            if rule.notNull { return FieldFailure(1213, "Missing data for not-null field") }
            out.appendNull()
            return nil
        }
        switch rule.kind {
        case .varchar: return varchar(rule, bytes, count)
        case .integer: return integer(bytes, count, Int64(Int32.min), Int64(Int32.max), "Integer")
        case .bigint: return integer(bytes, count, .min, .max, "Bigint")
        case .smallint: return integer(bytes, count, Int64(Int16.min), Int64(Int16.max), "Short")
        case .decimal: return decimal(rule, bytes, count)
        case .date, .time, .timetz, .timestamp, .timestamptz:
            return clocks.write(rule.kind, bytes, count)
        case .boolean: return boolean(bytes, count)
        case .real, .double: return float(rule.kind == .real, bytes, count)
        case .char: return char(rule, bytes, count)
        case .json: return json(bytes, count)
        case .varbyte: return varbyte(rule, bytes, count)
        case .interval:
            out.appendEscaped(bytes, count)
            return nil
        }
    }

    /// The null string counts quoted and unquoted alike; an empty field is NULL unless the column holds text.
    @inline(__always)
    private func isNull(_ rule: FieldRule, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        if count == nullCount, count > 0, bytes[0] == nullFirst {
            let same = options.nullString.withUnsafeBufferPointer { text in
                text.baseAddress.map { memcmp($0, bytes, count) == 0 } ?? false
            }
            if same { return true }
        }
        if count == 0 { return !rule.isText || options.emptyAsNull }
        guard options.blanksAsNull, rule.isText else { return false }
        for index in 0..<count where !ASCII.isSpace(bytes[index]) { return false }
        return true
    }

    private func integer(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, _ low: Int64, _ high: Int64, _ type: String
    ) -> FieldFailure? {
        var (index, end) = (0, count)
        while index < end, bytes[index] == 32 { index += 1 }
        while end > index, bytes[end - 1] == 32 { end -= 1 }
        let start = index
        let isNegative = index < end && bytes[index] == UInt8(ascii: "-")
        if isNegative || (index < end && bytes[index] == UInt8(ascii: "+")) { index += 1 }
        guard index < end else { return invalidDigit(bytes, count, start, type) }
        var value: Int64 = 0
        while index < end {
            let digit = Int64(bytes[index]) - 48
            guard digit >= 0, digit <= 9 else { return invalidDigit(bytes, count, index, type) }
            let (ten, over) = value.multipliedReportingOverflow(by: 10)
            let (next, overAgain) = ten.subtractingReportingOverflow(digit)
            guard !over, !overAgain else { return overflow(type) }
            value = next
            index += 1
        }
        // Kept negative, because only that side holds Int64.min.
        guard isNegative || value != .min else { return overflow(type) }
        let signed = isNegative ? value : -value
        guard signed >= low, signed <= high else { return overflow(type) }
        out.append(bytes + start, end - start)
        return nil
    }

    private func overflow(_ type: String) -> FieldFailure {
        type == "Bigint"
            ? FieldFailure(1222, "Overflow for type Bigint") : FieldFailure(1204, "Value out of range for type \(type)")
    }

    private func invalidDigit(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ place: Int, _ type: String) -> FieldFailure
    {
        let letter = place < count ? String(decoding: [bytes[place]], as: UTF8.self) : ""
        return FieldFailure(1207, "Invalid digit, Value '\(letter)', Pos \(place), Type: \(type)")
    }

    /// Digits beyond the scale are cut off, as Redshift does without ROUNDEC.
    private func decimal(_ rule: FieldRule, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        var (index, end) = (0, count)
        while index < end, bytes[index] == 32 { index += 1 }
        while end > index, bytes[end - 1] == 32 { end -= 1 }
        let start = index
        if index < end, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") { index += 1 }
        let digits = index
        while index < end, bytes[index] == 48 { index += 1 }
        let significant = index
        while index < end, ASCII.isDigit(bytes[index]) { index += 1 }
        let whole = index - significant
        var fraction = 0
        let hasWhole = index > digits
        if index < end, bytes[index] == UInt8(ascii: ".") {
            index += 1
            while index < end, ASCII.isDigit(bytes[index]) {
                index += 1
                fraction += 1
            }
        }
        guard hasWhole || fraction > 0 else { return invalidDecimal(bytes, count, start) }
        guard index == end else {
            return bytes[index] | 32 == UInt8(ascii: "e") && options.roundsDecimals == false
                ? exponent(rule, bytes + start, end - start) : invalidDecimal(bytes, count, index)
        }
        guard whole <= rule.limit - rule.scale else {
            return FieldFailure(1209, "Numeric data overflow (result precision)")
        }
        if fraction > rule.scale, options.roundsDecimals { return rounded(rule, bytes + start, end - start) }
        let kept = fraction > rule.scale ? end - (fraction - rule.scale) : end
        if rule.limit == 19,
            !DecimalText.fitsInt64(
                bytes + digits, kept - digits, fraction: min(fraction, rule.scale), scale: rule.scale)
        {
            return FieldFailure(1209, "Numeric data overflow (result precision)")
        }
        if rule.scale == 0, fraction > 0 {
            // "5." is a number, "." and "-" are not.
            if hasWhole { out.append(bytes + start, kept - 1 - start) } else { out.append(48) }
        } else {
            out.append(bytes + start, kept - start)
        }
        return nil
    }

    private func invalidDecimal(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ place: Int) -> FieldFailure {
        let letter = place < count ? String(decoding: [bytes[place]], as: UTF8.self) : ""
        return FieldFailure(1209, "Invalid digit, Value '\(letter)', Pos \(place), Type: Decimal")
    }

    private func exponent(_ rule: FieldRule, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
        guard let plain = DecimalText.withoutExponent(text) else { return invalidDecimal(bytes, count, 0) }
        return Array(plain.utf8).withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { decimal(rule, $0, buffer.count) } ?? nil
        }
    }

    private func rounded(_ rule: FieldRule, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
        let result = DecimalText.rounded(text, scale: rule.scale)
        guard result.whole <= rule.limit - rule.scale else {
            return FieldFailure(1209, "Numeric data overflow (result precision)")
        }
        for byte in result.text.utf8 { out.append(byte) }
        return nil
    }

    private func boolean(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        let word = String(
            decoding: UnsafeBufferPointer(start: bytes, count: min(count, 8)).map(ASCII.lower), as: UTF8.self)
        switch word {
        case "t", "true", "1", "y", "yes": out.append(UInt8(ascii: "t"))
        case "f", "false", "0", "n", "no": out.append(UInt8(ascii: "f"))
        default: return FieldFailure(1210, "Unknown boolean format")
        }
        return nil
    }

    /// Ordinary numbers only: no NaN, no infinity, the pessimistic reading of old reports.
    private func float(_ isReal: Bool, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        guard count < 1_000, !(0..<count).contains(where: { !Self.isFloatByte(bytes[$0]) }) else {
            return FieldFailure(1208, "Invalid value for type Float")
        }
        let (isWhole, value) = withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { text in
            for index in 0..<count { text[index] = CChar(bitPattern: bytes[index]) }
            text[count] = 0
            guard let start = text.baseAddress else { return (false, 0.0) }
            var end: UnsafeMutablePointer<CChar>?
            let value = isReal ? Double(strtof(start, &end)) : strtod(start, &end)
            return (end == start + count, value)
        }
        guard isWhole, value.isFinite else { return FieldFailure(1208, "Invalid value for type Float") }
        // PostgreSQL refuses a number that is too small for the type; zero is what is left of it.
        if value == 0 {
            if value.sign == .minus { out.append(45) }
            out.append(48)
        } else {
            out.append(bytes, count)
        }
        return nil
    }

    private static func isFloatByte(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || byte == 43 || byte == 45 || byte == 46 || byte | 32 == UInt8(ascii: "e")
    }
}

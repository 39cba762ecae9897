import Foundation

extension FieldWriter {
    /// The longest text form of a SUPER that CSV is documented to carry.
    static let superLimitBytes = 1_000_000

    @inline(__always)
    func varchar(_ rule: FieldRule, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        var plain = true
        for index in 0..<count {
            let byte = bytes[index]
            if byte < 32 || byte > 126 || byte == UInt8(ascii: "\\") {
                plain = false
                break
            }
        }
        if plain, count <= rule.limit, !options.trimsBlanks {
            out.append(bytes, count)
            return nil
        }
        return unusualVarchar(rule, bytes, count)
    }

    /// Text with other than printable ASCII, or too long.
    private func unusualVarchar(_ rule: FieldRule, _ bytes: UnsafePointer<UInt8>, _ given: Int) -> FieldFailure? {
        var count = given
        if options.trimsBlanks { while count > 0, bytes[count - 1] == 32 { count -= 1 } }
        if memchr(bytes, 0, count) != nil { return FieldFailure(1218, "Invalid null byte - field longer than 1 byte") }
        if let bad = UTF8Check.firstInvalid(bytes, count) {
            guard let replacement = options.invalidCharacter else { return Self.invalidText(bytes, count, bad) }
            let repaired = UTF8Check.repaired(bytes, count, with: replacement)
            return repaired.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map { varchar(rule, $0, buffer.count) } ?? nil
            }
        }
        if count > rule.limit {
            guard options.truncatesColumns else { return FieldFailure(1204, "String length exceeds DDL length") }
            count = UTF8Check.boundary(bytes, rule.limit)
        }
        out.appendEscaped(bytes, count)
        return nil
    }

    static func invalidText(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ bad: Int) -> FieldFailure {
        let hex = (bad..<min(bad + 4, count)).map { String(bytes[$0], radix: 16) }.joined(separator: " ")
        return FieldFailure(
            1220,
            "String contains invalid or unsupported UTF-8 codepoints. Bad UTF-8 hex sequence: \(hex) (error 3)")
    }

    func char(_ rule: FieldRule, _ bytes: UnsafePointer<UInt8>, _ given: Int) -> FieldFailure? {
        var count = given
        for index in 0..<count where bytes[index] > 127 {
            let hex = (index..<min(index + 4, count)).map { String(bytes[$0], radix: 16) }.joined(separator: " ")
            return FieldFailure(
                1220, "Multibyte character not supported for CHAR (Hint: Try using VARCHAR). Invalid char: \(hex)")
        }
        if memchr(bytes, 0, count) != nil { return FieldFailure(1218, "Invalid null byte - field longer than 1 byte") }
        if count > rule.limit {
            guard options.truncatesColumns else { return FieldFailure(1204, "Char length exceeds DDL length") }
            count = rule.limit
        }
        out.appendEscaped(bytes, count)
        return nil
    }

    func json(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        guard count <= Self.superLimitBytes else { return FieldFailure(1224, "The SUPER value is over 1 MB") }
        if let bad = UTF8Check.firstInvalid(bytes, count) { return Self.invalidText(bytes, count, bad) }
        var check = JSONCheck(bytes: bytes, count: count)
        if let reason = check.run() { return FieldFailure(1224, reason) }
        out.append(SuperText.documentMark)
        out.appendEscaped(bytes, count)
        return nil
    }

    /// Hex digits, two a byte.
    func varbyte(_ rule: FieldRule, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> FieldFailure? {
        for index in 0..<count {
            let byte = bytes[index]
            guard ASCII.isDigit(byte) || (byte | 32 >= 97 && byte | 32 <= 102) else {
                let letter = String(decoding: [byte], as: UTF8.self)
                return FieldFailure(1219, "Invalid hex digit, Value '\(letter)', Pos \(index), Type: Varbyte")
            }
        }
        guard count % 2 == 0 else { return FieldFailure(1219, "Odd number of hex digits, Type: Varbyte") }
        guard count / 2 <= rule.limit else { return FieldFailure(1204, "Varbyte length exceeds DDL length") }
        let place = out.room(3)
        place[0] = UInt8(ascii: "\\")
        place[1] = UInt8(ascii: "\\")
        place[2] = UInt8(ascii: "x")
        out.advance(3)
        out.append(bytes, count)
        return nil
    }
}

/// UTF-8 as Redshift takes it: up to four bytes, no surrogates, no overlong forms.
enum UTF8Check {
    /// The place of the first bad byte.
    static func firstInvalid(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        var index = 0
        while index < count {
            let length = sequence(bytes, count, index)
            guard length > 0 else { return index }
            index += length
        }
        return nil
    }

    static func isValid(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { firstInvalid($0, buffer.count) == nil } ?? true
        }
    }

    /// Bytes of the character at `index`; 0 when there is none.
    @inline(__always)
    static func sequence(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ index: Int) -> Int {
        let first = bytes[index]
        if first < 0x80 { return 1 }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        guard first >= 0xC2, first <= 0xF4, index + length <= count else { return 0 }
        for offset in 1..<length where bytes[index + offset] & 0xC0 != 0x80 { return 0 }
        let second = bytes[index + 1]
        switch first {
        case 0xE0: return second >= 0xA0 ? length : 0
        case 0xED: return second < 0xA0 ? length : 0
        case 0xF0: return second >= 0x90 ? length : 0
        case 0xF4: return second < 0x90 ? length : 0
        default: return length
        }
    }

    /// Each bad byte replaced.
    static func repaired(_ bytes: UnsafePointer<UInt8>, _ count: Int, with replacement: UInt8) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(count)
        var index = 0
        while index < count {
            let length = sequence(bytes, count, index)
            if length == 0 {
                out.append(replacement)
                index += 1
            } else {
                for offset in 0..<length { out.append(bytes[index + offset]) }
                index += length
            }
        }
        return out
    }

    /// The largest length up to `limit` that does not split a character.
    static func boundary(_ bytes: UnsafePointer<UInt8>, _ limit: Int) -> Int {
        var length = limit
        while length > 0, bytes[length] & 0xC0 == 0x80 { length -= 1 }
        return length
    }
}

/// Decimal text that the fast path leaves aside.
enum DecimalText {
    /// Whether digits, brought to `scale`, fit DECIMAL(19,s), which Redshift keeps in 64 bits.
    static func fitsInt64(_ bytes: UnsafePointer<UInt8>, _ count: Int, fraction: Int, scale: Int) -> Bool {
        var value: Int64 = 0
        func push(_ digit: Int64) -> Bool {
            let (ten, over) = value.multipliedReportingOverflow(by: 10)
            let (next, overAgain) = ten.addingReportingOverflow(digit)
            value = next
            return !over && !overAgain
        }
        for index in 0..<count where bytes[index] != UInt8(ascii: ".") {
            guard push(Int64(bytes[index]) - 48) else { return false }
        }
        for _ in fraction..<max(scale, fraction) {
            guard push(0) else { return false }
        }
        return true
    }

    /// `1.5e3` as `1500`; nil when it is no number or absurdly long.
    static func withoutExponent(_ text: String) -> String? {
        let parts = text.lowercased().split(separator: "e", omittingEmptySubsequences: false)
        guard parts.count == 2, let power = Int(parts[1]), abs(power) <= 100 else { return nil }
        var mantissa = String(parts[0])
        let sign = mantissa.hasPrefix("-") ? "-" : ""
        mantissa = mantissa.replacing(/^[+-]/, with: "")
        let halves = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(halves[0])
        let fraction = halves.count > 1 ? String(halves[1]) : ""
        let digits = whole + fraction
        let point = whole.count + power
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if point >= digits.count { return sign + digits + String(repeating: "0", count: point - digits.count) }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }

    /// Half away from zero; with the count of digits before the point.
    static func rounded(_ text: String, scale: Int) -> (text: String, whole: Int) {
        let sign = text.hasPrefix("-") ? "-" : ""
        let halves = text.replacing(/^[+-]/, with: "").split(separator: ".", omittingEmptySubsequences: false)
        let whole = Array(halves[0].utf8)
        let fraction = halves.count > 1 ? Array(halves[1].utf8) : []
        var digits = whole + fraction.prefix(scale)
        if fraction.count > scale, fraction[scale] >= UInt8(ascii: "5") {
            var index = digits.count - 1
            while index >= 0, digits[index] == UInt8(ascii: "9") {
                digits[index] = UInt8(ascii: "0")
                index -= 1
            }
            if index >= 0 { digits[index] += 1 } else { digits.insert(UInt8(ascii: "1"), at: 0) }
        }
        let point = digits.count - min(scale, fraction.count)
        let before = digits[..<point].drop { $0 == UInt8(ascii: "0") }
        let head = String(decoding: before.isEmpty ? [48] : Array(before), as: UTF8.self)
        let tail = scale > 0 ? "." + String(decoding: digits[point...], as: UTF8.self) : ""
        return (sign + head + tail, before.count)
    }
}

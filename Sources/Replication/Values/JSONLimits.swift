/// Holds a JSON text against what SUPER takes, in one walk over its bytes without recursion.
///
/// Limits by Redshift's documentation, "SUPER type limitations": 1,000 levels, 65,535 bytes in one string; a load by
/// CSV takes 1,000,000 bytes in all.
enum JSONLimits {
    /// Bytes of the text form.
    static let textBytes = 1_000_000
    /// Decoded bytes of one string, names of members included.
    static let stringBytes = 65_535
    /// Levels of values: a scalar is level 1, and what lies in a container is one level below it.
    static let levels = 1_000
    /// Texts up to this length break no limit: a value on level 1,001 takes 1,000 brackets before and 1,000 behind.
    static let harmlessBytes = 2_000

    /// - Parameter text: Valid JSON; of other text the answer means nothing.
    /// - Returns: The first limit broken.
    static func violation(in text: ArraySlice<UInt8>) -> RepairedValue.Reason? {
        guard text.count <= textBytes else { return .jsonTooLarge }
        guard text.count > harmlessBytes else { return nil }
        return text.withUnsafeBufferPointer(walk)
    }

    private static func walk(_ bytes: UnsafeBufferPointer<UInt8>) -> RepairedValue.Reason? {
        var open = 0
        var place = 0
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                open -= 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: ","),
                UInt8(ascii: ":"):
                break
            case let first:
                // A value, or a name that one follows.
                guard open < levels else { return .jsonTooDeep }
                if first == UInt8(ascii: "[") || first == UInt8(ascii: "{") { open += 1 }
                if first == UInt8(ascii: "\"") {
                    guard skipString(bytes, &place) <= stringBytes else { return .jsonStringTooLong }
                    continue
                }
            }
            place += 1
        }
        return nil
    }

    /// Moves from a string's first quote to behind its last one.
    /// - Returns: The decoded string's bytes.
    private static func skipString(_ bytes: UnsafeBufferPointer<UInt8>, _ place: inout Int) -> Int {
        var length = 0
        place += 1
        while place < bytes.count {
            let run = place
            while place < bytes.count, bytes[place] != UInt8(ascii: "\""), bytes[place] != UInt8(ascii: "\\") {
                place += 1
            }
            length += place - run
            guard place < bytes.count else { break }
            if bytes[place] == UInt8(ascii: "\"") {
                place += 1
                break
            }
            length += skipEscape(bytes, &place)
        }
        return length
    }

    private static func skipEscape(_ bytes: UnsafeBufferPointer<UInt8>, _ place: inout Int) -> Int {
        guard let unit = codeUnit(bytes, at: place) else {
            place += 2
            return 1
        }
        place += 6
        if (0xD800...0xDBFF).contains(unit), let low = codeUnit(bytes, at: place), (0xDC00...0xDFFF).contains(low) {
            place += 6
            return 4
        }
        return unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3
    }

    /// The number in `\uXXXX`; nil when something else stands there.
    private static func codeUnit(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Int? {
        guard place + 6 <= bytes.count, bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit = 0
        for digit in bytes[(place + 2)..<(place + 6)] {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            unit = unit * 16 + value
        }
        return unit
    }
}

/// Rules of UTF-8 over plain bytes: where characters end, and what to do with bytes that are none.
///
/// What counts as one invalid part follows the Unicode standard, "U+FFFD Substitution of Maximal Subparts".
enum UTF8Text {
    /// Length of the longest prefix of at most `limit` bytes that does not split a code point.
    /// - Parameter bytes: Valid UTF-8.
    static func prefixLength(of bytes: ArraySlice<UInt8>, limit: Int) -> Int {
        guard bytes.count > limit else { return bytes.count }
        var length = max(0, limit)
        // Three steps back at most: in bytes that are not UTF-8 after all there may be no boundary.
        while length > 0, length > limit - 3, isContinuation(bytes[bytes.startIndex + length]) { length -= 1 }
        return isContinuation(bytes[bytes.startIndex + length]) ? limit : length
    }

    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place < bytes.count {
            if bytes.count - place >= 8,
                bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                place += 8
                continue
            }
            let part = part(of: bytes, at: place)
            guard part.isValid else { return false }
            place += part.length
        }
        return true
    }

    /// The text with U+FFFD for each invalid part; nil when there is none.
    static func repaired(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        text.withUnsafeBytes { bytes in
            if isValid(bytes) { return nil }
            var output: [UInt8] = []
            output.reserveCapacity(bytes.count + 64)
            var place = 0
            while place < bytes.count {
                let part = part(of: bytes, at: place)
                if part.isValid {
                    output.append(contentsOf: bytes[place..<(place + part.length)])
                } else {
                    output.append(contentsOf: [0xEF, 0xBF, 0xBD])
                }
                place += part.length
            }
            return output
        }
    }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// The character at a place, or the invalid part there.
    private static func part(of bytes: UnsafeRawBufferPointer, at place: Int) -> (length: Int, isValid: Bool) {
        let lead = bytes[place]
        if lead < 0x80 { return (1, true) }
        // The second byte's range rules out overlong forms, surrogates and code points over U+10FFFF.
        let (length, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return (1, false)
        }
        guard place + 1 < bytes.count, second.contains(bytes[place + 1]) else { return (1, false) }
        var known = 2
        while known < length {
            guard place + known < bytes.count, isContinuation(bytes[place + known]) else { return (known, false) }
            known += 1
        }
        return (length, true)
    }
}

/// What Redshift takes of a row and of a value that has no type of its own here.
enum RowLimits {
    /// Bytes of a row in a load, line end included: "Data sources" of its documentation says 4 MB.
    static let rowBytes = 4_194_304
    /// Bytes of a binary value: their two digits each fill a row.
    static let binaryBytes = 2_000_000
    /// The last year of DATE and TIMESTAMP.
    static let lastYear = 294_276

    /// - Parameter digits: A year in decimal digits, without zeros before it.
    static func isLateYear(_ digits: UnsafeRawBufferPointer) -> Bool {
        guard digits.count >= 6 else { return false }
        guard digits.count == 6 else { return true }
        return digits.reduce(0) { $0 * 10 + Int($1 &- UInt8(ascii: "0")) } > lastYear
    }

    /// Whether ten bytes are `YYYY-MM-DD` with nothing but zeros for the year, the month or the day.
    static func isPartialDate(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return false }
        var zeros = 0
        for place in 0..<10 where place != 4 && place != 7 {
            let digit = bytes[place] &- UInt8(ascii: "0")
            guard digit < 10 else { return false }
            if digit == 0 { zeros |= 1 << place }
        }
        return zeros & 0b1111 == 0b1111 || zeros & 0b110_0000 == 0b110_0000 || zeros & 0b11_0000_0000 == 0b11_0000_0000
    }
}

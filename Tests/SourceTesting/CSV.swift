/// CSV as sources write it.
package enum CSV {
    /// Fields unquoted; nil where the unquoted sentinel stands. Bytes that are no UTF-8 are shown as U+FFFD.
    package static func rows(_ bytes: [UInt8], null: String) -> [[String?]] {
        rawRows(bytes, null: null).map { row in row.map { $0.map { String(decoding: $0, as: UTF8.self) } } }
    }

    /// Fields unquoted, as bytes; nil where the unquoted sentinel stands.
    package static func rawRows(_ bytes: [UInt8], null: String) -> [[[UInt8]?]] {
        var (rows, row, field): ([[[UInt8]?]], [[UInt8]?], [UInt8]) = ([], [], [])
        var (isInside, wasQuoted) = (false, false)
        func value() -> [UInt8]? { !wasQuoted && field.elementsEqual(null.utf8) ? nil : field }
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            switch (byte, isInside) {
            case (UInt8(ascii: "\""), true) where place < bytes.count && bytes[place] == byte:
                field.append(byte)
                place += 1
            case (UInt8(ascii: "\""), _):
                isInside.toggle()
                wasQuoted = true
            case (UInt8(ascii: ","), false), (UInt8(ascii: "\n"), false):
                row.append(value())
                (field, wasQuoted) = ([], false)
                if byte == UInt8(ascii: "\n") {
                    rows.append(row)
                    row = []
                }
            default: field.append(byte)
            }
        }
        return rows
    }
}

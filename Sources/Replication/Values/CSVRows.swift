import Foundation

/// Where one field of a row lies.
package struct CSVField: Sendable, Hashable {
    /// The field's first byte, its quote included.
    package var start = 0
    /// Behind its last byte, its quote included.
    package var end = 0
    package var isQuoted = false
    /// Pairs of quotes inside, each of which stands for one.
    package var pairs = 0

    /// Bytes of the value that the field stands for.
    package var valueBytes: Int { isQuoted ? end - start - 2 - pairs : end - start }
}

/// Reads rows as PostgreSQL's `COPY … (FORMAT csv, NULL '<sentinel>')` writes them: fields between commas, rows ended by
/// LF, quotes doubled inside of quotes. It hands out places in the bytes and copies only values that hold quotes.
///
///     var rows = CSVRows(chunk.bytes, columns: 3, format: format)
///     while try rows.next() { use(rows.value(0)) }
package struct CSVRows: Sendable {
    package let bytes: [UInt8]
    /// The row read last, its line end included.
    package private(set) var row = 0..<0
    /// The fields of that row.
    package private(set) var fields: [CSVField]
    private let sentinel: [UInt8]

    /// - Parameter bytes: Whole rows.
    package init(_ bytes: [UInt8], columns: Int, format: BatchFormat) {
        self.bytes = bytes
        fields = Array(repeating: CSVField(), count: columns)
        sentinel = Array(format.nullSentinel.utf8)
    }

    /// Reads the next row.
    /// - Returns: false behind the last one.
    /// - Throws: `ReplicationError` `E_INTERNAL` when the row has another number of fields, or no end.
    package mutating func next() throws -> Bool {
        let start = row.upperBound
        guard start < bytes.count else { return false }
        let bytes = bytes
        let end = bytes.withUnsafeBufferPointer { source in
            fields.withUnsafeMutableBufferPointer { Self.split(source, from: start, into: $0) }
        }
        guard let end else { throw Self.damaged }
        row = start..<end
        return true
    }

    /// Whether a field of the row is NULL: the sentinel, unquoted.
    package func isNull(_ column: Int) -> Bool {
        let field = fields[column]
        return !field.isQuoted && field.end - field.start == sentinel.count
            && bytes[field.start..<field.end].elementsEqual(sentinel)
    }

    /// The value of a field of the row, quotes removed; nil for NULL.
    package func value(_ column: Int) -> ArraySlice<UInt8>? {
        let field = fields[column]
        guard field.isQuoted else { return isNull(column) ? nil : bytes[field.start..<field.end] }
        let inside = bytes[(field.start + 1)..<(field.end - 1)]
        return field.pairs == 0 ? inside : Self.joinedPairs(inside, count: field.valueBytes)[...]
    }

    /// Copies eight bytes at a time, each step up to and including the first quote of a pair.
    private static func joinedPairs(_ inside: ArraySlice<UInt8>, count: Int) -> [UInt8] {
        // What the last step writes behind the value is not counted.
        Array(unsafeUninitializedCapacity: count + 8) { target, written in
            inside.withUnsafeBytes { source in
                let output = UnsafeMutableRawBufferPointer(target)
                var (from, to) = (0, 0)
                while from + 8 <= source.count, to < count {
                    let word = source.loadUnaligned(fromByteOffset: from, as: UInt64.self)
                    output.storeBytes(of: word, toByteOffset: to, as: UInt64.self)
                    let difference = word.littleEndian ^ 0x2222_2222_2222_2222
                    let quotes = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
                    let plain = quotes.trailingZeroBitCount / 8
                    to += min(plain + 1, 8)
                    from += plain == 8 ? 8 : plain + 2
                }
                while from < source.count, to < count {
                    output[to] = source[from]
                    to += 1
                    from += source[from] == CSVByte.quote ? 2 : 1
                }
                written = to
            }
        }
    }

    /// - Returns: The end of the row; nil when it has another number of fields than asked for, or none.
    private static func split(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, into fields: UnsafeMutableBufferPointer<CSVField>
    ) -> Int? {
        let count = bytes.count
        var place = start
        for column in fields.indices {
            var field = CSVField(start: place)
            if place < count, bytes[place] == CSVByte.quote {
                field.isQuoted = true
                guard let end = closingQuote(bytes, from: place + 1, pairs: &field.pairs) else { return nil }
                place = end
            } else {
                while place < count, bytes[place] != CSVByte.comma, bytes[place] != CSVByte.newline { place += 1 }
            }
            guard place < count else { return nil }
            field.end = place
            fields[column] = field
            let isLast = column == fields.count - 1
            guard bytes[place] == (isLast ? CSVByte.newline : CSVByte.comma) else { return nil }
            place += 1
        }
        return place
    }

    /// - Returns: The place behind the quote that ends a field, which is never the end of the bytes; nil without one.
    private static func closingQuote(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, pairs: inout Int
    ) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var place = start
        while place < bytes.count, let hit = memchr(base + place, Int32(CSVByte.quote), bytes.count - place) {
            place = UnsafeRawPointer(hit) - UnsafeRawPointer(base) + 1
            guard place < bytes.count else { return nil }
            guard bytes[place] == CSVByte.quote else { return place }
            pairs += 1
            place += 1
        }
        return nil
    }

    private static var damaged: ReplicationError {
        ReplicationError(
            .internal, what: "The rows of a batch could not be read",
            why: "one of them has no end, or another number of fields than the table has columns",
            fix: "Nothing was loaded. Report this as a bug.")
    }
}

/// The bytes that give CSV its shape.
enum CSVByte {
    static let quote = UInt8(ascii: "\"")
    static let comma = UInt8(ascii: ",")
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
}

/// Writes fields as PostgreSQL's CSV does, so that a row with one new value differs in that value only.
package struct CSVFieldWriter: Sendable {
    private let sentinel: [UInt8]
    /// Whether rows have one field only: `\.` alone on its line means the end of the data to PostgreSQL's readers.
    private let isOnlyField: Bool

    package init(format: BatchFormat, columns: Int) {
        sentinel = Array(format.nullSentinel.utf8)
        isOnlyField = columns == 1
    }

    /// Bytes that NULL takes.
    package var nullBytes: Int { sentinel.count }

    /// Whether a value reads as NULL in all but its quotes.
    package func isSentinel(_ value: ArraySlice<UInt8>) -> Bool { value.elementsEqual(sentinel) }

    /// Bytes that a value takes.
    package func bytes(of value: ArraySlice<UInt8>) -> Int {
        guard needsQuotes(value) else { return value.count }
        return value.reduce(value.count + 2) { $1 == CSVByte.quote ? $0 + 1 : $0 }
    }

    /// Appends a field, without what separates it from the next.
    /// - Parameter value: nil for NULL.
    package func append(_ value: ArraySlice<UInt8>?, to output: inout [UInt8]) {
        guard let value else { return output.append(contentsOf: sentinel) }
        guard needsQuotes(value) else { return output.append(contentsOf: value) }
        output.append(CSVByte.quote)
        for byte in value {
            output.append(byte)
            if byte == CSVByte.quote { output.append(byte) }
        }
        output.append(CSVByte.quote)
    }

    private func needsQuotes(_ value: ArraySlice<UInt8>) -> Bool {
        let isStructural = value.contains { byte in
            byte == CSVByte.comma || byte == CSVByte.quote || byte == CSVByte.newline
                || byte == CSVByte.carriageReturn
        }
        return isStructural || isSentinel(value) || (isOnlyField && value.elementsEqual(Self.endOfData))
    }

    private static let endOfData = Array(#"\."#.utf8)
}

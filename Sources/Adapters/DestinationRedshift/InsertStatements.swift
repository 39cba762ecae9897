import Foundation
import Replication

/// Rows as multi-row INSERTs, for when they do not go through S3.
struct InsertStatements {
    /// Redshift takes statements up to 16 MB; a row of 4 MB may double by its escapes.
    static let targetBytes = 6 << 20

    private let head: String
    private let types: [ReplicaType]
    /// Fields behind the columns' own, of no use here: an empty literal is an empty value.
    private let markers: Int
    private let format: BatchFormat
    private let rowLimit: Int

    private var text: [UInt8] = []
    private var rows = 0

    /// - Parameters:
    ///   - target: A quoted table.
    ///   - rowLimit: Rows in a statement: `IMPORT_CHUNK_SIZE`.
    init(into target: String, _ mapping: TableMapping, format: BatchFormat, rowLimit: Int) {
        head = "INSERT INTO \(target) (\(ReplicaStatements.columnList(mapping))) VALUES "
        types = mapping.columns.map(\.destinationType)
        markers = mapping.markedColumns.count
        self.format = format
        self.rowLimit = max(1, rowLimit)
    }

    /// Adds the rows of a chunk.
    /// - Returns: The statements that became full.
    mutating func add(_ chunk: RowChunk) throws -> [String] {
        var full: [String] = []
        var reader = CSVRows(chunk.bytes, columns: types.count + markers, format: format)
        while try reader.next() {
            // Escapes at most double a row.
            if rows == rowLimit || (rows > 0 && text.count + 2 * reader.row.count > Self.targetBytes) {
                full += finish()
            }
            append(reader)
        }
        return full
    }

    /// The statement begun, if any.
    mutating func finish() -> [String] {
        guard rows > 0 else { return [] }
        defer {
            text.removeAll(keepingCapacity: true)
            rows = 0
        }
        return [String(decoding: text, as: UTF8.self)]
    }

    private mutating func append(_ reader: CSVRows) {
        text.append(contentsOf: (rows == 0 ? head : ", ").utf8)
        rows += 1
        for (column, type) in types.enumerated() {
            text.append(UInt8(ascii: column == 0 ? "(" : ","))
            if let value = reader.value(column) {
                append(value, as: type)
            } else {
                text.append(contentsOf: "NULL".utf8)
            }
        }
        text.append(UInt8(ascii: ")"))
    }

    private mutating func append(_ value: ArraySlice<UInt8>, as type: ReplicaType) {
        switch type {
        case .smallint, .integer, .bigint, .decimal: text.append(contentsOf: value)
        case .boolean: text.append(contentsOf: (value.first == UInt8(ascii: "t") ? "TRUE" : "FALSE").utf8)
        case .real, .doublePrecision:
            // A bare number would be read as DECIMAL, which ends at 38 digits.
            appendLiteral(value)
            text.append(contentsOf: (type == .real ? "::REAL" : "::DOUBLE PRECISION").utf8)
        case .semistructured: appendCall("JSON_PARSE", value)
        case .varbyte: appendCall("FROM_HEX", value)
        case .varchar, .date, .timestamp, .timestamptz, .time: appendLiteral(value)
        }
    }

    private mutating func appendCall(_ function: String, _ value: ArraySlice<UInt8>) {
        text.append(contentsOf: function.utf8)
        text.append(UInt8(ascii: "("))
        appendLiteral(value)
        text.append(UInt8(ascii: ")"))
    }

    /// As `RedshiftText.literal`: a backslash escapes inside every literal.
    private mutating func appendLiteral(_ value: ArraySlice<UInt8>) {
        text.append(UInt8(ascii: "'"))
        for byte in value {
            if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\\") { text.append(byte) }
            text.append(byte)
        }
        text.append(UInt8(ascii: "'"))
    }
}

/// One column of an answer, as the server describes it.
package struct MySQLColumn: Sendable, Hashable {
    package var name: String
    /// A raw value of `enum_field_types`.
    package var type: UInt32
    /// A bit mask of the `…_FLAG` constants, for example `UNSIGNED_FLAG` 32 and `BINARY_FLAG` 128.
    package var flags: UInt32
    /// The number of the collation that the values are sent in; 63 is binary.
    package var charset: UInt32
    /// Bytes that the longest possible value takes as text in the connection's character set.
    package var length: UInt
    /// Digits after the point; 31 or 39 where there is no fixed number.
    package var decimals: UInt32

    package init(
        name: String, type: UInt32, flags: UInt32 = 0, charset: UInt32 = 45, length: UInt = 0, decimals: UInt32 = 0
    ) {
        self.name = name
        self.type = type
        self.flags = flags
        self.charset = charset
        self.length = length
        self.decimals = decimals
    }
}

/// A whole answer in memory: for catalog reads and other small ones.
package struct MySQLResult: Sendable {
    package var columns: [MySQLColumn]
    /// Text forms, nil for NULL, invalid UTF-8 repaired with U+FFFD; each row as long as `columns`.
    package var rows: [[String?]]
    /// Rows changed, or rows in the answer.
    package var affectedRows: UInt64

    package init(columns: [MySQLColumn], rows: [[String?]], affectedRows: UInt64) {
        self.columns = columns
        self.rows = rows
        self.affectedRows = affectedRows
    }

    /// The first column of the first row.
    package var firstValue: String? { rows.first?.first ?? nil }
}

/// Encoded rows of a streamed answer, about as many bytes as were asked for.
package struct MySQLChunk: Sendable {
    package var bytes: [UInt8]
    package var rows: Int
    /// Encoded bytes of the longest row in this chunk.
    package var longestRowBytes: Int

    package init(bytes: [UInt8], rows: Int, longestRowBytes: Int) {
        self.bytes = bytes
        self.rows = rows
        self.longestRowBytes = longestRowBytes
    }
}

/// Writes rows in the form in which they travel on, straight from the buffers of the connection.
///
/// Called on the connection's thread, once a row. It must not keep the row or a pointer into it.
package protocol MySQLRowEncoder: Sendable {
    /// Appends one row to `bytes`.
    /// - Returns: false when the row was left out: it is not counted, and what was appended is taken back.
    /// - Throws: What ends the stream; the connection can then only drop the remaining rows.
    mutating func encode(_ row: MySQLRow, into bytes: inout [UInt8]) throws -> Bool
}

/// One row as it lies in the connection's buffers, valid only until `MySQLRowEncoder.encode` returns.
package struct MySQLRow {
    /// Columns.
    package let count: Int
    /// One pointer for each column, nil for NULL; the bytes may hold NUL, so only `lengths` tells their end.
    package let values: UnsafePointer<UnsafeMutablePointer<CChar>?>
    /// Bytes of each value, 0 for NULL.
    package let lengths: UnsafePointer<UInt>

    @inlinable package init(
        count: Int, values: UnsafePointer<UnsafeMutablePointer<CChar>?>, lengths: UnsafePointer<UInt>
    ) {
        self.count = count
        self.values = values
        self.lengths = lengths
    }

    /// The bytes of a value, empty or not; nil for NULL.
    /// - Parameter index: Below `count`; not checked.
    @inlinable package func value(_ index: Int) -> UnsafeRawBufferPointer? {
        guard let start = values[index] else { return nil }
        return UnsafeRawBufferPointer(start: UnsafeRawPointer(start), count: Int(lengths[index]))
    }
}

/// Its memory is overwritten by the next row.
@available(*, unavailable) extension MySQLRow: Sendable {}

/// Quoting of names and texts.
package enum MySQLSQL {
    /// The name in backticks, inner ones doubled: legal for any name without NUL.
    package static func identifier(_ name: String) -> String {
        "`" + name.replacing("`", with: "``") + "`"
    }

    /// The text in single quotes, quotes and backslashes doubled.
    ///
    /// Only for sessions without NO_BACKSLASH_ESCAPES in `sql_mode`, where a backslash would stay doubled, and with
    /// utf8mb4 as the client's character set.
    package static func literal(_ text: String) -> String {
        "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "''") + "'"
    }
}

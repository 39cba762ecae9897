import Foundation
import Replication

/// Rows as PostgreSQL writes them, and back: written here on its own, so that the product is held against it.
///
/// A value is its bytes; nil is NULL.
enum TestRows {
    static let sentinel = "QwErTyUiOpAsDfGhJkLz"
    static let format = BatchFormat(nullSentinel: sentinel)

    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    static func line(_ values: [[UInt8]?]) -> [UInt8] {
        var line: [UInt8] = []
        for (column, value) in values.enumerated() {
            if column > 0 { line.append(0x2C) }
            line += field(value, isOnly: values.count == 1)
        }
        return line + [0x0A]
    }

    private static func field(_ value: [UInt8]?, isOnly: Bool) -> [UInt8] {
        guard let value else { return bytes(sentinel) }
        let quotes =
            bytes("\",\r\n").contains { holds(value, $0) } || value == bytes(sentinel)
            || (isOnly && value == bytes(#"\."#))
        guard quotes else { return value }
        guard holds(value, 0x22) else { return [0x22] + value + [0x22] }
        let parts = value.split(separator: 0x22, omittingEmptySubsequences: false)
        return [0x22] + Array(parts.joined(separator: [0x22, 0x22])) + [0x22]
    }

    /// Megabytes are searched, which takes a loop of one's own too long without the optimiser.
    private static func holds(_ value: [UInt8], _ byte: UInt8) -> Bool {
        value.withUnsafeBytes { bytes in
            bytes.baseAddress.map { memchr($0, Int32(byte), bytes.count) != nil } ?? false
        }
    }

    static func chunk(_ rows: [[[UInt8]?]]) -> RowChunk {
        var chunk = RowChunk(bytes: [], rows: rows.count, longestRowBytes: 0)
        for row in rows {
            let line = line(row)
            chunk.bytes += line
            chunk.longestRowBytes = max(chunk.longestRowBytes, line.count)
        }
        return chunk
    }

    /// Whether a chunk is these rows, figures included. Expect the answer alone: of a comparison that failed, megabytes
    /// would be printed.
    static func isSame(_ chunk: RowChunk, _ rows: [[[UInt8]?]]) -> Bool {
        let wanted = self.chunk(rows)
        return chunk.bytes == wanted.bytes && chunk.rows == wanted.rows
            && chunk.longestRowBytes == wanted.longestRowBytes
    }

    /// The values of a chunk, read a byte at a time; and whether its figures are right.
    static func rows(_ chunk: RowChunk) -> (rows: [[[UInt8]?]], isConsistent: Bool) {
        var rows: [[[UInt8]?]] = []
        var (row, value, start, longest): ([[UInt8]?], [UInt8], Int, Int) = ([], [], 0, 0)
        var (inside, wasQuoted) = (false, false)
        let all = chunk.bytes
        var place = 0
        while place < all.count {
            let byte = all[place]
            if byte == 0x22, inside, place + 1 < all.count, all[place + 1] == 0x22 {
                value.append(0x22)
                place += 1
            } else if byte == 0x22 {
                inside.toggle()
                wasQuoted = true
            } else if !inside, byte == 0x2C || byte == 0x0A {
                row.append(!wasQuoted && value == bytes(sentinel) ? nil : value)
                (value, wasQuoted) = ([], false)
                if byte == 0x0A {
                    rows.append(row)
                    row = []
                    longest = max(longest, place + 1 - start)
                    start = place + 1
                }
            } else {
                value.append(byte)
            }
            place += 1
        }
        let isWhole = !inside && row.isEmpty && value.isEmpty
        return (rows, isWhole && rows.count == chunk.rows && longest == chunk.longestRowBytes)
    }
}

extension RowScreen {
    /// A screen over an integer key and the given rules.
    init(
        _ rules: [ColumnRule], policy: BadValuePolicy = .repair, cuts: Bool = false, utf8: Bool = false,
        parsesAll: Bool = false
    ) {
        self.init(
            rules: [ColumnRule(name: "id", form: .exact, limitBytes: nil, isKey: true)] + rules, keyColumns: [0],
            format: TestRows.format, policy: policy, cutsLongText: cuts, checksUTF8: utf8, parsesAll: parsesAll)
    }
}

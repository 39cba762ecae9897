/// What becomes of a value that Redshift cannot hold.
package enum BadValuePolicy: String, Sendable, Hashable, Codable, CaseIterable {
    /// Changed as little as possible, and recorded.
    case repair
    /// The table stops, with key and column named.
    case fail
}

/// One value that was changed because Redshift cannot hold it: where it lies and why, never what it says.
package struct RepairedValue: Sendable, Hashable, Codable {
    /// Why a value was changed; the raw values are stored.
    package enum Reason: String, Sendable, Hashable, Codable, CaseIterable {
        /// Text beyond the widest VARCHAR.
        case cut
        /// Text beyond its column, under `AUTO_TRUNCATE_COLUMNS`.
        case truncated
        case nulRemoved
        case invalidUTF8
        case infinity
        case notANumber
        case dateOutOfRange
        case dateIncomplete
        case jsonTooLarge
        case jsonTooDeep
        case jsonStringTooLong
        case binaryTooLarge
        case rowTooLarge
    }

    /// The key columns' text as the source has it; without key columns `#` and the row's number in the batch.
    package var key: [String]
    /// The column's name at the source.
    package var column: String
    package var reason: Reason
    /// Bytes of the value at the source: of text and JSON in UTF-8, of binary in itself.
    package var originalBytes: Int

    package init(key: [String], column: String, reason: Reason, originalBytes: Int) {
        self.key = key
        self.column = column
        self.reason = reason
        self.originalBytes = originalBytes
    }
}

extension RepairedValue.Reason {
    /// What is wrong and what was done, for people.
    package var sentence: String { "\(cause.prefix(1).uppercased())\(cause.dropFirst()): \(change)." }

    /// What is wrong, as part of a sentence.
    package var cause: String {
        switch self {
        case .cut: "the text is longer than 65,535 bytes, the most that a Redshift column holds"
        case .truncated: "the text is longer than its column in Redshift"
        case .nulRemoved: "the text holds NUL characters, which Redshift does not store"
        case .invalidUTF8: "the text is not valid UTF-8"
        case .infinity: "the value is infinite, which Redshift does not load"
        case .notANumber: "the value is NaN, which Redshift does not load"
        case .dateOutOfRange: "the date lies after the year 294276, Redshift's last one"
        case .dateIncomplete: "the date has no year, month or day, or none at all, which Redshift does not load"
        case .jsonTooLarge: "the JSON is longer than 1,000,000 bytes, the most that a load into SUPER takes"
        case .jsonTooDeep: "the JSON is nested deeper than 1,000 levels, the most that SUPER takes"
        case .jsonStringTooLong: "the JSON holds a string over 65,535 bytes, the most that SUPER takes in one"
        case .binaryTooLarge: "the binary value is longer than 2,000,000 bytes, the most that fits into a row"
        case .rowTooLarge: "the row is longer than 4 MB, the most that Redshift loads"
        }
    }

    private var change: String {
        switch self {
        case .cut, .truncated: "it was cut at a character"
        case .nulRemoved: "they were removed"
        case .invalidUTF8: "the bad bytes were replaced by U+FFFD"
        case .rowTooLarge: "its largest JSON or binary value became NULL, or its longest text was cut"
        case .infinity, .notANumber, .dateOutOfRange, .dateIncomplete, .jsonTooLarge, .jsonTooDeep, .jsonStringTooLong,
            .binaryTooLarge:
            "it became NULL"
        }
    }

    /// What the table stops with where it must not be changed.
    var code: ErrorCode {
        switch self {
        case .cut, .truncated, .jsonTooLarge, .jsonStringTooLong, .binaryTooLarge, .rowTooLarge: .valueLong
        case .nulRemoved, .invalidUTF8, .infinity, .notANumber, .dateOutOfRange, .dateIncomplete, .jsonTooDeep:
            .valueBad
        }
    }
}

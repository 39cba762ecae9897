/// What comes out of the screen for one chunk: as many rows as went in.
package struct ScreenedChunk: Sendable {
    package var chunk: RowChunk
    /// What was changed in it, in the order of its rows.
    package var repairs: [RepairedValue]

    package init(chunk: RowChunk, repairs: [RepairedValue] = []) {
        self.chunk = chunk
        self.repairs = repairs
    }
}

/// A value of the batch equals its sentinel, which Redshift may read as NULL: the batch must be read again with another.
package struct SentinelCollision: Error, Sendable, Hashable {
    package init() {}
}

/// Keeps values out of a batch that Redshift cannot hold.
///
/// Chunks in which nothing looks unfit pass as they are, at the speed of a search. In the others every field is looked
/// at; rows without a change keep their bytes there as well.
package struct RowScreen: Sendable {
    let rules: [ColumnRule]
    /// Indexes of the key's columns, in key order; empty for tables without a key.
    let keyColumns: [Int]
    let format: BatchFormat
    let policy: BadValuePolicy
    /// Whether text over its column is cut instead of the column being widened: `AUTO_TRUNCATE_COLUMNS`.
    let cutsLongText: Bool
    let checksUTF8: Bool
    /// Whether every chunk's fields are looked at: after Redshift refused a batch.
    let parsesAll: Bool
    /// `job/table`, for what people are told to do.
    let label: String
    /// Bytes that columns must hold for the batch to be loaded: the longest value of those that exceed their column, by
    /// the column's name at the source. Complete behind the batch's last chunk.
    package internal(set) var neededWidths: [String: Int] = [:]
    /// Rows of the chunks before.
    var earlierRows = 0
    private let search: ChunkSearch

    /// - Parameters:
    ///   - rules: One a column, in the order of the fields.
    ///   - checksUTF8: The source does not promise valid UTF-8.
    package init(
        rules: [ColumnRule], keyColumns: [Int], format: BatchFormat, policy: BadValuePolicy, cutsLongText: Bool,
        checksUTF8: Bool = false, parsesAll: Bool = false, label: String = "JOB/TABLE"
    ) {
        self.rules = rules
        self.keyColumns = keyColumns
        self.format = format
        self.policy = policy
        self.cutsLongText = cutsLongText
        self.checksUTF8 = checksUTF8
        self.parsesAll = parsesAll
        self.label = label
        search = ChunkSearch(rules: rules, format: format, checksUTF8: checksUTF8)
    }

    /// The chunk as Redshift can hold it.
    /// - Throws: `SentinelCollision`; `ReplicationError` `E_VALUE_BAD` or `E_VALUE_LONG` where the policy or a key
    ///   forbids the change, `E_INTERNAL` when the bytes are not the rows they are said to be.
    package mutating func screen(_ chunk: RowChunk) throws -> ScreenedChunk {
        let isSuspect = try chunk.bytes.withUnsafeBytes { bytes in
            if search.holdsQuotedSentinel(bytes) { throw SentinelCollision() }
            return parsesAll || search.suspects(bytes, longestRowBytes: chunk.longestRowBytes)
        }
        let screened = isSuspect ? try parse(chunk) : ScreenedChunk(chunk: chunk)
        earlierRows += chunk.rows
        return screened
    }
}

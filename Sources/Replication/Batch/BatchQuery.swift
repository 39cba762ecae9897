/// The last row of what was merged, in the order of the pass: text forms that the source casts back.
package struct CursorPosition: Sendable, Hashable, Codable {
    /// The row's `updated_key`; nil where it is NULL, and in a first load, which goes by key alone.
    package var updated: String?
    /// The row's key, one text a column.
    package var key: [String]

    package init(updated: String?, key: [String]) {
        self.updated = updated
        self.key = key
    }
}

/// The part of a table that a batch reads, and the order it reads it in.
package enum BatchScan: Sendable, Hashable {
    /// Everything, by key.
    case byKey(after: [String]?)
    /// Rows with an `updated_key`, by it and the key.
    case changes(after: CursorPosition?)
    /// Rows whose `updated_key` is NULL, by key.
    case unstamped(after: [String]?)
}

/// One batch, as a value: what to read and how much of it.
package struct BatchQuery: Sendable, Hashable {
    package var mapping: TableMapping
    package var scan: BatchScan
    /// Only rows whose `updated_key` is not below this; nil for none.
    package var floor: SourceTime?
    /// Only row versions written by this transaction or a later one; nil for none.
    package var horizon: UInt64?
    package var rowLimit: Int

    package init(mapping: TableMapping, scan: BatchScan, floor: SourceTime?, horizon: UInt64?, rowLimit: Int) {
        self.mapping = mapping
        self.scan = scan
        self.floor = floor
        self.horizon = horizon
        self.rowLimit = rowLimit
    }
}

/// What a batch will hold, measured in its snapshot before its rows are read.
package struct BatchExtent: Sendable, Hashable {
    package var rows: Int
    /// The batch's last row; nil when there is none.
    package var last: CursorPosition?
    /// The highest `updated_key` among the rows, as text.
    package var highestUpdatedKey: String?

    package init(rows: Int, last: CursorPosition?, highestUpdatedKey: String?) {
        self.rows = rows
        self.last = last
        self.highestUpdatedKey = highestUpdatedKey
    }
}

/// The last row of what was merged, in the order of the pass: text forms that the source casts back.
package struct CursorPosition: Sendable, Hashable, Codable {
    /// The row's value in `TableMapping.leadingColumn`; nil where it is NULL, where the key itself is the cursor, and in
    /// a first load, which goes by key alone.
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
    /// Everything in one go, in no order.
    case whole
    /// Everything, by key.
    case byKey(after: [String]?)
    /// Rows whose cursor column has a value, by it and the key.
    case changes(after: CursorPosition?)
    /// Rows whose `updated_key` is NULL, by key.
    case unstamped(after: [String]?)
    /// Rows by their places in storage, in no order; as many places as the row limit allows.
    case places(from: String?)
}

/// Below which values of the cursor column no new row can lie.
package enum CursorFloor: Sendable, Hashable {
    /// Of an `updated_key`.
    case time(SourceTime)
    /// Of a sequential key: a text that the source casts.
    case key(String)
}

/// One batch, as a value: what to read and how much of it.
package struct BatchQuery: Sendable, Hashable {
    package var mapping: TableMapping
    package var scan: BatchScan
    /// Only rows whose cursor column is not below this; nil for none.
    package var floor: CursorFloor?
    /// Only row versions written by this transaction or a later one; nil for none.
    package var horizon: UInt64?
    /// Row versions of these transactions have been read before.
    package var leftOut: [UInt64] = []
    /// Asks which transactions from this number on the pass has in sight, where all of it fits into this batch.
    package var listsTransactionsFrom: UInt64?
    package var rowLimit: Int
    /// Where a zone-less `updated_key` is kept: microseconds that its values lie ahead of UTC; nil: not known.
    package var keptOffset: Int64?
    /// The highest cursor value seen so far, for the source to compare with.
    package var highestCursor: String?

    package init(
        mapping: TableMapping, scan: BatchScan, floor: CursorFloor?, horizon: UInt64?, rowLimit: Int,
        highestCursor: String? = nil
    ) {
        self.mapping = mapping
        self.scan = scan
        self.floor = floor
        self.horizon = horizon
        self.rowLimit = rowLimit
        self.highestCursor = highestCursor
    }
}

/// What a batch will hold, measured in its snapshot before its rows are read.
package struct BatchExtent: Sendable, Hashable {
    /// Exact, but for a scan of the whole table: then the planner's estimate.
    package var rows: Int
    /// Rows that were looked at: more than `rows` where the source knows that some have been read before, as they are.
    package var scanned: Int
    /// The batch's last row; nil when there is none.
    package var last: CursorPosition?
    /// The highest cursor value, the one named by the query included, as text; nil where none was seen yet.
    package var highestCursor: String?
    /// Where a scan by places goes on; nil at the end of the table.
    package var nextPlace: String?
    /// The answer to `BatchQuery.listsTransactionsFrom`: those of the whole pass, rows without a stamp included.
    package var transactions: [UInt64]?

    package init(
        rows: Int, scanned: Int? = nil, last: CursorPosition?, highestCursor: String?, nextPlace: String? = nil,
        transactions: [UInt64]? = nil
    ) {
        self.rows = rows
        self.scanned = scanned ?? rows
        self.last = last
        self.highestCursor = highestCursor
        self.nextPlace = nextPlace
        self.transactions = transactions
    }
}

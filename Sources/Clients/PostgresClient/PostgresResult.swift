/// One column of an answer, as the server describes it.
package struct PostgresColumn: Sendable, Hashable {
    package var name: String
    package var typeOID: UInt32
    /// -1 when the type has none.
    package var typeModifier: Int32
    /// Bytes; negative for types of variable length.
    package var typeSize: Int16

    package init(name: String, typeOID: UInt32, typeModifier: Int32 = -1, typeSize: Int16 = -1) {
        self.name = name
        self.typeOID = typeOID
        self.typeModifier = typeModifier
        self.typeSize = typeSize
    }
}

/// A whole answer in memory: for catalog reads and other small ones.
package struct PostgresResult: Sendable {
    package var columns: [PostgresColumn]
    /// Text forms, nil for NULL; each row as long as `columns`.
    package var rows: [[String?]]
    /// For example `INSERT 0 5`.
    package var commandTag: String

    /// The row count at the end of the command tag, 0 where there is none.
    package var affectedRows: Int { commandTag.split(separator: " ").last.flatMap { Int($0) } ?? 0 }

    /// The first column of the first row.
    package var firstValue: String? { rows.first?.first ?? nil }
}

/// A step of a streamed answer. Several statements in one string give `columns`, `rows`…, `completed` for each.
package enum PostgresQueryEvent: Sendable {
    case columns([PostgresColumn])
    /// Raw text bytes, nil for NULL.
    case rows([[[UInt8]?]])
    case completed(tag: String)
}

/// Whole rows of a `COPY … TO STDOUT`, about as many bytes as were asked for.
package struct PostgresCopyChunk: Sendable {
    package var bytes: [UInt8]
    package var rows: Int
    /// Bytes of the longest row in this chunk, its line end included.
    package var longestRowBytes: Int
}

/// Whether a statement would start, continue or be refused by a transaction.
package enum PostgresTransactionStatus: Sendable {
    case idle, active, inTransaction, inFailedTransaction, unknown
}

/// Quoting of identifiers.
package enum PostgresSQL {
    /// The name in double quotes, inner ones doubled: legal for any name without NUL.
    package static func identifier(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }
}

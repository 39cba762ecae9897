/// One column of a source table, with the replica's type for it.
package struct SourceColumn: Sendable, Hashable, Codable {
    package var name: String
    /// The source's own spelling, for example `numeric(10,2)` or `timestamp with time zone`.
    package var typeName: String
    package var isNullable: Bool
    /// What the source's adapter maps the type to.
    package var replicaType: ReplicaType
    /// What a person should know before loading, in whole sentences.
    package var warnings: [String]
    /// true: the connection's user has no SELECT on it.
    package var isHidden: Bool?

    package init(
        name: String, typeName: String, isNullable: Bool, replicaType: ReplicaType, warnings: [String] = [],
        isHidden: Bool? = nil
    ) {
        self.name = name
        self.typeName = typeName
        self.isNullable = isNullable
        self.replicaType = replicaType
        self.warnings = warnings
        self.isHidden = isHidden
    }

    /// Whether the connection's user may read it.
    package var isReadable: Bool { isHidden != true }
}

/// What discovery knows of a table.
package struct SourceTable: Sendable, Hashable, Codable {
    /// What kind of relation it is; only tables and partitioned tables have row versions to follow.
    package enum Kind: String, Sendable, Codable {
        case table, partitioned, view, materializedView, foreign
    }

    /// A unique set of NOT NULL columns.
    package struct UniqueKey: Sendable, Hashable, Codable {
        package var columns: [String]
        package var isPrimary: Bool

        package init(columns: [String], isPrimary: Bool) {
            self.columns = columns
            self.isPrimary = isPrimary
        }
    }

    package var name: TableName
    package var kind: Kind
    package var columns: [SourceColumn]
    /// The primary key first.
    package var uniqueKeys: [UniqueKey]
    /// First columns of the table's usable indexes.
    package var leadingIndexColumns: Set<String>
    /// Columns filled by identity or a sequence of their own.
    package var sequentialColumns: Set<String>
    /// Columns that the server itself stamps with each write of a row.
    package var stampedColumns: [String] = []
    /// What a person should know of the table as a whole.
    package var warnings: [String] = []
    /// The planner's estimate; -1 when it was never made.
    package var estimatedRows: Int
    package var bytes: Int
    /// Whether the connection's user may read it.
    package var isReadable: Bool

    package init(
        name: TableName, kind: Kind, columns: [SourceColumn], uniqueKeys: [UniqueKey] = [],
        leadingIndexColumns: Set<String> = [], sequentialColumns: Set<String> = [], estimatedRows: Int = -1,
        bytes: Int = 0, isReadable: Bool = true
    ) {
        self.name = name
        self.kind = kind
        self.columns = columns
        self.uniqueKeys = uniqueKeys
        self.leadingIndexColumns = leadingIndexColumns
        self.sequentialColumns = sequentialColumns
        self.estimatedRows = estimatedRows
        self.bytes = bytes
        self.isReadable = isReadable
    }

    package func column(_ name: String) -> SourceColumn? {
        columns.first { $0.name == name }
    }

    /// Bytes a row takes on disk by the planner's figures, at least 32; 200 when there are none.
    package var averageRowBytes: Int {
        guard estimatedRows > 0, bytes > 0 else { return 200 }
        return max(32, bytes / estimatedRows)
    }
}

/// One column on its way: from where, to where, as what.
package struct ColumnMapping: Sendable, Hashable, Codable {
    package var source: SourceColumn
    package var destinationName: String
    package var destinationType: ReplicaType

    package init(source: SourceColumn, destinationName: String, destinationType: ReplicaType) {
        self.source = source
        self.destinationName = destinationName
        self.destinationType = destinationType
    }
}

/// One replicated table: what is read, what is written, and by which columns changes are found.
package struct TableMapping: Sendable, Hashable, Codable {
    package var jobName: String
    package var source: TableName
    package var destination: TableName
    package var mode: SyncMode
    /// Source names of the columns that identify a row; one or more for modes that update.
    package var primaryKey: [String]
    /// Source name of the column that orders changes.
    package var updatedKey: String?
    package var columns: [ColumnMapping]
    package var averageRowBytes: Int

    package init(
        jobName: String, source: TableName, destination: TableName, mode: SyncMode, primaryKey: [String],
        updatedKey: String?, columns: [ColumnMapping], averageRowBytes: Int = 200
    ) {
        self.jobName = jobName
        self.source = source
        self.destination = destination
        self.mode = mode
        self.primaryKey = primaryKey
        self.updatedKey = updatedKey
        self.columns = columns
        self.averageRowBytes = averageRowBytes
    }

    /// `job/table`, the name that people type.
    package var label: String { "\(jobName)/\(source.name)" }

    package func column(_ sourceName: String) -> ColumnMapping? {
        columns.first { $0.source.name == sourceName }
    }

    /// The key's columns, in key order.
    package var keyColumns: [ColumnMapping] { primaryKey.compactMap { column($0) } }

    package var updatedColumn: ColumnMapping? { updatedKey.flatMap { column($0) } }

    /// A digest of all that gives a stored position its meaning: mode, key, updated key and columns. A checkpoint made
    /// under another definition is void.
    package var definition: String {
        let parts =
            [mode.rawValue, source.description, primaryKey.joined(separator: "\u{1}"), updatedKey ?? ""]
            + columns.map { "\($0.source.name)\u{1}\($0.destinationName)\u{1}\($0.destinationType.sql)" }
        return StableDigest.hex(parts.joined(separator: "\u{2}"))
    }
}

/// One column on its way: from where, to where, as what.
package struct ColumnMapping: Sendable, Hashable, Codable {
    /// What happens to the values, in the source's SELECT list.
    package enum Treatment: String, Sendable, Codable {
        case hashed
    }

    package var source: SourceColumn
    package var destinationName: String
    package var destinationType: ReplicaType
    /// nil: values travel as they are.
    package var treatment: Treatment?

    package init(
        source: SourceColumn, destinationName: String, destinationType: ReplicaType, treatment: Treatment? = nil
    ) {
        self.source = source
        self.destinationName = destinationName
        self.destinationType = destinationType
        self.treatment = treatment
    }
}

/// How a `FullSyncTable` takes the place of its former content.
package enum RefreshMethod: String, Sendable, Codable, CaseIterable {
    /// A new table is built beside and renamed into place: readers are kept out for a moment only.
    case swap
    /// All rows of the same table are deleted and inserted anew: views, grants and datashares on it stay untouched.
    case replace
}

/// What of a table is copied, and how; all of it happens in the source's SELECT, so that nothing else leaves there.
package struct CopyScope: Sendable, Hashable, Codable {
    /// Source columns that are never read.
    package var excludedColumns: [String] = []
    /// A condition in the source's SQL over the table's columns; nil for all rows.
    package var filter: String?

    package init(excludedColumns: [String] = [], filter: String? = nil) {
        self.excludedColumns = excludedColumns
        self.filter = filter
    }
}

/// Distribution and sorting chosen by a person; nil leaves the choice to the loader.
package struct ReplicaLayout: Sendable, Hashable, Codable {
    /// Destination name of a column, or empty for `DISTSTYLE AUTO`.
    package var distributionKey: String?
    /// Destination names of columns; empty for none.
    package var sortKey: [String]?

    package init(distributionKey: String? = nil, sortKey: [String]? = nil) {
        self.distributionKey = distributionKey
        self.sortKey = sortKey
    }
}

/// One replicated table: what is read, what is written, and by which columns changes are found.
package struct TableMapping: Sendable, Hashable {
    package var jobName: String
    package var source: TableName
    package var destination: TableName
    package var mode: SyncMode
    /// Source names of the columns that identify a row; one or more for modes that merge.
    package var primaryKey: [String]
    /// Source name of the column that orders changes, of an `UpdateAndInsertTable`.
    package var updatedKey: String?
    /// Source name of the column that orders new rows, of an `InsertOnlyTable`; nil: its only key column.
    package var cursorKey: String?
    package var columns: [ColumnMapping]
    package var scope: CopyScope
    package var badValues: BadValuePolicy
    package var refresh: RefreshMethod
    package var layout: ReplicaLayout
    package var averageRowBytes: Int

    package init(
        jobName: String, source: TableName, destination: TableName, mode: SyncMode, primaryKey: [String],
        updatedKey: String?, cursorKey: String? = nil, columns: [ColumnMapping], scope: CopyScope = CopyScope(),
        badValues: BadValuePolicy = .repair, refresh: RefreshMethod = .swap, layout: ReplicaLayout = ReplicaLayout(),
        averageRowBytes: Int = 200
    ) {
        self.jobName = jobName
        self.source = source
        self.destination = destination
        self.mode = mode
        self.primaryKey = primaryKey
        self.updatedKey = updatedKey
        self.cursorKey = cursorKey
        self.columns = columns
        self.scope = scope
        self.badValues = badValues
        self.refresh = refresh
        self.layout = layout
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

    /// Columns whose empty values COPY would load as NULL, as it does with empty fields of all types but text: behind the
    /// columns' own fields a row has one field for each of them, true where the value is empty.
    package var markedColumns: [ColumnMapping] {
        columns.filter { if case .varbyte = $0.destinationType { true } else { false } }
    }

    /// The column that a pass follows: the `updated_key`, or the sequential key; nil for a `FullSyncTable`.
    package var cursorColumn: ColumnMapping? {
        switch mode {
        case .updateAndInsert: updatedColumn
        case .insertOnly: cursorKey.flatMap { column($0) } ?? (primaryKey.count == 1 ? keyColumns.first : nil)
        case .fullSync: nil
        }
    }

    /// The cursor column where it is not itself the key; the scan is ordered by it, then by the key.
    package var leadingColumn: ColumnMapping? {
        guard let cursor = cursorColumn, primaryKey != [cursor.source.name] else { return nil }
        return cursor
    }

    /// A digest of all that gives a stored position its meaning: mode, key, cursor, filter and columns. A checkpoint
    /// made under another definition is void. The width of text is left out: it changes without any row changing.
    package var definition: String {
        let parts =
            [
                mode.rawValue, source.description, primaryKey.joined(separator: "\u{1}"), updatedKey ?? "",
                cursorKey ?? "", scope.filter ?? "",
            ]
            + columns.map { column in
                let type = column.destinationType.isText ? "VARCHAR" : column.destinationType.sql
                return [column.source.name, column.destinationName, type, column.treatment?.rawValue ?? ""]
                    .joined(separator: "\u{1}")
            }
        return StableDigest.hex(parts.joined(separator: "\u{2}"))
    }
}

extension TableMapping: Codable {
    /// Settings that a mapping was stored without have their defaults.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            jobName: try container.decode(String.self, forKey: .jobName),
            source: try container.decode(TableName.self, forKey: .source),
            destination: try container.decode(TableName.self, forKey: .destination),
            mode: try container.decode(SyncMode.self, forKey: .mode),
            primaryKey: try container.decode([String].self, forKey: .primaryKey),
            updatedKey: try container.decodeIfPresent(String.self, forKey: .updatedKey),
            cursorKey: try container.decodeIfPresent(String.self, forKey: .cursorKey),
            columns: try container.decode([ColumnMapping].self, forKey: .columns),
            scope: try container.decodeIfPresent(CopyScope.self, forKey: .scope) ?? CopyScope(),
            badValues: try container.decodeIfPresent(BadValuePolicy.self, forKey: .badValues) ?? .repair,
            refresh: try container.decodeIfPresent(RefreshMethod.self, forKey: .refresh) ?? .swap,
            layout: try container.decodeIfPresent(ReplicaLayout.self, forKey: .layout) ?? ReplicaLayout(),
            averageRowBytes: try container.decode(Int.self, forKey: .averageRowBytes))
    }
}

/// Which mode fits a table, why, and what the person should know: pure, from the catalog alone.
package struct ModeSuggestion: Sendable, Hashable {
    /// nil: none is suggested; the person must choose knowingly.
    package var mode: SyncMode?
    package var primaryKey: [String]
    package var updatedKey: String?
    package var reason: String
    package var warnings: [String]

    /// Names tried for the column that orders changes, in this order.
    static let updatedNames = ["updated_at", "modified_at", "last_modified", "updated"]
    /// Tables of this many rows and more are not reloaded without being asked to.
    static let fullSyncRowLimit = 1_000_000

    package init(for table: SourceTable) {
        let readable = Set(table.columns.filter(\.isReadable).map(\.name))
        primaryKey = table.uniqueKeys.first { readable.isSuperset(of: $0.columns) }?.columns ?? []
        updatedKey = Self.updatedColumn(of: table)?.name
        mode = nil
        reason = ""
        warnings = []
        choose(table)
        if mode == .updateAndInsert || mode == .insertOnly {
            warnings.append("rows deleted at the source stay in the replica")
        }
        warnings += table.warnings
        if !table.isReadable { warnings.append("the loader's user has no SELECT on it") }
    }

    private mutating func choose(_ table: SourceTable) {
        guard table.kind == .table || table.kind == .partitioned else {
            mode = .fullSync
            reason = "\(Self.article(table.kind)) shows no row versions to follow: it is read whole"
            updatedKey = nil
            return
        }
        let keyList = primaryKey.joined(separator: ", ")
        if !primaryKey.isEmpty, let updated = updatedKey {
            mode = .updateAndInsert
            let isIndexed = table.leadingIndexColumns.contains(updated)
            reason = "\(keyList) is the key; \(updated)\(isIndexed ? ", indexed" : "")"
            if !isIndexed {
                warnings.append(
                    "\(updated) has no index: each pass scans the table; CREATE INDEX CONCURRENTLY ON "
                        + "\(Self.quoted(table.name.schema)).\(Self.quoted(table.name.name)) (\(Self.quoted(updated)))")
            }
            if table.column(updated)?.isNullable == true {
                warnings.append("\(updated) can be NULL: such rows are read by a second query")
            }
        } else if primaryKey.count == 1, table.sequentialColumns.contains(primaryKey[0]) {
            mode = .insertOnly
            reason = "\(keyList) is sequential; no updated_at"
            warnings.append("edits are not copied")
        } else if (0..<Self.fullSyncRowLimit).contains(max(0, table.estimatedRows)) {
            mode = .fullSync
            reason = primaryKey.isEmpty ? "no key" : "\(keyList) is not sequential; no updated_at"
            warnings.append("each run reads all rows; choose a slower schedule")
        } else {
            reason = primaryKey.isEmpty ? "no key, and large" : "large, not sequential, and no updated_at"
            warnings.append("add a key or an updated_at, or choose FullSyncTable knowingly")
        }
    }

    private static func updatedColumn(of table: SourceTable) -> SourceColumn? {
        let usable = table.columns.filter { $0.isReadable && UpdatedKeyKind(typeName: $0.typeName) != nil }
        // An integer named updated_at is an epoch; one named "updated" may be anything.
        let stamps = usable.filter {
            $0.name.lowercased().hasSuffix("_at") || UpdatedKeyKind(typeName: $0.typeName) != .epoch
        }
        return updatedNames.lazy.compactMap { name in stamps.first { $0.name.lowercased() == name } }.first
            ?? stamps.first { table.stampedColumns.contains($0.name) }
    }

    private static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    private static func article(_ kind: SourceTable.Kind) -> String {
        switch kind {
        case .view: "a view"
        case .materializedView: "a materialized view"
        case .foreign: "a foreign table"
        case .table, .partitioned: "a table"
        }
    }
}

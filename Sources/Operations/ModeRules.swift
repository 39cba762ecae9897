import Replication

/// What each mode needs of a table. Pure: from the mapping alone.
enum ModeRules {
    /// - Throws: `OperationError` for the first thing that the mapping's mode cannot do without.
    static func check(_ mapping: TableMapping) throws {
        switch mapping.mode {
        case .updateAndInsert:
            try checkKey(mapping)
            try checkUpdatedKey(mapping)
        case .insertOnly:
            try checkKey(mapping)
            try checkCursor(mapping)
        case .fullSync:
            break
        }
    }

    private static func checkKey(_ mapping: TableMapping) throws {
        guard !mapping.primaryKey.isEmpty else {
            throw OperationError(
                .usage, what: "\(mapping.source) cannot be \(article(mapping.mode)) \(mapping.mode.rawValue)",
                why: "it has no key, by which rows are told apart",
                fix: "Name columns that identify a row (--primary-key a,b), or choose --mode FullSyncTable.")
        }
        for name in mapping.primaryKey {
            guard let column = mapping.column(name) else {
                throw notCopied(name, as: "a key column")
            }
            guard !column.source.isNullable else {
                throw OperationError(
                    .usage, what: "\(name) cannot be part of a key", why: "it may be NULL",
                    fix: "Make it NOT NULL at the source and set the table up anew, choose another key, or choose "
                        + "--mode FullSyncTable.")
            }
            guard column.treatment == nil else { throw hashed(name, as: "a key column") }
            try checkComparable(column, "part of a key")
        }
    }

    private static func checkUpdatedKey(_ mapping: TableMapping) throws {
        guard let name = mapping.updatedKey else {
            throw OperationError(
                .usage, what: "\(mapping.source) cannot be an UpdateAndInsertTable",
                why: "no column is named by which changed rows are found",
                fix: "Name one (--updated-key updated_at), or choose --mode InsertOnlyTable or FullSyncTable.")
        }
        guard let column = mapping.column(name) else { throw notCopied(name, as: "the updated_key") }
        guard column.treatment == nil else { throw hashed(name, as: "the updated_key") }
        guard UpdatedKeyKind(typeName: column.source.typeName) != nil else {
            throw OperationError(
                .usage, what: "\(name) cannot order changes",
                why: "its type \(column.source.typeName) is no point in time",
                fix: "Choose a timestamp, a date or an integer epoch.")
        }
        try checkComparable(column, "the updated_key")
    }

    private static func checkCursor(_ mapping: TableMapping) throws {
        guard let name = mapping.cursorKey ?? (mapping.primaryKey.count == 1 ? mapping.primaryKey.first : nil) else {
            throw OperationError(
                .usage, what: "\(mapping.source) needs one column that orders its new rows",
                why: "its key has several: \(mapping.primaryKey.joined(separator: ", "))",
                fix: "Name the sequential one: --cursor-key \(mapping.primaryKey[0]).")
        }
        guard let column = mapping.column(name) else { throw notCopied(name, as: "the cursor_key") }
        guard !column.source.isNullable else {
            throw OperationError(
                .usage, what: "\(name) cannot order new rows", why: "it may be NULL",
                fix: "Choose a NOT NULL column that grows with each new row (--cursor-key).")
        }
        guard column.treatment == nil else { throw hashed(name, as: "the cursor_key") }
        guard CursorValue.Kind(typeName: column.source.typeName) != nil else {
            throw OperationError(
                .usage, what: "\(name) cannot order new rows",
                why: "values of its type \(column.source.typeName) have no order that new rows follow",
                fix: "Choose an integer, a numeric, a text, a uuid or a timestamp that grows with each new row "
                    + "(--cursor-key).")
        }
        try checkComparable(column, "the cursor_key")
    }

    /// Merges compare keys in Redshift.
    private static func checkComparable(_ column: ColumnMapping, _ role: String) throws {
        guard !column.destinationType.isComparable else { return }
        throw OperationError(
            .usage, what: "\(column.source.name) cannot be \(role)",
            why: "Redshift does not compare values of type \(column.destinationType.sql)",
            fix: "Choose another column, or choose --mode FullSyncTable.")
    }

    private static func notCopied(_ name: String, as role: String) -> OperationError {
        OperationError(
            .usage, what: "\(name) cannot be \(role)", why: "it is not copied",
            fix: "Include it first: --include \(name).")
    }

    private static func hashed(_ name: String, as role: String) -> OperationError {
        OperationError(
            .usage, what: "\(name) cannot be \(role)", why: "it is hashed, and hashes keep neither order nor identity",
            fix: "Copy it as it is: --unhash \(name).")
    }

    private static func article(_ mode: SyncMode) -> String {
        mode == .insertOnly || mode == .updateAndInsert ? "an" : "a"
    }
}

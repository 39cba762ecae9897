import Replication

/// Applies what `tables set` changes about columns and replica to a mapping. Pure.
struct MappingEdit {
    private(set) var mapping: TableMapping
    /// The table as the source has it now; needed to include columns, and to take a column's present type over.
    private let source: SourceTable?

    /// SHA-256 as hexadecimal digits.
    static let hashType = ReplicaType.varchar(bytes: 64)

    init(_ mapping: TableMapping, source: SourceTable? = nil) {
        self.mapping = mapping
        self.source = source
    }

    /// - Throws: `OperationError` for the first change that the table cannot have.
    mutating func apply(_ change: TableSettingsChange) throws {
        if let mode = change.mode { mapping.mode = mode }
        try include(change.include)
        try setKeys(change)
        try unhash(change.unhash)
        try setTypes(change.types)
        try hash(change.hash)
        try exclude(change.exclude)
        if let filter = change.filter { mapping.scope.filter = filter.value }
        if let name = change.destinationName { try rename(name) }
        if let policy = change.badValues { mapping.badValues = policy }
        if let refresh = change.refresh { mapping.refresh = refresh }
        try setLayout(change)
        try checkLayout()
    }

    // MARK: Keys

    private mutating func setKeys(_ change: TableSettingsChange) throws {
        if let key = change.primaryKey {
            try checkKnown(key)
            guard !key.isEmpty else {
                throw OperationError(
                    .usage, what: "A key needs a column", why: "none was named", fix: "For example: --primary-key id.")
            }
            mapping.primaryKey = key
            if let cursor = mapping.cursorKey, key == [cursor] { mapping.cursorKey = nil }
        }
        if let updated = change.updatedKey {
            guard mapping.mode == .updateAndInsert else { throw wrongMode("--updated-key", .updateAndInsert) }
            try checkKnown([updated])
            mapping.updatedKey = updated
        }
        if let cursor = change.cursorKey {
            guard mapping.mode == .insertOnly else { throw wrongMode("--cursor-key", .insertOnly) }
            try checkKnown([cursor])
            mapping.cursorKey = mapping.primaryKey == [cursor] ? nil : cursor
        }
    }

    private func wrongMode(_ option: String, _ mode: SyncMode) -> OperationError {
        OperationError(
            .usage, what: "\(option) cannot be set",
            why: "it belongs to \(mode.rawValue), and \(mapping.label) is \(mapping.mode.rawValue)",
            fix: "Change the mode as well: --mode \(mode.rawValue).")
    }

    // MARK: Columns

    private mutating func exclude(_ names: [String]) throws {
        for name in names where !mapping.scope.excludedColumns.contains(name) {
            try checkKnown([name])
            if let role = role(of: name) {
                throw OperationError(
                    .usage, what: "\(name) cannot be excluded",
                    why: "it is \(role), by which rows are found or told apart",
                    fix: "Choose another key first, or --mode FullSyncTable, which needs none.")
            }
            mapping.columns.removeAll { $0.source.name == name }
            mapping.scope.excludedColumns.append(name)
        }
        guard !mapping.columns.isEmpty else {
            throw OperationError(
                .usage, what: "No column of \(mapping.source) would be left", why: "all of them are excluded",
                fix: "Disable the table instead: redshift-loader tables disable \(mapping.label).")
        }
    }

    private mutating func include(_ names: [String]) throws {
        for name in names where mapping.column(name) == nil {
            guard let column = source?.column(name) else {
                throw unknown(name, known: source?.columns.map(\.name) ?? [])
            }
            guard column.isReadable else {
                throw OperationError(
                    .usage, what: "\(name) cannot be included", why: "the loader's user has no SELECT on it",
                    fix: "Run at the source: \(DiscoveredTable.grant(on: name, of: mapping.source)).")
            }
            mapping.scope.excludedColumns.removeAll { $0 == name }
            mapping.columns.append(
                ColumnMapping(
                    source: column, destinationName: ReplicaNaming.replicaName(name),
                    destinationType: column.replicaType))
        }
        guard !names.isEmpty else { return }
        // Told here, with both names, rather than by Redshift.
        _ = try Self.checked { try ReplicaNaming.columnNames(mapping.columns.map(\.source.name), of: mapping.source) }
        let order = source?.columns.map(\.name) ?? []
        mapping.columns.sort { left, right in
            (order.firstIndex(of: left.source.name) ?? .max) < (order.firstIndex(of: right.source.name) ?? .max)
        }
    }

    private mutating func hash(_ names: [String]) throws {
        for name in names {
            try checkKnown([name])
            if let role = role(of: name) {
                throw OperationError(
                    .usage, what: "\(name) cannot be hashed",
                    why: "it is \(role), and hashes keep neither order nor identity",
                    fix: "Choose another key first, or hash other columns.")
            }
            edit(name) { column in
                column.treatment = .hashed
                column.destinationType = Self.hashType
            }
        }
    }

    private mutating func unhash(_ names: [String]) throws {
        for name in names {
            try checkKnown([name])
            guard mapping.column(name)?.treatment == .hashed else { continue }
            edit(name) { column in
                column.treatment = nil
                column.destinationType = column.source.replicaType
            }
        }
    }

    private mutating func setTypes(_ types: [String: SettingChange<ReplicaType>]) throws {
        for (name, type) in types.sorted(by: { $0.key < $1.key }) {
            try checkKnown([name])
            if type == .standard { try takePresentType(of: name) }
            if type == .standard, mapping.column(name)?.treatment == .hashed { continue }
            guard mapping.column(name)?.treatment == nil else {
                throw OperationError(
                    .usage, what: "The type of \(name) cannot be set", why: "it is hashed: its hashes take VARCHAR(64)",
                    fix: "Copy it as it is first: --unhash \(name).")
            }
            if let natural = mapping.column(name)?.source, let wanted = type.value, !wanted.carries(natural.replicaType)
            {
                throw OperationError(
                    .usage, what: "\(name) cannot arrive as \(wanted.sql)",
                    why: "not every \(natural.typeName) fits into it, and Redshift would cut without a word",
                    fix: "Choose a wider type; \(natural.replicaType.sql) holds them all, and VARCHAR their text.")
            }
            edit(name) { $0.destinationType = type.value ?? $0.source.replicaType }
        }
    }

    /// The column may have got another type at the source since it was set up.
    private mutating func takePresentType(of name: String) throws {
        guard let source else { return }
        guard let present = source.column(name) else {
            throw OperationError(
                .usage, what: "The source has no type for \(name)", why: "the column is gone there",
                fix: "Leave it out: --exclude \(name).")
        }
        edit(name) { $0.source = present }
    }

    private mutating func edit(_ name: String, _ change: (inout ColumnMapping) -> Void) {
        guard let index = mapping.columns.firstIndex(where: { $0.source.name == name }) else { return }
        change(&mapping.columns[index])
    }

    /// What the mode needs a column for; nil where it does not.
    private func role(of name: String) -> String? {
        guard mapping.mode != .fullSync else { return nil }
        if mapping.primaryKey.contains(name) { return "a key column" }
        if mapping.mode == .updateAndInsert, mapping.updatedKey == name { return "the updated_key" }
        if mapping.mode == .insertOnly, mapping.cursorKey == name { return "the cursor_key" }
        return nil
    }

    // MARK: Replica

    private mutating func rename(_ name: String) throws {
        mapping.destination.name = try DestinationNaming.checked(name, schema: mapping.destination.schema).name
    }

    private mutating func setLayout(_ change: TableSettingsChange) throws {
        if let key = change.distributionKey {
            mapping.layout.distributionKey = try key.value.map { $0.isEmpty ? "" : try destinationName($0) }
        }
        if let key = change.sortKey { mapping.layout.sortKey = try key.value.map { try $0.map(destinationName) } }
    }

    /// Layout columns are named by either name.
    private func destinationName(_ name: String) throws -> String {
        if let column = mapping.column(name) { return column.destinationName }
        if mapping.columns.contains(where: { $0.destinationName == name }) { return name }
        throw unknown(name, known: mapping.columns.map(\.source.name))
    }

    private func checkLayout() throws {
        let distribution = [mapping.layout.distributionKey].compactMap { $0 }.filter { !$0.isEmpty }
        for (role, names) in [("distkey", distribution), ("sortkey", mapping.layout.sortKey ?? [])] {
            for name in names {
                guard let column = mapping.columns.first(where: { $0.destinationName == name }) else {
                    throw OperationError(
                        .usage, what: "\(name) cannot be left out", why: "it is part of the replica's \(role)",
                        fix: "Choose another one as well: --\(role) default.")
                }
                guard column.destinationType.canBeSortKey else {
                    throw OperationError(
                        .usage, what: "\(name) cannot be part of a \(role)",
                        why: "Redshift does not sort by or distribute by \(column.destinationType.sql)",
                        fix: "Choose another column.")
                }
            }
        }
    }

    // MARK: Names

    private func checkKnown(_ names: [String]) throws {
        for name in names where mapping.column(name) == nil {
            if mapping.scope.excludedColumns.contains(name) {
                throw OperationError(
                    .usage, what: "\(name) is not copied", why: "it is excluded",
                    fix: "Include it as well: --include \(name).")
            }
            throw unknown(name, known: mapping.columns.map(\.source.name))
        }
    }

    private func unknown(_ name: String, known: [String]) -> OperationError {
        let hint = NameMatching.nearest(to: name, among: known).map { "Did you mean \($0)? " } ?? ""
        return OperationError(
            .usage, what: "\(mapping.source) has no column named \(name)", why: "its columns are known from discovery",
            fix: "\(hint)Its columns: \(known.joined(separator: ", ")).")
    }

    /// Naming rules speak of runs; here a person is asked to do something else.
    static func checked<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ReplicationError {
            throw OperationError(.badInput, what: error.what, why: error.why, fix: error.fix, underlying: error)
        }
    }
}

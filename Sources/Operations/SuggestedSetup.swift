import Replication
import Scheduling

/// What a table that is not replicated yet would get. Pure: from the catalog, the job and the mode asked for.
struct SuggestedSetup {
    private let table: SourceTable
    private let job: JobRecord
    private let wishes: TableSettingsChange
    private var suggestion: ModeSuggestion
    private let exclusions: [ExclusionSuggestion]

    /// Tables below this many rows are read whole more often.
    private static let smallRows = 10_000

    /// - Parameter wishes: Mode and keys that take the place of the suggested ones.
    init(table: SourceTable, job: JobRecord, wishes: TableSettingsChange = TableSettingsChange()) {
        self.table = table
        self.job = job
        self.wishes = wishes
        suggestion = ModeSuggestion(for: table)
        if let mode = wishes.mode, mode != suggestion.mode {
            suggestion.mode = mode
            suggestion.reason = "asked for"
        }
        var kept = Set([suggestion.updatedKey].compactMap { $0 })
        if suggestion.mode != .fullSync { kept.formUnion(suggestion.primaryKey) }
        kept.formUnion((wishes.primaryKey ?? []) + [wishes.updatedKey, wishes.cursorKey].compactMap { $0 })
        exclusions = ExclusionSuggestion.all(for: table, keeping: kept)
        // What is left out needs no warning.
        suggestion.warnings.removeAll { warning in exclusions.contains { warning.hasPrefix("\($0.column): ") } }
    }

    func discovered(_ selection: TableSelection) -> DiscoveredTable {
        var found = DiscoveredTable(
            table: table, suggestion: suggestion, decision: .create, mapping: nil, exclusions: exclusions,
            interval: interval)
        do {
            let mapping = try mapping()
            found.mapping = mapping
            if let reason = reasonToSkip(selection) {
                found.decision = .skip(reason)
            } else {
                try ModeRules.check(mapping)
            }
        } catch let error as OperationError {
            found.decision = .skip("\(error.what): \(error.why). \(error.fix)")
        } catch {
            found.decision = .skip("\(error)")
        }
        return found
    }

    /// The mapping that the table gets unless told otherwise.
    private func mapping() throws -> TableMapping {
        let excluded = exclusions.map(\.column)
        let copied = table.columns.filter { !excluded.contains($0.name) }
        let names = try MappingEdit.checked { try ReplicaNaming.columnNames(copied.map(\.name), of: table.name) }
        let columns = zip(copied, names).map { column, name in
            ColumnMapping(source: column, destinationName: name, destinationType: column.replicaType)
        }
        let suggested = suggested(columns, excluded)
        let namesKeys = wishes.primaryKey != nil || wishes.updatedKey != nil || wishes.cursorKey != nil
        guard namesKeys else { return suggested }
        var edit = MappingEdit(suggested, source: table)
        try edit.apply(wishes)
        return edit.mapping
    }

    private func suggested(_ columns: [ColumnMapping], _ excluded: [String]) -> TableMapping {
        let key = suggestion.primaryKey.filter { name in columns.contains { $0.source.name == name } }
        return TableMapping(
            jobName: job.name, source: table.name,
            destination: DestinationNaming.suggested(
                for: table.name, job: (job.destinationSchema, job.destinationPrefix)),
            mode: suggestion.mode ?? .updateAndInsert,
            primaryKey: key.count == suggestion.primaryKey.count ? key : [], updatedKey: suggestion.updatedKey,
            cursorKey: cursorKey, columns: columns, scope: CopyScope(excludedColumns: excluded),
            averageRowBytes: table.averageRowBytes)
    }

    /// Of a composite key, its only sequential column.
    private var cursorKey: String? {
        guard suggestion.mode == .insertOnly, suggestion.primaryKey.count > 1 else { return nil }
        let sequential = suggestion.primaryKey.filter(table.sequentialColumns.contains)
        return sequential.count == 1 ? sequential[0] : nil
    }

    /// A table that is read whole is due less often than one that is followed.
    private var interval: Duration? {
        guard suggestion.mode == .fullSync else { return nil }
        let isSmall = (0..<Self.smallRows).contains(table.estimatedRows)
        let slow: Duration = isSmall ? .seconds(600) : .seconds(3600)
        return slow > job.interval ? slow : nil
    }

    private func reasonToSkip(_ selection: TableSelection) -> String? {
        let name = table.name.name
        guard selection.includes(table.name) else { return "not asked for" }
        if case .all = selection {
            if ["schema_migrations", "ar_internal_metadata"].contains(name) { return "framework table" }
            if name.hasPrefix("tmp_") { return "temporary by its name" }
        }
        guard !table.columns.isEmpty else { return "it has no columns" }
        // Some columns may be readable where the table as a whole is not.
        guard table.columns.contains(where: \.isReadable) else {
            return "no SELECT on it: GRANT SELECT ON \"\(table.name.schema)\".\"\(name)\" to the loader's user"
        }
        guard suggestion.mode != nil else { return suggestion.reason }
        return nil
    }
}

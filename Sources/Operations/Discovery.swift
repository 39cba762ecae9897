import Foundation
import Replication
import Scheduling

/// One source table as discovery shows it.
package struct DiscoveredTable: Sendable, Hashable {
    package enum Decision: Sendable, Hashable {
        /// Will be, or was, set up.
        case create
        case exists
        /// With the reason.
        case skip(String)
    }

    package var table: SourceTable
    package var suggestion: ModeSuggestion
    package var decision: Decision
    /// What the table has, or would get; nil where it can have none.
    package var mapping: TableMapping?
    /// Columns that are left out, with the reason.
    package var exclusions: [ExclusionSuggestion]
    /// The interval of its own that it has or would get; nil: its job's.
    package var interval: Duration?
    /// Its replica is another installation's, or a removed job's, and can be taken over.
    package var isAdoptable = false
}

/// Which of a source's tables are meant.
package enum TableSelection: Sendable, Hashable {
    /// All but the tables of frameworks.
    case all
    /// Those whose names, alone or as `schema.name`, fit one of the globs.
    case patterns([String])
    /// Exactly those, by name or `schema.name`.
    case names([String])

    package func includes(_ table: TableName) -> Bool {
        switch self {
        case .all: true
        case .patterns(let patterns):
            patterns.contains {
                NameMatching.matches(table.name, glob: $0) || NameMatching.matches("\(table)", glob: $0)
            }
        case .names(let names): names.contains(table.name) || names.contains("\(table)")
        }
    }
}

/// Looks at a source's tables and sets replicas up.
package struct Discovery: Sendable {
    let store: any CatalogStore
    let connections: any JobConnections
    let requests: any RequestStore

    package init(
        store: any CatalogStore, requests: any RequestStore, connections: any JobConnections
    ) {
        self.store = store
        self.requests = requests
        self.connections = connections
    }

    /// - Parameter wishes: Mode and keys of all tables that are set up, in place of the suggested ones.
    /// - Returns: Every table of the source's schemas with what would happen to it.
    /// - Throws: `OperationError` for a named table that is not there.
    package func survey(
        _ job: JobRecord, _ selection: TableSelection, wishes: TableSettingsChange = TableSettingsChange()
    ) async throws -> [DiscoveredTable] {
        let known = Dictionary(
            try await store.tables(ofJob: job.id).map { ($0.mapping.source, $0) },
            uniquingKeysWith: { first, _ in first })
        let tables = try await connections.discover(job)
        if case .names(let names) = selection { try Self.refuseUnknown(names, among: tables.map(\.name), of: job) }
        return tables.map { table in
            if let record = known[table.name] { return Self.existing(table, record) }
            return SuggestedSetup(table: table, job: job, wishes: wishes).discovered(selection)
        }
    }

    /// Makes the chosen tables known and creates them in the destination. Tables that exist already stay as they are.
    /// - Returns: The survey, with what could not be created turned into a skip.
    /// - Throws: `OperationError` `usage` where a named table exists in another mode than the one asked for.
    package func create(
        _ job: JobRecord, _ selection: TableSelection, wishes: TableSettingsChange = TableSettingsChange()
    ) async throws -> [DiscoveredTable] {
        var survey = try await survey(job, selection, wishes: wishes)
        if let mode = wishes.mode {
            try Self.refuseOtherModes(survey.filter { selection.includes($0.table.name) }, than: mode)
        }
        let known = try await store.tables(ofJob: job.id).map { ($0.mapping.source, $0.mapping.destination) }
        let made = survey.filter { $0.decision == .create }.compactMap(\.mapping).map { ($0.source, $0.destination) }
        try DestinationNaming.refuseCollisions(known + made)
        guard !made.isEmpty else { return survey }
        let installation = try await requests.installationID()
        let now = try await requests.storeTime()
        let jobs = Set(try await store.jobs().map(\.name))
        let destination = try await connections.destination(of: job)
        do {
            for index in survey.indices where survey[index].decision == .create {
                guard let mapping = survey[index].mapping else { continue }
                do {
                    _ = try await destination.prepare(mapping)
                    // A replica of another job is refused here, by name, unless it can be taken over.
                    if let found = try await destination.inspect(mapping).checkpoint?.stamp {
                        survey[index].isAdoptable = found.isAdoptable(by: mapping, installation, jobs: jobs)
                        if !survey[index].isAdoptable {
                            try found.requireOwner(of: mapping, installation: installation)
                        }
                    }
                    _ = try await store.save(
                        TableRecord(
                            jobID: job.id, mapping: mapping, schedule: TableSchedule(interval: survey[index].interval),
                            nextRunAt: now))
                } catch let error as ReplicationError where error.code == .schemaMismatch {
                    survey[index].decision = .skip("\(error.what): \(error.why). \(error.fix)")
                }
            }
        } catch {
            await destination.close()
            throw error
        }
        await destination.close()
        return survey
    }

    private static func existing(_ table: SourceTable, _ record: TableRecord) -> DiscoveredTable {
        let excluded = record.mapping.scope.excludedColumns
        return DiscoveredTable(
            table: table, suggestion: ModeSuggestion(for: table), decision: .exists, mapping: record.mapping,
            exclusions: excluded.map { ExclusionSuggestion(column: $0, reason: "it was left out") },
            interval: record.schedule.interval)
    }

    private static func refuseOtherModes(_ survey: [DiscoveredTable], than mode: SyncMode) throws {
        for found in survey where found.decision == .exists {
            guard let mapping = found.mapping, mapping.mode != mode else { continue }
            throw OperationError(
                .usage, what: "\(mapping.label) exists in another mode",
                why: "it is replicated already, as \(mapping.mode.rawValue), not as \(mode.rawValue)",
                fix: "Change its mode: redshift-loader tables set \(mapping.label) --mode \(mode.rawValue).")
        }
    }

    private static func refuseUnknown(_ names: [String], among tables: [TableName], of job: JobRecord) throws {
        let known = tables.flatMap { [$0.name, "\($0)"] }
        for name in names where !known.contains(name) {
            let hint = NameMatching.nearest(to: name, among: known).map { "Did you mean \($0)? " } ?? ""
            throw OperationError(
                .usage, what: "The source has no table named \(name)",
                why: "schemas looked at: \(job.sourceSchemas.joined(separator: ", "))",
                fix: "\(hint)List them: redshift-loader tables discover \(job.name).")
        }
    }
}

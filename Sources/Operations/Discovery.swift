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
}

/// Looks at a source's tables and sets replicas up.
package struct Discovery: Sendable {
    let store: any CatalogStore
    let connections: any JobConnections
    let requests: any RequestStore
    let clock: any WallClock

    package init(
        store: any CatalogStore, requests: any RequestStore, connections: any JobConnections, clock: any WallClock
    ) {
        self.store = store
        self.requests = requests
        self.connections = connections
        self.clock = clock
    }

    /// - Parameter patterns: Globs over table names; empty for all but framework tables.
    /// - Returns: Every table of the source schema with what would happen to it.
    package func survey(_ job: JobRecord, only patterns: [String]) async throws -> [DiscoveredTable] {
        let known = Set(try await store.tables(ofJob: job.id).map(\.mapping.source))
        return try await connections.discover(job).map { table in
            let suggestion = ModeSuggestion(for: table)
            let decision = Self.decide(table, suggestion, known: known, patterns: patterns)
            return DiscoveredTable(table: table, suggestion: suggestion, decision: decision)
        }
    }

    /// Makes the chosen tables known and creates them in the destination. Tables that exist already stay as they are.
    /// - Returns: The survey, with what could not be created turned into a skip.
    package func create(_ job: JobRecord, only patterns: [String]) async throws -> [DiscoveredTable] {
        var survey = try await survey(job, only: patterns)
        try await Self.refuseCollisions(survey)
        guard survey.contains(where: { $0.decision == .create }) else { return survey }
        let installation = try await requests.installationID()
        let destination = try await connections.destination(of: job)
        do {
            for index in survey.indices where survey[index].decision == .create {
                do {
                    let mapping = try Self.mapping(of: survey[index], job: job)
                    _ = try await destination.prepare(mapping)
                    // Another job's or installation's replica is refused here, by name.
                    _ = try await destination.readCheckpoint(mapping, installation: installation)
                    let record = TableRecord(jobID: job.id, mapping: mapping, nextRunAt: clock.now)
                    _ = try await store.save(record)
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

    /// The mapping that a table gets unless told otherwise.
    package static func mapping(of found: DiscoveredTable, job: JobRecord) throws -> TableMapping {
        let names = try ReplicaNaming.columnNames(found.table.columns.map(\.name), of: found.table.name)
        let columns = zip(found.table.columns, names).map { column, name in
            ColumnMapping(source: column, destinationName: name, destinationType: column.replicaType)
        }
        let destination = TableName(
            schema: ReplicaNaming.folded(job.destinationSchema),
            name: ReplicaNaming.replicaName(found.table.name.name))
        return TableMapping(
            jobName: job.name, source: found.table.name, destination: destination,
            mode: found.suggestion.mode ?? .updateAndInsert, primaryKey: found.suggestion.primaryKey,
            updatedKey: found.suggestion.updatedKey, columns: columns, averageRowBytes: found.table.averageRowBytes)
    }

    private static func decide(
        _ table: SourceTable, _ suggestion: ModeSuggestion, known: Set<TableName>, patterns: [String]
    ) -> DiscoveredTable.Decision {
        let name = table.name.name
        if known.contains(table.name) { return .exists }
        if patterns.isEmpty {
            if ["schema_migrations", "ar_internal_metadata"].contains(name) { return .skip("framework table") }
            if name.hasPrefix("tmp_") { return .skip("temporary by its name") }
        } else if !patterns.contains(where: { NameMatching.matches(name, glob: $0) }) {
            return .skip("not asked for")
        }
        guard table.isReadable else {
            return .skip("no SELECT on it: GRANT SELECT ON \"\(table.name.schema)\".\"\(name)\" to the loader's user")
        }
        guard !table.columns.isEmpty else { return .skip("it has no columns") }
        guard let mode = suggestion.mode else { return .skip(suggestion.reason) }
        _ = mode
        return .create
    }

    /// Two source tables whose names fall together in Redshift would share a replica.
    private static func refuseCollisions(_ survey: [DiscoveredTable]) async throws {
        var taken: [String: String] = [:]
        for found in survey where found.decision == .create || found.decision == .exists {
            let replica = ReplicaNaming.replicaName(found.table.name.name)
            if let other = taken[replica] {
                throw OperationError(
                    .badInput, what: "Tables \(other) and \(found.table.name.name) would share one name in Redshift",
                    why: "Redshift folds names to lower case, quoted or not",
                    fix: "Choose one of them by --only, or rename one at the source.")
            }
            taken[replica] = found.table.name.name
        }
    }
}

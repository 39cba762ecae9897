import Foundation
import Replication
import Scheduling

/// What `jobs edit` changes; nil leaves a setting as it is.
package struct JobChange: Sendable, Hashable {
    package var source: ConnectionReference?
    package var destination: ConnectionReference?
    package var sourceSchemas: [String]?
    package var destinationSchema: String?
    package var destinationPrefix: String?
    package var interval: Duration?
    // What its sessions at the destination are told.
    package var queryGroup: SettingChange<String>?
    package var statementTimeout: SettingChange<Duration>?
    package var slotCount: SettingChange<Int>?

    package init() {}

    package var isEmpty: Bool { self == JobChange() }
}

/// Changes jobs that have tables already.
package struct JobEditing: Sendable {
    let store: any CatalogStore

    package init(store: any CatalogStore) {
        self.store = store
    }

    /// - Returns: The job, and sentences that say what follows for its tables.
    /// - Throws: `OperationError` for a setting that a job cannot have, and `busy` while a table is being synced whose
    ///   destination would change; nothing is changed then.
    package func edit(_ name: String, _ change: JobChange) async throws -> (job: JobRecord, sentences: [String]) {
        let before = try await Catalog(store: store).job(name)
        var job = before
        if let source = change.source { job.source = source }
        if let destination = change.destination { job.destination = destination }
        if let schemas = change.sourceSchemas { job.sourceSchemas = schemas }
        if let schema = change.destinationSchema { job.destinationSchema = schema }
        if let prefix = change.destinationPrefix { job.destinationPrefix = prefix }
        if let interval = change.interval { job.interval = interval }
        job.destinationSession = change.changed(job.destinationSession)
        try JobRules.check(job)
        guard job != before else { return (job, []) }
        let tables = try await store.tables(ofJob: job.id)
        // A run under way would leave behind a position that means another cluster.
        if job.destination == before.destination {
            try await store.update(job)
        } else {
            try await store.updateWhereNothingRuns(job)
        }
        return (job, Self.consequences(from: before, to: job, tables: tables))
    }

    private static func consequences(from old: JobRecord, to new: JobRecord, tables: [TableRecord]) -> [String] {
        guard !tables.isEmpty else { return [] }
        var sentences: [String] = []
        if new.destinationSchema != old.destinationSchema || new.destinationPrefix != old.destinationPrefix {
            sentences.append(
                "Replicas that exist keep their schema and names; the change holds for tables that are added.")
        }
        if new.source != old.source {
            sentences.append(
                "A source that is another server is noticed: rows of the last 24 hours are read again there.")
        }
        if new.destination != old.destination {
            sentences.append("Where the new destination does not have the replicas, all rows are loaded there.")
        }
        if new.destinationSession != old.destinationSession {
            sentences.append("Runs that begin from now on work with the changed session settings.")
        }
        if let slots = new.destinationSession.slotCount, slots != old.destinationSession.slotCount {
            sentences.append("Where its queue in Redshift has fewer than \(slots) slots, a statement fails.")
        }
        let gone = tables.filter { !new.sourceSchemas.contains($0.mapping.source.schema) }.map(\.mapping.label)
        if !gone.isEmpty {
            sentences.append("Tables of schemas that are no longer looked at stay: \(gone.joined(separator: ", ")).")
        }
        return sentences
    }
}

/// What a job may be. Pure.
enum JobRules {
    /// - Throws: `OperationError` `usage` for the first thing that is wrong.
    static func check(_ job: JobRecord) throws {
        let isLegal = job.name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9_.-]{0,62}/) != nil
        guard isLegal else {
            throw OperationError(
                .usage, what: "\(job.name) cannot name a job",
                why: "names have 1 to 63 letters, digits, dots, dashes and underscores", fix: "Choose another name.")
        }
        guard job.interval >= .seconds(1) else {
            throw OperationError(
                .usage, what: "An interval of \(job.interval) is too short", why: "the shortest is 1s",
                fix: "Give --interval 60s, for example.")
        }
        guard !job.sourceSchemas.isEmpty, !job.sourceSchemas.contains(""),
            Set(job.sourceSchemas).count == job.sourceSchemas.count
        else {
            throw OperationError(
                .usage, what: "The source's schemas cannot be used", why: "none is named, or one is named twice",
                fix: "Give them once each: --source-schema public,audit.")
        }
        try check(job.destinationSession)
        _ = try DestinationNaming.checked(job.destinationSchema, schema: "")
        if !job.destinationPrefix.isEmpty { _ = try DestinationNaming.checked(job.destinationPrefix, schema: "") }
    }
}

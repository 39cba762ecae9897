import Foundation
import Replication
import Scheduling

/// Writes jobs into a document, and makes jobs from one.
package struct JobTransfer: Sendable {
    let store: any CatalogStore & RequestStore
    let leases: any LeaseStore
    let owner: LeaseOwner

    package init(
        store: any CatalogStore & RequestStore, leases: any LeaseStore, owner: LeaseOwner
    ) {
        self.store = store
        self.leases = leases
        self.owner = owner
    }

    /// - Parameter name: One job; nil for all.
    package func export(_ name: String?) async throws -> DocumentValue {
        let jobs =
            if let name { [try await Catalog(store: store).job(name)] } else { try await store.jobs() }
        var documented: [(job: JobRecord, tables: [TableRecord])] = []
        for job in jobs.sorted(by: { $0.name < $1.name }) {
            documented.append((job, try await store.tables(ofJob: job.id)))
        }
        return JobDocument.document(documented)
    }

    /// Creates what the document names and is not there, and changes what is; the rest stays. Positions stay as well.
    ///
    /// - Parameter isDryRun: Only says what would happen.
    /// - Returns: Sentences that say what was done, or would be.
    /// - Throws: `OperationError` `badInput` with every problem of the document; nothing is changed then.
    package func `import`(_ document: DocumentValue, isDryRun: Bool) async throws -> [String] {
        let (documented, found) = JobDocument.read(document)
        var problems = found
        var plans: [Plan] = []
        let known = try await store.jobs()
        for job in documented {
            let existing = known.first { $0.name == job.name }
            let tables = if let existing { try await store.tables(ofJob: existing.id) } else { [TableRecord]() }
            let (plan, more) = plan(job, existing: existing, tables: tables)
            problems += more
            if let plan { plans.append(plan) }
        }
        guard problems.isEmpty else {
            throw OperationError(
                .badInput, what: "The file has \(problems.count == 1 ? "a problem" : "\(problems.count) problems")",
                why: problems.joined(separator: "; "), fix: "Nothing was changed. Mend the file and import it again.")
        }
        if !isDryRun { for plan in plans { try await carryOut(plan) } }
        return plans.flatMap(\.sentences)
    }

    // MARK: Plans

    /// What becomes of one job.
    private struct Plan {
        var job: JobRecord
        var isNew: Bool
        var isChanged: Bool
        /// Former and new record; nil for a new table.
        var tables: [(before: TableRecord?, after: TableRecord)]
        /// Labels of tables that the document does not name.
        var kept: [String]

        var sentences: [String] {
            let added = tables.filter { $0.before == nil }.count
            let changes = tables.compactMap { pair in pair.before.map { (before: $0, after: pair.after) } }
                .filter { $0.before != $0.after }
            var sentences = [
                "Job \(job.name): \(isNew ? "added" : isChanged ? "changed" : "unchanged"), \(job.active ? "active" : "inactive"); "
                    + "\(Counted.tables(added)) added, \(changes.count) changed, \(tables.count - added - changes.count) unchanged."
            ]
            for change in changes {
                sentences += SettingsConsequences(from: change.before, to: change.after).sentences
            }
            if !kept.isEmpty {
                sentences.append("Not in the file, and left as they are: \(kept.joined(separator: ", ")).")
            }
            return sentences
        }
    }

    private func plan(
        _ documented: DocumentedJob, existing: JobRecord?, tables: [TableRecord]
    ) -> (Plan?, [String]) {
        var problems: [String] = []
        func reference(
            _ given: ConnectionReference?, _ stored: ConnectionReference?, _ field: String
        ) -> ConnectionReference {
            if let given { return given }
            // A connection string that is stored here goes on being used.
            if case .sealed? = stored, let stored { return stored }
            problems.append(
                "job \(documented.name): \(field) is empty: connection strings do not travel in files, so fill in the name of "
                    + "the environment variable that holds it")
            return .environment(variable: "")
        }
        let job = JobRecord(
            id: existing?.id ?? 0, name: documented.name,
            source: reference(documented.source, existing?.source, "source_url_env"),
            destination: reference(documented.destination, existing?.destination, "destination_url_env"),
            sourceSchemas: documented.sourceSchemas, destinationSchema: documented.destinationSchema,
            destinationPrefix: documented.destinationPrefix, active: documented.active ?? existing?.active ?? false,
            interval: documented.interval, destinationSession: documented.session)
        let pairs = documented.tables.map { table in
            let before = tables.first { $0.mapping.source == table.mapping.source }
            return (before: before, after: record(table, before: before, job: job))
        }
        let kept = tables.filter { table in !pairs.contains { $0.before?.id == table.id } }
        let all = pairs.map(\.after.mapping) + kept.map(\.mapping)
        for check in [
            { try JobRules.check(job) },
            { try DestinationNaming.refuseCollisions(all.map { ($0.source, $0.destination) }) },
        ] {
            do {
                try check()
            } catch let error as OperationError {
                problems.append("job \(job.name): \(error.what): \(error.why)")
            } catch {
                problems.append("job \(job.name): \(error)")
            }
        }
        guard problems.isEmpty else { return (nil, problems) }
        return (
            Plan(
                job: job, isNew: existing == nil, isChanged: existing != job, tables: pairs,
                kept: kept.map(\.mapping.label)), []
        )
    }

    private func record(_ table: DocumentedTable, before: TableRecord?, job: JobRecord) -> TableRecord {
        guard var after = before else {
            return TableRecord(
                jobID: job.id, mapping: table.mapping, schedule: table.schedule, disabled: table.disabled,
                // Set where it is stored.
                nextRunAt: .distantPast)
        }
        var mapping = table.mapping
        // Files carry no warnings; those that are known stay.
        for index in mapping.columns.indices {
            guard let former = after.mapping.column(mapping.columns[index].source.name)?.source else { continue }
            mapping.columns[index].source.warnings = former.warnings
            mapping.columns[index].source.isHidden = former.isHidden
        }
        after.mapping = mapping
        after.schedule = table.schedule
        after.disabled = table.disabled
        return after
    }

    private func carryOut(_ plan: Plan) async throws {
        let job: JobRecord
        if plan.isNew {
            job = try await store.add(plan.job)
        } else if plan.isChanged {
            // As `jobs edit` does, which knows what another destination means for runs under way.
            var change = JobChange()
            change.source = plan.job.source
            change.destination = plan.job.destination
            change.sourceSchemas = plan.job.sourceSchemas
            change.destinationSchema = plan.job.destinationSchema
            change.destinationPrefix = plan.job.destinationPrefix
            change.interval = plan.job.interval
            change.set(plan.job.destinationSession)
            _ = try await JobEditing(store: store).edit(
                plan.job.name, change)
            job = plan.job
            try await store.update(job)
        } else {
            job = plan.job
        }
        let now = try await store.storeTime()
        for (before, after) in plan.tables where before != after {
            var table = after
            table.jobID = job.id
            let interval = table.schedule.interval ?? job.interval
            table.nextRunAt = before == nil ? now : min(table.nextRunAt, now + interval / .seconds(1))
            try await TableSaving(store: store, leases: leases, owner: owner).save(table, before: before)
        }
    }
}

import Replication
import Scheduling

/// What an operator can do with jobs.
package struct JobOperations: Sendable {
    let store: any CatalogStore
    let catalog: Catalog

    package init(store: any CatalogStore) {
        self.store = store
        catalog = Catalog(store: store)
    }

    /// Adds a job, inactive: nothing is copied before someone says so.
    package func add(_ job: JobRecord) async throws -> JobRecord {
        let legal = job.name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9_.-]{0,62}/) != nil
        guard legal else {
            throw OperationError(
                .usage, what: "\(job.name) cannot name a job",
                why: "names have 1 to 63 letters, digits, dots, dashes and underscores",
                fix: "Choose another name.")
        }
        guard job.interval >= .seconds(1) else {
            throw OperationError(
                .usage, what: "An interval of \(job.interval) is too short", why: "the shortest is 1s",
                fix: "Give --interval 60s, for example.")
        }
        return try await store.add(job)
    }

    package func setActive(_ name: String, _ active: Bool) async throws -> JobRecord {
        var job = try await catalog.job(name)
        job.active = active
        try await store.update(job)
        return job
    }

    /// - Returns: The job and how many tables went with it.
    package func remove(_ name: String) async throws -> (job: JobRecord, tables: Int) {
        let job = try await catalog.job(name)
        let tables = try await store.tables(ofJob: job.id)
        try await store.remove(jobID: job.id)
        return (job, tables.count)
    }
}

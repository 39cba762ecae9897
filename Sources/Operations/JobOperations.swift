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
        try JobRules.check(job)
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

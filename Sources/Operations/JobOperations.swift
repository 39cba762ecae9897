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
}

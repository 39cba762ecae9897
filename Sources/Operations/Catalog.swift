import Replication
import Scheduling

/// Looks jobs and tables up by the names that people type.
package struct Catalog: Sendable {
    let store: any CatalogStore

    package init(store: any CatalogStore) {
        self.store = store
    }

    package func job(_ name: String) async throws -> JobRecord {
        let jobs = try await store.jobs()
        if let job = jobs.first(where: { $0.name == name }) { return job }
        throw Self.unknown("job", name, known: jobs.map(\.name), listing: "redshift-loader jobs list")
    }

    /// Tables by `JOB` or `JOB/TABLE`; a table is named by its source name, alone or as `schema.name`, and may hold `*`
    /// and `?`.
    package func tables(_ selector: String) async throws -> (job: JobRecord, tables: [TableRecord]) {
        let parts = selector.split(separator: "/", maxSplits: 1).map(String.init)
        let job = try await job(parts.first ?? "")
        let all = try await store.tables(ofJob: job.id)
        guard parts.count == 2 else { return (job, all) }
        let exact = all.filter { $0.mapping.source.name == parts[1] || "\($0.mapping.source)" == parts[1] }
        let fitting = TableSelection.patterns([parts[1]])
        let found = exact.isEmpty ? all.filter { fitting.includes($0.mapping.source) } : exact
        guard !found.isEmpty else {
            throw Self.unknown(
                "table", parts[1], known: all.map(\.mapping.source.name),
                listing: "redshift-loader tables list \(job.name)")
        }
        return (job, found)
    }

    /// Exactly one table, by `JOB/TABLE`.
    package func table(_ selector: String) async throws -> (job: JobRecord, table: TableRecord) {
        guard selector.contains("/") else {
            throw OperationError(
                .usage, what: "\(selector) names no table", why: "a table is named JOB/TABLE",
                fix: "For example: \(selector)/customers.")
        }
        let (job, tables) = try await tables(selector)
        guard tables.count == 1, let table = tables.first else {
            throw OperationError(
                .usage, what: "\(selector) names \(tables.count) tables", why: "this command takes one",
                fix: "Name one of: \(Self.names(tables).joined(separator: ", ")).")
        }
        return (job, table)
    }

    /// Names that tell the tables apart.
    private static func names(_ tables: [TableRecord]) -> [String] {
        let names = tables.map(\.mapping.source.name)
        return Set(names).count == names.count ? names : tables.map { "\($0.mapping.source)" }
    }

    private static func list(_ names: [String]) -> String {
        guard !names.isEmpty else { return "there is none" }
        let shown = names.sorted().prefix(5).joined(separator: ", ")
        return
            "there \(names.count == 1 ? "is" : "are") \(shown)\(names.count > 5 ? " and \(names.count - 5) more" : "")"
    }

    private static func unknown(_ kind: String, _ name: String, known: [String], listing: String) -> OperationError {
        let hint = NameMatching.nearest(to: name, among: known).map { "Did you mean \($0)? " } ?? ""
        return OperationError(
            .usage, what: "There is no \(kind) named \(name)", why: Self.list(known),
            fix: "\(hint)List them: \(listing).")
    }
}

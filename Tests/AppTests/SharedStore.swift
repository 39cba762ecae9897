import Foundation
import TestServers
import Testing

/// A metadata store on PostgreSQL, as the processes of several machines share it.
struct SharedStore: Sendable {
    let database: TestDatabase

    /// Source, replica, bucket, folder, and a store that no process has opened yet.
    static func with<Result>(
        more: [String: String] = [:], isolation: isolated (any Actor)? = #isolation,
        _ body: (LoaderSetup, TestDatabase, TestReplica, SharedStore) async throws -> Result
    ) async throws -> Result {
        try await TestDatabase.with { metadata in
            let environment = ["DATABASE_URL": metadata.url, "ENCRYPTION_KEY": freshKey()].merging(more) { _, new in new
            }
            return try await withLoader(more: environment) { loader, source, replica in
                try await body(loader, source, replica, SharedStore(database: metadata))
            }
        }
    }

    static func freshKey() -> String { freshName("key") + freshName("long enough") }

    var password: String? { URL(string: database.url)?.password(percentEncoded: false) }

    /// Columns of the store's tables, by a query below its schema.
    func rows(_ sql: String) async throws -> [[String?]] {
        try await database.run("SET search_path TO redshift_loader; " + sql).rows
    }

    /// Names of the store's tables with a row that shows the text, as it is or as bytes.
    func tables(showing text: String) async throws -> [String] {
        let bytes = Array(text.utf8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var found: [String] = []
        let names = try await rows("SELECT tablename FROM pg_tables WHERE schemaname = 'redshift_loader' ORDER BY 1")
        for name in names.compactMap({ $0[0] }) {
            let text = text.replacing("'", with: "''")
            let count = try await rows(
                "SELECT count(*) FROM \(name) AS x WHERE strpos(x::text, '\(text)') > 0 OR strpos(x::text, '\(bytes)') > 0"
            )
            if count != [["0"]] { found.append(name) }
        }
        return found
    }

    /// Waits until so many workers have registered.
    func waitForWorkers(_ count: Int) async throws {
        try await until("\(count) workers") {
            let isMade = try await rows("SELECT to_regclass('redshift_loader.workers') IS NOT NULL") == [["t"]]
            guard isMade else { return false }
            return try await rows("SELECT count(*) FROM workers") == [["\(count)"]]
        }
    }

    /// Codes of all failures that the store remembers, of tables and of runs.
    func failures() async throws -> [String] {
        try await rows(
            """
            SELECT error_code || ': ' || error_what || ': ' || error_why FROM tables WHERE error_code IS NOT NULL
            UNION SELECT error_code || ': ' || error_what || ': ' || error_why FROM table_copies
            WHERE error_code IS NOT NULL
            """
        ).compactMap { $0[0] }
    }
}

extension LoaderSetup {
    /// The same loader under other variables; nil: without them.
    func with(_ changes: [String: String?]) -> LoaderSetup {
        var changed = self
        for (name, value) in changes { changed.environment[name] = value }
        return changed
    }

    /// Starts a service for as long as `body` lasts, and then asks it to stop.
    /// - Returns: How it ended.
    func serving(_ command: String, _ body: () async throws -> Void) async throws -> ProgramResult {
        let service = try start([command])
        do {
            try await body()
        } catch {
            service.send(SIGKILL)
            let killed = try await service.finish()
            print("\(command), killed after \(error):\n\(killed.everything.suffix(8_000))")
            throw error
        }
        service.send(SIGTERM)
        return try await service.finish()
    }
}

extension FaultProxy {
    /// A connection string that leads through this proxy, which reads what passes.
    func url(of target: String) -> String {
        let through = target.replacing(/127\.0\.0\.1:\d+/, with: "127.0.0.1:\(port)")
        return through.contains("sslmode=") ? through : through + "?sslmode=disable"
    }
}

/// Asks until the answer has come; the bound only decides when the test fails.
func until(_ what: String, within bound: Duration = .seconds(60), _ isTrue: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + bound
    while try await !isTrue() {
        try #require(ContinuousClock.now < deadline, "\(what) did not come within \(bound)")
        try await Task.sleep(for: .milliseconds(100))
    }
}

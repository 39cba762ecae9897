import Foundation
import Replication
import TestServers
import Testing

/// Backups put back, replicas changed by hand, and two installations on one destination.
@Suite struct RestoreTests {
    static let schema = """
        CREATE TABLE t (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, 'first ' || i FROM generate_series(1, 300) i;
        CREATE TABLE log (id bigserial PRIMARY KEY, line text NOT NULL);
        INSERT INTO log (line) SELECT 'line ' || i FROM generate_series(1, 100) i;
        CREATE TABLE colours (code text, name text);
        INSERT INTO colours VALUES ('r', 'red'), ('g', 'green')
        """

    static let change = """
        UPDATE t SET note = 'second ' || id, updated_at = now() WHERE id % 7 = 0;
        INSERT INTO t (id, note) SELECT max(id) + 1, 'new' FROM t;
        INSERT INTO log (line) SELECT 'more ' || i FROM generate_series(1, 20) i;
        INSERT INTO colours VALUES ('b', 'blue')
        """

    /// A job with three loaded tables, one of each mode.
    static func withLoaded(
        _ body: (LoaderSetup, TestDatabase, TestReplica) async throws -> Void
    ) async throws {
        try await withLoader { loader, source, replica in
            try await source.run(Self.schema)
            _ = try await loader.addJob(schema: replica.schema)
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            try await expectSync(loader)
            try await body(loader, source, replica)
        }
    }

    @discardableResult
    static func expectSync(
        _ loader: LoaderSetup, _ selector: String = "job", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ProgramResult {
        let sync = try await loader.run("sync", selector, "--wait")
        #expect(sync.status == 0, "\(sync.everything)", sourceLocation: sourceLocation)
        return sync
    }

    static func notices(_ loader: LoaderSetup, _ table: String) async throws -> String {
        try await loader.run("tables", "runs", "job/\(table)").output
    }

    /// The checkpoint table of a replica, quoted.
    static func checkpointTable(_ replica: TestReplica, _ table: String) async throws -> String {
        let name = "checkpoint_\(StableDigest.hex("\(replica.schema).\(table)"))_\(table)"
        let schema = try await replica.rows(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = '\(name)'")
        return "\(try #require(schema.first?.first ?? nil)).\(name)"
    }

    /// Asks until the answer has come; the bound only decides when the test fails.
    static func until(_ what: String, _ isTrue: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !isTrue() {
            try #require(ContinuousClock.now < deadline, "\(what) did not come within a minute")
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    static func until(_ replica: TestReplica, _ query: String, is value: String) async throws {
        try await until("\(value) of \(query)") { try await replica.rows(query) == [[value]] }
    }

    // MARK: Restores

    @Test func `Redshift restored to yesterday goes on from its own checkpoints`() async throws {
        try await Self.withLoaded { loader, source, replica in
            let backup = try await Backup.take(replica, ["t", "log", "colours"])
            try await source.run(Self.change)
            try await Self.expectSync(loader)
            try await backup.restore(replica)
            try await source.run("UPDATE t SET note = 'third', updated_at = now() WHERE id = 1")
            try await Self.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)
            #expect(try await Self.notices(loader, "t").contains("older checkpoint than was last recorded"))
            #expect(try await Self.notices(loader, "log").contains("older checkpoint than was last recorded"))
        }
    }

    @Test func `metadata restored from a backup gives way to the destination`() async throws {
        try await Self.withLoaded { loader, source, replica in
            let files = ["loader.db", "loader.db-wal", "loader.db-shm"].map { loader.folder.appendingPathComponent($0) }
            var saved: [URL: Data] = [:]
            for file in files { saved[file] = FileManager.default.contents(atPath: file.path) }
            for _ in 0..<3 {
                try await source.run(Self.change)
                try await Self.expectSync(loader)
            }
            for file in files {
                try? FileManager.default.removeItem(at: file)
                try saved[file]?.write(to: file)
            }
            try await source.run("INSERT INTO t (id, note) VALUES (9000, 'after the restore')")
            try await Self.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)
            #expect(try await Self.notices(loader, "t").contains("newer checkpoint than was last recorded"))
        }
    }

    // MARK: By hand

    @Test func `a replica dropped by hand is made anew and loaded in full`() async throws {
        try await Self.withLoaded { loader, source, replica in
            for table in ["t", "log", "colours"] { _ = try await replica.rows("DROP TABLE \(replica.schema).\(table)") }
            try await Self.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)
            #expect(try await Self.notices(loader, "t").contains("the replica was gone"))
        }
    }

    @Test func `a replica truncated by hand is loaded again`() async throws {
        try await Self.withLoaded { loader, source, replica in
            for table in ["t", "log", "colours"] {
                _ = try await replica.rows("DELETE FROM \(replica.schema).\(table)")
            }
            try await source.run(Self.change)
            try await Self.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)
            #expect(try await Self.notices(loader, "t").contains("found empty"))
        }
    }

    @Test func `rows deleted by hand are told until the table is loaded again`() async throws {
        try await Self.withLoaded { loader, source, replica in
            for table in ["t", "colours"] {
                _ = try await replica.rows(
                    "DELETE FROM \(replica.schema).\(table) WHERE \(table == "t" ? "id <= 10" : "code = 'r'")")
            }
            try await Self.expectSync(loader)
            try await Judge.expectEqual(source, replica, tables: ["colours"], loader.folder)
            _ = try await loader.run("jobs", "activate", "job")
            let status = try await loader.run("status", "job")
            #expect(status.status == 1)
            #expect(status.output.contains("✖ Compare due – needs you"), "\(status.output)")
            #expect(status.output.contains("redshift-loader tables resync job/t"), "\(status.output)")
            let json = try await loader.run("status", "job/t", "--json")
            #expect(json.output.contains("\"reason\":\"replicaChanged\""), "\(json.output)")
            _ = try await loader.run("tables", "resync", "job/t", "--yes")
            try await Self.expectSync(loader, "job/t")
            try await Judge.expectEqual(source, replica, loader.folder)
            #expect(try await loader.run("status", "job/t").status == 0)
        }
    }

    @Test func `a checkpoint table dropped by hand never doubles a row`() async throws {
        try await Self.withLoaded { loader, source, replica in
            for table in ["t", "log", "colours"] {
                _ = try await replica.rows("DROP TABLE \(try await Self.checkpointTable(replica, table))")
            }
            try await source.run(Self.change)
            try await Self.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)
            #expect(try await Self.notices(loader, "t").contains("checkpoint was gone"))
        }
    }

    @Test func `a replica dropped while an idle table is served comes back when there is news`() async throws {
        try await Self.withLoaded { loader, source, replica in
            _ = try await loader.run("jobs", "edit", "job", "--interval", "1s")
            _ = try await loader.run("jobs", "activate", "job")
            let serve = try loader.start(["serve"])
            try await Self.until(replica, "SELECT COUNT(*) FROM \(replica.schema).t", is: "300")
            _ = try await replica.rows("DROP TABLE \(replica.schema).t")
            try await source.run(Self.change)
            try await Self.until("the replica") {
                let there = try await replica.rows(
                    "SELECT 1 FROM information_schema.tables WHERE table_schema = '\(replica.schema)' AND table_name = 't'"
                )
                guard !there.isEmpty else { return false }
                return try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).t") == [["301"]]
            }
            serve.send(SIGTERM)
            _ = try await serve.finish()
            try await Self.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)
        }
    }
}

/// Rows of replicas and their checkpoints as of one moment.
struct Backup {
    private var tables: [String: String] = [:]

    /// As a snapshot of the whole cluster: rows and checkpoints together.
    static func take(_ replica: TestReplica, _ names: [String]) async throws -> Backup {
        var backup = Backup()
        for name in names {
            for table in [
                "\(replica.schema).\(name)", try await RestoreTests.checkpointTable(replica, name),
            ] {
                let copy = "\(replica.schema).\(freshName("backup"))"
                _ = try await replica.rows("CREATE TABLE \(copy) AS SELECT * FROM \(table)")
                backup.tables[table] = copy
            }
        }
        return backup
    }

    func restore(_ replica: TestReplica) async throws {
        for (table, copy) in tables {
            _ = try await replica.rows("DELETE FROM \(table)")
            _ = try await replica.rows("INSERT INTO \(table) SELECT * FROM \(copy)")
            _ = try await replica.rows("DROP TABLE \(copy)")
        }
    }
}

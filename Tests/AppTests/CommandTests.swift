import Foundation
import TestServers
import Testing

/// The commands as scripts use them.
@Suite struct CommandTests {
    @Test func `status answers with the documented fields, null rather than missing`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                "CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL); INSERT INTO t VALUES (7, now())")
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            let before = try Self.tables(try await loader.run("status", "--json").output)
            #expect(before.first?["rows"] is NSNull)
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            let result = try await loader.run("status", "job/t", "--json")
            let table = try #require(try Self.tables(result.output).first)
            let fields = [
                "job", "source_name", "destination_name", "table_copy_type", "state", "active", "disabled", "rows",
                "behind_seconds", "max_primary_key", "max_updated_key", "complete_up_to", "last_copy", "error",
            ]
            for field in fields { #expect(table[field] != nil, "\(field)") }
            #expect(table["rows"] as? Int == 1)
            #expect(table["max_primary_key"] as? Int == 7)
            #expect(table["table_copy_type"] as? String == "UpdateAndInsertTable")
            #expect(table["state"] as? String == "paused")
            // Twice where a transaction of another test makes the sweep after the first load read the row again.
            let moved = try #require((table["last_copy"] as? [String: Any])?["rows"] as? Int)
            #expect((1...2).contains(moved))
        }
    }

    @Test func `every read command answers with one JSON document`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run("CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL)")
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job", "--json")
            let commands: [[String]] = [
                ["jobs", "list"], ["jobs", "show", "job"], ["jobs", "test", "job"], ["tables", "list"],
                ["tables", "show", "job/t"], ["tables", "runs", "job/t"], ["tables", "discover", "job"], ["status"],
                ["config", "show"],
            ]
            for command in commands {
                let result = try await loader.start(command + ["--json"]).finish()
                #expect(result.status == 0, "\(command): \(result.everything)")
                let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
                #expect(document?["schema_version"] as? Int == 1, "\(command)")
                #expect(!result.everything.contains("\u{1b}"), "no escape codes: \(command)")
            }
        }
    }

    @Test func `jobs start inactive, are activated, paused, disabled and removed`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run("CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL)")
            #expect(try await loader.addJob(schema: replica.schema).output.contains("inactive"))
            #expect(try await loader.addJob(schema: replica.schema).status == 64, "the name is taken")
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("jobs", "activate", "job").status == 0)
            #expect(try await loader.run("tables", "disable", "job/t").status == 0)
            let disabled = try Self.tables(try await loader.run("status", "--json").output)
            #expect(disabled.first?["state"] as? String == "disabled")
            #expect(try await loader.run("sync", "job", "--wait").output.contains("skipped"))
            #expect(try await loader.run("tables", "enable", "job").status == 0)
            #expect(try await loader.run("jobs", "pause", "job").status == 0)
            #expect(try await loader.run("jobs", "remove", "job").status == 0)
            #expect(try Self.tables(try await loader.run("status", "--json").output).isEmpty)
        }
    }

    @Test func `stored connection strings work and lie encrypted in the store`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                "CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL); INSERT INTO t VALUES (1, now())")
            let added = try await loader.run(
                "jobs", "add", "job", "--source-url-stdin", "--destination-url-stdin", "--destination-schema",
                replica.schema, input: "\(source.url)\n\(replica.url)\n")
            #expect(added.status == 0, "\(added.everything)")
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            #expect(try await replica.rows("SELECT id FROM \(replica.schema).t") == [["1"]])
            let password = try #require(URL(string: source.url)?.password(percentEncoded: false))
            for name in ["loader.db", "loader.db-wal"] {
                let file = loader.folder.appendingPathComponent(name)
                guard let bytes = FileManager.default.contents(atPath: file.path) else { continue }
                #expect(bytes.range(of: Data(password.utf8)) == nil, "\(name)")
            }
            let keyFile = loader.folder.appendingPathComponent("loader.db.key").path
            let mode = try FileManager.default.attributesOfItem(atPath: keyFile)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test func `a second job on the same replica is refused by name`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                "CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL); INSERT INTO t VALUES (1, now())")
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            _ = try await loader.run(
                "jobs", "add", "other", "--source-url-env", "TEST_SOURCE", "--destination-url-env", "TEST_DESTINATION",
                "--destination-schema", replica.schema)
            let refused = try await loader.run("jobs", "setup", "other")
            #expect(refused.status == 78)
            #expect(refused.errors.contains("already belongs to job job"), "\(refused.everything)")
        }
    }

    static func tables(_ json: String) throws -> [[String: Any]] {
        let document = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        return document?["tables"] as? [[String: Any]] ?? []
    }
}

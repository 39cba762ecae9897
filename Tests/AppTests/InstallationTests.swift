import Foundation
import TestServers
import Testing

/// Two metadata databases on one destination, and replicas that change hands.
@Suite struct InstallationTests {
    /// The same connections under another metadata database.
    private func another(_ loader: LoaderSetup, _ name: String = "other") -> LoaderSetup {
        var other = loader
        other.environment["DATABASE_URL"] = "sqlite://\(loader.folder.path)/\(name).db"
        return other
    }

    @Test func `another installation is refused until it adopts, and then shuts the former one out`() async throws {
        try await RestoreTests.withLoaded { loader, source, replica in
            let other = another(loader)
            _ = try await other.addJob(schema: replica.schema)
            let setup = try await other.run("jobs", "setup", "job")
            #expect(setup.status == 0, "\(setup.everything)")
            #expect(setup.errors.contains("tables adopt job"), "\(setup.everything)")
            let refused = try await other.run("sync", "job", "--wait")
            #expect(refused.status == 1)
            #expect(refused.everything.contains("belongs to another installation"), "\(refused.everything)")
            #expect(refused.everything.contains("redshift-loader tables adopt job/t"), "\(refused.everything)")
            let asked = try await other.run("tables", "adopt", "job")
            #expect(asked.status == 64 && asked.errors.contains("without a reload"), "\(asked.everything)")

            let adopted = try await other.run("tables", "adopt", "job", "--yes")
            #expect(adopted.status == 0 && adopted.output.contains("3 tables taken over"), "\(adopted.everything)")
            try await source.run(RestoreTests.change)
            for _ in 0..<2 {
                let former = try await loader.run("sync", "job", "--wait")
                #expect(former.status == 1)
                #expect(former.everything.contains("belongs to another installation"), "\(former.everything)")
            }
            let first = try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).t")
            #expect(first == [["300"]], "the former one wrote nothing")
            try await RestoreTests.expectSync(other)
            try await Judge.expectEqual(source, replica, loader.folder)
            let runs = try await RestoreTests.notices(other, "t")
            #expect(!runs.contains("first load"), "\(runs)")
            _ = try await loader.run("jobs", "activate", "job")
            let status = try await loader.run("status", "job")
            #expect(status.output.contains("✖ Failed – needs you"), "\(status.output)")
        }
    }

    @Test func `an installation that ran when its tables were adopted cannot write any more`() async throws {
        try await RestoreTests.withLoaded { loader, source, replica in
            _ = try await loader.run("jobs", "edit", "job", "--interval", "1s")
            _ = try await loader.run("jobs", "activate", "job")
            let serve = try loader.start(["serve"])
            try await source.run("UPDATE t SET note = 'served', updated_at = now() WHERE id = 1")
            try await RestoreTests.until(
                replica, "SELECT COUNT(*) FROM \(replica.schema).t WHERE note = 'served'", is: "1")
            let other = another(loader)
            _ = try await other.addJob(schema: replica.schema)
            _ = try await other.run("jobs", "setup", "job")
            // A run under way may have written between the look and the adoption: then it is asked for once more.
            var adopted = try await other.run("tables", "adopt", "job", "--yes")
            if adopted.status == 75 { adopted = try await other.run("tables", "adopt", "job", "--yes") }
            #expect(adopted.status == 0, "\(adopted.everything)")
            try await source.run(RestoreTests.change)
            try await RestoreTests.expectSync(other)
            try await RestoreTests.until("the refusal") {
                try await loader.run("status", "job/t").output.contains("belongs to another installation")
            }
            serve.send(SIGTERM)
            _ = try await serve.finish()
            try await RestoreTests.expectSync(other)
            try await Judge.expectEqual(source, replica, loader.folder)
        }
    }

    @Test func `lost metadata is set up anew and goes on without a reload`() async throws {
        try await RestoreTests.withLoaded { loader, source, replica in
            let folder = loader.folder.appendingPathComponent("loader.db").path
            for suffix in ["", "-wal", "-shm", ".key"] { try? FileManager.default.removeItem(atPath: folder + suffix) }
            _ = try await loader.addJob(schema: replica.schema)
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            // One table with other settings: that it is loaded again is said first.
            #expect(try await loader.run("tables", "set", "job/log", "--where", "id > 0").status == 0)
            let adopt = try await loader.run("tables", "adopt", "job", "--yes")
            #expect(adopt.status == 0, "\(adopt.everything)")
            #expect(adopt.errors.contains("job/log: ") && adopt.errors.contains("all rows are read again"))
            try await source.run(RestoreTests.change)
            try await RestoreTests.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)
            let runs = try await RestoreTests.notices(loader, "t")
            #expect(!runs.contains("first load") && !runs.contains("loaded again"), "\(runs)")
        }
    }

    @Test func `a removed job's replicas may be taken without a word`() async throws {
        try await RestoreTests.withLoaded { loader, source, replica in
            #expect(try await loader.run("jobs", "remove", "job").status == 0)
            let other = another(loader)
            _ = try await other.run(
                "jobs", "add", "second", "--source-url-env", "TEST_SOURCE", "--destination-url-env",
                "TEST_DESTINATION", "--destination-schema", replica.schema)
            #expect(try await other.run("jobs", "setup", "second").status == 0)
            try await RestoreTests.expectSync(other, "second")
            try await Judge.expectEqual(source, replica, loader.folder)
            // And back, table by table, to a job of the first one.
            #expect(try await other.run("tables", "remove", "second/t", "--yes").status == 0)
            _ = try await loader.addJob(schema: replica.schema)
            let added = try await loader.run("tables", "add", "job", "t")
            #expect(added.status == 0, "\(added.everything)")
            try await RestoreTests.expectSync(loader)
            try await Judge.expectEqual(source, replica, tables: ["t"], loader.folder)
        }
    }

    @Test func `a job is removed only by force where Redshift does not answer`() async throws {
        try await RestoreTests.withLoaded { loader, source, replica in
            var cut = loader
            cut.environment["TEST_DESTINATION"] = "redshift://standin:x@127.0.0.1:1/dev"
            let refused = try await cut.run("jobs", "remove", "job")
            #expect(refused.status == 69 && refused.errors.contains("--force"), "\(refused.everything)")
            #expect(try await cut.run("tables", "remove", "job/t", "--yes").status == 69)
            let forced = try await cut.run("jobs", "remove", "job", "--force")
            #expect(forced.status == 0 && forced.errors.contains("tables adopt"), "\(forced.everything)")
            // Another job of the same installation is refused, and may take the removed one's tables over.
            _ = try await loader.run(
                "jobs", "add", "second", "--source-url-env", "TEST_SOURCE", "--destination-url-env",
                "TEST_DESTINATION", "--destination-schema", replica.schema)
            let setup = try await loader.run("jobs", "setup", "second")
            #expect(setup.status == 0 && setup.errors.contains("tables adopt second"), "\(setup.everything)")
            let sync = try await loader.run("sync", "second", "--wait")
            #expect(sync.status == 1 && sync.everything.contains("already belongs to job job"), "\(sync.everything)")
            #expect(try await loader.run("tables", "adopt", "second", "--yes").status == 0)
            try await source.run(RestoreTests.change)
            try await RestoreTests.expectSync(loader, "second")
            try await Judge.expectEqual(source, replica, loader.folder)
        }
    }
}

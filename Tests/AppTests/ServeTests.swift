import Foundation
import TestServers
import Testing

@Suite struct ServeTests {
    @Test func `serve keeps active jobs fresh, leaves others alone, and ends cleanly on SIGTERM`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now());
                CREATE INDEX ON t (updated_at);
                INSERT INTO t SELECT i FROM generate_series(1, 100) i
                """)
            _ = try await loader.addJob(schema: replica.schema, interval: "1s")
            _ = try await loader.run("jobs", "setup", "job")
            let serve = try loader.start(["serve"])
            do {
                // Not active yet: only what is asked for runs, and a live worker runs it.
                let asked = try await loader.run("sync", "job", "--wait")
                #expect(asked.status == 0, "\(asked.everything)")
                #expect(try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).t") == [["100"]])
                #expect(try await loader.run("jobs", "activate", "job").status == 0)
                for round in 1...3 {
                    try await source.run(
                        "INSERT INTO t SELECT i FROM generate_series(\(round * 1000), \(round * 1000 + 9)) i")
                    try await Self.waitForRows(100 + round * 10, replica)
                }
            } catch {
                serve.send(SIGKILL)
                throw error
            }
            let asked = ContinuousClock.now
            serve.send(SIGTERM)
            let ended = try await serve.finish()
            #expect(ended.status == 0, "\(ended.everything)")
            #expect(ContinuousClock.now - asked < .seconds(25))
            try await Judge.expectEqual(source, replica, loader.folder)
            // The lease was given back and the worker unregistered: the next command runs in its own process at once.
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
        }
    }

    /// Asks the replica until the rows are there; the bound only decides when the test fails.
    private static func waitForRows(_ count: Int, _ replica: TestReplica) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).t") != [["\(count)"]] {
            try #require(ContinuousClock.now < deadline, "rows did not arrive within a minute")
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

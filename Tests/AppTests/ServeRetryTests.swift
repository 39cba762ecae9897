import Foundation
import PostgresClient
import TestServers
import Testing

/// What passes by itself is tried again by the worker, without anybody's help.
@Suite struct ServeRetryTests {
    @Test(arguments: ["RAISE 1023 BEFORE COMMIT", "DROP AFTER COMMIT", "FAIL COPY READ", "RAISE DEADLOCK BEFORE LOCK"])
    func `serve loads the rows after a fault that passes`(_ fault: String) async throws {
        try await TestDatabase.with { source in
            try await TestBucket.with { bucket in
                try await withTemporaryFolder { folder in
                    try await OwnStandIn.with(folder: folder) { standIn in
                        try await source.run(
                            """
                            CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now());
                            INSERT INTO t SELECT i FROM generate_series(1, 100) i
                            """)
                        let loader = try LoaderSetup(
                            folder: folder, bucket: bucket, source: source.url, destination: standIn.url)
                        _ = try await loader.addJob(schema: "replica", interval: "1s")
                        #expect(try await loader.run("jobs", "setup", "job").status == 0)
                        #expect(try await loader.run("jobs", "activate", "job").status == 0)
                        let control = try await standIn.session()
                        try await control.execute("STANDIN FAULT \(fault)")
                        let serve = try loader.start(["serve"])
                        do {
                            try await control.execute("STANDIN AWAIT FAULT")
                            try await Self.wait(for: loader)
                        } catch {
                            serve.send(SIGKILL)
                            throw error
                        }
                        serve.send(SIGTERM)
                        let ended = try await serve.finish()
                        #expect(ended.status == 0 && ended.everything.contains("result=failed"), "\(ended.everything)")
                        let found = try await control.execute("SELECT id FROM replica.t ORDER BY id")
                        #expect(try await source.run("SELECT id FROM t ORDER BY id").rows == found.rows)
                        #expect(try await bucket.client.list(prefix: "").isEmpty)
                        await control.close()
                    }
                }
            }
        }
    }

    /// Until all is well; the bound only decides when the test fails.
    private static func wait(for loader: LoaderSetup) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let status = try await loader.run("status", "job", "--json")
            let tables = try CommandTests.tables(status.output)
            if tables.first?["rows"] as? Int == 100, status.status == 0 { return }
            try #require(ContinuousClock.now < deadline, "not well within a minute: \(status.everything)")
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}

import Foundation
import PostgresClient
import TestServers
import Testing

/// A stand-in of its own, because its faults hit whoever commits next.
struct OwnStandIn: Sendable {
    let url: String
    let endpoint: PostgresEndpoint

    static func with<Result>(
        folder: URL, isolation: isolated (any Actor)? = #isolation, _ body: (OwnStandIn) async throws -> Result
    ) async throws -> Result {
        let port = try LoopbackPort.take()
        let s3 = try TestServers.required("TEST_S3_ENDPOINT")
        let environment = [
            "STANDIN_PASSWORD": "secret", "AWS_ENDPOINT_URL_S3": s3, "AWS_REGION": TestBucket.region,
        ]
        let data = folder.appendingPathComponent("standin").path
        // PostgreSQL runs as another user when the tests run as root: it must be able to reach its folder.
        chmod(folder.path, 0o755)
        let program = try RunningProgram(
            TestServers.program("redshift-standin"), ["--data", data, "--port", "\(port)"], environment: environment,
            folder: folder)
        let url = "redshift://standin:secret@127.0.0.1:\(port)/dev"
        let standIn = OwnStandIn(url: url, endpoint: try PostgresEndpoint.parse(url).endpoint)
        do {
            try await standIn.waitUntilReady()
            let result = try await body(standIn)
            program.send(SIGTERM)
            _ = try await program.finish()
            return result
        } catch {
            program.send(SIGTERM)
            _ = try await program.finish()
            throw error
        }
    }

    /// Its first start makes a PostgreSQL cluster; connecting is refused until then.
    private func waitUntilReady() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do {
                await (try session()).close()
                return
            } catch let error as PostgresError where error.isRetryable && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    func session() async throws -> PostgresConnection { try await PostgresConnection.connect(to: endpoint) }
}

@Suite struct KillTests {
    static let schema = """
        CREATE TABLE t (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, 'first ' || i FROM generate_series(1, 1000) i
        """

    /// Killed right after the destination's COMMIT and before the metadata knows: the third batch of a first load, and
    /// then the only batch of a later pass.
    @Test func `SIGKILL after COMMIT and before the metadata knows neither loses nor doubles`() async throws {
        try await TestDatabase.with { source in
            try await TestBucket.with { bucket in
                try await withTemporaryFolder { folder in
                    try await OwnStandIn.with(folder: folder) { standIn in
                        try await source.run(Self.schema)
                        var loader = try LoaderSetup(
                            folder: folder, bucket: bucket, source: source.url, destination: standIn.url,
                            more: ["IMPORT_ROW_LIMIT": "400"])
                        _ = try await loader.addJob(schema: "replica")
                        #expect(try await loader.run("jobs", "setup", "job").status == 0)
                        try await Self.killAfterCommit(loader, standIn, rows: "400")
                        #expect(try await loader.run("sync", "job", "--wait").status == 0)
                        try await Self.expectRows(standIn, count: "1000", distinct: "1000", newest: "first 1000")

                        try await source.run("UPDATE t SET note = 'second ' || id, updated_at = now() WHERE id > 900")
                        try await source.run(
                            "INSERT INTO t (id, note) SELECT i, 'second ' || i FROM generate_series(1001, 1050) i")
                        // In one batch, even where a transaction elsewhere has old rows read again.
                        loader.environment["IMPORT_ROW_LIMIT"] = "2000"
                        try await Self.killAfterCommit(loader, standIn, rows: "1050")
                        let rerun = try await loader.run("sync", "job", "--wait")
                        #expect(rerun.status == 0, "\(rerun.everything)")
                        try await Self.expectRows(standIn, count: "1050", distinct: "1050", newest: "second 1050")
                        let status = try CommandTests.tables(try await loader.run("status", "--json").output)
                        #expect(status.first?["rows"] as? Int == 1050)
                    }
                }
            }
        }
    }

    /// Runs a sync whose next COMMIT is carried out but never answered, and kills it there.
    private static func killAfterCommit(_ loader: LoaderSetup, _ standIn: OwnStandIn, rows: String) async throws {
        let control = try await standIn.session()
        try await control.execute("STANDIN FAULT HOLD AFTER COMMIT")
        let sync = try loader.start(["sync", "job", "--wait"])
        try await control.execute("STANDIN AWAIT FAULT")
        sync.send(SIGKILL)
        #expect(try await sync.finish().status == 128 + SIGKILL)
        try await control.execute("STANDIN CLEAR FAULTS")
        let committed = try await control.execute("SELECT COUNT(*) FROM replica.t")
        #expect(committed.firstValue == rows, "the transaction was committed")
        await control.close()
    }

    private static func expectRows(
        _ standIn: OwnStandIn, count: String, distinct: String, newest: String
    ) async throws {
        let session = try await standIn.session()
        let counted = try await session.execute("SELECT COUNT(*), COUNT(DISTINCT id) FROM replica.t")
        #expect(counted.rows == [[count, distinct]])
        let last = try await session.execute("SELECT note FROM replica.t ORDER BY id DESC LIMIT 1")
        #expect(last.firstValue == newest)
        await session.close()
    }
}

import Foundation
import TestServers
import Testing

/// What `status` claims to be there, by the commands alone.
@Suite struct CompleteUpToTests {
    private static let schema = """
        CREATE TABLE t (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, CASE WHEN i = 250 THEN repeat('x', 70000) ELSE 'old' END FROM generate_series(1, 300) i
        """

    @Test func `a first load claims nothing before its end, and then the time of its start`() async throws {
        try await withLoader(more: ["IMPORT_ROW_LIMIT": "100"]) { loader, source, replica in
            try await source.run(Self.schema)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            _ = try await loader.run("tables", "set", "job/t", "--on-bad-value", "fail")
            #expect(try await loader.run("sync", "job", "--wait").status == 1)
            let broken = try await Self.status(loader)
            #expect(broken["rows"] as? Int == 200)
            #expect(broken["complete_up_to"] is NSNull, "100 rows are missing")
            let shown = try await loader.run("status", "job")
            #expect(shown.output.contains("COMPLETE UP TO (UTC)"))
            #expect(!shown.output.contains(try await Self.today(source)), "\(shown.output)")

            try await source.run("UPDATE t SET note = 'short' WHERE id = 250")
            let done = try await loader.run("sync", "job", "--wait")
            #expect(done.status == 0, "\(done.everything)")
            try await Self.expectClaim(loader, notAfter: Self.clock(source))
            try await Judge.expectEqual(source, replica, tables: ["t"], loader.folder)
            let after = try await loader.run("status", "job")
            #expect(after.output.contains(try await Self.today(source)), "\(after.output)")
        }
    }

    @Test func `a claim never reaches past a row that is still to come`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(Self.schema)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            let before = try await Self.clock(source)
            let late = try await source.session()
            try await late.execute("BEGIN; INSERT INTO t VALUES (1000, 'late')")
            try await source.run("INSERT INTO t VALUES (1001, 'early')")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            let clock = try await Self.clock(source)
            try await Self.expectClaim(loader, notAfter: clock)
            try await late.execute("COMMIT")
            await late.close()
            // The commit came after the claim, whatever the row's stamp says.
            #expect(try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).t WHERE id = 1000") == [["0"]])
            #expect(before < clock)
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            try await Judge.expectEqual(source, replica, tables: ["t"], loader.folder)
        }
    }

    private static func status(_ loader: LoaderSetup) async throws -> [String: Any] {
        let result = try await loader.run("status", "--json")
        return try #require(try CommandTests.tables(result.output).first)
    }

    private static func clock(_ source: TestDatabase) async throws -> String {
        try #require(
            try await source.run(
                "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            ).firstValue)
    }

    private static func today(_ source: TestDatabase) async throws -> String {
        String(try await clock(source).prefix(10))
    }

    private static func expectClaim(
        _ loader: LoaderSetup, notAfter clock: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let claim = try #require(try await status(loader)["complete_up_to"] as? String, sourceLocation: sourceLocation)
        #expect(claim <= clock, sourceLocation: sourceLocation)
    }
}

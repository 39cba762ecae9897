import Foundation
import PostgresClient
import TestServers
import Testing

/// What a job tells Redshift of itself; how single sessions are told is tested with their adapter.
@Suite struct SessionSettingsTests {
    @Test func `every session of a job's commands and runs names its query group and its limits`() async throws {
        try await TestDatabase.with { source in
            try await TestBucket.with { bucket in
                try await withTemporaryFolder { folder in
                    try await OwnStandIn.with(folder: folder) { standIn in
                        try await source.run(KillTests.schema)
                        let loader = try LoaderSetup(
                            folder: folder, bucket: bucket, source: source.url, destination: standIn.url)
                        let control = try await standIn.session()
                        try await control.execute("STANDIN CLEAR LOG")
                        let added = try await loader.run(
                            "jobs", "add", "job", "--source-url-env", "TEST_SOURCE", "--destination-url-env",
                            "TEST_DESTINATION", "--destination-schema", "replica", "--query-group", "loads at night",
                            "--statement-timeout", "90s", "--wlm-query-slot-count", "3")
                        #expect(added.status == 0, "\(added.everything)")
                        #expect(try await loader.run("jobs", "setup", "job").status == 0)
                        try await RestoreTests.expectSync(loader)
                        let before = try await Self.sessions(control)
                        // Without a setting of its own a job has the loader's name.
                        #expect(try await loader.run("jobs", "edit", "job", "--query-group", "none").status == 0)
                        try await source.run("INSERT INTO t (id) VALUES (5000)")
                        try await RestoreTests.expectSync(loader)
                        let after = try await Self.sessions(control).filter { before[$0.key] == nil }
                        await control.close()
                        Self.expect(before, group: "loads at night")
                        Self.expect(after, group: "redshift-loader")
                    }
                }
            }
        }
    }

    /// Statements by session, this test's own left out.
    private static func sessions(_ control: PostgresConnection) async throws -> [String: [String]] {
        let entries = try await control.execute("STANDIN LOG").rows
        return Dictionary(grouping: entries) { $0[0] ?? "" }.mapValues { $0.compactMap { $0[1] } }
            .filter { !$0.value.contains { $0.hasPrefix("STANDIN ") } }
    }

    private static func expect(
        _ sessions: [String: [String]], group: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let loads = sessions.values.count { $0.contains { $0.hasPrefix("COPY ") } }
        #expect(loads > 0, "\(sessions)", sourceLocation: sourceLocation)
        for statements in sessions.values {
            for setting in [
                "SET query_group TO '\(group)'", "SET statement_timeout TO 90000", "SET wlm_query_slot_count TO 3",
            ] {
                #expect(statements.contains(setting), "\(statements.prefix(6))", sourceLocation: sourceLocation)
            }
        }
    }
}

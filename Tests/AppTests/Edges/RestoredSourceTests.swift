import Foundation
import TestServers
import Testing

/// The whole product on a source that was put back to an older copy of its disk.
@Suite struct RestoredSourceTests {
    private static let schema = """
        CREATE TABLE changes (id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL DEFAULT clock_timestamp());
        CREATE INDEX ON changes (updated_at);
        CREATE TABLE events (id bigserial PRIMARY KEY, v text);
        CREATE TABLE rates (id int PRIMARY KEY, v text);
        INSERT INTO changes SELECT i, 'old' FROM generate_series(1, 100) i;
        INSERT INTO events (v) SELECT 'old' FROM generate_series(1, 100) i;
        INSERT INTO rates SELECT i, 'old' FROM generate_series(1, 10) i
        """

    private static func write(_ value: String) -> String {
        """
        INSERT INTO changes SELECT i, '\(value)' FROM generate_series(101, 120) i;
        UPDATE changes SET v = '\(value)', updated_at = clock_timestamp() WHERE id <= 10;
        INSERT INTO events (v) SELECT '\(value)' FROM generate_series(1, 20) i;
        UPDATE rates SET v = '\(value)' WHERE id = 3
        """
    }

    @Test func `other rows under the same keys and transaction numbers replace those that were lost`() async throws {
        try await OwnServers.with { servers in
            let server = try await servers.primary()
            try await server.run(Self.schema)
            await server.stop()
            try await server.backUp()
            try await server.start()
            try await TestReplica.with { replica in
                try await TestBucket.with { bucket in
                    try await withTemporaryFolder { folder in
                        let loader = try LoaderSetup(
                            folder: folder, bucket: bucket, source: server.url, destination: replica.url)
                        #expect(try await loader.addJob(schema: replica.schema).status == 0)
                        #expect(try await loader.run("jobs", "setup", "job").status == 0)
                        try await Self.choose(loader)
                        #expect(try await loader.run("sync", "job", "--wait").status == 0)
                        try await server.run(Self.write("lost"))
                        #expect(try await loader.run("sync", "job", "--wait").status == 0)
                        await server.kill()
                        try await server.restore()
                        try await server.start()
                        try await server.run(Self.write("anew"))
                        let synced = try await loader.run("sync", "job", "--wait")
                        #expect(synced.status == 0, "\(synced.everything)")
                        try await Judge.expectEqual(
                            server.url, replica, tables: ["changes", "events", "rates"], folder)
                    }
                }
            }
        }
    }

    /// Modes by name, whatever discovery would suggest.
    private static func choose(_ loader: LoaderSetup) async throws {
        for (table, mode) in [("events", "InsertOnlyTable"), ("rates", "FullSyncTable")] {
            let set = try await loader.run("tables", "set", "job/\(table)", "--mode", mode)
            #expect(set.status == 0, "\(set.everything)")
        }
    }
}

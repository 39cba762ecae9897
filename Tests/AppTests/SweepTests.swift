import Foundation
import TestServers
import Testing

/// Rows that no pass looks for, through the whole product.
@Suite struct SweepTests {
    private static let table = """
        CREATE TABLE t (id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, 'first', now() - interval '2 days' FROM generate_series(1, 500) i; ANALYZE t
        """

    @Test func `an update that leaves its stamp alone, and an import, arrive with the next sweep`() async throws {
        try await withLoader(more: ["SWEEP_SMALL_ROWS": "0", "SWEEP_INTERVAL": "24h"]) { loader, source, replica in
            try await source.run(Self.table)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            for _ in 0..<2 { #expect(try await loader.run("sync", "job", "--wait").status == 0) }
            try await source.run(
                "UPDATE t SET v = 'silent' WHERE id = 7; INSERT INTO t VALUES (900, 'import', '2001-01-01')")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            let before = "SELECT COUNT(*) FROM \(replica.schema).t WHERE v <> 'first'"
            #expect(try await replica.rows(before) == [["0"]], "no sweep was due")
            var sweeping = loader
            sweeping.environment["SWEEP_SMALL_ROWS"] = nil
            #expect(try await sweeping.run("sync", "job", "--wait").status == 0)
            #expect(try await replica.rows(before) == [["2"]])
            try await Judge.expectEqual(source, replica, tables: ["t"], loader.folder)
            let status = try CommandTests.tables(try await sweeping.run("status", "--json").output)
            #expect(status.first?["complete_up_to"] as? String != nil)
        }
    }
}

import Foundation
import TestServers
import Testing

/// FullSyncTable by the commands alone.
@Suite struct FullSyncTests {
    private static let tables = """
        CREATE TABLE lookup (code text, label text); INSERT INTO lookup SELECT i::text, 'label ' || i FROM generate_series(1, 500) i;
        CREATE TABLE hollow (a int);
        CREATE VIEW seen AS SELECT code, upper(label) AS label FROM lookup
        """

    @Test(arguments: ["swap", "replace"], ["true", "false"])
    func `inserts, updates and deletes arrive, and an untouched table is left alone`(
        refresh: String, viaS3: String
    ) async throws {
        try await withLoader(more: ["COPY_VIA_S3": viaS3]) { loader, source, replica in
            try await source.run(Self.tables)
            _ = try await loader.addJob(schema: replica.schema)
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            #expect(try await loader.run("tables", "set", "job/lookup", "--refresh", refresh).status == 0)
            let tables = ["lookup", "hollow"]
            let first = try await loader.run("sync", "job", "--wait")
            #expect(first.status == 0, "\(first.everything)")
            try await Judge.expectEqual(source, replica, tables: tables, loader.folder)

            var cut = loader
            cut.environment["TEST_DESTINATION"] = "redshift://nobody:x@127.0.0.1:1/dev"
            let idle = try await cut.run("sync", "job/lookup", "--wait")
            #expect(idle.status == 0, "nothing was written: the destination is not asked. \(idle.everything)")

            try await source.run(
                "DELETE FROM lookup WHERE code::int % 7 = 0; UPDATE lookup SET label = NULL WHERE code = '5'")
            try await source.run(
                "INSERT INTO lookup VALUES ('new', ''), (NULL, NULL); INSERT INTO hollow VALUES (1), (1)")
            let second = try await loader.run("sync", "job", "--wait")
            #expect(second.status == 0, "\(second.everything)")
            try await Judge.expectEqual(source, replica, tables: tables, loader.folder)
        }
    }

    @Test func `views, grants and readers of the replica live through a swap`() async throws {
        let user = freshName("reader")
        try await withLoader(more: ["READ_ONLY_USERS": user]) { loader, source, replica in
            try await source.run(Self.tables)
            _ = try await replica.rows("CREATE USER \(user) PASSWORD 'Passw0rdPassw0rd'")
            _ = try await loader.addJob(schema: replica.schema)
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            let table = "\(replica.schema).lookup"
            _ = try await replica.rows("CREATE VIEW \(replica.schema).labels AS SELECT label FROM \(table)")
            _ = try await replica.rows("GRANT INSERT ON \(table) TO \(user)")
            try await source.run("INSERT INTO lookup VALUES ('x', 'after the swap')")
            let sync = try await loader.run("sync", "job/lookup", "--wait")
            #expect(sync.status == 0, "\(sync.everything)")
            let seen = try await replica.rows(
                "SELECT COUNT(*) FROM \(replica.schema).labels WHERE label = 'after the swap'")
            #expect(seen == [["1"]])
            for privilege in ["select", "insert"] {
                let has = try await replica.rows("SELECT HAS_TABLE_PRIVILEGE('\(user)', '\(table)', '\(privilege)')")
                #expect(has == [["t"]], "\(privilege)")
            }
            let former = try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).lookup__loader_old")
            #expect(former == [["500"]])
            _ = try await replica.rows("DROP VIEW \(replica.schema).labels")
        }
    }

    @Test func `a view of the source is copied whole`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(Self.tables)
            _ = try await loader.addJob(schema: replica.schema)
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            #expect(try await loader.run("sync", "job/seen", "--wait").status == 0)
            try await Judge.expectEqual(source, replica, tables: ["seen"], loader.folder)
        }
    }
}

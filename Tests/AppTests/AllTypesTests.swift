import Foundation
import TestServers
import Testing

/// Every type that PostgreSQL's mapping names, with its extreme values, by both paths.
@Suite struct AllTypesTests {
    @Test(arguments: ["true", "false", "auto"])
    func `values of every type arrive exactly`(viaS3: String) async throws {
        try await withLoader(more: ["COPY_VIA_S3": viaS3]) { loader, source, replica in
            try await source.run(TypeSample.prologue + TypeSample.table("exact", of: TypeSample.exact))
            try await Self.syncNewJob(loader, replica)
            // Types of shapes differ between the two engines' text forms only for the judge: compared below.
            try await Judge.expectEqual(
                source, replica, tables: ["exact"], loader.folder,
                options: ["--ignore", "exact.a_point", "--ignore", "exact.a_polygon"])
            let shapes = "SELECT id, a_point::text, a_polygon::text FROM \(replica.schema).exact ORDER BY id"
            let expected = try await source.run("SELECT id, a_point::text, a_polygon::text FROM exact ORDER BY id").rows
            #expect(try await replica.rows(shapes) == expected)
            let repaired = try await loader.run("tables", "repaired", "job/exact", "--json")
            #expect(repaired.output.contains("\"repaired_total\":0"), "\(repaired.everything)")
        }
    }

    @Test(arguments: ["true", "false"])
    func `values that Redshift cannot hold are repaired by the rules, recorded and counted`(viaS3: String) async throws
    {
        try await withLoader(more: ["COPY_VIA_S3": viaS3]) { loader, source, replica in
            try await source.run(TypeSample.prologue + TypeSample.table("repaired", of: TypeSample.repaired))
            try await Self.syncNewJob(loader, replica)
            if ProcessInfo.processInfo.environment["REPLICA_JUDGE"] != nil {
                try await Judge.expectEqual(source, replica, tables: ["repaired"], loader.folder)
            }
            let text = try await replica.rows(
                "SELECT OCTET_LENGTH(a_text), RIGHT(a_text, 1) FROM \(replica.schema).repaired ORDER BY id")
            #expect(text == [["65534", "é"], ["65535", "x"], ["65532", "😀"], ["65535", "x"], [nil, nil]])
            let wrong = TypeSample.repaired.reduce(0) { $0 + $1.values.count }
            let shown = try await loader.run("tables", "repaired", "job/repaired", "--json", "--limit", "100")
            let found = shown.output.matches(of: /"column":"/).count
            #expect(found == wrong, "\(shown.everything)")
            try await loader.expectRepaired(
                wrong, inRows: 1 + (TypeSample.repaired.map(\.values.count).max() ?? 0), of: "job/repaired")
        }
    }

    @Test(arguments: ["true", "false"])
    func `an empty binary key is a key like any other`(viaS3: String) async throws {
        try await withLoader(more: ["COPY_VIA_S3": viaS3]) { loader, source, replica in
            try await source.run(
                """
                CREATE TABLE t (id bytea PRIMARY KEY, v int, updated_at timestamptz NOT NULL DEFAULT now());
                CREATE INDEX ON t (updated_at);
                INSERT INTO t VALUES ('', 1), ('\\x00', 2), ('\\xff', 3)
                """)
            try await Self.syncNewJob(loader, replica)
            try await source.run("UPDATE t SET v = v + 10, updated_at = now() WHERE id <> '\\xff'")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            #expect(
                try await replica.rows("SELECT TO_HEX(id), v FROM \(replica.schema).t ORDER BY v")
                    == [["ff", "3"], ["", "11"], ["00", "12"]])
        }
    }

    @Test func `a table may be told to stop at a value that Redshift cannot hold`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, day date, updated_at timestamptz NOT NULL DEFAULT now());
                INSERT INTO t SELECT i, '2026-01-01' FROM generate_series(1, 10) i; INSERT INTO t VALUES (42, 'infinity')
                """)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("tables", "set", "job/t", "--on-bad-value", "fail").status == 0)
            let stopped = try await loader.run("sync", "job", "--wait")
            #expect(stopped.status == 1)
            #expect(stopped.everything.contains("E_VALUE_BAD"), "\(stopped.everything)")
            #expect(stopped.everything.contains("day") && stopped.everything.contains("42"), "\(stopped.everything)")
            #expect(try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).t") == [["0"]])
            #expect(try await loader.run("tables", "set", "job/t", "--on-bad-value", "repair").status == 0)
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            #expect(try await replica.rows("SELECT COUNT(*), COUNT(day) FROM \(replica.schema).t") == [["11", "10"]])
        }
    }

    private static func syncNewJob(_ loader: LoaderSetup, _ replica: TestReplica) async throws {
        _ = try await loader.addJob(schema: replica.schema)
        let setup = try await loader.run("jobs", "setup", "job")
        try #require(setup.status == 0, "\(setup.everything)")
        let sync = try await loader.run("sync", "job", "--wait")
        try #require(sync.status == 0, "\(sync.everything)")
    }
}

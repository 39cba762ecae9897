import Foundation
import TestServers
import Testing

/// Replicas that somebody else has made, or changed.
@Suite struct ExistingReplicaTests {
    private static let source = """
        CREATE TABLE t (id int PRIMARY KEY, name text, amount numeric(10,2), updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, repeat('é', i % 40), i, now() FROM generate_series(1, 200) i
        """

    private static func with(
        _ table: String, more: [String: String] = [:],
        _ body: (LoaderSetup, TestDatabase, TestReplica) async throws -> Void
    ) async throws {
        try await withLoader(more: more) { loader, source, replica in
            try await source.run(Self.source)
            _ = try await replica.rows("CREATE TABLE \(replica.schema).t (\(table))")
            _ = try await loader.addJob(schema: replica.schema)
            try await body(loader, source, replica)
        }
    }

    @Test(arguments: ["true", "false"])
    func `a column that is too narrow is widened, and that is told`(viaS3: String) async throws {
        let columns = "id INT NOT NULL, name VARCHAR(10), amount DECIMAL(12,2), updated_at TIMESTAMPTZ"
        try await Self.with(columns, more: ["COPY_VIA_S3": viaS3]) { loader, source, replica in
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            let sync = try await loader.run("sync", "job", "--wait")
            #expect(sync.status == 0, "\(sync.everything)")
            try await Judge.expectEqual(source, replica, tables: ["t"], loader.folder)
            let width = try await replica.rows(
                """
                SELECT character_maximum_length FROM information_schema.columns \
                WHERE table_schema = '\(replica.schema)' AND column_name = 'name'
                """)
            #expect(width == [["65535"]])
            let runs = try await loader.run("tables", "runs", "job/t")
            #expect(runs.output.contains("widened to VARCHAR(65535)"), "\(runs.everything)")
        }
    }

    @Test(arguments: ["true", "false"])
    func `text is cut to its column where that was asked for`(viaS3: String) async throws {
        let columns = "id INT NOT NULL, name VARCHAR(11), amount DECIMAL(12,2), updated_at TIMESTAMPTZ"
        let environment = ["COPY_VIA_S3": viaS3, "AUTO_TRUNCATE_COLUMNS": "true"]
        try await Self.with(columns, more: environment) { loader, source, replica in
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            let sync = try await loader.run("sync", "job", "--wait")
            #expect(sync.status == 0, "\(sync.everything)")
            let expected = try await source.run("SELECT id, left(name, 5) FROM t ORDER BY id").rows
            #expect(try await replica.rows("SELECT id, name FROM \(replica.schema).t ORDER BY id") == expected)
            let cut = try await source.run("SELECT count(*) FROM t WHERE length(name) > 5").rows
            try await loader.expectRepaired(cut[0][0].flatMap { Int($0) } ?? 0, inRows: 200, of: "job/t")
        }
    }

    @Test func `a column narrowed behind the loader's back is found by the refusal and widened`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(Self.source)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            _ = try await replica.rows("ALTER TABLE \(replica.schema).t DROP COLUMN name")
            _ = try await replica.rows("ALTER TABLE \(replica.schema).t ADD COLUMN name VARCHAR(3)")
            try await source.run("UPDATE t SET name = 'longer than three', updated_at = now() WHERE id <= 5")
            let sync = try await loader.run("sync", "job", "--wait")
            #expect(sync.status == 0, "\(sync.everything)")
            let names = try await replica.rows("SELECT DISTINCT name FROM \(replica.schema).t WHERE id <= 5")
            #expect(names == [["longer than three"]])
        }
    }

    static let unfit: [(columns: String, words: [String])] = [
        ("id INT NOT NULL, name VARCHAR(65535), updated_at TIMESTAMPTZ", ["lacks columns", "amount", "ADD COLUMN"]),
        (
            "id INT NOT NULL, name INT, amount DECIMAL(10,2), updated_at TIMESTAMPTZ",
            ["other types", "name is integer", "--recreate"]
        ),
        (
            "id INT NOT NULL, name VARCHAR(65535), amount DECIMAL(10,2), updated_at TIMESTAMPTZ, more INT NOT NULL",
            ["no row could fill", "more"]
        ),
        (
            "id INT NOT NULL, name VARCHAR(65535), amount DECIMAL(9,2), updated_at TIMESTAMPTZ",
            ["other types", "DECIMAL(10,2) is needed"]
        ),
    ]

    @Test(arguments: unfit.indices)
    func `a table that cannot take the rows is told, with what to do`(_ number: Int) async throws {
        let (columns, words) = Self.unfit[number]
        try await Self.with(columns) { loader, _, _ in
            let setup = try await loader.run("jobs", "setup", "job")
            for word in words { #expect(setup.everything.contains(word), "\(setup.everything)") }
        }
    }

    @Test func `a table that was loaded by other means goes on from a key set by hand`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                "CREATE TABLE t (id bigserial PRIMARY KEY, v text); INSERT INTO t (v) SELECT 'v' FROM generate_series(1, 100)"
            )
            _ = try await replica.rows("CREATE TABLE \(replica.schema).t (id BIGINT NOT NULL, v VARCHAR(65535))")
            _ = try await replica.rows(
                "INSERT INTO \(replica.schema).t VALUES "
                    + (1...60).map { "(\($0), 'loaded before')" }.joined(separator: ", "))
            _ = try await loader.addJob(schema: replica.schema)
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            let set = try await loader.run("tables", "set", "job/t", "--max-primary-key", "60")
            #expect(set.status == 0, "\(set.everything)")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            let rows = try await replica.rows("SELECT v, COUNT(*) FROM \(replica.schema).t GROUP BY v ORDER BY v")
            #expect(
                rows == [["loaded before", "59"], ["v", "41"]], "the value itself is read again, no row before it")
            try await source.run("INSERT INTO t (v) VALUES ('later')")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            #expect(try await replica.rows("SELECT COUNT(*) FROM \(replica.schema).t") == [["101"]])
        }
    }
}

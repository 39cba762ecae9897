import Foundation
import TestServers
import Testing

/// What of a table is copied: columns left out, hashed, and rows chosen.
@Suite struct CopyScopeTests {
    private static let table = """
        CREATE TABLE people (id int PRIMARY KEY, email text, password_digest text, city text,
          updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON people (updated_at);
        INSERT INTO people SELECT i, 'p' || i || '@example.com', 'secret ' || i, CASE WHEN i % 2 = 0 THEN 'Köln' END, now()
          FROM generate_series(1, 100) i
        """

    @Test func `columns that look like secrets are left out unless they are asked for`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(Self.table)
            _ = try await loader.addJob(schema: replica.schema)
            let shown = try await loader.run("tables", "discover", "job", "--json")
            #expect(shown.output.contains("\"excluded_columns\":[{\"name\":\"password_digest\""), "\(shown.everything)")
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            let options = ["--ignore", "people.password_digest"]
            try await Judge.expectEqual(source, replica, tables: ["people"], loader.folder, options: options)
            let columns = try await replica.rows(
                "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = '\(replica.schema)'")
            #expect(columns == [["4"]])
        }
    }

    @Test func `hashed columns carry salted SHA-256, and a filter chooses rows`() async throws {
        try await withLoader(more: ["HASH_SALT": "pepper 'n' much of it"]) { loader, source, replica in
            try await source.run(Self.table)
            _ = try await loader.addJob(schema: replica.schema)
            #expect(try await loader.run("jobs", "setup", "job").status == 0)
            let bad = try await loader.run("tables", "set", "job/people", "--where", "city = ")
            #expect(bad.status == 64, "\(bad.everything)")
            let set = try await loader.run(
                "tables", "set", "job/people", "--hash", "email", "--where", "city IS NOT NULL -- only these")
            #expect(set.status == 0, "\(set.everything)")
            let made = try await loader.run("tables", "resync", "job/people", "--recreate", "--yes")
            #expect(made.status == 0, "\(made.everything)")
            let sync = try await loader.run("sync", "job", "--wait")
            #expect(sync.status == 0, "\(sync.everything)")
            let expected = try await source.run(
                """
                SELECT id, encode(sha256(convert_to('pepper ''n'' much of it' || email, 'UTF8')), 'hex') FROM people
                WHERE city IS NOT NULL ORDER BY id
                """
            ).rows
            #expect(try await replica.rows("SELECT id, email FROM \(replica.schema).people ORDER BY id") == expected)
        }
    }

    @Test func `another salt hashes all rows anew, so that equal values stay equal`() async throws {
        try await withLoader(more: ["HASH_SALT": "the first one of two"]) { loader, source, replica in
            try await source.run(Self.table)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("tables", "set", "job/people", "--hash", "email").status == 0)
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            var changed = loader
            changed.environment["HASH_SALT"] = "the second one of two"
            let sync = try await changed.run("sync", "job", "--wait")
            #expect(sync.status == 0, "\(sync.everything)")
            let runs = try await changed.run("tables", "runs", "job/people", "--json")
            #expect(runs.output.contains("HASH_SALT changed"), "\(runs.everything)")
            let expected = try await source.run(
                """
                SELECT id, encode(sha256(convert_to('the second one of two' || email, 'UTF8')), 'hex')
                FROM people ORDER BY id
                """
            ).rows
            #expect(try await replica.rows("SELECT id, email FROM \(replica.schema).people ORDER BY id") == expected)
        }
    }

    @Test func `a user with SELECT on some columns only is enough`() async throws {
        let user = freshName("partly")
        try await withLoader { loader, source, replica in
            try await source.run(Self.table)
            try await source.run(
                "CREATE USER \(user) PASSWORD 'x'; GRANT SELECT (id, city, updated_at) ON people TO \(user)")
            var limited = loader
            limited.environment["TEST_SOURCE"] = source.url.replacing(/\/\/[^@]*@/, with: "//\(user):x@")
            _ = try await limited.addJob(schema: replica.schema)
            let setup = try await limited.run("jobs", "setup", "job")
            #expect(setup.status == 0, "\(setup.everything)")
            let first = try await limited.run("sync", "job", "--wait")
            #expect(first.status == 0, "\(first.everything)")
            try await source.run("UPDATE people SET city = 'Bonn', updated_at = now() WHERE id = 1")
            #expect(try await limited.run("sync", "job", "--wait").status == 0)
            let options = ["--ignore", "people.password_digest", "--ignore", "people.email"]
            try await Judge.expectEqual(source, replica, tables: ["people"], loader.folder, options: options)
            try await source.run("DROP OWNED BY \(user); DROP USER \(user)")
        }
    }
}

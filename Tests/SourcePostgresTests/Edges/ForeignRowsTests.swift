import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// Rows that were written, and committed, long before they came into sight of the table: their transaction's number says
/// nothing about when that was.
@Suite struct ForeignRowsTests {
    private static let partitioned = """
        CREATE TABLE t (id int, updated_at timestamptz NOT NULL, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (100);
        CREATE TABLE high (id int PRIMARY KEY, updated_at timestamptz NOT NULL, v text);
        INSERT INTO t VALUES (1, clock_timestamp(), 'old')
        """
    private static let replaced = """
        CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL, v text);
        CREATE TABLE other (id int PRIMARY KEY, updated_at timestamptz NOT NULL, v text);
        INSERT INTO t VALUES (1, clock_timestamp(), 'old')
        """

    @Test(arguments: [
        (partitioned, "high", "ALTER TABLE t ATTACH PARTITION high FOR VALUES FROM (100) TO (200)"),
        (replaced, "other", "BEGIN; ALTER TABLE t RENAME TO former; ALTER TABLE other RENAME TO t; COMMIT"),
    ])
    func `rows of a table that takes a place in another one arrive`(
        schema: String, table: String, change: String
    ) async throws {
        try await TestDatabase.with { database in
            try await database.run(schema)
            try await withSource(database) { source in
                let follower = TableFollower(source: source, mapping: try await source.mapping("t"))
                try await follower.follow()
                try await database.run("INSERT INTO \(table) VALUES (100, clock_timestamp(), 'written before')")
                try await database.settle()
                try await follower.follow()
                try await database.run(change)
                try await follower.follow()
                let missing = try await follower.missing(from: database.connection)
                withKnownIssue("the horizon hides them, from sweeps as well: resync the table after such a change") {
                    #expect(missing == [])
                }
            }
        }
    }
}

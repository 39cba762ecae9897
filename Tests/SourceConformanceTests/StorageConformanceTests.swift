import Replication
import SourceTesting
import Testing

/// What each pass must read of a table, as its start tells it, of every kind of source.
@Suite struct StorageConformanceTests {
    /// `t` with some pages of rows, and with the server's figures up to date.
    private func fill(_ database: any SourceUnderTest) async throws {
        let rows = (1...300).map { "(\($0), '\(String(repeating: "x", count: 100))')" }.joined(separator: ", ")
        try await database.run(
            tableStatement(database.dialect), "INSERT INTO t (id, v) VALUES \(rows)",
            database.dialect.isPostgres ? "ANALYZE t" : "ANALYZE TABLE t")
    }

    private func storage(
        _ database: any SourceUnderTest, _ table: String = "t", mode: SyncMode = .updateAndInsert
    ) async throws -> TableStorage? {
        let mapping = try await database.mapping(table, mode: mode)
        return try await database.withSource { try await $0.startPass(mapping).storage }
    }

    @Test(arguments: SourceKind.tested)
    func `the index that a table lacks is told, and found once it is made`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            let without = try #require(try await storage(database))
            #expect(without.bytes > 300 * 100 && !without.isCursorIndexed)
            try await database.run(try #require(without.indexStatement))
            let with = try #require(try await storage(database))
            #expect(with.isCursorIndexed && with.indexStatement == nil)
        }
    }

    @Test(arguments: SourceKind.tested)
    func `an index over a part, or with the column in second place, leads nowhere`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            try await database.run("CREATE INDEX of_w ON t (w, updated_at)")
            if database.dialect.isPostgres {
                try await database.run(
                    "CREATE INDEX of_part ON t (updated_at) WHERE id > 0",
                    "CREATE INDEX of_hash ON t USING hash (updated_at)")
            }
            #expect(try await storage(database)?.isCursorIndexed == false)
            try await database.run("CREATE INDEX of_stamp ON t (updated_at, w)")
            #expect(try await storage(database)?.isCursorIndexed == true)
        }
    }

    @Test(arguments: SourceKind.tested)
    func `each mode asks for the index of its own column, and views have no size`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            try await database.run("CREATE VIEW seen AS SELECT * FROM t")
            let inserted = try #require(try await storage(database, mode: .insertOnly))
            #expect(inserted.isCursorIndexed && inserted.indexStatement == nil && inserted.bytes > 0)
            let copied = try #require(try await storage(database, mode: .fullSync))
            #expect(!copied.isCursorIndexed && copied.indexStatement == nil && copied.bytes >= inserted.bytes)
            #expect(try await storage(database, "seen", mode: .fullSync) == nil)
        }
    }

    @Test(arguments: SourceKind.tested)
    func `the start of a pass reads no table whole that is over the limit`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            let isPostgres = database.dialect.isPostgres
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, updated_at \(database.dialect.instant) NOT NULL)",
                "INSERT INTO t VALUES (1, '2026-01-01 00:00:00')", isPostgres ? "ANALYZE t" : "ANALYZE TABLE t")
            // What a scan tells: of PostgreSQL whether a copy is due, of others the zone of a stamp.
            let mapping = try await database.mapping(mode: isPostgres ? .fullSync : .updateAndInsert)
            try await database.withSource { source in
                for (limit, isRead) in [(nil, true), (1, false), (.max, true)] as [(Int64?, Bool)] {
                    let start = try await source.startPass(mapping, scanLimit: limit)
                    #expect(((isPostgres ? start.changeToken : start.highestStamp) != nil) == isRead, "\(limit ?? 0)")
                    #expect(start.storage?.bytes ?? 0 > 1)
                }
            }
        }
    }
}

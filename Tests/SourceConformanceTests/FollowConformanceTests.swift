import Replication
import SourceTesting
import Testing

/// Passes by the rules of replication: nothing that commits is missed, on any source.
@Suite struct FollowConformanceTests {
    private func fill(_ database: any SourceUnderTest, isNullable: Bool = false) async throws {
        try await database.run(
            tableStatement(database.dialect, isNullable: isNullable),
            "INSERT INTO t VALUES "
                + (1...5).map { "(\($0), \(database.dialect.ago(86_400)), 'old', 0)" }.joined(separator: ", "))
        try await database.settle()
    }

    /// What the table holds, in the form of the replica's first and third columns.
    private func content(_ database: any SourceUnderTest) async throws -> [String: String] {
        let rows = try await database.run("SELECT id, v FROM t")
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", $0[1] ?? "NULL") })
    }

    private func content(_ follower: TableFollower) async -> [String: String] {
        Dictionary(uniqueKeysWithValues: await follower.replica.values.map { ($0[0] ?? "", $0[2] ?? "NULL") })
    }

    @Test(arguments: SourceKind.tested)
    func `a commit below the cursor is read by the next pass`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            let now = database.dialect.now
            let follower = database.follower(try await database.mapping(), rowLimit: 3)
            try await follower.follow()
            let late = try await database.session()
            try await late.run("BEGIN")
            try await late.run("INSERT INTO t VALUES (10, \(now), 'late', 0)")
            try await late.run("UPDATE t SET v = 'late', updated_at = \(now) WHERE id = 2")
            try await database.run("INSERT INTO t VALUES (11, \(now), 'early', 0)")
            #expect(try await follower.followKeys().contains("11"))
            #expect(await content(follower)["10"] == nil)
            try await late.run("COMMIT")
            let read = try await follower.followKeys()
            #expect(read.contains("10") && read.contains("2"))
            #expect(try await content(follower) == content(database))
            await late.close()
        }
    }

    @Test(arguments: SourceKind.tested)
    func `a sequential key that commits late is read by the next pass`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            let follower = database.follower(try await database.mapping(mode: .insertOnly), rowLimit: 3)
            try await follower.follow()
            let late = try await database.session()
            try await late.run("BEGIN")
            try await late.run("INSERT INTO t (id, v) VALUES (10, 'late')")
            try await database.run("INSERT INTO t (id, v) VALUES (11, 'early')")
            #expect(try await follower.followKeys().contains("11"))
            try await late.run("COMMIT")
            // Before a pass is old enough to give a floor, sweeps find what came below the highest key.
            await follower.sweep(every: 0)
            #expect(try await follower.followKeys().contains("10"))
            #expect(try await content(follower) == content(database))
            await late.close()
        }
    }

    @Test(arguments: SourceKind.tested)
    func `what was read is not read again, and what is new is`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            let follower = database.follower(try await database.mapping(), rowLimit: 3)
            try await follower.follow()
            try await database.run("UPDATE t SET v = 'new', updated_at = \(database.dialect.now) WHERE id IN (3, 4)")
            try await database.settle()
            #expect(try await follower.followKeys() == ["3", "4"])
            try await database.settle()
            #expect(try await follower.follow().isEmpty)
            try await database.run("UPDATE t SET v = 'newer', updated_at = \(database.dialect.now) WHERE id = 4")
            try await database.settle()
            #expect(try await follower.follow().map { $0[2] } == ["newer"])
            #expect(try await follower.follow().isEmpty)
            #expect(try await content(follower) == content(database))
        }
    }

    @Test(arguments: SourceKind.tested)
    func `ties at a batch boundary all arrive`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            let follower = database.follower(try await database.mapping(), rowLimit: 2)
            try await follower.follow()
            let stamp = try #require(try await database.first("SELECT \(database.dialect.now)").first ?? nil)
            try await database.run(
                "INSERT INTO t VALUES " + (20...26).map { "(\($0), '\(stamp)', 'tie', 0)" }.joined(separator: ", "))
            #expect(try await Set(follower.followKeys()) == Set((20...26).map { "\($0)" }))
        }
    }

    @Test(arguments: SourceKind.tested)
    func `a pass cut off after any batch is taken up again`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database, isNullable: true)
            let now = database.dialect.now
            try await database.run("INSERT INTO t VALUES (6, NULL, 'unstamped', 0), (7, NULL, 'unstamped', 0)")
            let mapping = try await database.mapping()
            for batches in 1...4 {
                let follower = database.follower(mapping, rowLimit: 2)
                try await follower.follow(batches: batches)
                try await database.run(
                    "INSERT INTO t VALUES (\(100 + batches), \(now), 'new', 0)",
                    "UPDATE t SET v = 'changed \(batches)', updated_at = \(now) WHERE id = 1")
                try await follower.follow(batches: batches)
                // An unclean end: what was kept in mind is gone.
                await follower.forgetMemory()
                try await follower.follow()
                try await follower.follow()
                #expect(try await content(follower) == content(database), "\(batches)")
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `writers during the first load lose no row`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database)
            let now = database.dialect.now
            let follower = database.follower(try await database.mapping(), rowLimit: 2)
            await follower.afterEachBatch {
                // From a key that is still to be read to one that was read.
                try await database.run(
                    "UPDATE t SET id = id - 1000 WHERE id IN (SELECT m FROM (SELECT MAX(id) AS m FROM t) AS x)",
                    "UPDATE t SET v = 'changed', updated_at = \(now) WHERE id IN (SELECT m FROM (SELECT MIN(id) AS m FROM t) AS x)"
                )
            }
            try await follower.follow(batches: 12)
            await follower.afterEachBatch {}
            await follower.sweep(every: 0)
            try await follower.follow()
            let (replica, table) = (await content(follower), try await content(database))
            // Keys that were left behind stay until a compare.
            let kept = replica.filter { table[$0.key] != nil }
            #expect(kept == table)
        }
    }

    @Test(arguments: SourceKind.tested)
    func `a first load may be of an empty table`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run(tableStatement(database.dialect))
            for mode in [SyncMode.updateAndInsert, .insertOnly] {
                let follower = database.follower(try await database.mapping(mode: mode), rowLimit: 2)
                #expect(try await follower.follow().isEmpty)
                #expect(try await follower.follow().isEmpty)
                try await database.run("INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
                #expect(try await Set(follower.followKeys()) == ["1", "2", "3"], "\(mode)")
                try await database.run("DELETE FROM t")
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `a sweep finds rows whose stamps lie below the floor`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await fill(database, isNullable: true)
            let follower = database.follower(try await database.mapping(), rowLimit: 2)
            try await follower.follow()
            try await follower.follow()
            try await database.run(
                "UPDATE t SET v = 'backdated' WHERE id = 2",
                "INSERT INTO t VALUES (30, '2001-01-01 00:00:00', 'imported', 0), (31, NULL, 'unstamped', 0)")
            await follower.sweep(every: 0)
            try await follower.follow()
            #expect(try await content(follower) == content(database))
        }
    }
}

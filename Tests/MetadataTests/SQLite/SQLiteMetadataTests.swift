import Foundation
import Logging
import Operations
import Scheduling
import Testing

@testable import Metadata

@Suite struct SQLiteMetadataTests {
    private func bare(_ path: String) throws -> MetadataStore {
        MetadataStore(
            database: try SQLiteDatabase(path: path, clock: SettableClock()), liveness: ScriptedLiveness(),
            retention: RunRetention(), logger: Logger(label: "test"))
    }

    private func open(_ path: String, migrating: Bool = true) async throws -> MetadataStore {
        try await MetadataStore.open(
            .sqlite(path), clock: SettableClock(), liveness: ScriptedLiveness(), migrating: migrating)
    }

    private func inFolder(_ body: (String) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await body(folder.path)
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func `migrating twice changes nothing the second time`() async throws {
        try await inFolder { folder in
            let store = try bare(folder + "/loader.db")
            #expect(try await store.pendingMigrations().count == SQLiteSchemaStatements.steps.count)
            try await store.migrate()
            #expect(try await store.pendingMigrations().isEmpty)
            let name = try await store.installationID()
            try await store.migrate()
            #expect(try await store.installationID() == name)
        }
    }

    @Test func `eight instances that open and migrate one new file at once agree`() async throws {
        try await inFolder { folder in
            let names = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await open(folder + "/loader.db").installationID() }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(names.count == 1)
        }
    }

    @Test func `a store that is not migrated is refused where it must be`() async throws {
        try await inFolder { folder in
            let error = await #expect(throws: OperationError.self) {
                _ = try await open(folder + "/loader.db", migrating: false)
            }
            #expect(error?.code == .configuration)
            _ = try await open(folder + "/loader.db")
            _ = try await open(folder + "/loader.db", migrating: false)
        }
    }

    @Test func `file and folder are their owner's alone`() async throws {
        try await inFolder { folder in
            let store = try await open(folder + "/new/deep/loader.db")
            _ = try await store.add(Sample.job())
            #expect(try mode(folder + "/new") == 0o700)
            #expect(try mode(folder + "/new/deep") == 0o700)
            for suffix in ["", "-wal", "-shm"] {
                #expect(try mode(folder + "/new/deep/loader.db" + suffix) == 0o600)
            }
        }
    }

    @Test func `what cannot be a metadata store is refused in a sentence`() async throws {
        try await inFolder { folder in
            let text = folder + "/notes.txt"
            try String(repeating: "not a database ", count: 100).write(toFile: text, atomically: true, encoding: .utf8)
            for (path, code) in [
                (text, OperationError.Code.configuration), (text + "/loader.db", .configuration),
                (folder, .configuration), ("/proc/loader/loader.db", .configuration),
            ] {
                let error = await #expect(throws: OperationError.self, "\(path)") { _ = try await open(path) }
                #expect(error?.code == code, "\(path): \(error?.description ?? "")")
            }
            #expect(try String(contentsOfFile: text, encoding: .utf8).hasPrefix("not a database"))
        }
    }

    @Test func `another program's database and a newer version's are left alone`() async throws {
        try await inFolder { folder in
            let foreign = try bare(folder + "/foreign.db")
            try await foreign.write { _ = try MetadataStatement("CREATE TABLE mine (a INTEGER)").run($0) }
            let newer = try await open(folder + "/newer.db")
            try await newer.write { _ = try SQLiteSchemaStatements.writeVersion(99).run($0) }
            for (name, word) in [("foreign", "another program"), ("newer", "newer version")] {
                let error = await #expect(throws: OperationError.self) { _ = try await open("\(folder)/\(name).db") }
                #expect(error?.code == .configuration)
                #expect(error?.what.contains(word) == true)
            }
        }
    }

    @Test func `a full store says so and loses nothing`() async throws {
        try await inFolder { folder in
            let store = try await open(folder + "/loader.db")
            let job = try await store.add(Sample.job())
            try await store.write { database in
                let pages = try MetadataStatement("PRAGMA page_count").number(database) ?? 0
                _ = try MetadataStatement("PRAGMA max_page_count = \(pages)").number(database)
            }
            let error = await #expect(throws: OperationError.self) {
                for number in 0..<200 {
                    var big = Sample.job("big \(number)")
                    big.source = .sealed(Data(repeating: 1, count: 10_000))
                    _ = try await store.add(big)
                }
            }
            #expect(error?.code == .unavailable)
            #expect(error?.why == "the disk is full")
            #expect(try await store.jobs().contains(job))
        }
    }

    @Test func `claims walk the indexes made for them`() async throws {
        try await inFolder { folder in
            let store = try await open(folder + "/loader.db")
            for (statement, index) in [
                (LeaseStatements.due(ofJob: 1, allowsLong: true, now: 1, dialect: .sqlite), "tables_due"),
                (LeaseStatements.asked(ofJob: 1, allowsLong: true, dialect: .sqlite), "tables_requested"),
                (LeaseStatements.outlook(now: 1), "tables_due"),
                (LeaseStatements.outlook(now: 1), "tables_requested"),
                (LeaseStatements.outlook(now: 1), "tables_leased"),
                (LeaseStatements.nextMoment(now: 1), "tables_due"),
                (LeaseStatements.loseCopies(table: 1, now: 1), "table_copies_running"),
                (RunStatements.copies(table: 1, limit: 1), "table_copies_history"),
            ] {
                let plan = try await store.read { session in
                    try MetadataStatement("EXPLAIN QUERY PLAN " + statement.sql, statement.values).rows(session)
                        .map { try $0["detail"] as String }.joined(separator: "\n")
                }
                #expect(plan.contains(index), "\(plan)")
                #expect(!plan.contains("TEMP B-TREE"), "\(plan)")
            }
        }
    }

    @Test func `idle tables do not make the file grow`() async throws {
        try await MetadataFixture.with(.sqlite) { fixture, store in
            try await store.addShop(tables: (0..<50).map { "t\($0)" }, dueAt: fixture.clock.now)
            let owner = Sample.owner("ann")
            var sizes: [Int64] = []
            for _ in 0..<3 {
                for _ in 0..<10 {
                    fixture.clock.advance(60)
                    while let claimed = try await store.claimDue(by: owner, for: .seconds(30)) {
                        var copy = try await store.beginCopy(claimed)
                        try await store.record(Sample.checkpoint(batch: 1), copy: copy, of: claimed)
                        copy.result = .ok
                        try await store.finishCopy(copy)
                        let ending = RunEnding(result: .ok, isClean: true, nextRunAt: fixture.clock.now + 60)
                        try await store.release(claimed, ending)
                    }
                }
                let pages = try await store.read { try MetadataStatement("PRAGMA page_count").number($0) }
                sizes.append(try #require(pages))
            }
            #expect(sizes[2] <= sizes[0] + 2)
        }
    }
}

@Suite struct SQLiteMigrationTests {
    /// A store as the first release left it goes on with its jobs, tables and history.
    @Test func `a store of the first release is brought up to date and keeps what it has`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path + "/loader.db"
        let clock = SettableClock()
        let old = try SQLiteDatabase(path: path, clock: clock)
        try await old.write(limit: MetadataPatience.usual) { session in
            let database = try #require((session as? SQLiteSession)?.database)
            try database.execute(sql: SQLiteSchemaStatements.steps[0].sql)
            try SQLiteSchemaStatements.writeApplicationID.run(session)
            try InstallationStatements.insertInstallation("old").run(session)
            try SQLiteSchemaStatements.writeVersion(1).run(session)
            try database.execute(
                sql: """
                    INSERT INTO jobs (name, source_url_env, destination_url_env, source_schema, destination_schema,
                        active, interval_seconds, created_at, updated_at)
                    VALUES ('shop', 'S', 'D', 'sales', 'app', 1, 60, 0, 0);
                    INSERT INTO tables (job_id, source_schema, source_name, destination_schema, destination_name,
                        table_copy_type, primary_key, updated_key, mapping, next_run_at, created_at, updated_at)
                    VALUES (1, 'public', 'a', 'app', 'a', 'UpdateAndInsertTable', '["id"]', 'updated_at', '\(Self.mapping)',
                        0, 0, 0);
                    INSERT INTO table_copies (table_id, owner, result, started_at, rows) VALUES (1, 'ann', 'ok', 5, 7);
                    """)
        }
        let store = try await MetadataStore.open(.sqlite(path), clock: clock, liveness: ScriptedLiveness())
        #expect(try await store.installationID() == "old")
        let job = try #require(try await store.jobs().first)
        #expect(job.sourceSchemas == ["sales"] && job.destinationPrefix.isEmpty)
        let table = try #require(try await store.table(1))
        #expect(table.schedule == TableSchedule() && table.mapping.primaryKey == ["id"])
        #expect(table.mapping.scope.excludedColumns.isEmpty && table.mapping.badValues == .repair)
        #expect(table.lastCopy?.rows == 7 && table.lastCopy?.notices == [] && table.lastCopy?.repaired == 0)
        #expect(try await store.claimDue(by: Sample.owner("ann"), for: .seconds(30))?.table.id == 1)
    }

    /// As the first release wrote it.
    private static let mapping = #"""
        {"averageRowBytes":200,"columns":[{"destinationName":"id","destinationType":{"bigint":{}},"source":{"isNullable":false,"name":"id","replicaType":{"bigint":{}},"typeName":"bigint","warnings":[]}}],"destination":{"name":"a","schema":"app"},"jobName":"shop","mode":"UpdateAndInsertTable","primaryKey":["id"],"source":{"name":"a","schema":"public"},"updatedKey":"updated_at"}
        """#.trimmingCharacters(in: .whitespacesAndNewlines)
}

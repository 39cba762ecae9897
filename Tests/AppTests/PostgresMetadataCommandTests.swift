import Foundation
import TestServers
import Testing

/// The commands over a metadata store on PostgreSQL, as several machines would run them.
@Suite(.timeLimit(.minutes(5))) struct PostgresMetadataCommandTests {
    private static let commands: [[String]] = [
        ["migrate"], ["status"], ["jobs", "list"], ["sync", "job"], ["worker"], ["serve"], ["keys", "rotate"],
    ]

    /// Connection strings by standard input, sealed in the store.
    private static func addJob(
        _ loader: LoaderSetup, _ source: TestDatabase, _ replica: TestReplica
    ) async throws {
        let added = try await loader.run(
            "jobs", "add", "job", "--source-url-stdin", "--destination-url-stdin", "--destination-schema",
            replica.schema, input: "\(source.url)\n\(replica.url)\n")
        #expect(added.status == 0, "\(added.everything)")
        let created = try await loader.run("tables", "discover", "job", "--create", "--all")
        #expect(created.status == 0, "\(created.everything)")
    }

    @Test func `a store on PostgreSQL takes a job from nothing to an equal replica, and shows no secret`() async throws
    {
        try await SharedStore.with { loader, source, replica, store in
            try await source.run(RestoreTests.schema)
            let migrated = try await loader.run("migrate")
            #expect(migrated.status == 0 && migrated.output.contains("is up to date"), "\(migrated.everything)")
            try await Self.addJob(loader, source, replica)
            let stored = try await store.rows(
                """
                SELECT source_url_env, destination_url_env, source_url_sealed IS NOT NULL, destination_url_sealed IS NOT NULL
                FROM jobs
                """)
            #expect(stored == [[nil, nil, "t", "t"]])
            try await RestoreTests.expectSync(loader)
            try await source.run(RestoreTests.change)
            try await RestoreTests.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)

            let status = try await loader.run("status", "--json")
            let tables = try CommandTests.tables(status.output)
            #expect(status.status == 0 && tables.count == 3, "\(status.everything)")
            for table in tables {
                #expect(table["state"] as? String == "paused" && table["error"] is NSNull, "\(table)")
                #expect(table["rows"] as? Int ?? 0 > 0 && table["behind_seconds"] is NSNumber, "\(table)")
            }
            let secrets = [store.password, URL(string: replica.url)?.password(percentEncoded: false)].compactMap { $0 }
            #expect(secrets.count == 2)
            for secret in secrets {
                #expect(try await store.tables(showing: secret) == [])
                #expect(!migrated.everything.contains(secret) && !status.everything.contains(secret))
            }
        }
    }

    @Test(arguments: Self.commands)
    func `without an encryption key nothing runs`(command: [String]) async throws {
        try await SharedStore.with { loader, _, _, store in
            for key in [nil, "short"] {
                let result = try await loader.with(["ENCRYPTION_KEY": key]).start(command).finish()
                #expect(result.status == 78, "\(result.everything)")
                #expect(result.errors.contains(key == nil ? "ENCRYPTION_KEY is missing" : "ENCRYPTION_KEY must have"))
            }
            let made = try await store.database.run("SELECT to_regnamespace('redshift_loader') IS NULL")
            #expect(made.firstValue == "t", "the store was not touched")
        }
    }

    @Test(arguments: Self.commands)
    func `a store that cannot be reached, or lets nobody in, is told without the password`(
        command: [String]
    ) async throws {
        try await SharedStore.with { loader, _, _, store in
            let canary = freshName("canary")
            let nowhere = "postgres://loader:\(canary)@127.0.0.1:\(try LoopbackPort.take())/loader"
            let away = try await loader.with(["DATABASE_URL": nowhere]).start(command).finish()
            #expect(away.status == 69, "\(away.everything)")
            #expect(away.errors.contains("The metadata store postgres://") && !away.everything.contains(canary))

            let wrong = store.database.url.replacing(try #require(store.password), with: canary)
            let refused = try await loader.with(["DATABASE_URL": wrong]).start(command).finish()
            #expect(refused.status == 77, "\(refused.everything)")
            #expect(!refused.everything.contains(canary))
        }
    }

    @Test func `config show masks the store's password and the key`() async throws {
        try await SharedStore.with { loader, _, _, store in
            let password = try #require(store.password)
            let key = try #require(loader.environment["ENCRYPTION_KEY"])
            for command in [["config", "show"], ["config", "show", "--json"]] {
                let shown = try await loader.start(command).finish()
                #expect(shown.status == 0 && shown.output.contains("DATABASE_URL"), "\(shown.everything)")
                #expect(!shown.everything.contains(password) && !shown.everything.contains(key))
            }
        }
    }

    @Test func `sync follows two workers, which end within their grace`() async throws {
        try await SharedStore.with(more: ["SHUTDOWN_GRACE": "10s"]) { loader, source, replica, store in
            try await source.run(RestoreTests.schema)
            try await Self.addJob(loader, source, replica)
            let password = try #require(store.password)
            var workers: Set<String> = []
            var asked = ContinuousClock.now
            let other = try loader.start(["worker"])
            let ended: ProgramResult
            do {
                ended = try await loader.serving("worker") {
                    try await store.waitForWorkers(2)
                    workers = Set(try await store.rows("SELECT id FROM workers").compactMap { $0[0] })
                    for _ in 0..<3 {
                        try await RestoreTests.expectSync(loader)
                        try await Judge.expectEqual(source, replica, loader.folder)
                        try await source.run(RestoreTests.change)
                    }
                    try await RestoreTests.expectSync(loader)
                    asked = .now
                    other.send(SIGTERM)
                }
            } catch {
                other.send(SIGKILL)
                _ = try await other.finish()
                throw error
            }
            for result in [ended, try await other.finish()] {
                #expect(result.status == 0, "\(result.everything)")
                #expect(result.errors.contains("worker started") && result.errors.contains("worker stopped"))
                #expect(!result.everything.contains(password))
            }
            #expect(ContinuousClock.now - asked < .seconds(15))
            try await Judge.expectEqual(source, replica, loader.folder)
            let owners = Set(try await store.rows("SELECT owner FROM table_copies").compactMap { $0[0] })
            #expect(!owners.isEmpty && owners.isSubset(of: workers), "the commands ran nothing themselves")
            #expect(try await store.rows("SELECT count(*) FROM workers") == [["0"]], "they took their leave")
            #expect(try await store.rows("SELECT count(*) FROM tables WHERE lease_owner IS NOT NULL") == [["0"]])
            try await source.run(RestoreTests.change)
            try await RestoreTests.expectSync(loader)
            try await Judge.expectEqual(source, replica, loader.folder)
        }
    }

    @Test func `keys rotate brings all secrets under the new key, and the old one opens nothing more`() async throws {
        try await SharedStore.with { loader, source, replica, store in
            try await source.run(RestoreTests.schema)
            try await Self.addJob(loader, source, replica)
            try await RestoreTests.expectSync(loader)
            let old = try #require(loader.environment["ENCRYPTION_KEY"])
            let renewed = loader.with(["ENCRYPTION_KEY": SharedStore.freshKey()])
            let new = try #require(renewed.environment["ENCRYPTION_KEY"])
            let both = loader.with(["ENCRYPTION_KEY": "\(new),\(old)"])
            // Both connection strings, and the salt that the installation keeps.
            let rotated = try await both.run("keys", "rotate")
            #expect(
                rotated.status == 0 && rotated.output.contains("3 encrypted anew, 0 under"), "\(rotated.everything)")
            let again = try await both.run("keys", "rotate")
            #expect(again.status == 0 && again.output.contains("0 encrypted anew, 3 under"), "\(again.everything)")

            try await source.run(RestoreTests.change)
            try await RestoreTests.expectSync(renewed)
            try await Judge.expectEqual(source, replica, loader.folder)

            let refused = try await loader.run("tables", "discover", "job")
            #expect(refused.status == 78 && refused.errors.contains("ENCRYPTION_KEY"), "\(refused.everything)")
            let failed = try await loader.run("sync", "job", "--wait")
            #expect(failed.status == 1 && failed.everything.contains("E_SECRET_KEY"), "\(failed.everything)")
            for result in [rotated, again, refused, failed] {
                #expect(!result.everything.contains(old) && !result.everything.contains(new))
            }
            try await source.run(RestoreTests.change)
            try await RestoreTests.expectSync(renewed)
            try await Judge.expectEqual(source, replica, loader.folder)
        }
    }
}

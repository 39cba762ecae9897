import Foundation
import Replication
import TestServers
import Testing

/// A metadata store that goes away under processes that work, and comes back.
@Suite(.timeLimit(.minutes(8))) struct StoreOutageTests {
    /// No failure that the store remembers asks for a person.
    private static func expectOnlyPassingTrouble(_ store: SharedStore, _ context: String = "") async throws {
        for failure in try await store.failures() {
            let code = ErrorCode(rawValue: String(failure.prefix { $0 != ":" }))
            #expect(code?.isTransient == true, "\(context) \(failure)")
        }
    }

    @Test(arguments: ["worker", "serve"])
    func `runs go on once the store is back, and nothing is lost, doubled or left failed`(command: String) async throws
    {
        try await SharedStore.with { direct, source, replica, store in
            let metadata = try FaultProxy(.postgres, to: UInt16(store.database.endpoint.port))
            let destination = try FaultProxy(.postgres, to: UInt16(replica.endpoint.port))
            defer { for proxy in [metadata, destination] { proxy.close() } }
            let loader = direct.with([
                "DATABASE_URL": metadata.url(of: store.database.url),
                "TEST_DESTINATION": destination.url(of: replica.url),
            ])
            let password = try #require(store.password)
            try await source.run(RestoreTests.schema)
            _ = try await direct.addJob(schema: replica.schema, interval: "1s")
            #expect(try await direct.run("jobs", "setup", "job").status == 0)
            #expect(try await direct.run("jobs", "activate", "job").status == 0)
            let ended = try await loader.serving(command) {
                try await Self.waitForRows("300", "note LIKE 'first %'", replica)
                try await Self.outage(of: metadata, attempts: 3) { try await source.run(RestoreTests.change) }
                try await Self.waitForRows("1", "note = 'new'", replica)

                // While a batch is being loaded: the destination commits, and the store does not hear of it before the run
                // has given up telling it, and giving its lease back.
                destination.reset()
                let stopped = destination.stopped()
                destination.arm(.stopBefore, after: 0) { CrashStep.name(of: $0, on: .destination) == "COMMIT" }
                try await source.run("UPDATE t SET note = 'third', updated_at = now() WHERE id % 5 = 0")
                for await _ in stopped {}
                try #require(destination.hit != nil)
                try await Self.outage(of: metadata, attempts: 30) {
                    destination.resume()
                    try await source.run("INSERT INTO t (id, note) VALUES (9000, 'meanwhile')")
                }
                // At worst its lease has to expire first.
                try await Self.waitForRows("1", "note = 'meanwhile'", replica)
                try await Self.waitForRows("60", "note = 'third'", replica)
                try await until("a good status", within: .seconds(120)) {
                    let status = try await direct.run("status", "job", "--json")
                    let states = try CommandTests.tables(status.output).compactMap { $0["state"] as? String }
                    return status.status == 0 && states.count == 3
                        && states.allSatisfy { ["on_time", "syncing"].contains($0) }
                }
                try await Self.expectOnlyPassingTrouble(store)
            }
            #expect(ended.status == 0, "\(ended.everything.suffix(8_000))")
            #expect(ended.errors.contains("metadata store"), "the outage was told")
            #expect(!ended.everything.contains(password))
            // Tables that are copied whole have a longer interval.
            #expect(try await direct.run("sync", "job", "--wait").status == 0)
            try await Judge.expectEqual(source, replica, direct.folder)
        }
    }

    /// Takes the store away until the program has tried to reach it so many times: about one in a second.
    private static func outage(
        of metadata: FaultProxy, attempts: Int, _ meanwhile: () async throws -> Void
    ) async throws {
        metadata.cut()
        try await meanwhile()
        try await until("the program's noticing", within: .seconds(180)) { metadata.refusals >= attempts }
        metadata.restore()
    }

    private static func waitForRows(_ count: String, _ condition: String, _ replica: TestReplica) async throws {
        let query = "SELECT COUNT(*) FROM \(replica.schema).t WHERE \(condition)"
        try await until("\(count) rows where \(condition)", within: .seconds(120)) {
            // Before the first run there may be no such table.
            let isThere = try await replica.rows(
                """
                SELECT COUNT(*) FROM information_schema.tables
                WHERE table_schema = '\(replica.schema)' AND table_name = 't'
                """)
            guard isThere == [["1"]] else { return false }
            return try await replica.rows(query) == [[count]]
        }
    }

    /// Each COMMIT of a sync's process, its reading transactions' too, once not carried out and once not answered.
    @Test(arguments: [FaultProxy.Fault.cutBefore, .cutAfter])
    func `a connection to the store that breaks at any commit costs a run at most`(fault: FaultProxy.Fault) async throws
    {
        try await SharedStore.with { direct, source, replica, store in
            let metadata = try FaultProxy(.postgres, to: UInt16(store.database.endpoint.port))
            defer { metadata.close() }
            let loader = direct.with(["DATABASE_URL": metadata.url(of: store.database.url)])
            try await source.run(KillTests.schema)
            _ = try await direct.addJob(schema: replica.schema)
            #expect(try await direct.run("jobs", "setup", "job").status == 0)
            try await RestoreTests.expectSync(direct)
            var commits = 0
            while commits < 60 {
                try await source.run("UPDATE t SET note = 'round \(commits)', updated_at = now() WHERE id % 9 = 0")
                metadata.reset()
                metadata.arm(fault, after: commits) { $0 == "COMMIT" }
                let sync = try await loader.run("sync", "job", "--wait")
                guard metadata.hit != nil else {
                    #expect(sync.status == 0, "\(sync.everything)")
                    break
                }
                let told = "\(fault.rawValue) COMMIT \(commits): \(sync.everything)"
                #expect([0, 1, 69].contains(sync.status) && !sync.everything.isEmpty, "\(told)")
                try await Self.expectOnlyPassingTrouble(store, told)
                commits += 1
            }
            #expect((5..<60).contains(commits), "\(commits) commits were broken")
            try await RestoreTests.expectSync(direct)
            try await Judge.expectEqual(source, replica, direct.folder)
        }
    }
}

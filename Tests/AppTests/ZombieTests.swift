import Foundation
import TestServers
import Testing

/// A process that is stopped in the middle of a load, loses its lease, and wakes up after another one has taken over.
@Suite(.timeLimit(.minutes(10))) struct ZombieTests {
    private static let journey = CrashJourney(
        testDescription: "changes through S3",
        schema: [
            """
            CREATE TABLE t (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL DEFAULT now());
            INSERT INTO t SELECT i, 'first ' || i FROM generate_series(1, 200) i
            """
        ],
        environment: ["IMPORT_ROW_LIMIT": "30"], startsLoaded: true,
        change: ["UPDATE t SET note = 'changed ' || clock_timestamp(), updated_at = now() WHERE id <= 80"])

    @Test func `a zombie that wakes up before its transaction is refused by the checkpoint`() async throws {
        try await CrashLane.with(Self.journey) { lane in
            let (zombie, proxy) = try await Self.stop(lane, before: "BEGIN")
            let heir = try await lane.sync()
            #expect(heir.status == 0, "\(heir.everything)")
            #expect(try await lane.problems() == [])
            let stamp = try await Self.checkpoint(lane)

            proxy.resume()
            zombie.send(SIGCONT)
            let woken = try await zombie.finish()
            #expect(woken.status == 1 && woken.everything.contains("E_LOCKED"), "\(woken.everything)")
            #expect(try await Self.checkpoint(lane) == stamp, "the zombie wrote nothing")
            #expect(try await lane.problems() == [])
        }
    }

    /// Its transaction holds the checkpoint's lock, so that the heir waits for it; whoever comes first, each row is
    /// there once.
    @Test func `a zombie that wakes up before its COMMIT is waited for`() async throws {
        try await CrashLane.with(Self.journey) { lane in
            let (zombie, proxy) = try await Self.stop(lane, before: "COMMIT")
            let met = proxy.messages.count
            let heir = try lane.loader.start(["sync", "job", "--wait"])
            try await RestoreTests.until("the heir's look at the checkpoint") {
                proxy.messages.dropFirst(met).contains { $0.contains("FROM") && $0.contains("checkpoint_") }
            }
            proxy.resume()
            zombie.send(SIGCONT)
            _ = try await zombie.finish()
            let inherited = try await heir.finish()
            #expect(inherited.status == 0, "\(inherited.everything)")
            #expect(try await lane.problems() == [])
        }
    }

    /// Starts a run, stops it before the first step of this name at the destination, and lets its lease expire.
    private static func stop(
        _ lane: CrashLane, before step: String
    ) async throws -> (zombie: RunningProgram, proxy: FaultProxy) {
        let proxy = try #require(lane.proxies[.destination])
        try await lane.reset()
        proxy.arm(.stopBefore, after: 0) { CrashStep.name(of: $0, on: .destination) == step }
        let stopped = proxy.stopped()
        let zombie = try lane.loader.start(["sync", "job", "--wait"]) { proxy.endWaiting() }
        for await _ in stopped {}
        try #require(proxy.hit != nil, "the run was over before its \(step)")
        zombie.send(SIGSTOP)
        let python = URL(fileURLWithPath: try TestServers.required("TEST_PYTHON"))
        let expire = """
            import sqlite3, sys
            with sqlite3.connect(sys.argv[1]) as store: store.execute("UPDATE tables SET lease_expires_at = 0")
            """
        let file = lane.loader.folder.appendingPathComponent("loader.db").path
        let expired = try await RunningProgram(
            python, ["-c", expire, file], environment: [:], folder: lane.loader.folder
        ).finish()
        #expect(expired.status == 0, "\(expired.everything)")
        return (zombie, proxy)
    }

    private static func checkpoint(_ lane: CrashLane) async throws -> [[String?]] {
        let tables = try await lane.tables(of: lane.replica.schema).filter { $0.hasPrefix("checkpoint_") }
        return try await lane.replica.rows(
            "SELECT generation, batch, state FROM \(lane.replica.schema).\(try #require(tables.first))")
    }
}

import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// A source put back to an older copy of its disk keeps its name, its system identifier and its timeline.
@Suite struct RestoreTests {
    /// What is written to the restored server until the next pass.
    enum Afterwards: Sendable, CaseIterable {
        /// The counter is still behind the horizon.
        case little
        /// The counter has passed the horizon; the log is still behind where it was.
        case manyTransactions
        /// Counter and log have both passed.
        case all
    }

    private static func sql(_ afterwards: Afterwards) -> [String] {
        let burn = "DO $$ BEGIN FOR i IN 1..200 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
        let fill = "CREATE TABLE filler AS SELECT repeat(i::text, 500) FROM generate_series(1, 5000) i"
        return switch afterwards {
        case .little: []
        case .manyTransactions: [burn]
        case .all: [burn, fill]
        }
    }

    @Test(arguments: Afterwards.allCases, [SyncMode.updateAndInsert, .insertOnly])
    func `each row of a restored source arrives`(afterwards: Afterwards, mode: SyncMode) async throws {
        try await OwnServers.with { servers in
            let server = try await servers.primary()
            try await server.run(edgeTable)
            await server.stop()
            try await server.backUp()
            try await server.start()
            let follower = try await server.follower(mode: mode, lookback: 0)
            for id in 20...25 { try await server.run("INSERT INTO t VALUES (\(id), clock_timestamp(), 'lost')") }
            try await server.run("UPDATE t SET v = 'lost', updated_at = clock_timestamp() WHERE id = 3")
            try await server.run("CREATE TABLE bulk AS SELECT repeat(i::text, 500) FROM generate_series(1, 2000) i")
            try await follower.follow()
            try await follower.follow()
            #expect(await follower.value(25) == "lost")
            let horizon = try #require(await follower.state?.horizon)
            await server.kill()

            try await server.restore()
            try await server.start()
            try await server.run("INSERT INTO t SELECT i, clock_timestamp(), 'anew' FROM generate_series(20, 25) i")
            #expect(try await server.xmin(ofRow: 20) < horizon, "the test means nothing without a number used twice")
            for statement in Self.sql(afterwards) { try await server.run(statement) }
            try await server.take(over: follower)
            try await follower.follow()
            let isPast = try #require(await follower.lastStart?.nextTransaction) > horizon
            #expect(isPast == (afterwards != .little))
            for id in 20...25 { #expect(await follower.value(id) == "anew", "row \(id)") }
            // Where log and counter say nothing, a change that was lost far in the past stays for a compare to find.
            if mode == .updateAndInsert, afterwards != .all { try await expectAllArrived(follower, server) }
            await follower.close()
        }
    }

    @Test func `a crash that loses commits already read loses no row written after it`() async throws {
        try await OwnServers.with { servers in
            let server = try await servers.primary(["synchronous_commit": "off", "wal_writer_delay": "10s"])
            try await server.run(edgeTable)
            try await server.run("CHECKPOINT")
            let follower = try await server.follower()
            try await server.run("INSERT INTO t VALUES (20, clock_timestamp(), 'lost')")
            try await follower.follow()
            try await follower.follow()
            #expect(await follower.value(20) == "lost")
            await server.kill()
            try await server.start()
            print(
                "row 20 after the crash: \(try await server.run("SELECT v FROM t WHERE id = 20").firstValue ?? "gone")")
            try await server.run("DELETE FROM t WHERE id = 20; INSERT INTO t VALUES (20, clock_timestamp(), 'anew')")
            try await server.take(over: follower)
            try await follower.follow()
            try await expectAllArrived(follower, server)
            await follower.close()
        }
    }

    @Test func `a server that was only started anew is no other server`() async throws {
        try await OwnServers.with { servers in
            let server = try await servers.primary()
            try await server.run(edgeTable)
            let follower = try await server.follower()
            let floor = try #require(await follower.state?.floor)
            try await server.run("INSERT INTO t VALUES (20, clock_timestamp(), 'before')")
            await server.stop()
            try await server.start()
            try await server.run("INSERT INTO t VALUES (21, clock_timestamp(), 'after')")
            try await server.take(over: follower)
            try await follower.follow()
            try await expectAllArrived(follower, server)
            #expect(try #require(await follower.state?.floor) > floor)
            await follower.close()
        }
    }
}

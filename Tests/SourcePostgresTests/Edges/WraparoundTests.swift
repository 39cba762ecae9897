import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// Row versions show 32 bits of a transaction's number, horizons have 64.
@Suite struct WraparoundTests {
    private static let end: UInt64 = 1 << 32

    private static func burn(_ numbers: Int) -> String {
        "DO $$ BEGIN FOR i IN 1..\(numbers) LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
    }

    /// A server whose next transaction has a given number.
    private func withServer(at number: UInt64, _ body: (OwnPostgres) async throws -> Void) async throws {
        try await OwnServers.with { servers in
            let server = try await servers.primary()
            try await server.run(edgeTable)
            try await move(server, to: number)
            try await body(server)
        }
    }

    private func move(_ server: OwnPostgres, to number: UInt64) async throws {
        try await server.freezeAll()
        await server.stop()
        try await server.setNextTransaction(UInt32(truncatingIfNeeded: number), epoch: UInt32(number >> 32))
        try await server.start()
    }

    @Test func `rows of both sides of 2^32 arrive, late commits too`() async throws {
        try await withServer(at: Self.end - 60) { server in
            let follower = try await server.follower()
            #expect(try #require(await follower.state?.horizon) < Self.end)
            let late = try await server.session()
            try await late.execute("BEGIN; INSERT INTO t VALUES (10, clock_timestamp(), 'late')")
            try await server.run("INSERT INTO t VALUES (11, clock_timestamp(), 'before')")
            try await follower.follow()
            let straddling = try await server.session()
            try await straddling.execute("BEGIN; UPDATE t SET v = 'parent', updated_at = now() WHERE id = 2")
            try await server.run(Self.burn(100))
            try await straddling.execute(
                "SAVEPOINT s; UPDATE t SET v = 'child', updated_at = now() WHERE id = 3; RELEASE s")
            try await server.run("INSERT INTO t VALUES (12, clock_timestamp(), 'after')")
            #expect(try await server.xmin(ofRow: 12) < 1000)
            try await follower.follow()
            #expect(await follower.value(12) == "after")
            #expect(try #require(await follower.state?.horizon) < Self.end)
            try await straddling.execute("COMMIT")
            try await follower.follow()
            #expect(await follower.value(2) == "parent")
            #expect(await follower.value(3) == "child")
            try await late.execute("COMMIT")
            try await follower.follow()
            #expect(await follower.value(10) == "late")
            #expect(try #require(await follower.state?.horizon) > Self.end)
            try await server.run("UPDATE t SET v = 'last', updated_at = clock_timestamp() WHERE id = 11")
            try await follower.follow()
            try await expectAllArrived(follower, server)
            // Nothing is read twice: the numbers of both sides are told apart.
            #expect(try await follower.follow().isEmpty)
            await late.close()
            await straddling.close()
            await follower.close()
        }
    }

    @Test func `a horizon over 2^31 transactions old is not used`() async throws {
        try await OwnServers.with { servers in
            let server = try await servers.primary()
            try await server.run(edgeTable)
            let follower = try await server.follower()
            try await server.run("INSERT INTO t VALUES (10, clock_timestamp(), 'new')")
            try await follower.follow()
            let horizon = try #require(await follower.state?.horizon)
            let far = horizon + (1 << 31) + 5000
            try await move(server, to: far)
            try await server.run("INSERT INTO t VALUES (11, clock_timestamp(), 'far')")
            try await server.take(over: follower)
            try await follower.follow()
            #expect(try #require(await follower.state?.horizon) >= far)
            try await expectAllArrived(follower, server)
            try await server.run("INSERT INTO t VALUES (12, clock_timestamp(), 'farther')")
            try await follower.follow()
            try await expectAllArrived(follower, server)
            await follower.close()
        }
    }
}

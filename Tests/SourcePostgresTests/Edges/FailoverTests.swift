import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// Commits that a failover loses leave their transaction numbers, and their keys, to others.
@Suite struct FailoverTests {
    /// Rows 20 to 25 and a change of row 3 that reach the primary and nobody else.
    private static let lost = """
        INSERT INTO t SELECT i, clock_timestamp(), 'lost' FROM generate_series(20, 25) i;
        UPDATE t SET v = 'lost', updated_at = clock_timestamp() WHERE id = 3
        """
    /// The same keys, as the new primary hands them out.
    private static let anew = "INSERT INTO t SELECT i, clock_timestamp(), 'anew' FROM generate_series(20, 22) i"

    @Test(arguments: [SyncMode.updateAndInsert, .insertOnly])
    func `each row of a promoted standby arrives with the next pass`(mode: SyncMode) async throws {
        try await OwnServers.with { servers in
            let primary = try await servers.primary()
            try await primary.run(edgeTable)
            let standby = try await servers.standby(of: primary)
            try await standby.catchUp(with: primary)
            let follower = try await primary.follower(mode: mode, lookback: 0)
            await standby.stop()
            try await primary.run(Self.lost)
            try await follower.follow()
            try await follower.follow()
            #expect(await follower.value(25) == "lost")
            let horizon = try #require(await follower.state?.horizon)
            await primary.kill()

            try await standby.start()
            try await standby.promote()
            try await standby.run(Self.anew)
            #expect(try await standby.xmin(ofRow: 20) < horizon, "the test means nothing without a number used twice")
            try await standby.take(over: follower)
            try await follower.follow()
            #expect(await follower.lastStart?.identity.timeline == "00000002")
            try await expectArrived(follower, standby, mode)
            try await standby.run("INSERT INTO t VALUES (26, clock_timestamp(), 'later')")
            try await follower.follow()
            #expect(await follower.value(26) == "later")
            await follower.close()
        }
    }

    /// An InsertOnlyTable promises no changes: what a lost one left behind is for a compare to find.
    private func expectArrived(_ follower: TableFollower, _ server: OwnPostgres, _ mode: SyncMode) async throws {
        if mode == .insertOnly {
            for id in 20...22 { #expect(await follower.value(id) == "anew") }
        } else {
            try await expectAllArrived(follower, server, extra: ["23", "24", "25"])
        }
    }

    @Test func `an unfinished pass does not outlive its server`() async throws {
        try await OwnServers.with { servers in
            let primary = try await servers.primary()
            try await primary.run(edgeTable)
            let standby = try await servers.standby(of: primary)
            try await standby.catchUp(with: primary)
            let follower = try await primary.follower(rowLimit: 2)
            await standby.stop()
            try await primary.run(Self.lost)
            try await follower.follow(batches: 2)
            #expect(await follower.state?.pass?.position != nil)
            await primary.kill()

            try await standby.start()
            try await standby.promote()
            try await standby.run(Self.anew)
            try await standby.take(over: follower)
            try await follower.follow()
            let session = try await standby.session()
            #expect(try await follower.missing(from: session) == [])
            await session.close()
            await follower.close()
        }
    }

    /// Both standbys lack what is lost; one is promoted, and the name leads to the other, which follows it.
    @Test func `a standby that follows the promoted one is known for what it is`() async throws {
        try await OwnServers.with { servers in
            let primary = try await servers.primary()
            try await primary.run(edgeTable)
            let promoted = try await servers.standby(of: primary)
            let second = try await servers.standby(of: primary)
            try await promoted.catchUp(with: primary)
            try await second.catchUp(with: primary)
            let follower = try await primary.follower()
            await promoted.stop()
            await second.stop()
            try await primary.run(Self.lost)
            try await follower.follow()
            try await follower.follow()
            await primary.kill()

            try await promoted.start()
            try await promoted.promote()
            let host = "host=127.0.0.1 port=\(promoted.port) user=\(OwnPostgres.user)"
            await second.set("primary_conninfo", to: host)
            try await second.start()
            try await promoted.run(Self.anew)
            // The log of the new primary grows past the place that was last seen on the old one.
            try await promoted.run("CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)")
            try await second.catchUp(with: promoted)
            try await second.take(over: follower)
            try await follower.follow()
            #expect(await follower.lastStart?.identity.timeline == "00000002")
            try await expectAllArrived(follower, second, extra: ["23", "24", "25"])
            await follower.close()
        }
    }
}

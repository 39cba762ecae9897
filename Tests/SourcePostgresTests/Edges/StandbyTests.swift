import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// A hot standby as the source: it shows neither the sessions of its primary nor which transactions are open there.
@Suite struct StandbyTests {
    /// A primary with `t`, and a standby that has it too.
    private func withPair(
        _ body: (_ primary: OwnPostgres, _ standby: OwnPostgres) async throws -> Void
    ) async throws {
        try await OwnServers.with { servers in
            let primary = try await servers.primary()
            try await primary.run(edgeTable)
            let standby = try await servers.standby(of: primary, ["hot_standby_feedback": "on"])
            try await standby.catchUp(with: primary)
            try await body(primary, standby)
        }
    }

    @Test func `a transaction that stays open on the primary over passes arrives after its commit`() async throws {
        try await withPair { primary, standby in
            let follower = try await standby.follower()
            let late = try await primary.session()
            try await late.execute(
                """
                BEGIN; INSERT INTO t VALUES (10, now() - interval '15 minutes', 'late'); SAVEPOINT s;
                UPDATE t SET v = 'late', updated_at = now() - interval '15 minutes' WHERE id = 2; RELEASE s
                """)
            for round in 1...3 {
                try await primary.run("INSERT INTO t VALUES (\(100 + round), clock_timestamp(), 'early')")
                try await standby.catchUp(with: primary)
                try await follower.follow()
                #expect(await follower.value(100 + round) == "early")
                #expect(await follower.value(10) == nil)
            }
            try await late.execute("COMMIT")
            try await standby.catchUp(with: primary)
            try await follower.follow()
            #expect(await follower.value(10) == "late")
            #expect(await follower.value(2) == "late")
            try await expectAllArrived(follower, standby)
            await late.close()
            await follower.close()
        }
    }

    @Test func `a snapshot of a standby names no open transaction, and its xmin bounds them all`() async throws {
        try await withPair { primary, standby in
            let follower = try await standby.follower()
            let late = try await primary.session()
            try await late.execute("BEGIN; INSERT INTO t VALUES (10, now(), 'late')")
            let number = try #require(try await late.execute("SELECT pg_current_xact_id()").firstValue)
            try await primary.run("INSERT INTO t VALUES (11, now(), 'early')")
            try await standby.catchUp(with: primary)
            let shown = try await standby.run(
                """
                SELECT (SELECT count(*) FROM pg_snapshot_xip(pg_current_snapshot())),
                pg_snapshot_xmin(pg_current_snapshot()), (SELECT count(*) FROM pg_stat_activity WHERE xact_start < now())
                """)
            #expect(shown.rows == [["0", number, "0"]])
            try await follower.follow()
            #expect(await follower.lastStart?.horizon.map { "\($0)" } == number)
            #expect(await follower.lastStart?.activity.oldestTransaction == nil)
            try await late.execute("COMMIT")
            try await standby.catchUp(with: primary)
            try await follower.follow()
            try await expectAllArrived(follower, standby)
            await late.close()
            await follower.close()
        }
    }

    @Test func `a transaction prepared on the primary arrives when it commits`() async throws {
        try await withPair { primary, standby in
            let follower = try await standby.follower()
            try await primary.run(
                """
                BEGIN; INSERT INTO t VALUES (30, now() - interval '15 minutes', 'prepared'); PREPARE TRANSACTION 'edge'
                """)
            for round in 1...3 {
                try await primary.run("INSERT INTO t VALUES (\(100 + round), clock_timestamp(), 'early')")
                try await standby.catchUp(with: primary)
                try await follower.follow()
            }
            // A standby does not list it.
            #expect(await follower.lastStart?.activity.hasPreparedTransaction == false)
            try await primary.run("COMMIT PREPARED 'edge'")
            try await standby.catchUp(with: primary)
            try await follower.follow()
            #expect(await follower.value(30) == "prepared")
            try await expectAllArrived(follower, standby)
            await follower.close()
        }
    }

    @Test func `a standby that has replayed nothing does not move the floor`() async throws {
        try await withPair { primary, standby in
            await standby.stop()
            try await standby.start()
            let follower = try await standby.follower()
            #expect(await follower.lastStart?.activity.replayedUpTo == nil)
            #expect(await follower.state?.floor == nil)
            try await primary.run("INSERT INTO t VALUES (10, clock_timestamp(), 'new')")
            try await standby.catchUp(with: primary)
            try await follower.follow()
            let replayed = try #require(await follower.lastStart?.activity.replayedUpTo)
            let floor = await follower.state?.floor
            #expect(floor == replayed - SourceTime.hour)

            // Behind a restart point that leaves nothing to replay.
            try await primary.run("CHECKPOINT")
            try await standby.catchUp(with: primary)
            try await standby.run("CHECKPOINT")
            await standby.stop()
            try await standby.start()
            try await standby.take(over: follower)
            try await follower.follow()
            #expect(await follower.lastStart?.activity.replayedUpTo == nil)
            // It may go back for a server that was started anew, never forward.
            #expect(try #require(await follower.state?.floor) <= replayed - SourceTime.hour)
            try await expectAllArrived(follower, standby)
            await follower.close()
        }
    }

    @Test func `a standby that lags behind another one takes nothing back and loses nothing`() async throws {
        try await OwnServers.with { servers in
            let primary = try await servers.primary()
            try await primary.run(edgeTable)
            let near = try await servers.standby(of: primary)
            let far = try await servers.standby(of: primary)
            try await near.catchUp(with: primary)
            try await far.catchUp(with: primary)
            let follower = try await near.follower()
            try await far.run("SELECT pg_wal_replay_pause()")
            for round in 1...3 {
                try await primary.run("INSERT INTO t VALUES (\(100 + round), clock_timestamp(), 'new')")
                try await near.catchUp(with: primary)
                try await near.take(over: follower)
                try await follower.follow()
                #expect(await follower.value(100 + round) == "new")
                let floor = try #require(await follower.state?.floor)
                try await far.take(over: follower)
                #expect(try await follower.follow().isEmpty)
                // One that was taken for another server would go back by a day.
                #expect(try #require(await follower.state?.floor) > floor - SourceTime.hour)
            }
            try await far.run("SELECT pg_wal_replay_resume()")
            try await primary.run("INSERT INTO t VALUES (110, clock_timestamp(), 'last')")
            try await far.catchUp(with: primary)
            try await follower.follow()
            try await expectAllArrived(follower, primary)
            await follower.close()
        }
    }
}

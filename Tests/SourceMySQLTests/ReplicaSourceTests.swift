import MySQLClient
import Replication
import SourceTesting
import Testing
import TestServers

@testable import SourceMySQL

/// A read replica as the source: how far it is behind decides what a pass must read again.
@Suite struct ReplicaSourceTests {
    /// A primary with a loaded table, and a replica that has caught up with it.
    private func withReplica(_ body: (_ primary: OwnMySQL, _ replica: OwnMySQL) async throws -> Void) async throws {
        try await OwnMySQLServers.with { servers in
            let options = ["--log-bin=binlog", "--server-id=1"]
            let primary = try await servers.start(.mariadb, options)
            let replica = try await servers.start(.mariadb, ["--server-id=2", "--read-only=ON"])
            let start = try await primary.run("SELECT @@gtid_current_pos").firstValue ?? ""
            try await primary.run(
                "CREATE DATABASE d",
                "CREATE TABLE d.t (id int PRIMARY KEY, updated_at timestamp(6) NOT NULL, v varchar(10), INDEX (updated_at))",
                "INSERT INTO d.t VALUES (1, NOW(6) - INTERVAL 2 DAY, 'old'), (2, NOW(6) - INTERVAL 2 DAY, 'old')")
            try await replica.run(
                "SET GLOBAL gtid_slave_pos = '\(start)'",
                "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = \(primary.port), "
                    + "MASTER_USER = '\(OwnMySQL.user)', MASTER_USE_GTID = slave_pos", "START SLAVE")
            try await catchUp(replica, with: primary)
            try await body(primary, replica)
        }
    }

    private func catchUp(_ replica: OwnMySQL, with primary: OwnMySQL) async throws {
        let position = try await primary.run("SELECT @@gtid_current_pos").firstValue ?? ""
        let reached = try await replica.run("SELECT MASTER_GTID_WAIT('\(position)', 30)").firstValue
        #expect(reached == "0", "the replica did not reach \(position)")
    }

    private static let table = TableName(schema: "d", name: "t")

    @Test func `a replica tells its lag, and its floor lies an hour below what it shows`() async throws {
        try await withReplica { primary, replica in
            let endpoint = replica.endpoint
            let mapping = try await withSource(endpoint) { try await $0.mapping(of: Self.table) }
            let follower = TableFollower(mapping) { try await MySQLSource.connect(to: endpoint) }
            try await follower.follow()
            let activity = try #require(await follower.lastStart?.activity)
            let replayed = try #require(activity.replayedUpTo)
            #expect(activity.isStandby && !activity.hidesLag && !activity.hasHiddenSessions)
            #expect(replayed < activity.clock && activity.clock - 60 * SourceTime.second < replayed)
            #expect(await follower.state?.floor == replayed - SourceTime.hour)
            let start = try #require(await follower.lastStart)
            #expect(start.identity.system == "replica" && start.moment == nil)
            // Committed after the pass, with a stamp of half an hour ago.
            try await primary.run("INSERT INTO d.t VALUES (3, NOW(6) - INTERVAL 30 MINUTE, 'late')")
            try await catchUp(replica, with: primary)
            #expect(try await follower.followKeys() == ["3"])
            #expect(try await follower.follow().isEmpty)
            let whole = try await withSource(endpoint) {
                try await $0.mapping(of: Self.table, updated: nil, mode: .fullSync)
            }
            try await withSource(endpoint) { source in
                // A replica may show a write long after its time.
                let token = try await source.startPass(whole).changeToken
                #expect(token == nil)
            }
            let version = try await withSource(endpoint) { try await $0.probe() }
            #expect(version.isStandby && version.version.contains("MariaDB"))
        }
    }

    @Test func `while replication stands still the floor does not move`() async throws {
        try await withReplica { primary, replica in
            let endpoint = replica.endpoint
            let mapping = try await withSource(endpoint) { try await $0.mapping(of: Self.table) }
            let follower = TableFollower(mapping) { try await MySQLSource.connect(to: endpoint) }
            try await follower.follow()
            let before = try #require(await follower.state?.floor)
            try await replica.run("STOP SLAVE")
            try await primary.run("INSERT INTO d.t VALUES (4, NOW(6), 'held up')")
            #expect(try await follower.follow().isEmpty)
            let activity = try #require(await follower.lastStart?.activity)
            #expect(activity.isStandby && !activity.hidesLag && activity.replayedUpTo == nil)
            let after = try #require(await follower.state?.floor)
            #expect(after <= before)
            #expect(activity.showsUpTo == nil)
            try await replica.run("START SLAVE")
            try await catchUp(replica, with: primary)
            #expect(try await follower.followKeys() == ["4"])
            let moved = try #require(await follower.lastStart?.activity.replayedUpTo)
            #expect(moved > before)
        }
    }

    @Test func `a user who may not see the lag is told apart from a primary by its being read-only`() async throws {
        try await withReplica { primary, replica in
            try await primary.run("CREATE USER limited@'%'", "GRANT SELECT ON d.* TO limited@'%'")
            try await catchUp(replica, with: primary)
            var endpoint = replica.endpoint
            endpoint.user = "limited"
            endpoint.database = "d"
            let limited = endpoint
            let mapping = try await withSource(limited) { try await $0.mapping(of: Self.table) }
            let follower = TableFollower(mapping) { try await MySQLSource.connect(to: limited) }
            try await follower.follow()
            let activity = try #require(await follower.lastStart?.activity)
            #expect(activity.isStandby && activity.hidesLag && activity.replayedUpTo == nil)
            #expect(await follower.state?.floor == activity.clock - SourceTime.hour)
            try await primary.run("INSERT INTO d.t VALUES (5, NOW(6) - INTERVAL 50 MINUTE, 'late')")
            try await catchUp(replica, with: primary)
            #expect(try await follower.followKeys() == ["5"])
            // The primary, where the same user sees neither lag nor transactions.
            var other = primary.endpoint
            other.user = "limited"
            other.database = "d"
            let start = try await withSource(other) { try await $0.startPass(mapping) }
            #expect(!start.activity.isStandby && start.activity.hasHiddenSessions && start.identity.system != "replica")
        }
    }
}

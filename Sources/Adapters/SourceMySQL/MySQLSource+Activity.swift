import MySQLClient
import Replication

/// What other sessions do, in statements of their own: servers differ in what they have and in what they show to whom.
enum MySQLActivityStatements {
    static let clock = "SELECT UTC_TIMESTAMP(6)"

    static let variables = """
        SHOW GLOBAL VARIABLES WHERE Variable_name IN \
        ('server_uuid', 'server_uid', 'server_id', 'hostname', 'port', 'read_only', 'innodb_read_only')
        """

    /// Columns: oldest and newest start of another session's transaction in UTC. Starts are shown in the server's own zone
    /// and in whole seconds; of the two that the end of summer time makes of one, the earlier counts.
    static let transactions = """
        SELECT MIN(start), MAX(start) FROM (\
        SELECT IF(CONVERT_TZ(utc - INTERVAL 1 HOUR, '+00:00', 'SYSTEM') = local_start, utc - INTERVAL 1 HOUR, utc) AS start \
        FROM (SELECT trx_started AS local_start, CONVERT_TZ(trx_started, 'SYSTEM', '+00:00') AS utc \
        FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id <> CONNECTION_ID()) AS open_transactions) AS starts
        """

    static let uptime = "SHOW GLOBAL STATUS LIKE 'Uptime'"

    /// Its text names the number that the next transaction will take, and the age of each open one.
    static let engine = "SHOW ENGINE INNODB STATUS"

    static let replica = "SHOW REPLICA STATUS"
}

/// The readings of a pass's start.
struct MySQLReadings: Sendable {
    var identity: SourceIdentity
    var activity: SourceActivity
    var moment: SourceMoment?
}

extension MySQLSource {
    /// In this order: the clock first, then open transactions.
    func readActivity() async throws -> MySQLReadings {
        let clock = try await readClock()
        let variables = Dictionary(
            try await connection.execute(MySQLActivityStatements.variables).rows.compactMap { row in
                row[0].map { ($0.lowercased(), row[1] ?? "") }
            }, uniquingKeysWith: { first, _ in first })
        let lag = try await readLag(isReadOnly: ["read_only", "innodb_read_only"].contains { variables[$0] == "ON" })
        var activity = SourceActivity(clock: clock)
        switch lag {
        case .primary: break
        case .hidden: (activity.isStandby, activity.hidesLag) = (true, true)
        case .seconds(let seconds):
            activity.isStandby = true
            activity.replayedUpTo = seconds.map { clock - ($0 + 1) * SourceTime.second }
        }
        let isPrimary = lag == .primary
        let moment = isPrimary ? try await readTransactions(into: &activity) : nil
        return MySQLReadings(
            identity: Self.identity(variables, isPrimary: isPrimary, database: connection.endpoint.database),
            activity: activity, moment: moment)
    }

    /// From the list of transactions and from the engine's status, which says less but is never old: the list is made
    /// anew only after nobody has read it for a tenth of a second, so that many readers keep it as it is for good
    /// (https://dev.mysql.com/doc/refman/8.4/en/innodb-information-schema-internal-data.html).
    private func readTransactions(into activity: inout SourceActivity) async throws -> SourceMoment? {
        guard let row = try await permitted(MySQLActivityStatements.transactions)?.first, row.count == 2,
            let text = try await permitted(MySQLActivityStatements.engine)?.first?.last ?? nil,
            let status = MySQLEngineStatus(text)
        else {
            activity.hasHiddenSessions = true
            return nil
        }
        let listed = row[0].flatMap(SourceTime.init(parsing:)) ?? activity.clock
        // Starts and ages are in whole seconds.
        let oldest = min(listed, activity.clock - status.oldestSeconds * SourceTime.second)
        activity.oldestTransaction = min(oldest, activity.clock) - SourceTime.second
        activity.newestTransaction = row[1].flatMap(SourceTime.init(parsing:))
        // The list cannot tell them from the server's own short ones, which have no session either.
        activity.hasPreparedTransaction = status.hasPrepared
        let uptime = try await connection.execute(MySQLActivityStatements.uptime).rows.first?.last ?? nil
        // It is told in whole seconds, and of a moment between two looks at the clock, which a busy server draws apart.
        let apart = try await readClock().microseconds - activity.clock.microseconds
        return SourceMoment(
            position: status.counter, time: activity.clock,
            startedAt: uptime.flatMap { Int64($0) }.map { activity.clock - $0 * SourceTime.second },
            startSlack: 2 * SourceTime.second + max(0, apart))
    }

    private func readClock() async throws -> SourceTime {
        let text = try await connection.execute(MySQLActivityStatements.clock).firstValue
        guard let clock = text.flatMap(SourceTime.init(parsing:)) else { throw Self.unreadable("the clock") }
        return clock
    }

    enum ReplicaLag: Sendable, Hashable {
        case primary
        case hidden
        /// nil: replication has stopped.
        case seconds(Int64?)
    }

    private func readLag(isReadOnly: Bool) async throws -> ReplicaLag {
        let answer: MySQLResult
        do {
            answer = try await connection.execute(MySQLActivityStatements.replica)
        } catch let error as MySQLError where error.code == .permission {
            return isReadOnly ? .hidden : .primary
        }
        // Hosted ones that read their primary's storage have no replication to show.
        guard let row = answer.rows.first else { return isReadOnly ? .hidden : .primary }
        let place = answer.columns.firstIndex {
            ["seconds_behind_source", "seconds_behind_master"].contains($0.name.lowercased())
        }
        return .seconds(place.flatMap { row[$0] }.flatMap { Int64($0) })
    }

    /// - Returns: nil where the user may not ask that, or where the server cannot answer: MySQL shows the statement of each
    ///   transaction in a narrower character set, and fails (3854) where one holds an emoji.
    private func permitted(_ statement: String) async throws -> [[String?]]? {
        do {
            return try await connection.execute(statement).rows
        } catch let error as MySQLError where error.code == .permission || error.errno == 3854 {
            return nil
        }
    }

    /// Replicas answer by turns behind one name, each under a name of its own: they count as one.
    private static func identity(_ variables: [String: String], isPrimary: Bool, database: String) -> SourceIdentity {
        let names = ["server_uid", "hostname", "server_id", "port"].compactMap { variables[$0] }
        let system = isPrimary ? variables["server_uuid"] ?? names.joined(separator: "/") : "replica"
        return SourceIdentity(system: system, timeline: "", database: database)
    }
}

import MySQLClient
import PostgresClient
import Replication
import SourceMySQL
import SourcePostgres
import Synchronization
import Testing
import TestServers

/// PostgreSQL.
final class PostgresUnderTest: SourceUnderTest {
    let database: TestDatabase
    private let users = Mutex<[String]>([])

    init(database: TestDatabase) {
        self.database = database
    }

    var schema: String { "public" }
    var dialect: Dialect { .postgres }

    func run(_ statements: String...) async throws -> [[String?]] {
        var rows: [[String?]] = []
        for statement in statements { rows = try await database.run(statement).rows }
        return rows
    }

    func session() async throws -> any OpenSession { try await database.session() }

    func connect(hashSalt: String) async throws -> any OfferedSource {
        try await PostgresSource.connect(to: database.endpoint, hashSalt: hashSalt)
    }

    func connect(reading columns: [String], of table: String) async throws -> any OfferedSource {
        let user = freshName("reader")
        try await database.run(
            "CREATE ROLE \(user) LOGIN PASSWORD 'pw'; GRANT INSERT, SELECT (\(columns.joined(separator: ", "))) "
                + "ON \(table) TO \(user)")
        users.withLock { $0.append(user) }
        var endpoint = database.endpoint
        endpoint.user = user
        endpoint.password = PostgresPassword("pw")
        return try await PostgresSource.connect(to: endpoint)
    }

    func settle() async throws {
        let now = try await database.run("SELECT pg_current_xact_id()").firstValue ?? "0"
        let deadline = ContinuousClock.now + .seconds(20)
        while try await database.run("SELECT pg_snapshot_xmin(pg_current_snapshot()) <= '\(now)'::xid8").firstValue
            == "t"
        {
            guard ContinuousClock.now < deadline else {
                Issue.record("a transaction older than \(now) is still open in this cluster")
                return
            }
        }
    }

    func otherSessions() async throws -> Int {
        let count = try await database.run(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        return Int(count.firstValue ?? "") ?? -1
    }

    /// Roles belong to the whole cluster.
    func dropUsers() async {
        for user in users.withLock({ $0 }) {
            do { try await database.run("DROP OWNED BY \(user); DROP ROLE \(user)") } catch {
                Issue.record("\(user) could not be dropped: \(error)")
            }
        }
    }
}

extension PostgresConnection: OpenSession {
    func run(_ statement: String) async throws { try await execute(statement) }
}

/// MariaDB or MySQL.
struct MySQLUnderTest: SourceUnderTest {
    let database: TestSchema

    var schema: String { database.name }
    var dialect: Dialect { .mysql }

    func run(_ statements: String...) async throws -> [[String?]] {
        var rows: [[String?]] = []
        for statement in statements { rows = try await database.run(statement).rows }
        return rows
    }

    func session() async throws -> any OpenSession {
        let session = try await database.session()
        try await session.execute("SET SESSION time_zone = '+00:00'")
        return session
    }

    func connect(hashSalt: String) async throws -> any OfferedSource {
        // TLS handshakes would take most of the tests' time.
        var endpoint = database.endpoint
        endpoint.tls = MySQLTLS(mode: .disable)
        return try await MySQLSource.connect(to: endpoint, hashSalt: hashSalt)
    }

    func connect(reading columns: [String], of table: String) async throws -> any OfferedSource {
        let list = columns.joined(separator: ", ")
        let user = try await database.user(grants: ["INSERT, SELECT (\(list)) ON \(database.name).\(table)"])
        return try await MySQLSource.connect(to: user.endpoint)
    }

    func settle() async throws {}

    func otherSessions() async throws -> Int {
        let count = try await database.run(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()")
        return Int(count.firstValue ?? "") ?? -1
    }
}

extension MySQLConnection: OpenSession {
    func run(_ statement: String) async throws { try await execute(statement) }
}

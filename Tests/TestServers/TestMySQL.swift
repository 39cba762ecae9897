import Foundation
import MySQLClient
import Synchronization

/// The two families of servers that speak MySQL's protocol; what reads one must read the other.
package enum MySQLServerKind: String, CaseIterable, Sendable {
    case mariadb
    case mysql

    /// Those that this run tests: both. MySQL is left out only where there is none and the caller of `scripts/test` said
    /// ALLOW_NO_MYSQL=1, which the script repeats loudly.
    package static var tested: [MySQLServerKind] { allCases.filter { $0 == .mariadb || isMySQLTested } }

    /// For the tests of MySQL alone.
    package static var isMySQLTested: Bool {
        MySQLServerKind.mysql.isAvailable || ProcessInfo.processInfo.environment["ALLOW_NO_MYSQL"] != "1"
    }

    package var isAvailable: Bool { ProcessInfo.processInfo.environment[variable("URL")]?.isEmpty == false }

    /// `mysql://` with the password of an administrator, in the system's own database.
    /// - Throws: `MissingServer`.
    package func url() throws -> String { try TestServers.required(variable("URL")) }

    package func endpoint() throws -> MySQLEndpoint { try MySQLEndpoint.parse(try url()).endpoint }

    /// The file with the certificate of the authority that signed the server's, which is for `localhost` and 127.0.0.1.
    package func authority() throws -> String { try TestServers.required(variable("CA")) }

    private func variable(_ what: String) -> String { "TEST_\(rawValue.uppercased())_\(what)" }
}

/// A database of its own for one test, on the shared MariaDB or MySQL.
package final class TestSchema: Sendable {
    package let kind: MySQLServerKind
    package let name: String
    /// An administrator, in this database.
    package let endpoint: MySQLEndpoint
    package let connection: MySQLConnection
    /// `mysql://` with the password, for programs under test.
    package let url: String
    private let users = Mutex<[String]>([])

    private init(kind: MySQLServerKind, name: String) async throws {
        self.kind = kind
        self.name = name
        url = try kind.url().replacing(/\/[^\/]*$/, with: "/\(name)")
        endpoint = try MySQLEndpoint.parse(url).endpoint
        connection = try await MySQLConnection.connect(to: endpoint)
    }

    /// Makes a database, runs `body`, and drops it and its users however `body` ends.
    /// - Parameter options: Of CREATE DATABASE.
    package static func with<Result>(
        _ kind: MySQLServerKind, options: String = "CHARACTER SET utf8mb4",
        isolation: isolated (any Actor)? = #isolation,
        _ body: (TestSchema) async throws -> Result
    ) async throws -> Result {
        let admin = try await MySQLConnection.connect(to: kind.endpoint())
        let name = freshName("test")
        try await admin.execute("CREATE DATABASE \(name) \(options)")
        let schema = try await TestSchema(kind: kind, name: name)
        do {
            let result = try await body(schema)
            try await schema.remove(by: admin)
            return result
        } catch {
            try await schema.remove(by: admin)
            throw error
        }
    }

    private func remove(by admin: MySQLConnection) async throws {
        await connection.close()
        // A transaction that a test left open would hold the drop up; its session ends a moment after its closing.
        try await admin.execute("SET SESSION lock_wait_timeout = 30")
        try await admin.execute("DROP DATABASE \(name)")
        for user in users.withLock({ $0 }) { try await admin.execute("DROP USER '\(user)'@'%'") }
        await admin.close()
    }

    /// Runs statements, one after the other, as administrator.
    /// - Returns: The last one's answer.
    @discardableResult
    package func run(_ statements: String...) async throws -> MySQLResult {
        var result = MySQLResult(columns: [], rows: [], affectedRows: 0)
        for statement in statements { result = try await connection.execute(statement) }
        return result
    }

    /// Another session, for transactions that stay open.
    package func session() async throws -> MySQLConnection {
        try await MySQLConnection.connect(to: endpoint)
    }

    /// A user with these rights and no others, dropped with the database.
    /// - Parameters:
    ///   - grants: For example `["SELECT ON shop.*", "PROCESS ON *.*"]`; nil: all in this database.
    /// - Returns: Its endpoint in this database, and the URL of that.
    package func user(
        grants: [String]? = nil, password: String = freshName("pw")
    ) async throws -> (endpoint: MySQLEndpoint, url: String) {
        let user = freshName("user")
        try await connection.execute("CREATE USER '\(user)'@'%' IDENTIFIED BY \(MySQLSQL.literal(password))")
        users.withLock { $0.append(user) }
        for grant in grants ?? ["ALL ON \(name).*"] { try await connection.execute("GRANT \(grant) TO '\(user)'@'%'") }
        var limited = endpoint
        limited.user = user
        limited.password = MySQLPassword(password)
        let encoded = password.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return (limited, "mysql://\(user):\(encoded)@\(endpoint.host):\(endpoint.port)/\(name)")
    }
}

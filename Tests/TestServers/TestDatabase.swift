import PostgresClient

/// A database of its own for one test, on the real PostgreSQL.
package struct TestDatabase: Sendable {
    package let endpoint: PostgresEndpoint
    /// As superuser.
    package let connection: PostgresConnection
    /// `postgres://` with the password, for programs under test.
    package let url: String

    /// Makes a database, runs `body`, and drops it however `body` ends.
    /// - Parameter options: Of CREATE DATABASE.
    package static func with<Result>(
        options: String = "", isolation: isolated (any Actor)? = #isolation,
        _ body: (TestDatabase) async throws -> Result
    ) async throws -> Result {
        let admin = try await PostgresConnection.connect(to: TestServers.postgres())
        let name = freshName("test")
        try await admin.execute("CREATE DATABASE \(name) \(options)")
        var endpoint = try TestServers.postgres()
        endpoint.database = name
        let url = try TestServers.required("TEST_POSTGRES_URL").replacing(/\/[^\/]*$/, with: "/\(name)")
        do {
            let connection = try await PostgresConnection.connect(to: endpoint)
            let result = try await body(TestDatabase(endpoint: endpoint, connection: connection, url: url))
            await connection.close()
            try await admin.execute("DROP DATABASE \(name) WITH (FORCE)")
            await admin.close()
            return result
        } catch {
            try await admin.execute("DROP DATABASE \(name) WITH (FORCE)")
            await admin.close()
            throw error
        }
    }

    /// Runs statements as superuser.
    @discardableResult
    package func run(_ sql: String) async throws -> PostgresResult {
        try await connection.execute(sql)
    }

    /// Another session, for transactions that stay open.
    package func session() async throws -> PostgresConnection {
        try await PostgresConnection.connect(to: endpoint)
    }
}

/// A schema of its own for one test, in the stand-in's database.
package struct TestReplica: Sendable {
    package let endpoint: PostgresEndpoint
    package let connection: PostgresConnection
    package let schema: String
    /// `redshift://` with the password, for programs under test.
    package let url: String

    /// Makes a schema, runs `body`, and drops it however `body` ends.
    package static func with<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (TestReplica) async throws -> Result
    ) async throws -> Result {
        let endpoint = try TestServers.standIn()
        let connection = try await PostgresConnection.connect(to: endpoint)
        let replica = TestReplica(
            endpoint: endpoint, connection: connection, schema: freshName("replica"),
            url: try TestServers.required("TEST_STANDIN_URL"))
        try await connection.execute("CREATE SCHEMA \(replica.schema)")
        do {
            let result = try await body(replica)
            try await connection.execute("DROP SCHEMA \(replica.schema) CASCADE")
            await connection.close()
            return result
        } catch {
            try await connection.execute("DROP SCHEMA \(replica.schema) CASCADE")
            await connection.close()
            throw error
        }
    }

    /// All rows of a query, as text.
    package func rows(_ sql: String) async throws -> [[String?]] {
        try await connection.execute(sql).rows
    }
}

import MySQLClient
import PostgresClient
import Replication
import SourceMySQL
import SourcePostgres
import TestServers

/// A kind of server that tables are read from.
enum SourceServerKind: Sendable, Hashable, CustomStringConvertible {
    case postgres
    case mysql(MySQLServerKind)

    static let tested = [SourceServerKind.postgres] + MySQLServerKind.tested.map { SourceServerKind.mysql($0) }

    var description: String {
        switch self {
        case .postgres: "PostgreSQL"
        case .mysql(.mariadb): "MariaDB"
        case .mysql(.mysql): "MySQL"
        }
    }

    /// Rows show which transaction wrote them.
    var showsTransactions: Bool { self == .postgres }
}

/// A database of its own on one of them, and how the loader reads it.
struct SourceServer: Sendable {
    let kind: SourceServerKind
    let schema: String
    let url: String
    let postgres: TestDatabase?
    let mysql: TestSchema?

    static func with<Result>(
        _ kind: SourceServerKind, isolation: isolated (any Actor)? = #isolation,
        _ body: (SourceServer) async throws -> Result
    ) async throws -> Result {
        switch kind {
        case .postgres:
            try await TestDatabase.with { database in
                try await body(
                    SourceServer(kind: kind, schema: "public", url: database.url, postgres: database, mysql: nil))
            }
        case .mysql(let server):
            try await TestSchema.with(server) { schema in
                try await schema.run("SET time_zone = '+00:00'")
                return try await body(
                    SourceServer(kind: kind, schema: schema.name, url: schema.url, postgres: nil, mysql: schema))
            }
        }
    }

    @discardableResult
    func run(_ sql: String) async throws -> [[String?]] {
        if let postgres { return try await postgres.run(sql).rows }
        return try await mysql?.run(sql).rows ?? []
    }

    var port: UInt16 { UInt16(postgres?.endpoint.port ?? mysql?.endpoint.port ?? 0) }

    func source() async throws -> any TableSource {
        if let mysql { return try await MySQLSource.connect(to: mysql.endpoint) }
        guard let postgres else { throw MissingServer(variable: "a server") }
        return try await PostgresSource.connect(to: postgres.endpoint)
    }

    /// Values as both sides can be compared: servers write offsets and fractions of seconds in their own ways.
    static func plain(_ rows: [[String?]]) -> [[String?]] {
        rows.map { $0.map { $0?.replacing(/\+00(:00)?$/, with: "").replacing(/(:\d\d(\.\d*?[1-9])?)\.?0*$/) { $0.1 } } }
    }
}

import MySQLClient
import PostgresClient
import Replication
import SourceMySQL
import SourcePostgres
import SourceTesting
import Testing
import TestServers

/// What every source offers beyond the seam: to people.
protocol OfferedSource: TableSource {
    func tables(inSchema schema: String) async throws -> [SourceTable]
    func checkFilter(of mapping: TableMapping) async throws
    func count(_ mapping: TableMapping, from floor: CursorFloor?, within limit: Duration) async throws -> Int?
}

extension PostgresSource: OfferedSource {}
extension MySQLSource: OfferedSource {}

/// The sources that one list of tests runs over.
enum SourceKind: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case postgres, mariadb, mysql

    /// MySQL is left out only where there is none and the caller of `scripts/test` has allowed that.
    static var tested: [SourceKind] { allCases.filter { $0 != .mysql || MySQLServerKind.isMySQLTested } }

    var testDescription: String { rawValue }
}

/// A fresh database on one of the servers, and how its SQL differs from that of the others.
protocol SourceUnderTest: Sendable {
    /// Where tables lie.
    var schema: String { get }
    var dialect: Dialect { get }

    /// One statement, or several in a row, of an administrator whose session is in UTC.
    /// - Returns: The last one's rows.
    @discardableResult
    func run(_ statements: String...) async throws -> [[String?]]

    /// Another session for transactions that stay open; its statements go one by one.
    func session() async throws -> any OpenSession

    func connect(hashSalt: String) async throws -> any OfferedSource

    /// As a user who may read only these columns of a table.
    func connect(reading columns: [String], of table: String) async throws -> any OfferedSource

    /// Waits, bounded, until no transaction of another test keeps rows from being settled.
    func settle() async throws

    /// Sessions of this database beside the fixture's own.
    func otherSessions() async throws -> Int
}

/// A session of its own.
protocol OpenSession: Sendable {
    func run(_ statement: String) async throws
    func close() async
}

/// The words in which fixtures are written.
struct Dialect: Sendable {
    var stamp: String
    /// The time at which the statement runs, not its transaction.
    var now: String
    var binary: String
    var instant: String
    var isPostgres: Bool

    static let postgres = Dialect(
        stamp: "timestamptz", now: "clock_timestamp()", binary: "bytea", instant: "timestamp", isPostgres: true)
    // DEFAULT: MariaDB gives the first TIMESTAMP of a table one of its own, which follows every write.
    static let mysql = Dialect(
        stamp: "timestamp(6)", now: "SYSDATE(6)", binary: "varbinary(100)", instant: "datetime(6)", isPostgres: false)

    func name(_ name: String) -> String { isPostgres ? PostgresSQL.identifier(name) : MySQLSQL.identifier(name) }

    func text(_ text: String) -> String {
        isPostgres ? "'" + text.replacing("'", with: "''") + "'" : MySQLSQL.literal(text)
    }

    func bytes(_ digits: String) -> String { isPostgres ? #"'\x\#(digits)'::bytea"# : "x'\(digits)'" }

    /// A column type that is written like this after a change.
    func retype(_ column: String, _ type: String) -> String {
        isPostgres ? "ALTER \(column) TYPE \(type)" : "MODIFY \(column) \(type)"
    }

    /// `seconds` before now.
    func ago(_ seconds: Int) -> String {
        isPostgres ? "\(now) - interval '\(seconds) s'" : "\(now) - INTERVAL \(seconds) SECOND"
    }
}

extension SourceUnderTest {
    func name(_ table: String) -> TableName { TableName(schema: schema, name: table) }

    /// Runs `body` with a source, and closes it however `body` ends.
    func withSource<Result>(
        hashSalt: String = "", isolation: isolated (any Actor)? = #isolation,
        _ body: (any OfferedSource) async throws -> Result
    ) async throws -> Result {
        let source = try await connect(hashSalt: hashSalt)
        do {
            let result = try await body(source)
            await source.close()
            return result
        } catch {
            await source.close()
            throw error
        }
    }

    func mapping(
        _ table: String = "t", key: [String] = ["id"], updated: String? = "updated_at",
        mode: SyncMode = .updateAndInsert, cursor: String? = nil
    ) async throws -> TableMapping {
        try await withSource {
            try await $0.mapping(of: name(table), key: key, updated: updated, mode: mode, cursor: cursor)
        }
    }

    func follower(
        _ mapping: TableMapping, rowLimit: Int = 1000, sweepInterval: Int64 = .max
    ) -> TableFollower {
        TableFollower(mapping, rowLimit: rowLimit, sweepInterval: sweepInterval) { [self] in
            try await connect(hashSalt: "")
        }
    }

    /// The first column of a query's rows.
    func first(_ query: String) async throws -> [String?] {
        try await run(query).map { $0.first ?? nil }
    }
}

/// Makes a database on that kind of server, runs `body`, and drops it however `body` ends.
func withDatabase<Result>(
    _ kind: SourceKind, isolation: isolated (any Actor)? = #isolation,
    _ body: (any SourceUnderTest) async throws -> Result
) async throws -> Result {
    switch kind {
    case .postgres:
        return try await TestDatabase.with { database in
            try await database.run("SET TimeZone TO 'UTC'")
            let under = PostgresUnderTest(database: database)
            do {
                let result = try await body(under)
                await under.dropUsers()
                return result
            } catch {
                await under.dropUsers()
                throw error
            }
        }
    case .mariadb, .mysql:
        return try await TestSchema.with(kind == .mariadb ? .mariadb : .mysql) { schema in
            try await schema.run("SET SESSION time_zone = '+00:00'")
            return try await body(MySQLUnderTest(database: schema))
        }
    }
}

/// The error of `body`, which must be a source's.
func failure(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> ReplicationError? {
    await #expect(throws: ReplicationError.self, sourceLocation: sourceLocation) { try await body() }
}

/// Statements that make `t`: an integer key, a stamp, a text and an integer.
func tableStatement(_ dialect: Dialect, isNullable: Bool = false) -> String {
    let stamp =
        dialect.stamp + (isNullable ? " NULL" : " NOT NULL")
        + (isNullable ? " DEFAULT NULL" : " DEFAULT CURRENT_TIMESTAMP" + (dialect.isPostgres ? "" : "(6)"))
    return "CREATE TABLE t (id int PRIMARY KEY, updated_at \(stamp), v varchar(100), w int)"
}

import MySQLClient
import Replication
import SourceTesting
import Testing
import TestServers

@testable import SourceMySQL

extension MySQLServerKind: CustomTestStringConvertible {
    package var testDescription: String { rawValue }
}

extension MySQLEndpoint {
    /// Without TLS, whose handshakes would take most of the tests' time.
    var plain: MySQLEndpoint {
        var plain = self
        plain.tls = MySQLTLS(mode: .disable)
        return plain
    }
}

extension Trait where Self == ConditionTrait {
    /// For tests of MySQL proper.
    static var onMySQL: Self {
        .enabled(if: MySQLServerKind.isMySQLTested, "this machine has no MySQL, and ALLOW_NO_MYSQL allows that")
    }
}

/// Runs `body` in a fresh database whose administrator's session is in UTC.
func withSchema<Result>(
    _ kind: MySQLServerKind, options: String = "CHARACTER SET utf8mb4", isolation: isolated (any Actor)? = #isolation,
    _ body: (TestSchema) async throws -> Result
) async throws -> Result {
    try await TestSchema.with(kind, options: options) { schema in
        try await schema.run("SET SESSION time_zone = '+00:00'")
        return try await body(schema)
    }
}

extension TestSchema {
    func table(_ name: String) -> TableName { TableName(schema: self.name, name: name) }

    /// Runs `body` with a source, and closes it however `body` ends.
    func withSource<Result>(
        as user: MySQLEndpoint? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (MySQLSource) async throws -> Result
    ) async throws -> Result {
        try await SourceMySQLTests.withSource(user ?? endpoint, body)
    }

    func mapping(
        _ table: String = "t", key: [String] = ["id"], updated: String? = "updated_at",
        mode: SyncMode = .updateAndInsert, cursor: String? = nil
    ) async throws -> TableMapping {
        try await withSource {
            try await $0.mapping(of: self.table(table), key: key, updated: updated, mode: mode, cursor: cursor)
        }
    }

    func follower(
        _ mapping: TableMapping, as user: MySQLEndpoint? = nil, rowLimit: Int = 1000, sweepInterval: Int64 = .max
    ) -> TableFollower {
        let endpoint = (user ?? endpoint).plain
        return TableFollower(mapping, rowLimit: rowLimit, sweepInterval: sweepInterval) {
            try await MySQLSource.connect(to: endpoint)
        }
    }

    /// The only batch of a table's load.
    func rows(_ mapping: TableMapping) async throws -> [[String?]] {
        try await withSource { source in
            try await source.batch(
                BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 100_000)
            ).1
        }
    }
}

func withSource<Result>(
    _ endpoint: MySQLEndpoint, isolation: isolated (any Actor)? = #isolation,
    _ body: (MySQLSource) async throws -> Result
) async throws -> Result {
    let source = try await MySQLSource.connect(to: endpoint.plain)
    do {
        let result = try await body(source)
        await source.close()
        return result
    } catch {
        await source.close()
        throw error
    }
}

/// The error of `body`, which must be a source's.
func failure(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> ReplicationError? {
    await #expect(throws: ReplicationError.self, sourceLocation: sourceLocation) { try await body() }
}

/// A key of some type, with the SQL of the key numbered `n`.
struct KeyKind: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var columns: [(name: String, type: String)]
    var value: @Sendable (Int) -> [String]

    var names: [String] { columns.map(\.name) }

    static let all = [
        KeyKind(testDescription: "integer", columns: [("id", "int")], value: { ["\($0)"] }),
        KeyKind(
            testDescription: "bigint unsigned", columns: [("id", "bigint unsigned")],
            value: { ["\(18_446_744_073_709_550_000 + UInt64($0))"] }),
        // In the order of text, 10 comes before 9.
        KeyKind(testDescription: "digits as text", columns: [("id", "varchar(20)")], value: { ["'\($0)'"] }),
        KeyKind(testDescription: "text", columns: [("id", "varchar(20)")], value: { ["'key \($0 + 1000)'"] }),
        KeyKind(
            testDescription: "binary(16)", columns: [("id", "binary(16)")],
            value: { ["x'\(String(repeating: "0", count: 28))\(String($0 + 0x8000, radix: 16))'"] }),
        KeyKind(
            testDescription: "composite", columns: [("shop", "int"), ("id", "varchar(20)")],
            value: { ["\($0 / 10)", "'\($0 % 10)'"] }),
        KeyKind(
            testDescription: "text and integer", columns: [("shop", "varchar(20)"), ("id", "int")],
            value: { ["'\($0 < 10 ? "1" : $0 < 100 ? "10" : "9")'", "\($0)"] }),
    ]

    /// A table of these columns, a stamp, a text and the number.
    var table: String {
        let definition = columns.map { "\($0.name) \($0.type) NOT NULL" }.joined(separator: ", ")
        return
            "CREATE TABLE t (\(definition), updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), v varchar(50), "
            + "n int NOT NULL, PRIMARY KEY (\(names.joined(separator: ", "))), INDEX (updated_at))"
    }

    func row(_ number: Int, stamp: String, _ text: String) -> String {
        "(\((value(number) + [stamp, "'\(text)'", "\(number)"]).joined(separator: ", ")))"
    }

    func insert(_ numbers: some Sequence<Int>, stamp: String = "SYSDATE(6)", _ text: String) -> String {
        "INSERT INTO t VALUES " + numbers.map { row($0, stamp: stamp, text) }.joined(separator: ", ")
    }
}

/// The place of a row's number: the last field but for those that mark empty bytes.
private func place(_ row: [String?]) -> Int { row.lastIndex { Int($0 ?? "") != nil } ?? 0 }

/// The number and the text of each row, the last two columns of `KeyKind.table`.
func content(_ follower: TableFollower) async -> [Int: String] {
    Dictionary(
        await follower.replica.values.map { (Int($0[place($0)] ?? "") ?? -1, $0[place($0) - 1] ?? "NULL") },
        uniquingKeysWith: { first, _ in first })
}

func content(_ schema: TestSchema) async throws -> [Int: String] {
    Dictionary(
        uniqueKeysWithValues: try await schema.run("SELECT n, v FROM t").rows.map {
            (Int($0[0] ?? "") ?? -1, $0[1] ?? "NULL")
        })
}

/// The numbers of rows that were read.
func numbers(_ rows: [[String?]]) -> [Int] { rows.map { Int($0[place($0)] ?? "") ?? -1 }.sorted() }

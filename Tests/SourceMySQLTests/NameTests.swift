import MySQLClient
import Replication
import SourceTesting
import Testing
import TestServers

@testable import SourceMySQL

/// Names of tables, columns and databases, on servers that tell upper from lower case and on those that do not.
@Suite struct NameTests {
    /// 64 characters, the most that servers take; some of three bytes.
    private static let longest = "Grüße `日本` a.b" + String(repeating: "é", count: 50)

    private func columns(_ name: String) -> String {
        "(\(MySQLSQL.identifier(name)) int PRIMARY KEY, updated_at timestamp(6) NOT NULL)"
    }

    /// Loads a table, changes a row, and follows.
    private func follow(_ endpoint: MySQLEndpoint, _ table: TableName, key: String, _ admin: MySQLConnection)
        async throws
    {
        let mapping = try await withSource(endpoint) { try await $0.mapping(of: table, key: [key]) }
        let follower = TableFollower(mapping, rowLimit: 2) { try await MySQLSource.connect(to: endpoint) }
        #expect(try await Set(follower.followKeys()) == ["1", "2", "3"])
        let name = "\(MySQLSQL.identifier(table.schema)).\(MySQLSQL.identifier(table.name))"
        try await admin.execute(
            "UPDATE \(name) SET updated_at = SYSDATE(6) WHERE \(MySQLSQL.identifier(key)) = 2")
        #expect(try await follower.followKeys() == ["2"])
    }

    private static func insert(into name: String) -> String {
        "INSERT INTO \(name) VALUES " + (1...3).map { "(\($0), '2026-01-01')" }.joined(separator: ", ")
    }

    @Test(arguments: MySQLServerKind.tested)
    func `the longest names of any characters are taken`(_ kind: MySQLServerKind) async throws {
        #expect(Self.longest.count == 64)
        try await withSchema(kind) { schema in
            let quoted = MySQLSQL.identifier(Self.longest)
            try await schema.run("CREATE TABLE \(quoted) \(columns(Self.longest))", Self.insert(into: quoted))
            let found = try await schema.withSource { try await $0.tables(inSchema: schema.name) }
            #expect(found.map(\.name.name) == [Self.longest])
            #expect(found.first?.columns.first?.name == Self.longest)
            try await follow(schema.endpoint, schema.table(Self.longest), key: Self.longest, schema.connection)
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `where case counts, tables that differ by it are two`(_ kind: MySQLServerKind) async throws {
        try await withSchema(kind) { schema in
            #expect(try await schema.run("SELECT @@lower_case_table_names").firstValue == "0")
            for (number, name) in ["Orders", "ORDERS", "orders"].enumerated() {
                try await schema.run(
                    "CREATE TABLE \(name) (id int PRIMARY KEY, only_\(number) int)",
                    "INSERT INTO \(name) VALUES (\(number), 5)")
            }
            try await schema.withSource { source in
                #expect(
                    try await Set(source.tables(inSchema: schema.name).map(\.name.name)) == [
                        "Orders", "ORDERS", "orders",
                    ])
                for (number, name) in ["Orders", "ORDERS", "orders"].enumerated() {
                    let mapping = try await source.mapping(of: schema.table(name), updated: nil)
                    #expect(
                        mapping.source.name == name && mapping.columns.map(\.source.name) == ["id", "only_\(number)"])
                    _ = try await source.startPass(mapping)
                    let rows = try await source.batch(
                        BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 9)
                    ).1
                    #expect(rows == [["\(number)", "5"]])
                }
                let other = await failure { _ = try await source.describe(schema.table("oRDERS")) }
                #expect(other?.code == .sourceTableGone)
            }
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `where case does not count, any spelling finds the table`(_ kind: MySQLServerKind) async throws {
        try await OwnMySQLServers.with { servers in
            let server = try await servers.start(kind, ["--lower-case-table-names=1"])
            try await server.run(
                "CREATE DATABASE Shop",
                "CREATE TABLE Shop.Orders (Id int PRIMARY KEY, updated_at timestamp(6) NOT NULL)",
                Self.insert(into: "SHOP.ORDERS"))
            let session = try await server.session()
            var endpoint = server.endpoint
            endpoint.database = "Shop"
            for (database, table) in [("shop", "orders"), ("Shop", "Orders"), ("SHOP", "ORDERS")] {
                try await follow(endpoint, TableName(schema: database, name: table), key: "Id", session)
                let mapping = try await withSource(endpoint) {
                    try await $0.mapping(of: TableName(schema: database, name: table), key: ["Id"], mode: .fullSync)
                }
                try await withSource(endpoint) { source in
                    _ = try await source.startPass(mapping)
                    let query = BatchQuery(mapping: mapping, scan: .whole, floor: nil, horizon: nil, rowLimit: .max)
                    #expect(try await source.batch(query).1.count == 3)
                }
            }
            let found = try await withSource(endpoint) { try await $0.tables(inSchema: "shop") }
            #expect(found.map(\.name.name) == ["orders"])
            await session.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `databases are schemas, and the one connected to need not be the table's`(_ kind: MySQLServerKind) async throws
    {
        try await withSchema(kind) { schema in
            try await withSchema(kind) { other in
                for one in [schema, other] { try await one.run("CREATE TABLE t \(columns("id"))") }
                try await other.run(Self.insert(into: "t"))
                try await follow(schema.endpoint, other.table("t"), key: "id", other.connection)
                var nowhere = schema.endpoint
                nowhere.database = ""
                try await follow(nowhere, other.table("t"), key: "id", other.connection)
                #expect(
                    try await schema.withSource { try await $0.tables(inSchema: other.name) }.map(\.name) == [
                        other.table("t")
                    ])
                let user = try await schema.user(grants: ["SELECT ON \(schema.name).*"]).endpoint
                try await withSource(user) { source in
                    let hidden = await failure { _ = try await source.tables(inSchema: other.name) }
                    #expect(hidden?.code == .sourceTableGone)
                }
            }
        }
    }
}

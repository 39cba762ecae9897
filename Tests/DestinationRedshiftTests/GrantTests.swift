import PostgresClient
import Replication
import TestServers
import Testing

@testable import DestinationRedshift

/// Who may read a replica, and that a swap takes nobody's right away.
@Suite struct GrantTests {
    static let columns: KeyValuePairs<String, ReplicaType> = ["id": .bigint]

    @Test func `users, groups, roles and all keep their rights over a swap, the right to pass them on included`()
        async throws
    {
        try await Fixture.withReplica(Self.columns, mode: .fullSync) { fixture, mapping, destination in
            let table = RedshiftText.table(mapping.destination)
            try await fixture.withGrantees([.user, .user, .group, .role]) { grantees in
                try await fixture.run("GRANT SELECT, INSERT, DELETE ON \(table) TO \(grantees[0].sql)")
                try await fixture.run("GRANT SELECT ON \(table) TO \(grantees[1].sql) WITH GRANT OPTION")
                try await fixture.run("GRANT SELECT ON \(table) TO \(grantees[2].sql)")
                try await fixture.run("GRANT SELECT, UPDATE ON \(table) TO \(grantees[3].sql)")
                try await fixture.run("GRANT REFERENCES ON \(table) TO PUBLIC")
                let before = try await fixture.privileges(on: mapping.destination)
                #expect(before.count == 8)
                var checkpoint: Checkpoint?
                for round in 1...2 {
                    checkpoint = try await fixture.load(
                        [["\(round)"]], into: mapping, by: destination, .swap, after: checkpoint)
                    #expect(try await fixture.privileges(on: mapping.destination) == before)
                }
            }
        }
    }

    @Test func `rights on single columns outlive a swap`() async throws {
        try await Fixture.withReplica(["id": .bigint, "n": .integer], mode: .fullSync) {
            fixture, mapping, destination in
            let table = RedshiftText.table(mapping.destination)
            try await fixture.withGrantees([.user, .group, .role]) { grantees in
                try await fixture.run("GRANT SELECT (id) ON \(table) TO \(grantees[0].sql)")
                try await fixture.run("GRANT SELECT (id), UPDATE (n) ON \(table) TO \(grantees[1].sql)")
                try await fixture.run("GRANT SELECT (n) ON \(table) TO \(grantees[2].sql)")
                let before = try await fixture.columnPrivileges(on: mapping.destination)
                #expect(before.count == 4)
                try await fixture.load([["1", "2"]], into: mapping, by: destination, .swap, after: nil)
                #expect(try await fixture.columnPrivileges(on: mapping.destination) == before)
                #expect(try await fixture.privileges(on: mapping.destination).isEmpty)
            }
        }
    }

    @Test func `READ_ONLY_USERS may read a table from its making on, and after each swap`() async throws {
        try await Fixture.with { fixture in
            try await fixture.withGrantees([.user, .group, .role]) { grantees in
                let mapping = fixture.mapping(Self.columns, mode: .fullSync)
                let destination = fixture.destination { $0.readOnlyUsers = grantees }
                _ = try await destination.prepare(mapping)
                let made = try await fixture.privileges(on: mapping.destination)
                #expect(made.map { $0[2] } == ["SELECT", "SELECT", "SELECT"])
                #expect(Set(made.map { $0[1] }) == Set(grantees.map(\.name)))
                try await fixture.load([["1"]], into: mapping, by: destination, .swap, after: nil)
                #expect(try await fixture.privileges(on: mapping.destination) == made)
                await destination.close()
            }
        }
    }

    @Test func `READ_ONLY_USERS who came later get their right with the next swap`() async throws {
        try await Fixture.withReplica(Self.columns, mode: .fullSync) { fixture, mapping, destination in
            try await fixture.withGrantees([.user]) { grantees in
                let later = fixture.destination { $0.readOnlyUsers = grantees }
                try await fixture.load([["1"]], into: mapping, by: later, .swap, after: nil)
                let held = try await fixture.privileges(on: mapping.destination)
                #expect(held.map { $0[1] } == [grantees[0].name])
                await later.close()
            }
        }
    }

    @Test func `a schema that the loader makes is open to READ_ONLY_USERS`() async throws {
        try await Fixture.with { fixture in
            let schema = freshName("made")
            try await fixture.withGrantees([.user]) { grantees in
                let mapping = Fixture.mapping(
                    Self.columns, key: ["id"], updated: nil, destination: TableName(schema: schema, name: "items"))
                let destination = fixture.destination { $0.readOnlyUsers = grantees }
                _ = try await destination.prepare(mapping)
                var endpoint = fixture.replica.endpoint
                endpoint.user = grantees[0].name
                endpoint.password = PostgresPassword("Abcdef123")
                let reader = try await PostgresConnection.connect(to: endpoint)
                #expect(try await reader.execute("SELECT COUNT(*) FROM \(schema).items").firstValue == "0")
                await reader.close()
                await destination.close()
                try await fixture.run("DROP SCHEMA \(schema) CASCADE")
            }
        }
    }

    @Test func `a name in READ_ONLY_USERS that nobody bears is told with the setting's name`() async throws {
        try await Fixture.with { fixture in
            let mapping = fixture.mapping(Self.columns)
            let nobody = ReadOnlyGrantee(kind: .user, name: freshName("nobody"))
            let destination = fixture.destination { $0.readOnlyUsers = [nobody] }
            let error = await #expect(throws: ReplicationError.self) { try await destination.prepare(mapping) }
            #expect(error?.code == .config && error?.what.hasPrefix("\(nobody.sql) of READ_ONLY_USERS ") == true)
            #expect(error?.fix.contains("GROUP x or ROLE y") == true)
            await destination.close()
        }
    }

    // MARK: Statements

    @Test func `rights are read, and given again to whoever held them`() {
        let table = TableName(schema: "a'pp", name: "It\"ems")
        #expect(
            GrantStatements.read(of: table) == """
                SELECT privilege_type, identity_name, identity_type, admin_option, NULL FROM svv_relation_privileges \
                WHERE namespace_name = 'a''pp' AND relation_name = 'It"ems' \
                AND NOT (identity_type = 'user' AND identity_name = CURRENT_USER) ORDER BY 3, 2, 1
                """)
        #expect(
            GrantStatements.readColumns(of: table) == """
                SELECT privilege_type, identity_name, identity_type, 'f', column_name FROM svv_column_privileges \
                WHERE namespace_name = 'a''pp' AND relation_name = 'It"ems' \
                AND NOT (identity_type = 'user' AND identity_name = CURRENT_USER) ORDER BY 3, 2, 1, 5
                """)
        let ofColumn = GrantStatements.again(["SELECT", "team", "group", "f", "e\"x"], on: table)
        #expect(ofColumn == #"GRANT SELECT ("e""x") ON "a'pp"."It""ems" TO GROUP "team""#)
        let cases: [([String?], String?)] = [
            (["SELECT", "an\"na", "user", "f"], #"GRANT SELECT ON "a'pp"."It""ems" TO "an""na""#),
            (["select", "anna", "user", "t"], #"GRANT SELECT ON "a'pp"."It""ems" TO "anna" WITH GRANT OPTION"#),
            (["UPDATE", "team", "group", "t"], #"GRANT UPDATE ON "a'pp"."It""ems" TO GROUP "team""#),
            (["DROP", "duty", "role", "f"], #"GRANT DROP ON "a'pp"."It""ems" TO ROLE "duty""#),
            (["INSERT", "public", "public", "f"], #"GRANT INSERT ON "a'pp"."It""ems" TO PUBLIC"#),
            (["EXECUTE", "anna", "user", "f"], nil), (["RULE", "anna", "user", "f"], nil),
            (["TRIGGER", "anna", "user", "f"], nil), (["SELECT", "x", "datashare", "f"], nil), ([nil, "x"], nil),
        ]
        for (row, statement) in cases { #expect(GrantStatements.again(row + [nil], on: table) == statement) }
    }

    @Test(arguments: [
        (ReadOnlyGrantee.Kind.user, "an\"na", #""an""na""#), (.group, "team", #"GROUP "team""#),
        (.role, "duty", #"ROLE "duty""#),
    ])
    func `READ_ONLY_USERS are users, groups and roles`(kind: ReadOnlyGrantee.Kind, name: String, sql: String) {
        let grantee = ReadOnlyGrantee(kind: kind, name: name)
        #expect(
            GrantStatements.select(on: TableName(schema: "s", name: "t"), to: grantee)
                == #"GRANT SELECT ON "s"."t" TO "# + sql)
        #expect(GrantStatements.usage(on: "s", to: grantee) == #"GRANT USAGE ON SCHEMA "s" TO "# + sql)
    }
}

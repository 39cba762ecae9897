import PostgresClient
import Testing

@testable import StandIn

@Suite struct LongNameTests {
    @Test func `names of 64 to 127 bytes are kept whole`() async throws {
        try await StandInServer.withSchema { connection, schema in
            let table = "t" + String(repeating: "a", count: 100)
            let columns = [String(repeating: "c", count: 126) + "1", String(repeating: "c", count: 126) + "2"]
            try await connection.execute(
                """
                create table \(schema).\(table) ("\(columns[0].uppercased())" int, \(columns[1]) varchar(5));
                insert into \(schema).\(table) values (1, 'x'); create view \(schema).v_\(table) as select * from \(schema).\(table)
                """)
            let rows = try await connection.execute("select * from \(schema).\(table) where \(columns[1]) = 'x'")
            #expect(rows.columns.map(\.name) == columns)
            let told = try await connection.execute(
                "select column_name from information_schema.columns where table_schema = '\(schema)' "
                    + "and table_name = '\(table)' order by ordinal_position")
            #expect(told.rows == columns.map { [$0] })
            let names = try await connection.execute(
                "select relname from pg_class where relname = 'v_\(table)' or relname = '\(table)' order by relname")
            #expect(names.rows == [[table], ["v_" + table]])
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute("drop table \(schema).\(table)")
            }
            #expect(error?.sqlState == "2BP01" && error?.serverMessage?.contains(table) == true)
            try await connection.execute("alter table \(schema).\(table) rename to x\(table)")
            #expect(try await connection.execute("select count(*) from \(schema).x\(table)").firstValue == "1")
        }
    }

    @Test func `longer names are cut at a character, without a word`() async throws {
        try await StandInServer.withSchema { connection, schema in
            let name = String(repeating: "é", count: 70)
            let result = try await connection.execute(
                "create table \(schema).t (\"\(name)\" int); select * from \(schema).t")
            #expect(result.columns[0].name == String(repeating: "é", count: 63))
        }
    }

    @Test func `short forms differ when names do`() {
        let (one, two) = (String(repeating: "a", count: 80) + "1", String(repeating: "a", count: 80) + "2")
        #expect(Identifier.backing(one) != Identifier.backing(two))
        #expect(Identifier.backing(one).utf8.count <= 63)
        #expect(Identifier.looksShortened(Array(Identifier.backing(one).utf8)))
        #expect(Identifier.backing("short") == "short")
        #expect(
            Identifier.backing(String(repeating: "a", count: 127))
                == Identifier.backing(String(repeating: "a", count: 200)))
    }
}

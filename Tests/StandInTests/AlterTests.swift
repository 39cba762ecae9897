import PostgresClient
import Testing

@testable import StandIn

@Suite struct AlterTests {
    @Test func `ALTER COLUMN TYPE changes VARCHAR sizes within limits`() async throws {
        try await StandInServer.withSchema { connection, schema in
            let table = "\(schema).t"
            try await connection.execute(
                """
                create table \(table) (k varchar(9) primary key, u varchar(9) unique, e varchar(9) encode bytedict,
                    d varchar(9) default 'x', v varchar(9), n int, z varchar(9) encode zstd);
                insert into \(table) values ('k', 'u', 'e', 'd', 'longish', 1, 'z')
                """)
            for wrong in [
                "k type varchar(20)", "u type varchar(20)", "e type varchar(20)", "d type varchar(8)",
                "v type varchar(6)", "n type varchar(20)", "v type char(20)", "v type varchar(20) using v",
            ] {
                #expect(
                    try await StandInServer.state(of: "alter table \(table) alter column \(wrong)", on: connection)
                        == "0A000",
                    "\(wrong)")
            }
            for right in ["d type varchar(20)", "v type varchar(7)", "v type varchar(max)", "z type varchar(300)"] {
                try await connection.execute("alter table \(table) alter column \(right)")
            }
            try await connection.execute(
                "alter table \(table) alter column z encode text255, alter column v encode raw")
            #expect(
                try await StandInServer.state(
                    of: "alter table \(table) alter column z type varchar(400)", on: connection)
                    == "0A000")
            try await connection.execute("begin")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute("alter table \(table) alter column v type varchar(9)")
            }
            #expect(error?.serverMessage == "ALTER TABLE ALTER COLUMN cannot run inside a transaction block")
            try await connection.execute("rollback")
        }
    }

    @Test func `APPEND moves rows between like tables, outside of transactions`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                """
                set search_path to \(schema);
                create table t (a int, b varchar(5)); create table s (b varchar(5), a int); create table x (a int, c int);
                create table y (a bigint, b varchar(5));
                insert into s values ('x', 1), ('y', 2); insert into x values (3, 4)
                """)
            try await connection.execute("alter table t append from s")
            #expect(try await connection.execute("select count(*) from s").firstValue == "0")
            #expect(try await connection.execute("select b from t order by a").rows == [["x"], ["y"]])
            for wrong in ["x", "x ignoreextra", "y"] {
                #expect(
                    try await StandInServer.state(of: "alter table t append from \(wrong)", on: connection) == "0A000")
            }
            try await connection.execute(
                "create table w (a int); insert into w values (5)")
            try await connection.execute("alter table t append from w filltarget")
            #expect(try await connection.execute("select count(*) from t where b is null").firstValue == "1")
            try await connection.execute("begin")
            #expect(try await StandInServer.state(of: "alter table t append from s", on: connection) == "25001")
            try await connection.execute("rollback")
        }
    }

    @Test func `MERGE removes duplicates, and refuses two sources for a row`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                """
                set search_path to \(schema);
                create table t (k int, v varchar(5)); create table s (k int, v varchar(5));
                insert into t values (1, 'old'), (2, 'stays'); insert into s values (1, 'new'), (1, 'new'), (3, 'x')
                """)
            #expect(
                try await connection.execute("merge into t using s on t.k = s.k remove duplicates").commandTag
                    == "MERGE")
            #expect(
                try await connection.execute("select k, v from t order by k").rows
                    == [["1", "new"], ["2", "stays"], ["3", "x"]])
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute(
                    """
                    merge into t using s on t.k = s.k when matched then update set v = s.v
                    when not matched then insert values (s.k, s.v)
                    """)
            }
            #expect(error?.serverMessage == "Found multiple matches to update the same tuple.")
        }
    }

    @Test(arguments: [
        ("fnv_hash('Amazon Redshift')", "7783490368944507294"), ("fnv_hash(1)", "-5968735742475085980"),
        ("fnv_hash('Amazon Redshift', fnv_hash(1))", "-2202602717770968555"), ("strtol('7f', 16)", "127"),
        ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("sha2('a', 256)", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("len('é ')", "2"), ("octet_length('é ')", "3"), ("nvl(null, 'x')", "x"), ("nvl2(1, 'a', 'b')", "a"),
        ("decode(2, 1, 'one', 2, 'two', 'many')", "two"), ("decode(null, 1, 'one', null, 'none')", "none"),
        ("decode(7, 1, 'one', 'many')", "many"), ("decode(7, 1, 'one')", nil),
        ("datediff(day, '2024-01-01 23:00'::timestamp, '2024-01-02'::timestamp)", "1"),
        ("dateadd(month, 1, '2024-01-31'::timestamp)", "2024-02-29 00:00:00"),
        ("datediff(hour, '2024-01-01 00:00+00'::timestamptz, '2024-01-01 05:00+02'::timestamptz)", "3"),
        ("to_hex(from_hex('00ff'))", "00ff"), ("to_varbyte('ab', 'utf8')", "6162"), ("is_valid_json('{')", "f"),
        ("listagg(x, ',') within group (order by x desc) from (select 'a' as x union all select 'b') q", "b,a"),
    ])
    func `functions answer as Redshift's do`(_ expression: String, _ expected: String?) async throws {
        let connection = try await StandInServer.connect()
        #expect(try await connection.execute("select \(expression)").firstValue == expected)
        await connection.close()
    }

    @Test(arguments: [
        ("select decode('x', 'hex')", "42883"), ("select unnest(a) from t", "42883"),
        ("insert into t select now()", "0A000"),
        ("insert into t values (current_timestamp)", "0A000"), ("select array_to_string(a, ',') from t", "42883"),
    ])
    func `functions that Redshift lacks are refused`(_ sql: String, _ state: String) {
        let error = #expect(throws: StandInError.self) { try Plans.plan(sql) }
        #expect(error?.sqlState == state)
    }
}

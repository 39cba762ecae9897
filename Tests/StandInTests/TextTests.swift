import PostgresClient
import Testing

@testable import StandIn

@Suite struct TextTests {
    @Test func `trailing blanks do not count in comparisons`() async throws {
        let connection = try await StandInServer.connect()
        let row = try await connection.execute(
            """
            select 'a' = 'a  ', 'a'::varchar(9) <> 'a ', 'a ' in ('b', 'a'), lower('A ') = 'a', ' a' = 'a', 'a ' < 'a',
            'a '::varchar = 'a'::char(4), octet_length('a  '), len('a  '), 'a ' like 'a'
            """
        ).rows[0]
        #expect(row == ["t", "f", "t", "t", "f", "f", "t", "3", "3", "f"])
        await connection.close()
    }

    @Test func `keys that differ in trailing blanks meet in joins, groups and merges`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                """
                set search_path to \(schema);
                create table t (k varchar(20), v int); create table s (k varchar(65535), v int);
                insert into t values ('x', 1), ('x  ', 2), ('y', 3); insert into s values ('x ', 9)
                """)
            let checks = [
                "select count(*) from t join s on t.k = s.k": "2",
                "select count(*) from t where k in (select k from s)": "2",
                "select count(*) from (select distinct k from t) x": "2",
                "select max(n) from (select k, count(*) as n from t group by k) x": "2",
                "select count(*) from t join s on t.k = s.k and octet_length(t.k) = octet_length(s.k)": "0",
                "select count(*) from (select k from t union select k from s) x": "2",
            ]
            for (sql, expected) in checks {
                #expect(try await connection.execute(sql).firstValue == expected, "\(sql)")
            }
            try await connection.execute(
                """
                merge into t using s on t.k = s.k when matched then update set v = s.v
                when not matched then insert values (s.k, s.v)
                """)
            #expect(try await connection.execute("select count(*) from t where v = 9").firstValue == "2")
            #expect(try await connection.execute("delete from t using s where t.k = s.k").affectedRows == 2)
        }
    }
}

import PostgresClient
import Testing

@testable import StandIn

@Suite struct ViewTests {
    @Test func `an ordinary view holds its table, and stays with it when it is renamed`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                """
                set search_path to \(schema);
                create table t (a int, b varchar(5)); insert into t values (1, 'old');
                create view v as select a, b from t
                """)
            #expect(try await StandInServer.state(of: "drop table t", on: connection) == "2BP01")
            #expect(try await StandInServer.state(of: "alter table t drop column b", on: connection) == "2BP01")
            try await connection.execute(
                "begin; alter table t rename to t_old; create table t (a int, b varchar(5)); commit")
            #expect(try await connection.execute("select b from v").firstValue == "old")
            try await connection.execute("create or replace view v as select a, b from t")
            #expect(try await connection.execute("select count(*) from v").firstValue == "0")
            let held = try await connection.execute(
                """
                select distinct c.relname from pg_rewrite r join pg_depend d on d.objid = r.oid
                join pg_class c on c.oid = d.refobjid where r.ev_class = 'v'::regclass and c.relkind = 'r'
                """)
            #expect(held.rows == [["t"]])
            #expect(
                try await connection.execute("select pg_get_viewdef('v'::regclass)").firstValue?.contains("t.a") == true
            )
        }
    }

    @Test func `a late-binding view depends on no table and follows the name`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                """
                create table \(schema).t (a int, b varchar(5)); insert into \(schema).t values (1, 'old');
                create view \(schema).v as select a, b from \(schema).t with no schema binding
                """)
            #expect(try await connection.execute("select b from \(schema).v where a = 1").rows == [["old"]])
            try await connection.execute(
                """
                begin; alter table \(schema).t rename to t_old;
                create table \(schema).t (b varchar(50), a bigint, c int);
                insert into \(schema).t values ('something new', 5000000000, 1); commit
                """)
            #expect(
                try await connection.execute("select b, a from \(schema).v").rows == [["something new", "5000000000"]])
            try await connection.execute("drop table \(schema).t")
            #expect(try await StandInServer.state(of: "select * from \(schema).v", on: connection) == "42P01")
            let columns = try await connection.execute(
                "select table_type from information_schema.tables where table_schema = '\(schema)' and table_name = 'v'"
            )
            #expect(columns.rows == [["VIEW"]])
            try await connection.execute("drop view \(schema).v")
        }
    }

    @Test func `a late-binding view may come before its table, and keeps its grants and its text`() async throws {
        try await StandInServer.withSchema { connection, schema in
            let group = "g_\(schema)"
            try await connection.execute(
                """
                create group \(group);
                create view \(schema).v as select x.* from \(schema).t as x with no schema binding;
                grant select on \(schema).v to group \(group);
                create table \(schema).t (a int); insert into \(schema).t values (7)
                """)
            #expect(try await connection.execute("select a from \(schema).v").firstValue == "7")
            let grants = try await connection.execute(
                "select identity_name from svv_relation_privileges where namespace_name = '\(schema)' "
                    + "and relation_name = 'v' and identity_type = 'group'")
            #expect(grants.rows == [[group]])
            let text = try await connection.execute("select pg_get_viewdef('\(schema).v'::regclass, true)").firstValue
            #expect(text?.hasSuffix("with no schema binding") == true)
            let names = try await connection.execute(
                """
                select col_name, col_type from pg_get_late_binding_view_cols()
                cols(view_schema name, view_name name, col_name name, col_type varchar, col_num int)
                where view_schema = '\(schema)'
                """)
            #expect(names.rows == [["a", "integer"]])
            try await connection.execute("drop view \(schema).v; drop group \(group)")
        }
    }

    @Test(arguments: [
        ("select * from t", false), ("select * from s.t", true), ("select * from s.a, b", false),
        ("select * from s.a x join b on true", false), ("with c as (select 1 from s.t) select * from c", true),
        ("select extract(year from d), (select max(q) from s.u) from s.t", true), ("select 1", true),
        ("select (select 1 from u) from s.t", false), ("select a from s.t order by b, c", true),
    ])
    func `a late-binding view names its tables in full`(_ query: String, _ isRight: Bool) throws {
        let text = "create view s.v as \(query) with no schema binding"
        if isRight {
            #expect(try Plans.plan(text).lateView == "v")
        } else {
            #expect(throws: StandInError.self) { try Plans.plan(text) }
        }
    }
}

@Suite struct AccessTests {
    @Test func `svv_relation_privileges tells users, groups, roles and the public apart`() async throws {
        try await StandInServer.withSchema { connection, schema in
            let names = ["u_\(schema)", "g_\(schema)", "r_\(schema)"]
            try await connection.execute(
                """
                create user \(names[0]) password 'Pw1'; create group \(names[1]) with user \(names[0]);
                create role \(names[2]); create table \(schema).t (a int);
                grant select on \(schema).t to \(names[0]); grant select, insert on \(schema).t to group \(names[1]);
                grant update on \(schema).t to role \(names[2]) ; grant delete on \(schema).t to public;
                grant role \(names[2]) to \(names[0])
                """)
            let rows = try await connection.execute(
                """
                select identity_type, identity_name, privilege_type, admin_option from svv_relation_privileges
                where namespace_name = '\(schema)' and relation_name = 't' and identity_name <> 'standin'
                order by identity_type, privilege_type
                """
            ).rows
            #expect(
                rows == [
                    ["group", names[1], "INSERT", "f"], ["group", names[1], "SELECT", "f"],
                    ["public", "public", "DELETE", "f"], ["role", names[2], "UPDATE", "f"],
                    ["user", names[0], "SELECT", "f"],
                ])
            #expect(
                try await connection.execute("select groname from pg_group where groname ~ '\(schema)'").rows == [
                    [names[1]]
                ])
            #expect(
                try await connection.execute("select role_name from svv_roles where role_name ~ '\(schema)'").rows
                    == [[names[2]]])
            #expect(
                try await connection.execute("select user_name from svv_user_grants where role_name ~ '\(schema)'").rows
                    == [[names[0]]])
            #expect(
                try await connection.execute("select tableowner from pg_tables where schemaname = '\(schema)'").rows
                    == [["standin"]])
            for wrong in ["group \(names[0])", "role \(names[1])", names[2]] {
                #expect(
                    try await StandInServer.state(of: "grant select on \(schema).t to \(wrong)", on: connection)
                        == "42704")
            }
            try await connection.execute(
                """
                drop table \(schema).t; revoke role \(names[2]) from \(names[0]); drop role \(names[2]);
                drop group \(names[1]); drop user \(names[0])
                """)
        }
    }

    @Test func `only the owner alters, renames and drops`() async throws {
        try await StandInServer.withSchema { connection, schema in
            let user = "u_\(schema)"
            try await connection.execute(
                """
                create user \(user) password 'Pw1'; create table \(schema).t (a varchar(3));
                grant usage, create on schema \(schema) to \(user); grant all on \(schema).t to \(user)
                """)
            var endpoint = try PostgresEndpoint.parse(try StandInServer.value("TEST_STANDIN_URL")).endpoint
            endpoint.user = user
            endpoint.password = PostgresPassword("Pw1")
            let other = try await PostgresConnection.connect(to: endpoint)
            for statement in [
                "alter table \(schema).t rename to u", "drop table \(schema).t",
                "alter table \(schema).t add column b int",
                "alter table \(schema).t alter column a type varchar(9)",
            ] {
                #expect(try await StandInServer.state(of: statement, on: other) == "42501", "\(statement)")
            }
            await other.close()
            try await connection.execute(
                "drop table \(schema).t; revoke all on schema \(schema) from \(user); drop user \(user)")
        }
    }

    @Test func `a second writer waits for the first, a reader does not`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute("create table \(schema).t (a int)")
            let first = try await StandInServer.connect()
            try await first.execute("begin; insert into \(schema).t values (1)")
            try await connection.execute("set statement_timeout to 300")
            #expect(try await connection.execute("select count(*) from \(schema).t").firstValue == "0")
            for statement in ["insert into \(schema).t values (2)", "delete from \(schema).t", "lock \(schema).t"] {
                let error = await #expect(throws: PostgresError.self) { try await connection.execute(statement) }
                #expect(error?.sqlState == "57014")
                #expect(error?.serverMessage?.contains("canceled on user's request") == true)
            }
            try await connection.execute("set statement_timeout to 0")
            async let second = connection.execute("insert into \(schema).t values (2)")
            try await first.execute("commit")
            #expect(try await second.commandTag == "INSERT 0 1")
            #expect(try await connection.execute("select count(*) from \(schema).t").firstValue == "2")
            await first.close()
        }
    }
}

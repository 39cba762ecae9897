import Testing

@testable import StandIn

/// Plans of single statements, as tests look at them.
enum Plans {
    static func plan(_ text: String, _ context: ExpressionContext = .init()) throws -> StatementPlan {
        let sql = try Tokenizer.read(text)
        return try Rewriter.plan(sql, 0..<sql.tokens.count, context)
    }

    /// The backing statements, shadow catalog aside.
    static func texts(_ text: String) throws -> [String] {
        switch try plan(text).action {
        case .rows(let sql): [sql]
        case .command(let texts, tag: _): texts.filter { !$0.contains("standin_remember") }
        default: []
        }
    }
}

@Suite struct RewriterTests {
    @Test(arguments: [
        ("SELECT \"ID\", \"Straße Ä\" FROM \"S\".\"T\"", "SELECT \"id\", \"straße Ä\" FROM \"s\".\"t\""),
        ("select version(), getdate(), sysdate", "select version(''), getdate(), sysdate()"),
        ("select pg_last_copy_count()", "select pg_last_copy_count(0)"),
        ("select pg_last_copy_id() as n", "select pg_last_copy_id(-1) as n"),
        ("select x::decimal, cast(y as varchar(max))", "select x::numeric(18,0), cast(y as varchar(65535))"),
        ("select nvl(a, 1) from t minus select 2", "select coalesce(a, 1) from t except select 2"),
        ("select dateadd(day, 1, d)", "select dateadd('day', 1, d)"),
        ("select top 5 a from t", "select  a from t limit 5"),
        (
            "select listagg(a, ',') within group (order by b) from t",
            "select listagg(string_agg(a, ',' order by b) ) from t"
        ),
        ("select 1 from information_schema.columns c", "select 1 from pg_catalog.standin_columns c"),
        ("select * from #s", "select * from \"#s\""),
        ("select 'E''x', \\'", ""),
    ])
    func `queries are rewritten word by word`(_ text: String, _ expected: String) throws {
        if expected.isEmpty {
            #expect(throws: StandInError.self) { try Plans.texts(text) }
        } else {
            #expect(try Plans.texts(text) == [expected])
        }
    }

    @Test(arguments: [
        ("delete t where a=1", "DELETE FROM \"t\" where a=1"),
        ("DELETE FROM S.T USING s2 WHERE s.t.a = s2.a", "DELETE FROM \"s\".\"t\" USING s2 WHERE s.t.a = s2.a"),
        (
            "with x as (select 1) delete from t using x where t.a = 1",
            "with x as (select 1) DELETE FROM \"t\" using x where t.a = 1"
        ),
        (
            "insert into t (a, \"B\") values (1, 'x'), (2, null)",
            "INSERT INTO \"t\" (a, \"b\") values (1, 'x'), (2, null)"
        ),
        ("update t set a = 1 from s where t.k = s.k", "UPDATE \"t\" set a = 1 from s where t.k = s.k"),
        ("lock table a, \"B\".c", "LOCK TABLE \"a\", \"b\".\"c\" IN ACCESS EXCLUSIVE MODE"),
        ("truncate t", "TRUNCATE TABLE \"t\""),
        ("drop table if exists a, b cascade", "DROP TABLE IF EXISTS \"a\", \"b\" CASCADE"),
        ("create schema if not exists X quota 5 gb", "CREATE SCHEMA IF NOT EXISTS \"x\""),
        ("alter table s.t rename to U", "ALTER TABLE \"s\".\"t\" RENAME TO \"u\""),
        (
            "alter table t add column c text default 'x' encode zstd",
            "ALTER TABLE \"t\" ADD COLUMN \"c\" varchar(256) DEFAULT 'x'"
        ),
        ("vacuum full t to 99 percent boost", "VACUUM \"t\""),
        ("analyze t predicate columns", "ANALYZE \"t\""),
        ("grant select on all tables in schema s to group g", "grant select on all tables in schema s to g"),
        ("create user \"U\" with password 'p' createuser", "CREATE ROLE \"u\" LOGIN PASSWORD 'p' SUPERUSER"),
        ("create view v as select 1", "CREATE VIEW \"v\" AS select 1"),
        ("cancel 42", "SELECT pg_cancel_backend(42)"),
        ("explain select 1", "EXPLAIN select 1"),
        ("set extra_float_digits to 2", "SET extra_float_digits TO 2"),
        ("create table #x (a int)", "CREATE TEMP TABLE \"#x\" (\"a\" integer)"),
    ])
    func `statements become PostgreSQL's`(_ text: String, _ expected: String) throws {
        #expect(try Plans.texts(text).last == expected)
    }

    @Test func `CREATE TABLE keeps types and drops what has no effect`() throws {
        let text = """
            CREATE TABLE IF NOT EXISTS "S"."T" (
              id BIGINT NOT NULL ENCODE az64 DISTKEY, name VARCHAR(max), note TEXT, c CHAR, n DECIMAL, m NUMERIC(38,37),
              f FLOAT, b VARBYTE(10), j SUPER, i INT IDENTITY(5, 2), d TIMESTAMP DEFAULT sysdate NOT NULL,
              PRIMARY KEY (id, name), UNIQUE (note)
            ) BACKUP NO DISTSTYLE KEY COMPOUND SORTKEY (id, d)
            """
        #expect(
            try Plans.texts(text) == [
                """
                CREATE TABLE IF NOT EXISTS "s"."t" ("id" bigint NOT NULL, "name" varchar(65535) NOT NULL, \
                "note" varchar(256), "c" char(1), "n" numeric(18,0), "m" numeric(38,37), "f" double precision, \
                "b" varbyte CHECK (octet_length("b") <= 10 OR pg_catalog.standin_too_wide("b", 10)), "j" super, "i" integer GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 2) NOT NULL, \
                "d" timestamp DEFAULT sysdate() NOT NULL)
                """
            ])
    }

    @Test(arguments: [
        "create temp table s (like public.t including defaults)", "create table #s (like public.t including defaults)",
    ])
    func `a staging table is made like its target`(_ text: String) throws {
        let made = try Plans.texts(text)
        #expect(made[0].hasPrefix("CREATE TEMP TABLE"))
        #expect(made[0].contains("LIKE \"public\".\"t\" INCLUDING DEFAULTS"))
        #expect(made[1].contains("standin_inherit"))
    }

    @Test func `what commits by itself or needs to stand alone says so`() throws {
        #expect(try Plans.plan("truncate table t").commitsAfter)
        #expect(try Plans.plan("alter table t alter column c type varchar(99)").refusedInTransaction != nil)
        #expect(try Plans.plan("vacuum").refusedInTransaction == "VACUUM")
        #expect(try Plans.plan("begin isolation level serializable read write").action == .begin)
        #expect(try Plans.plan("end").action == .commit)
        #expect(try Plans.plan("abort").action == .rollback)
        #expect(try Plans.plan("set query_group to 'x'").action == .keepParameter(name: "query_group", value: "x"))
        let drop = StatementFault(effect: .drop, moment: .before, place: FaultPlace(kind: "COMMIT"))
        #expect(
            try Plans.plan("STANDIN FAULT drop before COMMIT").action
                == .control(.armFault(.statement(drop), text: "drop before COMMIT")))
    }

    @Test func `MERGE passes with both clauses`() throws {
        let text =
            "merge into t using s on t.k = s.k when matched then update set a = s.a when not matched then insert values (s.k, s.a)"
        #expect(try Plans.texts(text)[0].hasPrefix("MERGE INTO \"t\" using s"))
    }
}

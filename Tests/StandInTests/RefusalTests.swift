import Testing

@testable import StandIn

@Suite struct RefusalTests {
    @Test(arguments: [
        ("insert into t values (1) on conflict do nothing", "42601"),
        ("insert into t values (1) returning a", "42601"),
        ("insert into t as x values (1)", "42601"),
        ("delete from t a where a.x = 1", "42601"),
        ("delete from t as a", "42601"),
        (
            "merge into t as a using s on a.k = s.k when matched then delete when not matched then insert values (1)",
            "42601"
        ),
        ("merge into t using s on t.k = s.k when matched then delete", "42601"),
        ("with x as (delete from t) select 1", "42601"),
        ("create index i on t (a)", "42601"),
        ("create unique index i on t (a)", "42601"),
        ("create sequence s", "42601"),
        ("create type t as enum ('a')", "42601"),
        ("create extension hstore", "42601"),
        ("create trigger t", "42601"),
        ("create unlogged table t (a int)", "42601"),
        ("create table t (a int) partition by range (a)", "42601"),
        ("create table t (a int) with (fillfactor = 70)", "42601"),
        ("create table t (a int check (a > 0))", "42601"),
        ("create table t (a int generated always as (1) stored)", "42601"),
        ("create table t (order int)", "42601"),
        ("create table t (tag int)", "42601"),
        ("create table t (a int) distkey(a, b)", "42601"),
        ("create table t (a int distkey, b int distkey)", "42601"),
        ("create table t (xmin int)", "42701"),
        ("create table t (a jsonb)", "0A000"),
        ("create table t (a uuid)", "0A000"),
        ("create table t (a int[])", "0A000"),
        ("create table t (a serial)", "0A000"),
        ("create table t (a bytea)", "0A000"),
        ("create table t (a nonsense)", "42704"),
        ("create table t (a varchar(65536))", "22023"),
        ("create table t (a char(4097))", "22023"),
        ("create table t (a numeric(39))", "22023"),
        ("create table t (j super sortkey)", "0A000"),
        ("create table t (like s) diststyle all", "42601"),
        ("create temp table s.t (a int)", "42P16"),
        ("copy t from stdin", "0A000"),
        ("copy t to stdout", "0A000"),
        ("copy (select 1) to stdout", "42601"),
        ("savepoint a", "42601"),
        ("rollback to savepoint a", "0A000"),
        ("listen x", "42601"),
        ("notify x", "42601"),
        ("discard all", "42601"),
        ("do $$ begin end $$", "42601"),
        ("select * from (values (1)) v", "42601"),
        ("select string_agg(a, ',') from t", "42883"),
        ("select array_agg(a) from t", "42883"),
        ("select count(*) filter (where a) from t", "42601"),
        ("select a is distinct from b from t", "42601"),
        ("select a is not distinct from b from t", "42601"),
        ("select distinct on (a) a from t", "0A000"),
        ("select 1 from t, lateral (select 1) x", "0A000"),
        ("select E'x'", "42704"),
        ("select a::jsonb from t", "0A000"),
        ("select cast(a as uuid) from t", "0A000"),
        ("select $1", "42P02"),
        ("insert into t select generate_series(1, 10)", "0A000"),
        ("alter table t alter column a set not null", "0A000"),
        ("alter table t alter column a type bigint", "0A000"),
        ("alter table t alter column a type varchar(9) using a", "0A000"),
        ("alter table t add column if not exists a int", "42601"),
        ("alter table t add column a int, add column b int", "42601"),
        ("alter table t set schema s", "42601"),
        ("alter table if exists t rename to u", "42601"),
        ("truncate a, b", "42601"),
        ("truncate a restart identity", "42601"),
        ("lock t in share mode", "42601"),
        ("explain (analyze) select 1", "42601"),
        ("set standard_conforming_strings to on", "42704"),
        ("show lock_timeout", "42704"),
        ("set bytea_output to hex", "42704"),
        ("nonsense", "42601"),
        ("prepare p as select 1", "0A000"),
        ("unload ('select 1') to 's3://b/k'", "0A000"),
    ])
    func `what Redshift refuses is refused with its state`(_ text: String, _ state: String) throws {
        let error = #expect(throws: StandInError.self) { try Plans.plan(text) }
        #expect(error?.sqlState == state, "\(text): \(error.map(String.init(describing:)) ?? "passed")")
    }

    @Test(arguments: [
        "copy t from 's3://b/k' csv",
        "copy t from 's3://b/k' iam_role default access_key_id 'a' secret_access_key 'b' csv",
        "copy t from 's3://b/k' access_key_id 'a' csv",
        "copy t from 's3://b/k' session_token 'a' csv",
        "copy t from 's3://b/k' iam_role 'role' csv",
        "copy t from 's3://b/k' iam_role default credentials 'aws_iam_role=x' csv",
        "copy t from 's3://b/k' credentials 'aws_access_key_id=a; aws_secret_access_key=b' csv",
        "copy t from 's3://b/k' iam_role default csv csv",
        "copy t from 's3://b/k' iam_role default csv escape",
        "copy t from 's3://b/k' iam_role default quote '%'",
        "copy t from 's3://b/k' iam_role default csv delimiter 'ab'",
        "copy t from 's3://b/k' iam_role default csv gzip zstd",
        "copy t from 's3://b/k' iam_role default csv maxerror 100001",
        "copy t from 's3://b/k' iam_role default csv null as '\\n'",
        "copy t from 's3://b/k' iam_role default csv nonsense",
        "copy t from 's3://b' iam_role default csv",
        "copy t from '/etc/passwd' iam_role default csv",
    ])
    func `COPY's own rules are enforced`(_ text: String) {
        #expect(throws: StandInError.self) { try Plans.plan(text) }
    }

    @Test func `COPY takes every documented option of the product in any order`() throws {
        let text = """
            COPY "S"."T" ("A", b) FROM 's3://bucket/some/manifest' WITH CREDENTIALS AS \
            'aws_access_key_id=AK;aws_secret_access_key=SK;token=TK' REGION AS 'eu-west-1' MANIFEST ZSTD FORMAT AS CSV \
            QUOTE AS '"' DELIMITER ';' NULL AS 'QqQq' DATEFORMAT 'auto' TIMEFORMAT AS 'auto' COMPUPDATE OFF \
            STATUPDATE FALSE MAXERROR AS 3 IGNOREHEADER 1 TRUNCATECOLUMNS ACCEPTINVCHARS AS '^' ENCODING AS UTF8
            """
        guard case .copy(let copy) = try Plans.plan(text).action else {
            Issue.record("not a COPY")
            return
        }
        #expect(copy.table == RelationName(schema: "s", name: "t"))
        #expect(copy.columns == ["a", "b"])
        #expect(copy.bucket == "bucket" && copy.key == "some/manifest")
        #expect(copy.authorization == .keys(id: "AK", secret: "SK", token: "TK"))
        #expect(copy.options.isManifest && copy.options.compression == .zstd && copy.options.isCSV)
        #expect(copy.options.nullString == Array("QqQq".utf8) && copy.options.maxErrors == 3)
        #expect(copy.options.region == "eu-west-1" && copy.options.effectiveDelimiter == UInt8(ascii: ";"))
        #expect(!"\(copy)".contains("SK"))
    }
}

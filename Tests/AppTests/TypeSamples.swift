/// A PostgreSQL type with values that try its limits: SQL expressions, one a row.
struct TypeSample: Sendable {
    var column: String
    var type: String
    var values: [String]

    init(_ column: String, _ type: String, _ values: String...) {
        self.column = column
        self.type = type
        self.values = values
    }

    /// What the samples' types need before they can be used.
    static let prologue = """
        CREATE EXTENSION hstore; CREATE EXTENSION citext;
        CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
        CREATE TYPE pair AS (a int, b text);
        CREATE DOMAIN positive AS numeric(10,2) CHECK (VALUE > 0);
        """

    /// A table of the samples, a row for each place in their values; shorter columns end in NULLs.
    static func table(_ name: String, of samples: [TypeSample]) -> String {
        let columns = samples.map { "\($0.column) \($0.type)" }.joined(separator: ", ")
        let names = samples.map(\.column).joined(separator: ", ")
        let count = samples.map(\.values.count).max() ?? 0
        let rows: [String] = (0..<count).map { place in
            let values: [String] = samples.map { place < $0.values.count ? $0.values[place] : "NULL" }
            return "(" + values.joined(separator: ", ") + ")"
        }
        return """
            CREATE TABLE \(name) (id bigserial PRIMARY KEY, \(columns), updated_at timestamptz NOT NULL DEFAULT now());
            CREATE INDEX ON \(name) (updated_at);
            INSERT INTO \(name) (\(names)) VALUES \(rows.joined(separator: ",\n"));
            INSERT INTO \(name) DEFAULT VALUES;
            """
    }

    /// Every type that the product maps, with values that Redshift can hold.
    static let exact: [TypeSample] = numbers + texts + times + others

    static let numbers: [TypeSample] = [
        TypeSample("a_smallint", "smallint", "-32768", "32767", "0"),
        TypeSample("an_integer", "integer", "-2147483648", "2147483647", "0"),
        TypeSample("a_bigint", "bigint", "-9223372036854775808", "9223372036854775807", "0"),
        TypeSample("an_oid", "oid", "0", "4294967295"), TypeSample("an_xid", "xid", "'0'", "'4294967295'"),
        TypeSample("a_cid", "cid", "'0'", "'4294967295'"),
        TypeSample("an_xid8", "xid8", "'0'", "'18446744073709551615'"),
        TypeSample("an_lsn", "pg_lsn", "'0/0'", "'FFFFFFFF/FFFFFFFF'"),
        TypeSample("a_tid", "tid", "'(0,0)'", "'(4294967295,65535)'"),
        TypeSample("a_txid_snapshot", "txid_snapshot", "'1:1:'", "'10:20:10,14,15'"),
        TypeSample("a_snapshot", "pg_snapshot", "'1:1:'", "'10:20:10,14,15'"),
        TypeSample("n_38_0", "numeric(38,0)", "-(10::numeric ^ 38 - 1)", "10::numeric ^ 38 - 1", "0"),
        TypeSample(
            "n_38_37", "numeric(38,37)", "-9.9999999999999999999999999999999999999",
            "9.9999999999999999999999999999999999999"),
        TypeSample("n_19_0", "numeric(19,0)", "-9999999999999999999", "9999999999999999999"),
        TypeSample("n_10_2", "numeric(10,2)", "-99999999.99", "99999999.99", "0.01"),
        TypeSample("n_negative_scale", "numeric(5,-3)", "-99999000", "99999000"),
        TypeSample("n_huge_negative_scale", "numeric(30,-20)", "-(10::numeric ^ 49)", "10::numeric ^ 49"),
        TypeSample("n_scale_over_precision", "numeric(3,7)", "-0.0000999", "0.0000999"),
        TypeSample("n_tiny", "numeric(3,40)", "-0.0000000000000000000000000000000000000999", "0"),
        TypeSample("n_60_20", "numeric(60,20)", "-(10::numeric ^ 39 + 0.00000000000000000001)", "10::numeric ^ 39"),
        TypeSample(
            "n_free", "numeric", "'-1e-1000'", "(repeat('9', 1000) || '.' || repeat('9', 500))::numeric", "'NaN'",
            "'Infinity'"),
        TypeSample("a_real", "real", "-3.4028235e38", "3.4028235e38", "1.17549435e-38", "0.1", "'-0'"),
        TypeSample(
            "a_double", "double precision", "-1.7976931348623157e308", "1.7976931348623157e308",
            "2.2250738585072014e-308", "0.1", "1e23"),
        TypeSample("a_money", "money", "'-92233720368547758.08'", "'92233720368547758.07'", "'0.1'"),
        TypeSample("a_domain", "positive", "0.01", "99999999.99"), TypeSample("a_boolean", "boolean", "true", "false"),
    ]

    static let texts: [TypeSample] = [
        TypeSample("a_char", "char(10)", "'a  '", "'zzzzzzzzzz'", "''"),
        TypeSample("a_varchar", "varchar(50)", "'quote '' \" \\ back'", "repeat('😀', 50)", "''"),
        TypeSample("a_wide_varchar", "varchar(16383)", "repeat('é', 16383)", "repeat('😀', 16383)"),
        TypeSample(
            "a_text", "text", "E'line1\\nline2\\r\\n\\ttab'", "repeat('x', 65535)", "''", "'\\N'", "'NULL'",
            "'NaN infinity 0044-03-15 BC'", "E'\\u0301e\\u0301 👩‍👩‍👧 '", "'\"'", "','", "'\\.'", "E'\\r'", "E'\\n'",
            "repeat('é', 32767)", "' '", "'a'''"),
        TypeSample("a_citext", "citext", "'CiText'", "repeat('Z', 65535)"),
        TypeSample("a_name", "name", "'n'", "repeat('n', 63)"), TypeSample("a_quoted_char", "\"char\"", "'x'", "''"),
        TypeSample("an_xml", "xml", "'<a>1</a>'", "''"),
        TypeSample("a_tsvector", "tsvector", "'a:1 b'", "'''it''''s'':3 quick:1'", "''"),
        TypeSample("a_tsquery", "tsquery", "'a & b'", "'!a | c'"), TypeSample("a_jsonpath", "jsonpath", "'$.b[*]'"),
        TypeSample("a_refcursor", "refcursor", "'cur'", "''"),
        TypeSample("an_enum", "mood", "'sad'", "'it''s ok'"),
        TypeSample(
            "a_uuid", "uuid", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
        TypeSample(
            "a_bytea", "bytea", "'\\x'", "'\\x00'", "decode(repeat('00ff', 1000), 'hex')",
            "decode(repeat('ab', 2000000), 'hex')"
        ),
    ]

    static let times: [TypeSample] = [
        TypeSample(
            "a_date", "date", "'4713-01-01 BC'", "'294276-12-31'", "'0001-01-01'", "'2000-02-29'", "'10000-01-01'"),
        TypeSample(
            "a_timestamp", "timestamp", "'4713-01-01 00:00:00 BC'", "'294276-12-31 23:59:59.999999'",
            "'0001-12-31 BC'", "'2026-03-29 02:30:00'"),
        TypeSample("a_timestamp_3", "timestamp(3)", "'1969-12-31 23:59:59.999'", "'9999-12-31 23:59:59.001'"),
        TypeSample(
            "a_timestamptz", "timestamptz", "'4713-01-01 00:00:00+00 BC'", "'294276-12-31 23:59:59.999999+00'",
            "'2026-10-25 02:30:00+02'", "'1883-11-18 12:03:58-04:56:02'"),
        TypeSample("a_time", "time", "'00:00'", "'24:00:00'", "'12:34:56.123456'"),
        TypeSample("a_timetz", "timetz", "'00:00:00+15:59'", "'24:00:00-15:59'", "'12:34:56.123456+02'"),
        TypeSample(
            "an_interval", "interval", "'-178956970 years -8 mons -2147483648 days -04:00:00'",
            "'178956970 years 7 mons 2147483647 days 04:00:00'", "'P1Y2M3DT4H5M6.789S'", "'0'"),
    ]

    static let others: [TypeSample] = [
        TypeSample(
            "a_json", "json", "'{\"a\": 1.10, \"b\":[null,true,\"\\u00e9\"]}'", "'[]'", "'\"str\"'", "'null'",
            "('\"' || repeat('j', 65535) || '\"')::json", "(repeat('[', 900) || repeat(']', 900))::json",
            "('[' || repeat('\"abcdefghi\",', 83332) || '1]')::json", "'12345678901234567890.123456789'"),
        TypeSample("a_jsonb", "jsonb", "'{\"a\": 1e10, \"b\": \"x\\\\y\\\"\"}'", "'[{\"deep\":[[[[1]]]]}]'", "'{}'"),
        TypeSample("an_array", "int[]", "'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'"),
        TypeSample("a_text_array", "text[]", "'{a,\"b,c\",NULL}'", "'{}'"),
        TypeSample("a_composite", "pair", "ROW(1, 'x, \"y\"')", "ROW(NULL, NULL)"),
        TypeSample("an_hstore", "hstore", "'a=>1,b=>NULL'", "''", "'k=>\"v \\\" q\"'"),
        TypeSample("a_range", "int4range", "'empty'", "'[1,5)'", "'(,)'"),
        TypeSample("a_multirange", "tstzmultirange", "'{}'", "'{[2020-01-01,2021-01-01),[2022-01-01,2023-01-01)}'"),
        TypeSample("an_inet", "inet", "'0.0.0.0/0'", "'ffff::1/128'", "'10.0.0.1'"),
        TypeSample("a_cidr", "cidr", "'0.0.0.0/0'", "'::/0'"),
        TypeSample("a_mac", "macaddr", "'00:00:00:00:00:00'", "'ff:ff:ff:ff:ff:ff'"),
        TypeSample("a_mac8", "macaddr8", "'00:00:00:00:00:00:00:00'", "'ff:ff:ff:ff:ff:ff:ff:ff'"),
        TypeSample("a_bit", "bit(5)", "B'00000'", "B'11111'"), TypeSample("one_bit", "bit", "B'0'", "B'1'"),
        TypeSample("a_varbit", "varbit", "B''", "B'1010101010'"),
        TypeSample("a_line", "line", "'{1,2,3}'"), TypeSample("a_lseg", "lseg", "'[(0,0),(1,1)]'"),
        TypeSample("a_box", "box", "'(1,1),(0,0)'"), TypeSample("a_path", "path", "'[(0,0),(1,1)]'", "'((0,0),(1,1))'"),
        TypeSample("a_circle", "circle", "'<(0,0),0>'"), TypeSample("a_point", "point", "'(-1e300,1e300)'"),
        TypeSample("a_polygon", "polygon", "'((0,0),(1,1),(2,0))'"),
    ]

    /// Values that Redshift cannot hold, all of which the product repairs.
    static let repaired: [TypeSample] = [
        TypeSample("n_10_2", "numeric(10,2)", "'NaN'"),
        TypeSample("a_real", "real", "'NaN'", "'Infinity'", "'-Infinity'"),
        TypeSample("a_double", "double precision", "'NaN'", "'Infinity'", "'-Infinity'"),
        TypeSample(
            "a_text", "text", "repeat('é', 32768)", "repeat('x', 65536)", "repeat('😀', 16384)", "repeat('x', 300000)"),
        TypeSample("a_wide_varchar", "varchar(20000)", "repeat('😀', 20000)"),
        TypeSample("a_date", "date", "'infinity'", "'-infinity'", "'294277-01-01'", "'5874897-12-31'"),
        TypeSample("a_timestamp", "timestamp", "'infinity'", "'-infinity'"),
        TypeSample("a_timestamptz", "timestamptz", "'infinity'", "'-infinity'"),
        TypeSample("a_bytea", "bytea", "decode(repeat('ab', 2000001), 'hex')"),
        TypeSample(
            "a_json", "json", "('\"' || repeat('j', 65536) || '\"')::json",
            "('[' || repeat('\"abcdefghi\",', 84000) || '1]')::json"),
    ]
}

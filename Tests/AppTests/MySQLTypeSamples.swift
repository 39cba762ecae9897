import TestServers

/// A table with a column of every type that MySQL and MariaDB have, and values for them as SQL: extremes, and what Redshift
/// needs repaired.
struct MySQLTypeSamples: Sendable {
    struct Column: Sendable {
        let name: String
        let type: String
        let values: [String]
    }

    let kind: MySQLServerKind

    /// Without key, generated and cursor columns.
    var columns: [Column] {
        Self.numbers + Self.times + Self.texts + Self.binaries
            + (kind == .mariadb
                ? Self.mariadb : [Column(name: "h", type: "varchar(40) INVISIBLE", values: ["'unseen'"])])
    }

    private static let numbers = [
        Column(name: "ti", type: "tinyint", values: ["-128", "127", "0"]),
        Column(name: "tu", type: "tinyint unsigned", values: ["255", "0"]),
        Column(name: "t1", type: "tinyint(1)", values: ["-128", "127", "1"]),
        Column(name: "si", type: "smallint", values: ["-32768", "32767"]),
        Column(name: "su", type: "smallint unsigned", values: ["65535"]),
        Column(name: "mi", type: "mediumint", values: ["-8388608", "8388607"]),
        Column(name: "mu", type: "mediumint unsigned", values: ["16777215"]),
        Column(name: "i", type: "int", values: ["-2147483648", "2147483647"]),
        Column(name: "iu", type: "int unsigned zerofill", values: ["4294967295", "7"]),
        Column(name: "bi", type: "bigint", values: ["-9223372036854775808", "9223372036854775807"]),
        Column(name: "bu", type: "bigint unsigned", values: ["18446744073709551615", "0"]),
        Column(name: "b1", type: "bit(1)", values: ["b'0'", "b'1'"]),
        Column(name: "b2", type: "bit(2)", values: ["b'10'", "b'11'"]),
        Column(name: "b63", type: "bit(63)", values: ["9223372036854775807", "1"]),
        Column(name: "b64", type: "bit(64)", values: ["18446744073709551615", "0"]),
        Column(
            name: "d38", type: "decimal(38,10)", values: ["9999999999999999999999999999.9999999999", "-0.0000000001"]),
        Column(name: "d19", type: "decimal(19,0)", values: ["9999999999999999999", "-9999999999999999999"]),
        Column(
            name: "d65", type: "decimal(65,30)",
            values: [
                "99999999999999999999999999999999999.999999999999999999999999999999",
                "-0.000000000000000000000000000001",
            ]),
        Column(name: "du", type: "decimal(10,2) unsigned", values: ["99999999.99", "0.01"]),
        Column(name: "f", type: "float", values: ["3.4028234e38", "-1.17549435e-38", "0.1", "16777217", "1e-45"]),
        Column(
            name: "db", type: "double",
            values: ["1.7976931348623157e308", "2.2250738585072014e-308", "0.1", "-4.9e-324", "123456789.123456789"]),
        Column(name: "yr", type: "year", values: ["0", "1901", "2155"]),
    ]

    private static let times = [
        Column(
            name: "da", type: "date",
            values: ["'1000-01-01'", "'9999-12-31'", "'0000-00-00'", "'2024-00-15'", "'2024-02-00'"]),
        Column(
            name: "dt", type: "datetime",
            values: ["'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'0000-00-00 00:00:00'"]),
        Column(name: "d6", type: "datetime(6)", values: ["'9999-12-31 23:59:59.999999'", "'2024-00-00 10:00:00.5'"]),
        Column(
            name: "ts", type: "timestamp NULL",
            values: ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'0000-00-00 00:00:00'"]),
        Column(
            name: "t6", type: "timestamp(6) NULL",
            values: ["'2038-01-19 03:14:07.999999'", "'2024-03-31 02:30:00.000001'"]),
        Column(name: "tm", type: "time", values: ["'-838:59:59'", "'838:59:59'", "'00:00:00'"]),
        Column(
            name: "tm6", type: "time(6)", values: ["'-838:59:59.999999'", "'838:59:59.999999'", "'-00:00:00.000001'"]),
    ]

    private static let awkward = [
        "''", "' '", "' both ends '", "'it''s \"quoted\", with commas'", "'back\\\\slash\\\\'",
        "'line\\nend\\r\\nand\\ttab'", "'\\\\.'",
        "'NULL'", "'naïve £'",
    ]
    private static let unicode = awkward + ["'日本語'", "'e\\u0301 ́ combined'", "'ok'"]
    private static let wide = unicode + ["'🙂 and 👩‍👩‍👧'", "'NaN'", "'infinity'", "'a\\0b'"]

    private static let texts = [
        Column(name: "c", type: "char(30)", values: wide),
        Column(name: "vc", type: "varchar(60)", values: wide),
        Column(name: "vl", type: "varchar(60) CHARACTER SET latin1", values: awkward),
        Column(name: "v3", type: "varchar(60) CHARACTER SET utf8mb3", values: unicode),
        Column(name: "vb", type: "varchar(60) CHARACTER SET ucs2", values: unicode),
        Column(name: "tt", type: "tinytext", values: wide),
        Column(name: "tl", type: "tinytext CHARACTER SET latin1", values: ["REPEAT('é', 255)"]),
        Column(name: "tx", type: "text", values: wide + ["REPEAT('x', 65535)"]),
        Column(name: "mt", type: "mediumtext", values: wide + ["REPEAT('é', 40000)"]),
        Column(name: "lt", type: "longtext", values: wide + ["REPEAT('🙂', 20000)"]),
        Column(
            name: "en", type: "enum('a','b''c','Ünï','x,y')",
            values: ["'a'", "'b''c'", "'Ünï'", "''", "'no such label'"]),
        Column(name: "se", type: "set('x','y','z w')", values: ["''", "'x'", "'x,y,z w'"]),
        Column(
            name: "js", type: "json",
            values: [
                "'{\"a\": [1, 2.5, \"x\", null, true], \"b\": {\"c\": \"\\\\u00e9\"}}'", "'[]'", "'\"text\"'", "'null'",
                "'123456789012345678'", "CONCAT('\"', REPEAT('y', 70000), '\"')",
            ]),
    ]

    private static let bytes = ["x''", "x'00'", "x'00ff0a0d22'", "'a,b'", "x'80c0'"]

    private static let binaries = [
        Column(name: "bn", type: "binary(4)", values: ["x''", "x'00ff0a0d'", "'a,b'"]),
        Column(name: "vy", type: "varbinary(40)", values: bytes),
        Column(name: "vc_binary", type: "varchar(40) CHARACTER SET binary", values: bytes),
        Column(name: "tb", type: "tinyblob", values: bytes + ["REPEAT(x'ff', 255)"]),
        Column(name: "bl", type: "blob", values: bytes + ["REPEAT(x'01', 65535)"]),
        Column(name: "mb", type: "mediumblob", values: bytes + ["REPEAT(x'0a', 70000)"]),
        Column(name: "lb", type: "longblob", values: bytes + ["REPEAT(x'22', 200000)"]),
        Column(
            name: "ge", type: "geometry",
            values: ["ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('LINESTRING(0 0,1 1)')"]),
        Column(name: "po", type: "point", values: ["ST_GeomFromText('POINT(-1.5 2.25)')"]),
        Column(name: "pl", type: "polygon", values: ["ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"]),
        Column(name: "mp", type: "multipoint", values: ["ST_GeomFromText('MULTIPOINT(0 0,1 1)')"]),
    ]

    private static let mariadb = [
        Column(
            name: "uu", type: "uuid",
            values: ["'00000000-0000-0000-0000-000000000000'", "'FFEEDDCC-1234-5678-9abc-def012345678'"]),
        Column(name: "i4", type: "inet4", values: ["'255.255.255.255'", "'10.0.0.1'"]),
        Column(name: "i6", type: "inet6", values: ["'::1'", "'2001:db8::ff00:42:8329'", "'::ffff:10.0.0.1'"]),
        Column(name: "h", type: "varchar(40) INVISIBLE", values: ["'unseen'"]),
    ]

    /// The table, named as people name tables there.
    var createTable: String {
        let list = columns.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
        return """
            CREATE TABLE AllTypes (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, \(list), \
            gv BIGINT GENERATED ALWAYS AS (i + 1) VIRTUAL, gs BIGINT GENERATED ALWAYS AS (i + 2) STORED, \
            updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), \
            KEY (updated_at)) CHARACTER SET utf8mb4
            """
    }

    /// One row each for the longest list of values; the other columns repeat theirs. A first row of NULL.
    var inserts: [String] {
        let rows = columns.map(\.values.count).max() ?? 0
        return ["INSERT INTO AllTypes (ti) VALUES (NULL)"]
            + (0..<rows).map { row in insert { $0.values[row % $0.values.count] } }
    }

    /// A row of random ones.
    func insert(using generator: inout SeededGenerator) -> String {
        insert { Self.pick($0, &generator) }
    }

    /// Some columns of a random row get other values.
    func update(using generator: inout SeededGenerator) -> String {
        let changes = columns.shuffled(using: &generator).prefix(3).map { "\($0.name) = \(Self.pick($0, &generator))" }
        return "UPDATE AllTypes SET \(changes.joined(separator: ", "))"
    }

    private func insert(_ value: (Column) -> String) -> String {
        "INSERT INTO AllTypes (\(columns.map(\.name).joined(separator: ", "))) VALUES "
            + "(\(columns.map(value).joined(separator: ", ")))"
    }

    private static func pick(_ column: Column, _ generator: inout SeededGenerator) -> String {
        Int.random(in: 0..<8, using: &generator) == 0
            ? "NULL" : column.values.randomElement(using: &generator) ?? "NULL"
    }
}

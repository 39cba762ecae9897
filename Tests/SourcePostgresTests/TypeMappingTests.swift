import Replication
import Testing

@testable import SourcePostgres

/// A type's name, kind and category, and where it goes.
struct TypeCase: Sendable, CustomTestStringConvertible {
    var name: String
    var kind: Character = "b"
    var category: Character = "U"
    var type: ReplicaType
    var form = PostgresTypeMapping.Form.plain
    var testDescription: String { name }

    init(
        _ name: String, _ type: ReplicaType, _ form: PostgresTypeMapping.Form = .plain, kind: Character = "b",
        category: Character = "U"
    ) {
        self.name = name
        self.type = type
        self.form = form
        self.kind = kind
        self.category = category
    }
}

struct TypeMappingTests {
    private static let text64 = ReplicaType.varchar(bytes: 64)

    private static let scalars = [
        TypeCase("smallint", .smallint), TypeCase("integer", .integer), TypeCase("bigint", .bigint),
        TypeCase("oid", .bigint), TypeCase("xid", .bigint), TypeCase("cid", .bigint), TypeCase("xid8", text64),
        TypeCase("pg_lsn", text64), TypeCase("tid", text64), TypeCase("real", .real),
        TypeCase("double precision", .doublePrecision), TypeCase("boolean", .boolean),
        TypeCase("money", .decimal(precision: 20, scale: 2), .cast("numeric")), TypeCase("date", .date),
        TypeCase("uuid", .varchar(bytes: 36)), TypeCase("bytea", .varbyte(bytes: 16_777_216), .hex),
        TypeCase("json", .semistructured), TypeCase("jsonb", .semistructured),
        TypeCase("hstore", .semistructured, .function("hstore_to_jsonb")), TypeCase("text", .widestText),
        TypeCase("citext", .widestText), TypeCase("xml", .widestText), TypeCase("tsvector", .widestText),
        TypeCase("name", .widestText), TypeCase("\"char\"", .widestText), TypeCase("inet", text64),
        TypeCase("cidr", text64),
        TypeCase("macaddr", .varchar(bytes: 17)), TypeCase("macaddr8", .varchar(bytes: 23)),
        TypeCase("point", .widestText), TypeCase("polygon", .widestText), TypeCase("circle", .widestText),
        TypeCase("timestamp without time zone", .timestamp), TypeCase("timestamp(3) without time zone", .timestamp),
        TypeCase("timestamp with time zone", .timestamptz), TypeCase("timestamp(0) with time zone", .timestamptz),
        TypeCase("time without time zone", .time), TypeCase("time(2) without time zone", .time),
        TypeCase("time with time zone", .varchar(bytes: 24)), TypeCase("time(6) with time zone", .varchar(bytes: 24)),
        TypeCase("interval", text64), TypeCase("interval(3)", text64), TypeCase("interval day to second(3)", text64),
        TypeCase("interval year to month", text64), TypeCase("character(1)", .varchar(bytes: 4), .cast("text")),
        TypeCase("character(20)", .varchar(bytes: 80), .cast("text")), TypeCase("character varying", .widestText),
        TypeCase("character varying(1)", .varchar(bytes: 4)),
        TypeCase("character varying(16383)", .varchar(bytes: 65_532)),
        TypeCase("character varying(16384)", .widestText), TypeCase("character varying(10485760)", .widestText),
        TypeCase("bit(1)", .varchar(bytes: 1)), TypeCase("bit(8)", .varchar(bytes: 8)),
        TypeCase("bit varying(70000)", .widestText), TypeCase("bit varying", .widestText),
        TypeCase("geometry(Point,4326)", .varbyte(bytes: 16_777_216)),
        TypeCase("vector(3)", .widestText, .cast("text")),
    ]

    private static let kinds = [
        TypeCase("mood", .varchar(bytes: 256), kind: "e", category: "E"),
        TypeCase("int4range", .widestText, kind: "r", category: "R"),
        TypeCase("nummultirange", .widestText, kind: "m", category: "R"),
        TypeCase("address", .semistructured, .function("to_jsonb"), kind: "c", category: "C"),
        TypeCase("integer[]", .semistructured, .function("to_jsonb"), category: "A"),
        TypeCase("character varying(10)[]", .semistructured, .function("to_jsonb"), category: "A"),
        TypeCase("mood[]", .semistructured, .function("to_jsonb"), category: "A"),
        TypeCase("oidvector", .semistructured, .function("to_jsonb"), category: "A"),
    ]

    private static let numerics = [
        TypeCase("numeric", .widestText), TypeCase("numeric(1,0)", .decimal(precision: 1, scale: 0)),
        TypeCase("numeric(10,2)", .decimal(precision: 10, scale: 2)),
        TypeCase("numeric(18,4)", .decimal(precision: 18, scale: 4)),
        // Redshift keeps precision 19 in 64 bits, which end below 19 nines.
        TypeCase("numeric(19,0)", .decimal(precision: 20, scale: 0)),
        TypeCase("numeric(19,19)", .decimal(precision: 20, scale: 19)),
        TypeCase("numeric(38,0)", .decimal(precision: 38, scale: 0)),
        TypeCase("numeric(38,37)", .decimal(precision: 38, scale: 37)),
        TypeCase("numeric(38,38)", .varchar(bytes: 41)), TypeCase("numeric(39,0)", .varchar(bytes: 42)),
        TypeCase("numeric(39,5)", .varchar(bytes: 42)), TypeCase("numeric(1000,500)", .varchar(bytes: 1003)),
        // Rounded before the point, and all behind it: PostgreSQL 15.
        TypeCase("numeric(3,-2)", .decimal(precision: 5, scale: 0)),
        TypeCase("numeric(36,-2)", .decimal(precision: 38, scale: 0)),
        TypeCase("numeric(37,-2)", .varchar(bytes: 42)), TypeCase("numeric(2,5)", .decimal(precision: 5, scale: 5)),
        TypeCase("numeric(2,19)", .decimal(precision: 20, scale: 19)), TypeCase("numeric(3,38)", .varchar(bytes: 41)),
        TypeCase("numeric(3,50)", .varchar(bytes: 53)),
    ]

    @Test(arguments: scalars + kinds + numerics)
    func `every type has a Redshift type and a form`(given: TypeCase) {
        let mapping = PostgresTypeMapping(
            type: PostgresType(name: given.name, kind: given.kind, category: given.category))
        #expect(mapping.replicaType == given.type)
        #expect(mapping.form == given.form)
    }

    @Test(arguments: numerics)
    func `the widest value of a numeric that travels as text fits`(given: TypeCase) {
        guard case .varchar(let bytes) = given.type else { return }
        let arguments = PostgresTypeMapping.split(given.name).arguments
        guard arguments.count == 2 else { return }
        let (precision, scale) = (arguments[0], arguments[1])
        // Sign, digits before the point (at least a zero), the point and digits behind it.
        let widest = 1 + max(1, precision - scale) + (scale > 0 ? 1 + scale : 0)
        #expect(bytes >= widest)
    }

    @Test(
        arguments: [
            ("numeric(10,2)", "numeric", [10, 2]), ("numeric(3, -2)", "numeric", [3, -2]), ("text", "text", []),
            ("timestamp(3) without time zone", "timestamp without time zone", [3]), ("odd(", "odd(", []),
        ] as [(String, String, [Int])])
    func `a type's name is taken apart`(name: String, base: String, arguments: [Int]) {
        let parts = PostgresTypeMapping.split(name)
        #expect(parts.base == base && parts.arguments == arguments)
    }
}

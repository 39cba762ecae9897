import Replication
import Testing

@Suite struct ReplicaTypeParsingTests {
    @Test(
        arguments: [
            ("SMALLINT", .smallint), ("int2", .smallint), ("INT", .integer), ("integer", .integer), ("int4", .integer),
            ("BigInt", .bigint), ("int8", .bigint), ("REAL", .real), ("float4", .real), ("float(24)", .real),
            ("float", .doublePrecision), ("FLOAT(25)", .doublePrecision), ("double  precision", .doublePrecision),
            ("bool", .boolean), ("BOOLEAN", .boolean), ("date", .date), ("timestamp", .timestamp),
            ("timestamp without time zone", .timestamp), ("TIMESTAMPTZ", .timestamptz),
            ("timestamp with time zone", .timestamptz), ("time", .time), ("SUPER", .semistructured),
            ("varchar", .varchar(bytes: 256)), ("text", .varchar(bytes: 256)), ("VARCHAR(64)", .varchar(bytes: 64)),
            ("varchar (64)", .varchar(bytes: 64)), ("varchar( max )", .varchar(bytes: 65_535)),
            ("character varying(65535)", .varchar(bytes: 65_535)), ("  varchar(1) ", .varchar(bytes: 1)),
            ("numeric", .decimal(precision: 18, scale: 0)), ("NUMERIC(12,2)", .decimal(precision: 12, scale: 2)),
            ("decimal( 38 , 37 )", .decimal(precision: 38, scale: 37)),
            ("decimal(5)", .decimal(precision: 5, scale: 0)),
            ("decimal(19,4)", .decimal(precision: 20, scale: 4)), ("varbyte(10)", .varbyte(bytes: 10)),
            ("varbinary", .varbyte(bytes: 64_000)), ("binary varying(16777216)", .varbyte(bytes: 16_777_216)),
        ] as [(String, ReplicaType)])
    func `a type is read in the spellings of Redshift`(text: String, type: ReplicaType) {
        #expect(ReplicaType(sql: text) == type)
    }

    @Test(arguments: [
        "", " ", "varchar(0)", "varchar(65536)", "varchar(64,2)", "varchar(64", "varchar)", "varchar(-1)", "char(3)",
        "decimal(39)", "decimal(0)", "decimal(5,6)", "decimal(38,38)", "decimal(,2)", "float(54)", "int(4)", "geometry",
        "money", "bigint; DROP TABLE t", "varbyte(16777217)", "super(1)", "interval", "timestamptz(3)", "default",
    ])
    func `a type that a replica cannot have is none`(text: String) {
        #expect(ReplicaType(sql: text) == nil)
    }

    @Test(arguments: [
        ReplicaType.smallint, .integer, .bigint, .real, .doublePrecision, .boolean, .decimal(precision: 38, scale: 10),
        .varchar(bytes: 256), .widestText, .date, .timestamp, .timestamptz, .time, .semistructured,
        .varbyte(bytes: 16_777_216),
    ])
    func `what is written is read back`(type: ReplicaType) {
        #expect(ReplicaType(sql: type.sql) == type)
    }
}

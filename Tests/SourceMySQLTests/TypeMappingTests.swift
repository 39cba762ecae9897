import Replication
import Testing

@testable import SourceMySQL

/// Every row of the type table, as both servers spell it.
struct TypeMappingTests {
    private static let cases: [(String, ReplicaType, MySQLTypeMapping.Form)] = [
        ("tinyint", .smallint, .number), ("tinyint(4)", .smallint, .number), ("tinyint(1)", .smallint, .number),
        ("tinyint unsigned", .smallint, .number), ("tinyint(3) unsigned zerofill", .smallint, .number),
        ("smallint(6)", .smallint, .number), ("smallint unsigned", .integer, .number),
        ("mediumint(9)", .integer, .number), ("mediumint(8) unsigned", .integer, .number),
        ("int", .integer, .number), ("int(11)", .integer, .number), ("int unsigned", .bigint, .number),
        ("int(10) unsigned", .bigint, .number), ("bigint", .bigint, .number), ("bigint(20)", .bigint, .number),
        ("bigint unsigned", .decimal(precision: 20, scale: 0), .number),
        ("bigint(20) unsigned", .decimal(precision: 20, scale: 0), .number),
        ("bit(1)", .boolean, .bit), ("bit(2)", .bigint, .bits), ("bit(63)", .bigint, .bits),
        ("bit(64)", .decimal(precision: 20, scale: 0), .bits),
        ("decimal(10,2)", .decimal(precision: 10, scale: 2), .number),
        ("decimal(10,0)", .decimal(precision: 10, scale: 0), .number),
        ("decimal(10,2) unsigned", .decimal(precision: 10, scale: 2), .number),
        // Redshift holds 19 digits in 64 bits and overflows.
        ("decimal(19,4)", .decimal(precision: 20, scale: 4), .number),
        ("decimal(38,30)", .decimal(precision: 38, scale: 30), .number),
        ("decimal(39,0)", .varchar(bytes: 42), .number), ("decimal(65,30)", .varchar(bytes: 68), .number),
        ("decimal(38,38)", .varchar(bytes: 41), .number),
        ("float", .real, .float), ("float unsigned", .real, .float), ("double", .doublePrecision, .number),
        ("double(10,2)", .doublePrecision, .number),
        ("char(3)", .varchar(bytes: 12), .text), ("varchar(255)", .varchar(bytes: 1020), .text),
        ("varchar(16383)", .varchar(bytes: 65_532), .text), ("varchar(21844)", .widestText, .text),
        ("char(0)", .varchar(bytes: 1), .text),
        ("tinytext", .varchar(bytes: 1024), .text), ("text", .widestText, .text), ("mediumtext", .widestText, .text),
        ("longtext", .widestText, .text),
        ("binary(16)", .varbyte(bytes: 16), .bytes), ("varbinary(300)", .varbyte(bytes: 300), .bytes),
        ("tinyblob", .varbyte(bytes: 255), .bytes), ("blob", .varbyte(bytes: 65_535), .bytes),
        ("mediumblob", .varbyte(bytes: 16_777_216), .bytes), ("longblob", .varbyte(bytes: 16_777_216), .bytes),
        ("enum('a','bcd','it''s')", .varchar(bytes: 16), .text), ("enum('日本語')", .varchar(bytes: 12), .text),
        ("enum('a,b','c)d')", .varchar(bytes: 12), .text), ("set('a','bcd')", .varchar(bytes: 20), .text),
        ("enum('')", .varchar(bytes: 4), .text),
        ("date", .date, .number), ("datetime", .timestamp, .number), ("datetime(6)", .timestamp, .number),
        ("timestamp", .timestamptz, .utcTimestamp), ("timestamp(3)", .timestamptz, .utcTimestamp),
        ("time", .varchar(bytes: 17), .number), ("time(6)", .varchar(bytes: 17), .number),
        ("year", .smallint, .number), ("year(4)", .smallint, .number), ("json", .semistructured, .text),
        ("geometry", .varbyte(bytes: 16_777_216), .spatial), ("point", .varbyte(bytes: 16_777_216), .spatial),
        ("geomcollection", .varbyte(bytes: 16_777_216), .spatial),
        ("geometrycollection", .varbyte(bytes: 16_777_216), .spatial),
        ("uuid", .varchar(bytes: 36), .text), ("inet4", .varchar(bytes: 15), .text),
        ("inet6", .varchar(bytes: 45), .text),
        ("vector(3)", .varbyte(bytes: 65_535), .bytes), ("something new", .widestText, .text),
    ]

    @Test(arguments: cases)
    func `each type has its place in Redshift`(typeName: String, replicaType: ReplicaType, form: MySQLTypeMapping.Form)
    {
        let mapping = MySQLTypeMapping(MySQLType(typeName))
        #expect(mapping.replicaType == replicaType)
        #expect(mapping.form == form)
    }

    @Test(arguments: [
        ("bigint unsigned", "DECIMAL(20,0)"), ("decimal(65,30)", "exact text"), ("longtext", "cut"),
        ("json", "SUPER"), ("date", "zero and partial dates"), ("datetime", "zero and partial dates"),
        ("time", "exceed a day"), ("point", "well-known binary"), ("longblob", "2,000,000"),
        ("unheard of", "text form"),
    ])
    func `what people should know is said`(typeName: String, words: String) {
        let warnings = MySQLTypeMapping(MySQLType(typeName)).warnings
        #expect(warnings.contains { $0.contains(words) }, "\(warnings)")
    }

    @Test func `a type is read into its parts`() {
        let type = MySQLType("ENUM('x','Y''s','','a,b','(c)')")
        #expect(type.base == "enum" && type.labels == ["x", "Y's", "", "a,b", "(c)"] && type.arguments.isEmpty)
        let number = MySQLType("decimal(10,2) unsigned zerofill")
        #expect(number.base == "decimal" && number.arguments == [10, 2] && number.isUnsigned)
        #expect(!MySQLType("enum('un signed',' unsigned')").labels.isEmpty)
    }
}

import Replication
import Testing

struct ColumnRuleTests {
    @Test(
        arguments: [
            (.bigint, "bigint", .exact), (.boolean, "boolean", .exact), (.time, "time without time zone", .exact),
            (.varchar(bytes: 36), "uuid", .exact), (.varchar(bytes: 40), "character varying(10)", .text),
            (.widestText, "text", .text), (.widestText, "numeric", .text),
            (.decimal(precision: 10, scale: 2), "numeric(10,2)", .decimal),
            (.decimal(precision: 20, scale: 2), "money", .exact), (.real, "real", .float),
            (.doublePrecision, "double precision", .float), (.date, "date", .date),
            (.timestamp, "timestamp(3) without time zone", .timestamp), (.timestamp, "date", .date),
            (.timestamptz, "timestamp with time zone", .timestamp), (.semistructured, "jsonb", .json),
            (.semistructured, "integer[]", .json), (.varbyte(bytes: 16_777_216), "bytea", .binary),
        ] as [(ReplicaType, String, ValueForm)])
    func `the form follows from both types`(destination: ReplicaType, source: String, form: ValueForm) {
        #expect(ValueForm(destination: destination, sourceType: source) == form)
    }

    private func rule(_ type: String, _ natural: ReplicaType, _ destination: ReplicaType, width: Int? = nil)
        -> ColumnRule
    {
        let source = SourceColumn(name: "A", typeName: type, isNullable: true, replicaType: natural)
        let column = ColumnMapping(source: source, destinationName: "a", destinationType: destination)
        return ColumnRule(column, isKey: false, widthBytes: width)
    }

    @Test func `a column that takes every value of its source type is no reason to look at rows`() {
        #expect(rule("character varying(10)", .varchar(bytes: 40), .varchar(bytes: 40)).isBounded)
        #expect(rule("character varying(10)", .varchar(bytes: 40), .varchar(bytes: 40), width: 256).isBounded)
        #expect(!rule("character varying(10)", .varchar(bytes: 40), .varchar(bytes: 40), width: 39).isBounded)
        #expect(!rule("text", .widestText, .widestText).isBounded)
        #expect(!rule("character varying(16384)", .widestText, .widestText).isBounded)
        #expect(rule("integer", .integer, .varchar(bytes: 64)).isBounded)
        #expect(rule("text", .widestText, .widestText).limitBytes == 65_535)
        #expect(rule("integer", .integer, .integer).limitBytes == nil)
    }

    @Test func `short types are looked at where the column is too narrow for them`() {
        #expect(rule("uuid", .varchar(bytes: 36), .varchar(bytes: 36)).form == .exact)
        #expect(rule("uuid", .varchar(bytes: 36), .varchar(bytes: 36), width: 20).form == .text)
    }

    @Test func `every reason speaks to people and has a code`() {
        let reasons = RepairedValue.Reason.allCases
        #expect(Set(reasons.map(\.sentence)).count == reasons.count)
        #expect(reasons.allSatisfy { $0.sentence.first?.isUppercase == true && $0.sentence.hasSuffix(".") })
        #expect(BadValuePolicy.allCases.map(\.rawValue) == ["repair", "fail"])
    }
}

import Replication
import Testing

@testable import SourcePostgres

/// The statements of the modes that follow a key or read everything, and of filters and hashes.
struct CursorStatementTests {
    private static func column(_ name: String, _ type: String, _ treatment: ColumnMapping.Treatment? = nil)
        -> ColumnMapping
    {
        let source = SourceColumn(name: name, typeName: type, isNullable: false, replicaType: .widestText)
        return ColumnMapping(source: source, destinationName: name, destinationType: .widestText, treatment: treatment)
    }

    private static func mapping(
        _ mode: SyncMode, key: [String] = ["id"], cursor: String? = nil, type: String = "bigint", filter: String? = nil
    ) -> TableMapping {
        TableMapping(
            jobName: "j", source: TableName(schema: "shop", name: "Users"),
            destination: TableName(schema: "d", name: "users"), mode: mode, primaryKey: key, updatedKey: nil,
            cursorKey: cursor, columns: [column("id", type), column("co\"de", "character(3)"), column("mail", "text")],
            scope: CopyScope(filter: filter))
    }

    private func query(
        _ mapping: TableMapping, _ scan: BatchScan, floor: CursorFloor? = nil, horizon: UInt64? = nil,
        highest: String? = nil
    ) -> BatchQuery {
        BatchQuery(
            mapping: mapping, scan: scan, floor: floor, horizon: horizon, rowLimit: 3, highestCursor: highest)
    }

    private static let format = BatchFormat(nullSentinel: "sEnTiNeL")

    // MARK: A sequential key

    @Test func `new rows by their only key are measured above the key's floor`() {
        let given = query(
            Self.mapping(.insertOnly), .changes(after: CursorPosition(updated: nil, key: ["41"])), floor: .key("4'0"),
            horizon: 9, highest: "42")
        #expect(
            BatchStatements.extent(given, updatedSample: nil) == """
                SELECT n, u::text, h::text, k0::text FROM (\
                SELECT row_number() OVER w AS n, NULL::text AS u, greatest(t."id", '42'::bigint) AS h, t."id" AS k0 \
                FROM "shop"."Users" AS t \
                WHERE t."id" >= '4''0'::bigint AND age(t.xmin) BETWEEN 0 AND age('9'::xid8::xid) \
                AND t."id" > '41'::bigint \
                WINDOW w AS (ORDER BY t."id" ROWS UNBOUNDED PRECEDING) ORDER BY t."id" LIMIT 3\
                ) AS batch ORDER BY n DESC LIMIT 1
                """)
    }

    @Test func `a cursor column leads a composite key, and its rows are copied between positions`() {
        let mapping = Self.mapping(.insertOnly, key: ["co\"de", "id"], cursor: "id")
        let given = query(mapping, .changes(after: CursorPosition(updated: "7", key: ["x", "7"])))
        #expect(
            BatchStatements.extent(given, updatedSample: nil) == """
                SELECT n, u::text, h::text, k0::text, k1::text FROM (\
                SELECT row_number() OVER w AS n, t."id" AS u, t."id" AS h, t."co""de" AS k0, t."id" AS k1 \
                FROM "shop"."Users" AS t \
                WHERE (t."id", t."co""de", t."id") > ('7'::bigint, 'x'::character(3), '7'::bigint) \
                WINDOW w AS (ORDER BY t."id", t."co""de", t."id" ROWS UNBOUNDED PRECEDING) \
                ORDER BY t."id", t."co""de", t."id" LIMIT 3\
                ) AS batch ORDER BY n DESC LIMIT 1
                """)
        let extent = BatchExtent(rows: 3, last: CursorPosition(updated: "9", key: ["y", "9"]), highestCursor: "9")
        #expect(
            BatchStatements.copy(given, extent: extent, format: Self.format, updatedSample: nil, hashSalt: "s") == """
                COPY (SELECT t."id", t."co""de"::text, t."mail" FROM "shop"."Users" AS t \
                WHERE (t."id", t."co""de", t."id") > ('7'::bigint, 'x'::character(3), '7'::bigint) \
                AND (t."id", t."co""de", t."id") <= ('9'::bigint, 'y'::character(3), '9'::bigint) \
                ) TO STDOUT (FORMAT csv, NULL 'sEnTiNeL', ENCODING 'UTF8')
                """)
    }

    @Test(arguments: [
        ("bigint", #"max(t."id") OVER w AS h"#), ("text", #"max(t."id") OVER w AS h"#),
        // There is no max() of uuid.
        ("uuid", #"(max(t."id"::text) OVER w)::uuid AS h"#),
    ])
    func `a load by another key looks for the highest cursor value`(type: String, highest: String) {
        let mapping = Self.mapping(.insertOnly, key: ["co\"de"], cursor: "id", type: type)
        let text = BatchStatements.extent(query(mapping, .byKey(after: nil)), updatedSample: nil)
        #expect(text.contains(#"t."id" AS u, \#(highest), t."co""de" AS k0"#))
        #expect(text.contains(#"ORDER BY t."co""de" LIMIT 3"#))
    }

    @Test func `a position that is no number is not compared with numbers`() {
        let text = BatchStatements.extent(
            query(Self.mapping(.insertOnly), .changes(after: nil), highest: "2026-11-22"), updatedSample: nil)
        #expect(text.contains(#"t."id" AS h"#) && !text.contains("greatest"))
    }

    // MARK: Everything

    @Test func `a whole table is copied without an order or a bound`() {
        let mapping = Self.mapping(.fullSync, key: [])
        let given = BatchQuery(mapping: mapping, scan: .whole, floor: nil, horizon: nil, rowLimit: .max)
        let extent = BatchExtent(rows: 5, last: nil, highestCursor: nil)
        #expect(
            BatchStatements.copy(given, extent: extent, format: Self.format, updatedSample: nil, hashSalt: "s") == """
                COPY (SELECT t."id", t."co""de"::text, t."mail" FROM "shop"."Users" AS t ) \
                TO STDOUT (FORMAT csv, NULL 'sEnTiNeL', ENCODING 'UTF8')
                """)
    }

    @Test func `a table's writes show in its files, its rows and who wrote them`() {
        #expect(
            BatchStatements.changeToken(of: TableName(schema: "my \"app\"", name: "it's")) == """
                WITH RECURSIVE family AS (SELECT '"my ""app""\"."it''s"'::regclass::oid AS oid UNION \
                SELECT i.inhrelid FROM pg_inherits i JOIN family f ON f.oid = i.inhparent) \
                SELECT concat_ws(' ', string_agg(concat_ws(':', f.oid, pg_relation_filenode(f.oid)), ' ' ORDER BY f.oid), \
                (SELECT concat_ws(':', count(*), sum(t.xmin::text::bigint)) FROM "my ""app""\"."it's" AS t)) FROM family f
                """)
    }

    @Test func `a sweep asks for a range of blocks, and leaves settled transactions out where it is told`() {
        var sweep = query(Self.mapping(.updateAndInsert), .places(from: nil), horizon: 7)
        #expect(
            BatchStatements.extent(sweep, blocks: 3..<9).hasSuffix(
                """
                AS t WHERE age(t.xmin) BETWEEN 0 AND age('7'::xid8::xid) \
                AND t.ctid >= '(3,0)'::tid AND t.ctid < '(9,0)'::tid 
                """))
        sweep.leftOut = [8, (1 << 32) + 9]
        #expect(BatchStatements.extent(sweep, blocks: 3..<9).contains("AND t.xmin <> ALL ('{8,9}'::xid[]) AND t.ctid"))
    }

    // MARK: What is copied

    @Test func `a filter stands before all other conditions, and its comment ends with its line`() {
        let mapping = Self.mapping(.insertOnly, filter: "mail <> 'x' OR co = 1 -- ours")
        let given = query(mapping, .changes(after: nil), floor: .key("5"))
        let condition = """
            WHERE (mail <> 'x' OR co = 1 -- ours
            ) AND t."id" >= '5'::bigint \

            """
        #expect(BatchStatements.extent(given, updatedSample: nil).contains(condition + "WINDOW w AS"))
        let extent = BatchExtent(rows: 1, last: CursorPosition(updated: nil, key: ["9"]), highestCursor: nil)
        let copy = BatchStatements.copy(
            given, extent: extent, format: Self.format, updatedSample: nil, hashSalt: "s")
        #expect(copy.contains(condition + ") TO STDOUT"))
    }

    @Test func `a filter is checked within two kinds of brackets, without reading a row`() {
        #expect(
            BatchStatements.checkFilter("a > 1 -- b", of: Self.mapping(.fullSync)) == """
                SELECT (ARRAY[a > 1 -- b
                ])[1] FROM "shop"."Users" AS t WHERE (a > 1 -- b
                ) LIMIT 0
                """)
    }

    @Test func `a hash is made of the salt and the text, at the source`() {
        #expect(
            ColumnExpression.sql(for: Self.column("ma\"il", "text", .hashed), hashSalt: "it's")
                == #"encode(sha256(convert_to('it''s' || (t."ma""il")::text, 'UTF8')), 'hex')"#)
        #expect(
            ColumnExpression.sql(
                for: Self.column("c", "character(3)", .hashed), hashSalt: #"a\b"#, encoding: "SQL_ASCII")
                == #"encode(sha256(convert_to(E'a\\b' || (t."c"::text)::text, 'SQL_ASCII')), 'hex')"#)
    }

    @Test func `rows are counted from a floor and under a filter`() {
        let mapping = Self.mapping(.insertOnly, filter: "mail IS NOT NULL")
        #expect(
            BatchStatements.count(mapping, from: .key("5"), updatedSample: nil)
                == "SELECT count(*) FROM \"shop\".\"Users\" AS t WHERE (mail IS NOT NULL\n) AND t.\"id\" >= '5'::bigint "
        )
        #expect(
            BatchStatements.count(Self.mapping(.fullSync), from: nil, updatedSample: nil)
                == #"SELECT count(*) FROM "shop"."Users" AS t "#)
    }
}

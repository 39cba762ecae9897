import MySQLClient
import Replication
import Testing
import TestServers

@testable import SourceMySQL

/// The text of every statement of a pass, as the server gets it; and both servers take each of them.
struct StatementTextTests {
    private static func column(
        _ name: String, _ type: String, isNullable: Bool = false, treatment: ColumnMapping.Treatment? = nil
    ) -> ColumnMapping {
        let replicaType = MySQLTypeMapping(MySQLType(type)).replicaType
        let source = SourceColumn(name: name, typeName: type, isNullable: isNullable, replicaType: replicaType)
        return ColumnMapping(
            source: source, destinationName: name, destinationType: replicaType, treatment: treatment)
    }

    static func mapping(
        schema: String = "shop", isNullable: Bool = false, key: [String] = ["id"], updated: String? = "updated_at",
        type: String = "timestamp(6)"
    ) -> TableMapping {
        TableMapping(
            jobName: "j", source: TableName(schema: schema, name: "Us.ers"),
            destination: TableName(schema: "d", name: "users"), mode: .updateAndInsert, primaryKey: key,
            updatedKey: updated,
            columns: [
                column("id", "bigint"), column("updated_at", type, isNullable: isNullable), column("co`de", "char(3)"),
                column("raw", "binary(2)"), column("share", "float"), column("flags", "bit(9)"),
                column("mood", "enum('b','a')"), column("mail", "varchar(50)", treatment: .hashed),
                column("body", "longtext"), column("place", "point", isNullable: true),
            ])
    }

    private static let table = """
        CREATE TABLE `Us.ers` (id bigint PRIMARY KEY, updated_at timestamp(6) NULL, `co``de` char(3) NOT NULL,
          raw binary(2) NOT NULL, share float, flags bit(9), mood enum('b','a') NOT NULL, mail varchar(50), body longtext,
          place point)
        """

    private static let floor = SourceTime(parsing: "2026-11-22 10:00:00") ?? SourceTime(microseconds: 0)
    private static let position = CursorPosition(updated: "2026-11-22 11:00:00.000000", key: ["4"])
    private static let list =
        "t.`id`, t.`updated_at`, t.`co``de`, t.`raw`, t.`share` + 0e0, t.`flags` + 0, t.`mood`, "
        + "SHA2(CONCAT('s', CONVERT(CAST(t.`mail` AS CHAR) USING utf8mb4)), 256), t.`body`, ST_AsWKB(t.`place`)"

    private static func query(
        _ scan: BatchScan, floor: CursorFloor? = nil, mapping: TableMapping = mapping(), highest: String? = nil
    ) -> BatchQuery {
        BatchQuery(mapping: mapping, scan: scan, floor: floor, horizon: nil, rowLimit: 3, highestCursor: highest)
    }

    private static func extent(_ rows: Int, key: [String] = ["9"], updated: String? = "2026-11-22 12:00:00")
        -> BatchExtent
    {
        BatchExtent(rows: rows, last: CursorPosition(updated: updated, key: key), highestCursor: nil)
    }

    // MARK: Texts

    @Test func `a batch is counted up to its limit`() {
        #expect(
            MySQLBatchStatements.count(Self.query(.byKey(after: nil)), sample: nil)
                == "SELECT COUNT(*) FROM (SELECT 1 FROM `shop`.`Us.ers` AS t LIMIT 3) AS batch")
        let changes = Self.query(.changes(after: Self.position), floor: .time(Self.floor))
        #expect(
            MySQLBatchStatements.count(changes, sample: nil) == """
                SELECT COUNT(*) FROM (SELECT 1 FROM `shop`.`Us.ers` AS t \
                WHERE t.`updated_at` >= '2026-11-22 10:00:00.000000' \
                AND t.`updated_at` >= '2026-11-22 11:00:00.000000' \
                AND (t.`updated_at` > '2026-11-22 11:00:00.000000' OR t.`id` > 4) LIMIT 3) AS batch
                """)
    }

    @Test func `a full batch's last row is the one at its limit, a short one's the table's`() {
        let query = Self.query(
            .changes(after: nil), mapping: Self.mapping(isNullable: true), highest: "2026-11-22 09:00:00")
        #expect(
            MySQLBatchStatements.last(query, rows: 3, sample: nil) == """
                SELECT t.`updated_at`, t.`id`, t.`updated_at` < '2026-11-22 09:00:00', t.`updated_at` \
                FROM `shop`.`Us.ers` AS t WHERE t.`updated_at` IS NOT NULL \
                ORDER BY t.`updated_at`, t.`id` LIMIT 1 OFFSET 2
                """)
        #expect(
            MySQLBatchStatements.last(query, rows: 2, sample: nil) == """
                SELECT t.`updated_at`, t.`id`, t.`updated_at` < '2026-11-22 09:00:00', t.`updated_at` \
                FROM `shop`.`Us.ers` AS t WHERE t.`updated_at` IS NOT NULL \
                ORDER BY t.`updated_at` DESC, t.`id` DESC LIMIT 1
                """)
    }

    @Test func `a composite key is compared column by column`() {
        let mapping = Self.mapping(key: ["co`de", "raw", "mood"], updated: nil)
        let query = Self.query(.byKey(after: ["x'\\", "00FF", "2"]), mapping: mapping)
        #expect(
            MySQLBatchStatements.last(query, rows: 3, sample: nil) == #"""
                SELECT NULL, t.`co``de`, HEX(t.`raw`), t.`mood` + 0, NULL, NULL FROM `shop`.`Us.ers` AS t \#
                WHERE t.`co``de` >= 'x''\\' AND (t.`co``de` > 'x''\\' OR \#
                t.`raw` >= x'00FF' AND (t.`raw` > x'00FF' OR t.`mood` > 2)) \#
                ORDER BY t.`co``de`, t.`raw`, t.`mood` LIMIT 1 OFFSET 2
                """#)
    }

    @Test func `rows are bounded by the last one measured, or by nothing`() {
        let query = Self.query(.changes(after: nil), floor: .time(Self.floor))
        let bounded =
            " AND t.`updated_at` <= '2026-11-22 12:00:00' AND (t.`updated_at` < '2026-11-22 12:00:00' OR t.`id` <= 9)"
        let start = "SELECT \(Self.list) FROM `shop`.`Us.ers` AS t WHERE t.`updated_at` >= '2026-11-22 10:00:00.000000'"
        #expect(MySQLBatchStatements.rows(query, extent: Self.extent(3), sample: nil, hashSalt: "s") == start + bounded)
        #expect(MySQLBatchStatements.rows(query, extent: Self.extent(2), sample: nil, hashSalt: "s") == start)
        // Fewer rows than were looked at do not make it the last batch.
        var partly = Self.extent(1)
        partly.scanned = 3
        #expect(MySQLBatchStatements.rows(query, extent: partly, sample: nil, hashSalt: "s") == start + bounded)
    }

    @Test func `the whole table is read without a condition, but for the filter`() {
        var mapping = Self.mapping()
        #expect(
            MySQLBatchStatements.rows(
                Self.query(.whole, mapping: mapping), extent: Self.extent(0), sample: nil, hashSalt: "s")
                == "SELECT \(Self.list) FROM `shop`.`Us.ers` AS t")
        mapping.scope.filter = "id > 1 -- all"
        #expect(
            MySQLBatchStatements.rows(
                Self.query(.whole, mapping: mapping), extent: Self.extent(0), sample: nil, hashSalt: "s")
                == "SELECT \(Self.list) FROM `shop`.`Us.ers` AS t WHERE (id > 1 -- all\n)")
    }

    @Test func `rows without a stamp are read by key`() {
        let query = Self.query(.unstamped(after: ["7"]), mapping: Self.mapping(isNullable: true))
        #expect(
            MySQLBatchStatements.rows(query, extent: Self.extent(3), sample: nil, hashSalt: "s")
                == "SELECT \(Self.list) FROM `shop`.`Us.ers` AS t WHERE t.`updated_at` IS NULL AND t.`id` > 7 AND t.`id` <= 9"
        )
    }

    @Test func `a range is summed up over all columns`() {
        let query = Self.query(.places(from: nil), mapping: Self.mapping(), highest: "2026-11-22 09:00:00")
        var fields = ["id", "updated_at", "co``de", "raw"].map { "CAST(t.`\($0)` AS BINARY)" }
        fields += ["CAST(t.`share` + 0e0 AS BINARY)", "CAST(t.`flags` + 0 AS BINARY)", "CAST(t.`mood` AS BINARY)"]
        fields += ["CAST(t.`mail` AS BINARY)", "SHA2(t.`body`, 256)", "SHA2(ST_AsWKB(t.`place`), 256)"]
        let row = fields.map { "IF(\($0) IS NULL, 'N', CONCAT(LENGTH(\($0)), ':', \($0)))" }.joined(separator: ", ")
        let number = "CAST(CONV(LEFT(SHA2(CONCAT(\(row)), 256), 16), 16, 10) AS UNSIGNED)"
        #expect(
            MySQLBatchStatements.sum(query, range: KeyRange(lower: ["1"], upper: ["8"])) == """
                SELECT COUNT(*), BIT_XOR(\(number)), MAX(t.`updated_at`), MAX(t.`updated_at`) < '2026-11-22 09:00:00', \
                COUNT(\(number)) FROM `shop`.`Us.ers` AS t WHERE t.`id` > 1 AND t.`id` <= 8
                """)
    }

    @Test func `a range ends at the key of its last row`() {
        #expect(
            MySQLBatchStatements.key(
                at: 5, of: Self.query(.places(from: nil), mapping: Self.mapping(key: ["raw", "id"])),
                in: KeyRange(lower: ["00", "1"], upper: nil)) == """
                    SELECT HEX(t.`raw`), t.`id` FROM `shop`.`Us.ers` AS t \
                    WHERE t.`raw` >= x'00' AND (t.`raw` > x'00' OR t.`id` > 1) ORDER BY t.`raw`, t.`id` LIMIT 1 OFFSET 4
                    """)
    }

    @Test(
        arguments: [
            ("datetime", nil, nil, "t.`updated_at` >= '2026-11-21 21:00:00.000000'"),
            ("datetime", nil, SourceTime.hour * 2, "t.`updated_at` >= '2026-11-22 11:00:00.000000'"),
            ("timestamp", nil, SourceTime.hour * 2, "t.`updated_at` >= '2026-11-22 10:00:00.000000'"),
            ("date", nil, nil, "t.`updated_at` >= '2026-11-21'"),
            ("int(10) unsigned", "1795000000", nil, "t.`updated_at` >= 1795341599"),
            ("bigint(20)", "1795000000000", nil, "t.`updated_at` >= 1795341599999"),
        ] as [(String, String?, Int64?, String)])
    func `a floor is written in the column's own form`(type: String, sample: String?, offset: Int64?, condition: String)
    {
        var query = Self.query(.changes(after: nil), floor: .time(Self.floor), mapping: Self.mapping(type: type))
        query.keptOffset = offset
        #expect(MySQLBatchStatements.count(query, sample: sample).contains("WHERE \(condition) LIMIT 3"))
    }

    @Test func `without a sample an epoch has no floor, and a sequential key is its own`() {
        let query = Self.query(.changes(after: nil), floor: .time(Self.floor), mapping: Self.mapping(type: "bigint"))
        #expect(!MySQLBatchStatements.count(query, sample: nil).contains("WHERE"))
        var mapping = Self.mapping(updated: nil)
        mapping.mode = .insertOnly
        let keys = Self.query(.changes(after: nil), floor: .key("17"), mapping: mapping)
        #expect(
            MySQLBatchStatements.count(keys, sample: nil)
                == "SELECT COUNT(*) FROM (SELECT 1 FROM `shop`.`Us.ers` AS t WHERE t.`id` >= 17 LIMIT 3) AS batch")
        #expect(
            MySQLBatchStatements.count(mapping, from: .key("17"), sample: nil)
                == "SELECT COUNT(*) FROM `shop`.`Us.ers` AS t WHERE t.`id` >= 17")
        #expect(
            MySQLBatchStatements.highest(mapping, column: mapping.columns[1].source)
                == "SELECT MAX(t.`updated_at`) FROM `shop`.`Us.ers` AS t")
    }

    /// What a position holds comes from the server; nothing of it may become SQL all the same.
    @Test(arguments: [
        ("bigint", "-5", "-5"), ("bigint", "1 OR 1=1", "NULL"), ("double", "1.5", "1.5e0"),
        ("double", "1e300", "1e300"),
        ("double", "x", "NULL"), ("float", "0.10000000149011612", "CAST(0.10000000149011612 AS DOUBLE)"),
        (
            "decimal(65,30)", "12345678901234567890.000000000000000000000000000001",
            "12345678901234567890.000000000000000000000000000001"
        ),
        ("varchar(9)", "it's", "'it''s'"), ("varchar(9)", #"\"#, #"'\\'"#), ("binary(2)", "00FF", "x'00FF'"),
        ("date", "2026-01-01", "'2026-01-01'"), ("datetime(6)", "2026-01-01 00:00:00", "'2026-01-01 00:00:00'"),
        ("time", "-838:59:59", "'-838:59:59'"), ("timestamp", "2026-01-01 00:00:00", "'2026-01-01 00:00:00'"),
        ("year", "2026", "2026"), ("enum('a','b')", "2", "2"), ("set('a','b')", "3", "3"), ("bit(9)", "511", "511"),
        ("uuid", "a'b", "'a''b'"),
    ])
    func `a value of a position is a literal of its type`(type: String, value: String, literal: String) {
        let column = SourceColumn(name: "c", typeName: type, isNullable: false, replicaType: .bigint)
        #expect(MySQLColumnExpression(column).literal(value) == literal)
    }

    @Test func `hashes of bytes are those of their digits`() {
        let column = SourceColumn(name: "c", typeName: "blob", isNullable: true, replicaType: .varbyte(bytes: 9))
        #expect(MySQLColumnExpression(column).hashed(salt: "it's") == "SHA2(CONCAT('it''s', LOWER(HEX(t.`c`))), 256)")
    }

    @Test func `a session reads in UTC, and is patient`() {
        #expect(MySQLBatchStatements.begin == "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        let common = [
            "SET SESSION time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION', net_write_timeout = 3600, "
                + "net_read_timeout = 3600, lock_wait_timeout = 10",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        ]
        #expect(
            MySQLBatchStatements.session(isMariaDB: true, statementTimeout: .milliseconds(90_050))
                == common + ["SET SESSION max_statement_time = 90.050"])
        #expect(
            MySQLBatchStatements.session(isMariaDB: false, statementTimeout: .milliseconds(1_500))
                == common + ["SET SESSION max_execution_time = 1500, information_schema_stats_expiry = 0"])
    }

    @Test func `catalog statements name schema and table as literals`() {
        for statement in [
            MySQLCatalogStatements.tables(schema: "s'1", table: "t'1"),
            MySQLCatalogStatements.columns(schema: "s'1", table: "t'1"),
            MySQLCatalogStatements.indexes(schema: "s'1", table: "t'1"),
        ] {
            #expect(statement.contains("TABLE_SCHEMA = 's''1' ") && statement.contains("AND TABLE_NAME = 't''1'"))
        }
        #expect(
            MySQLCatalogStatements.jsonChecks(schema: "s'1", table: "t'1").contains(
                "CONSTRAINT_SCHEMA = 's''1' AND TABLE_NAME = 't''1'"))
        #expect(!MySQLCatalogStatements.columns(schema: "s", table: nil).contains("AND TABLE_NAME"))
        #expect(
            MySQLCatalogStatements.schemaExists("s'1")
                == "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 's''1'")
    }

    @Test func `a table's figures come with its size, and whether an index begins with the cursor column`() {
        var mapping = Self.mapping(schema: "s'1")
        let figures = """
            SELECT TABLE_ROWS, CREATE_TIME, UPDATE_TIME, \
            MOD(ABS(TIMESTAMPDIFF(SECOND, UPDATE_TIME, UTC_TIMESTAMP())) + 2, 900) > 4 \
            AND TABLE_ROWS > 0 AND CREATE_OPTIONS NOT LIKE '%partitioned%', DATA_LENGTH,
            """
        let rest = """
            TABLE_NAME \
            FROM information_schema.TABLES WHERE TABLE_SCHEMA = 's''1' AND TABLE_NAME = 'Us.ers'
            """
        #expect(
            MySQLCatalogStatements.table(of: mapping) == """
                \(figures) \
                EXISTS (SELECT 1 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 's''1' AND TABLE_NAME = 'Us.ers' \
                AND INDEX_TYPE = 'BTREE' AND SEQ_IN_INDEX = 1 AND SUB_PART IS NULL AND COLUMN_NAME = 'updated_at'), \
                \(rest)
                """)
        mapping.mode = .fullSync
        #expect(MySQLCatalogStatements.table(of: mapping) == "\(figures) 0, \(rest)")
    }

    @Test func `the index that a table lacks is named after its column`() {
        #expect(
            MySQLCatalogStatements.createIndex(of: Self.mapping())
                == "CREATE INDEX `updated_at_idx` ON `shop`.`Us.ers` (`updated_at`)")
        #expect(MySQLCatalogStatements.createIndex(of: Self.mapping(updated: nil)) == nil)
    }

    // MARK: On the servers

    @Test(arguments: MySQLServerKind.tested)
    func `both servers take every statement`(_ kind: MySQLServerKind) async throws {
        try await TestSchema.with(kind) { schema in
            let connection = schema.connection
            let isMariaDB = kind == .mariadb
            for statement in MySQLBatchStatements.session(isMariaDB: isMariaDB, statementTimeout: .seconds(60)) {
                try await connection.execute(statement)
            }
            try await connection.execute(Self.table)
            try await connection.execute(
                "INSERT INTO `Us.ers` VALUES (5, '2026-11-22 11:30:00', 'ab', x'00FF', 0.1, 5, 'a', 'm', 'b', ST_GeomFromText('POINT(1 2)'))"
            )
            try await connection.execute(MySQLBatchStatements.begin)
            var statements: [String] = []
            for nullable in [false, true] {
                for key in [["id"], ["co`de", "raw", "mood"], ["share", "flags"]] {
                    var mapping = Self.mapping(schema: schema.name, isNullable: nullable, key: key)
                    mapping.scope.filter = "id > 0 -- all"
                    let values = key == ["id"] ? ["4"] : key.count == 3 ? ["aa", "00FE", "1"] : ["0.05", "4"]
                    let place = CursorPosition(updated: "2026-11-22 11:00:00", key: values)
                    let scans: [BatchScan] = [
                        .whole, .byKey(after: nil), .byKey(after: values), .changes(after: nil), .changes(after: place),
                        .unstamped(after: values),
                    ]
                    for scan in scans {
                        let query = Self.query(
                            scan, floor: .time(Self.floor), mapping: mapping, highest: "2026-11-22 09:00:00")
                        statements += [
                            MySQLBatchStatements.count(query, sample: nil),
                            MySQLBatchStatements.last(query, rows: 3, sample: nil),
                            MySQLBatchStatements.last(query, rows: 2, sample: nil),
                            MySQLBatchStatements.rows(
                                query, extent: Self.extent(3, key: values), sample: nil, hashSalt: "s"),
                            MySQLBatchStatements.sum(query, range: KeyRange(lower: values, upper: values)),
                            MySQLBatchStatements.key(at: 2, of: query, in: KeyRange(lower: values, upper: nil)),
                        ]
                    }
                    statements += [
                        MySQLBatchStatements.count(mapping, from: .time(Self.floor), sample: nil),
                        MySQLBatchStatements.checkFilter("id > 0 -- all", of: mapping),
                        MySQLBatchStatements.highest(mapping, column: mapping.columns[1].source),
                    ]
                }
            }
            let name = TableName(schema: schema.name, name: "Us.ers")
            statements += [
                MySQLCatalogStatements.tables(schema: name.schema, table: name.name),
                MySQLCatalogStatements.columns(schema: name.schema, table: nil),
                MySQLCatalogStatements.indexes(schema: name.schema, table: name.name),
                MySQLCatalogStatements.table(of: Self.mapping(schema: name.schema)),
                MySQLCatalogStatements.schemaExists(name.schema),
                MySQLActivityStatements.clock, MySQLActivityStatements.variables, MySQLActivityStatements.transactions,
                MySQLActivityStatements.uptime, MySQLActivityStatements.engine, MySQLActivityStatements.replica,
            ]
            if isMariaDB { statements.append(MySQLCatalogStatements.jsonChecks(schema: name.schema, table: nil)) }
            for statement in statements {
                do { try await connection.execute(statement) } catch { Issue.record("\(error) in \(statement)") }
            }
            try await connection.execute("COMMIT")
        }
    }
}

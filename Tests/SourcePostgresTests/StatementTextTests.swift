import Replication
import Testing

@testable import SourcePostgres

/// The text of every statement of a pass, as the server gets it.
struct StatementTextTests {
    private static func column(
        _ name: String, _ type: String, _ replicaType: ReplicaType = .widestText, isNullable: Bool = false
    ) -> ColumnMapping {
        let source = SourceColumn(name: name, typeName: type, isNullable: isNullable, replicaType: replicaType)
        return ColumnMapping(source: source, destinationName: name, destinationType: replicaType)
    }

    static func mapping(isNullable: Bool = false, key: [String] = ["id"], updated: String? = "updated_at")
        -> TableMapping
    {
        TableMapping(
            jobName: "j", source: TableName(schema: "shop", name: "Users"),
            destination: TableName(schema: "d", name: "users"), mode: .updateAndInsert, primaryKey: key,
            updatedKey: updated,
            columns: [
                column("id", "bigint", .bigint),
                column("updated_at", "timestamp with time zone", .timestamptz, isNullable: isNullable),
                column("co\"de", "character(3)"),
            ])
    }

    private static let floor = SourceTime(parsing: "2026-11-22 10:00:00") ?? SourceTime(microseconds: 0)
    private static let position = CursorPosition(updated: "2026-11-22 11:00:00+00", key: ["4'1"])

    private func query(
        _ scan: BatchScan, floor: SourceTime? = nil, horizon: UInt64? = nil, mapping: TableMapping = mapping()
    ) -> BatchQuery {
        BatchQuery(mapping: mapping, scan: scan, floor: floor.map { .time($0) }, horizon: horizon, rowLimit: 3)
    }

    @Test func `a first batch by key is measured`() {
        #expect(
            BatchStatements.extent(query(.byKey(after: nil)), updatedSample: nil) == """
                SELECT n, u::text, h::text, k0::text FROM (\
                SELECT row_number() OVER w AS n, t."updated_at" AS u, max(t."updated_at") OVER w AS h, t."id" AS k0 \
                FROM "shop"."Users" AS t \
                WINDOW w AS (ORDER BY t."id" ROWS UNBOUNDED PRECEDING) ORDER BY t."id" LIMIT 3\
                ) AS batch ORDER BY n DESC LIMIT 1
                """)
    }

    @Test func `a batch of changes is measured behind its position, above floor and horizon`() {
        let given = query(.changes(after: Self.position), floor: Self.floor, horizon: 5_000_000_000)
        #expect(
            BatchStatements.extent(given, updatedSample: nil) == """
                SELECT n, u::text, h::text, k0::text FROM (\
                SELECT row_number() OVER w AS n, t."updated_at" AS u, t."updated_at" AS h, t."id" AS k0 \
                FROM "shop"."Users" AS t \
                WHERE t."updated_at" >= '2026-11-22 10:00:00.000000+00'::timestamp with time zone \
                AND age(t.xmin) BETWEEN 0 AND age('5000000000'::xid8::xid) \
                AND (t."updated_at", t."id") > ('2026-11-22 11:00:00+00'::timestamp with time zone, '4''1'::bigint) \
                WINDOW w AS (ORDER BY t."updated_at", t."id" ROWS UNBOUNDED PRECEDING) \
                ORDER BY t."updated_at", t."id" LIMIT 3\
                ) AS batch ORDER BY n DESC LIMIT 1
                """)
    }

    @Test func `rows without a timestamp are measured by key`() {
        let given = query(.unstamped(after: ["7"]), horizon: 9, mapping: Self.mapping(isNullable: true))
        #expect(
            BatchStatements.extent(given, updatedSample: nil) == """
                SELECT n, u::text, h::text, k0::text FROM (\
                SELECT row_number() OVER w AS n, t."updated_at" AS u, t."updated_at" AS h, t."id" AS k0 \
                FROM "shop"."Users" AS t \
                WHERE t."updated_at" IS NULL AND age(t.xmin) BETWEEN 0 AND age('9'::xid8::xid) AND t."id" > '7'::bigint \
                WINDOW w AS (ORDER BY t."id" ROWS UNBOUNDED PRECEDING) ORDER BY t."id" LIMIT 3\
                ) AS batch ORDER BY n DESC LIMIT 1
                """)
    }

    @Test func `a composite key without a timestamp is measured in its own order`() {
        let given = query(.byKey(after: ["x", "8"]), mapping: Self.mapping(key: ["co\"de", "id"], updated: nil))
        #expect(
            BatchStatements.extent(given, updatedSample: nil) == """
                SELECT n, u::text, h::text, k0::text, k1::text FROM (\
                SELECT row_number() OVER w AS n, NULL::text AS u, NULL::text AS h, t."co""de" AS k0, t."id" AS k1 \
                FROM "shop"."Users" AS t \
                WHERE (t."co""de", t."id") > ('x'::character(3), '8'::bigint) \
                WINDOW w AS (ORDER BY t."co""de", t."id" ROWS UNBOUNDED PRECEDING) \
                ORDER BY t."co""de", t."id" LIMIT 3\
                ) AS batch ORDER BY n DESC LIMIT 1
                """)
    }

    @Test func `a full batch is copied up to its measured end, a last one to the table's`() {
        let given = query(.changes(after: nil), floor: Self.floor, mapping: Self.mapping(isNullable: true))
        let last = CursorPosition(updated: "2026-11-22 12:00:00+00", key: ["9"])
        let format = BatchFormat(nullSentinel: "sEnTiNeL")
        let full = BatchExtent(rows: 3, last: last, highestCursor: nil)
        #expect(
            BatchStatements.copy(given, extent: full, format: format, updatedSample: nil, hashSalt: "s") == """
                COPY (SELECT t."id", t."updated_at", t."co""de"::text FROM "shop"."Users" AS t \
                WHERE t."updated_at" IS NOT NULL \
                AND t."updated_at" >= '2026-11-22 10:00:00.000000+00'::timestamp with time zone \
                AND (t."updated_at", t."id") <= ('2026-11-22 12:00:00+00'::timestamp with time zone, '9'::bigint) \
                ) TO STDOUT (FORMAT csv, NULL 'sEnTiNeL', ENCODING 'UTF8')
                """)
        let short = BatchExtent(rows: 2, last: last, highestCursor: nil)
        #expect(
            BatchStatements.copy(given, extent: short, format: format, updatedSample: nil, hashSalt: "s") == """
                COPY (SELECT t."id", t."updated_at", t."co""de"::text FROM "shop"."Users" AS t \
                WHERE t."updated_at" IS NOT NULL \
                AND t."updated_at" >= '2026-11-22 10:00:00.000000+00'::timestamp with time zone \
                ) TO STDOUT (FORMAT csv, NULL 'sEnTiNeL', ENCODING 'UTF8')
                """)
    }

    @Test func `an epoch's floor follows its sample, and without one there is no floor`() {
        var mapping = Self.mapping()
        mapping.columns[1].source.typeName = "bigint"
        let given = query(.changes(after: nil), floor: Self.floor, mapping: mapping)
        #expect(
            BatchStatements.extent(given, updatedSample: "1795000000").contains(
                #"WHERE t."updated_at" >= '1795341599'::bigint WINDOW"#))
        #expect(!BatchStatements.extent(given, updatedSample: nil).contains("WHERE"))
        #expect(
            BatchStatements.sample(mapping, column: "updated_at")
                == #"SELECT max(t."updated_at")::text FROM "shop"."Users" AS t"#)
    }

    @Test func `a snapshot is read-only, and its settings end with it`() {
        #expect(
            BatchStatements.begin(statementTimeout: .milliseconds(1500)) == """
                BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL DateStyle TO 'ISO, YMD'; \
                SET LOCAL TimeZone TO 'UTC'; SET LOCAL IntervalStyle TO 'iso_8601'; \
                SET LOCAL extra_float_digits TO 1; SET LOCAL bytea_output TO 'hex'; \
                SET LOCAL statement_timeout TO 1500; SET LOCAL lock_timeout TO '10s'; \
                SET LOCAL idle_in_transaction_session_timeout TO '10min'
                """)
    }

    @Test func `the readings of a pass's start are three statements`() {
        #expect(
            BatchStatements.activity == """
                SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, \
                (extract(epoch FROM min(a.xact_start)) * 1000000)::bigint, \
                coalesce(bool_or((a.state IS NULL AND a.backend_type IS NULL) OR a.state = 'disabled'), false), \
                pg_is_in_recovery(), \
                CASE WHEN pg_is_in_recovery() \
                THEN (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000000)::bigint END, \
                (extract(epoch FROM max(a.xact_start)) * 1000000)::bigint \
                FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() \
                AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
                """)
        #expect(
            BatchStatements.preparedTransactions
                == "SELECT EXISTS (SELECT FROM pg_prepared_xacts WHERE database = current_database())")
        #expect(
            BatchStatements.horizon == """
                SELECT pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmax(pg_current_snapshot()), \
                (SELECT system_identifier FROM pg_control_system()), \
                CASE WHEN pg_is_in_recovery() \
                THEN upper(lpad(to_hex(greatest((SELECT min_recovery_end_timeline FROM pg_control_recovery()), \
                (SELECT received_tli FROM pg_stat_wal_receiver))), 8, '0')) \
                ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END, current_database(), \
                CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
                ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn, \
                CASE WHEN NOT pg_is_in_recovery() THEN (extract(epoch FROM coalesce((SELECT max(backend_start) \
                FROM pg_stat_activity WHERE backend_type = 'checkpointer'), pg_postmaster_start_time())) \
                * 1000000)::bigint END
                """)
    }

    @Test(arguments: [
        ("plain", "'plain'"), ("", "''"), ("it's", "'it''s'"), (#"a\b"#, #"E'a\\b'"#), (#"\'"#, #"E'\\'''"#),
        ("日本", "'日本'"),
    ])
    func `a literal is escaped whatever the server's settings`(text: String, literal: String) {
        #expect(CatalogStatements.literal(text) == literal)
    }

    private static let facts = """
        SELECT c.relkind, CASE WHEN c.relkind IN ('r', 'p') THEN has_column_privilege(c.oid, 'xmin', 'SELECT') END, \
        (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()), \
        CASE c.relkind WHEN 'r' THEN CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint \
        ELSE pg_relation_size(c.oid) / 64 END \
        WHEN 'p' THEN (SELECT coalesce(sum(CASE WHEN p.reltuples >= 0 THEN p.reltuples::bigint \
        ELSE pg_relation_size(p.oid) / 64 END), 0)::bigint \
        FROM pg_partition_tree(c.oid) tree JOIN pg_class p ON p.oid = tree.relid WHERE tree.isleaf) END, \
        current_setting('server_version_num')::integer >= 140000 \
        AND CASE WHEN c.relkind IN ('r', 'p') THEN has_column_privilege(c.oid, 'ctid', 'SELECT') END, \
        c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT'),
        """
    private static let place =
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'shop' AND c.relname = 'Users'"

    @Test func `a table's facts come with its size, and whether an index begins with the cursor column`() {
        #expect(
            CatalogStatements.relation(of: Self.mapping()) == """
                \(Self.facts) \
                CASE WHEN c.relkind IN ('r', 'm') THEN CASE WHEN c.relpages > 0 \
                THEN c.relpages::bigint * current_setting('block_size')::bigint ELSE pg_relation_size(c.oid) END \
                WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(CASE WHEN p.relpages > 0 \
                THEN p.relpages::bigint * current_setting('block_size')::bigint ELSE pg_relation_size(p.oid) END), 0)::bigint \
                FROM pg_partition_tree(c.oid) tree JOIN pg_class p ON p.oid = tree.relid WHERE p.relkind = 'r') END, \
                EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam \
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid \
                AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND a.attname = 'updated_at') \(Self.place)
                """)
    }

    @Test func `long values count where a table is copied whole`() {
        var mapping = Self.mapping()
        mapping.mode = .fullSync
        #expect(
            CatalogStatements.relation(of: mapping) == """
                \(Self.facts) CASE WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid) \
                WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(pg_table_size(p.oid)), 0)::bigint \
                FROM pg_partition_tree(c.oid) tree JOIN pg_class p ON p.oid = tree.relid WHERE p.relkind = 'r') END, \
                false \(Self.place)
                """)
    }

    @Test func `the index that a table lacks is made beside its writers, where that is possible`() {
        let mapping = Self.mapping()
        #expect(
            CatalogStatements.createIndex(of: mapping, isPartitioned: false)
                == #"CREATE INDEX CONCURRENTLY ON "shop"."Users" ("updated_at")"#)
        #expect(
            CatalogStatements.createIndex(of: mapping, isPartitioned: true)
                == #"CREATE INDEX ON "shop"."Users" ("updated_at")"#)
        #expect(CatalogStatements.createIndex(of: Self.mapping(updated: nil), isPartitioned: false) == nil)
    }

    @Test func `catalog statements name the schema and the table as literals`() {
        for statement in [
            CatalogStatements.relations(schema: "s'1", table: "t'1"),
            CatalogStatements.columns(schema: "s'1", table: "t'1"),
            CatalogStatements.indexes(schema: "s'1", table: "t'1"),
        ] {
            #expect(statement.contains("n.nspname = 's''1' ") && statement.contains("AND c.relname = 't''1' "))
        }
        #expect(CatalogStatements.relations(schema: "s", table: nil).contains("AND NOT c.relispartition"))
        #expect(!CatalogStatements.relations(schema: "s", table: "t").contains("relispartition"))
        #expect(!CatalogStatements.columns(schema: "s", table: nil).contains("c.relname ="))
        #expect(CatalogStatements.schemaExists("s'1") == "SELECT 1 FROM pg_namespace WHERE nspname = 's''1'")
    }
}

import Replication
import Testing

@testable import DestinationRedshift

/// The text of every statement; that Redshift's grammar takes them is shown by the tests on the server.
@Suite struct StatementTests {
    static let table = TableName(schema: "App", name: "order \"lines\"")

    static let mapping = Fixture.mapping(
        [
            "Region": .varchar(bytes: 8), "id": .bigint, "Größe €": .decimal(precision: 10, scale: 2),
            "doc": .semistructured,
            "updated_at": .timestamptz,
        ], key: ["Region", "id"], updated: "updated_at", destination: table)

    static func load(
        _ copyFrom: String = "s3://bucket/p/part-0001.csv.zst", isManifest: Bool = false,
        compression: StagedCompression = .zstd
    ) -> ReplicaLoad {
        let staged = StagedBatch(
            content: .objects(
                StagedObjects(copyFrom: copyFrom, isManifest: isManifest, compression: compression, keys: [])),
            rows: 1, bytes: 1, compressedBytes: 1)
        return ReplicaLoad(
            mapping: mapping, staged: staged, format: BatchFormat(nullSentinel: "abcXYZ"), method: .merge,
            expected: nil, next: Fixture.checkpoint(after: nil))
    }

    // MARK: The replica

    @Test func `a schema is looked for and made`() {
        #expect(ReplicaStatements.schemaExists("o'b\\r") == #"SELECT 1 FROM pg_namespace WHERE nspname = 'o''b\\r'"#)
        #expect(ReplicaStatements.createSchema("my \"app\"") == #"CREATE SCHEMA IF NOT EXISTS "my ""app""""#)
    }

    @Test func `a table's columns are read in their order`() {
        #expect(
            ReplicaStatements.columns(of: Self.table)
                == """
                SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, \
                is_nullable, column_default FROM information_schema.columns \
                WHERE table_schema = 'App' AND table_name = 'order "lines"' ORDER BY ordinal_position
                """)
    }

    @Test func `a replica has its key on one slice and is sorted by what orders changes`() {
        #expect(
            ReplicaStatements.createTable(Self.mapping)
                == """
                CREATE TABLE IF NOT EXISTS "App"."order ""lines\""" ("region" VARCHAR(8) NOT NULL, "id" BIGINT NOT NULL, \
                "größe €" DECIMAL(10,2), "doc" SUPER, "updated_at" TIMESTAMPTZ, PRIMARY KEY ("region", "id")) \
                DISTSTYLE KEY DISTKEY ("region") COMPOUND SORTKEY ("updated_at")
                """)
    }

    @Test func `a type that cannot distribute or sort is not asked to`() {
        let mapping = Fixture.mapping(
            ["k": .varbyte(bytes: 16), "v": .varchar(bytes: 65_535)], key: ["k"], updated: nil,
            destination: TableName(schema: "s", name: "t"))
        #expect(
            ReplicaStatements.createTable(mapping)
                == #"CREATE TABLE IF NOT EXISTS "s"."t" ("k" VARBYTE(16) NOT NULL, "v" VARCHAR(65535))"#
        )
    }

    @Test func `a table without a key gets none`() {
        let mapping = Fixture.mapping(
            ["v": .integer], key: [], updated: nil, destination: TableName(schema: "s", name: "t"))
        #expect(ReplicaStatements.createTable(mapping) == #"CREATE TABLE IF NOT EXISTS "s"."t" ("v" INTEGER)"#)
    }

    // MARK: Loading

    @Test func `COPY reads one object`() throws {
        let load = Self.load()
        let objects = try #require(load.staged.objects)
        #expect(
            ReplicaStatements.copy(
                into: "\"stage\"", load, objects, authorization: .iamRole("default"), region: nil)
                    == """
                    COPY "stage" ("region", "id", "größe €", "doc", "updated_at") FROM 's3://bucket/p/part-0001.csv.zst' \
                    IAM_ROLE default FORMAT AS CSV NULL AS 'abcXYZ' ZSTD \
                    DATEFORMAT 'auto' TIMEFORMAT 'auto' MAXERROR 0 COMPUPDATE OFF STATUPDATE OFF
                    """)
    }

    @Test func `COPY reads a manifest in the bucket's region`() throws {
        let load = Self.load("s3://bucket/it's/manifest.json", isManifest: true, compression: .gzip)
        let objects = try #require(load.staged.objects)
        #expect(
            ReplicaStatements.copy(
                into: "\"s\".\"t\"", load, objects, authorization: .iamRole("default"), region: "eu-west-1")
                    == """
                    COPY "s"."t" ("region", "id", "größe €", "doc", "updated_at") FROM 's3://bucket/it''s/manifest.json' \
                    IAM_ROLE default FORMAT AS CSV NULL AS 'abcXYZ' GZIP MANIFEST REGION 'eu-west-1' \
                    DATEFORMAT 'auto' TIMEFORMAT 'auto' MAXERROR 0 COMPUPDATE OFF STATUPDATE OFF
                    """)
    }

    @Test(arguments: [
        (CopyAuthorization.iamRole("default"), "IAM_ROLE default"),
        (
            .iamRole("arn:aws:iam::1:role/a,arn:aws:iam::2:role/b"),
            "IAM_ROLE 'arn:aws:iam::1:role/a,arn:aws:iam::2:role/b'"
        ),
        (
            .keys(accessKeyID: "AKIA", secretAccessKey: "a/b'c\\d", sessionToken: nil),
            #"ACCESS_KEY_ID 'AKIA' SECRET_ACCESS_KEY 'a/b''c\\d'"#
        ),
        (
            .keys(accessKeyID: "ASIA", secretAccessKey: "s", sessionToken: "t="),
            "ACCESS_KEY_ID 'ASIA' SECRET_ACCESS_KEY 's' SESSION_TOKEN 't='"
        ),
    ])
    func `COPY is allowed by a role or by keys, which are never printed`(_ form: CopyAuthorization, sql: String) {
        #expect(form.sql == sql)
        #expect("\(form)" == "***" && String(describing: form) == "***")
    }

    @Test func `staging is a temporary table like the replica`() {
        #expect(
            ReplicaStatements.createStaging("loader_stage_1", like: Self.table, Self.mapping)
                == #"CREATE TEMP TABLE "loader_stage_1" (LIKE "App"."order ""lines""" INCLUDING DEFAULTS)"#)
        #expect(ReplicaStatements.dropStaging("loader_stage_1") == #"DROP TABLE "loader_stage_1""#)
        #expect(ReplicaStatements.count(Self.table) == #"SELECT COUNT(*) FROM "App"."order ""lines""""#)
    }

    @Test func `text keys must agree in length too, because Redshift ignores blanks at their end`() {
        #expect(
            ReplicaStatements.deleteOlder("stage", Self.mapping, hasMarkers: true)
                == """
                DELETE FROM "App"."order ""lines\""" USING "stage" WHERE "App"."order ""lines\"""."region" = \
                "stage"."region" AND OCTET_LENGTH("App"."order ""lines\"""."region") = OCTET_LENGTH("stage"."region") \
                AND "App"."order ""lines\"""."id" = "stage"."id"
                """)
        #expect(
            ReplicaStatements.insertStaged("stage", Self.mapping, hasMarkers: true)
                == """
                INSERT INTO "App"."order ""lines\""" ("region", "id", "größe €", "doc", "updated_at") \
                SELECT "stage"."region", "stage"."id", "stage"."größe €", "stage"."doc", "stage"."updated_at" \
                FROM "stage"
                """)
    }

    @Test func `empty binary values are marked in a staging table, because COPY takes them for NULL`() throws {
        let mapping = Fixture.mapping(
            ["id": .bigint, "a\"b": .varbyte(bytes: 9), "v": .integer, "c": .varbyte(bytes: 9)], key: ["id"],
            updated: nil,
            destination: TableName(schema: "s", name: "t"))
        #expect(
            ReplicaStatements.addMarkers("stage", mapping) == [
                #"ALTER TABLE "stage" ADD COLUMN "loader_empty_1" BOOLEAN"#,
                #"ALTER TABLE "stage" ADD COLUMN "loader_empty_2" BOOLEAN"#,
            ])
        #expect(
            ReplicaStatements.insertStaged("stage", mapping, hasMarkers: true, into: TableName(schema: "s", name: "u"))
                == """
                INSERT INTO "s"."u" ("id", "a""b", "v", "c") SELECT "stage"."id", \
                CASE WHEN "stage"."loader_empty_1" THEN FROM_HEX('') ELSE "stage"."a""b" END, "stage"."v", \
                CASE WHEN "stage"."loader_empty_2" THEN FROM_HEX('') ELSE "stage"."c" END FROM "stage"
                """)
        #expect(
            ReplicaStatements.insertStaged("stage", mapping, hasMarkers: false)
                == """
                INSERT INTO "s"."t" ("id", "a""b", "v", "c") \
                SELECT "stage"."id", "stage"."a""b", "stage"."v", "stage"."c" FROM "stage"
                """)
        #expect(
            ReplicaStatements.columnList(mapping, withMarkers: true)
                == #""id", "a""b", "v", "c", "loader_empty_1", "loader_empty_2""#)
    }

    @Test func `an empty binary key may be NULL in staging, and is compared as what it is`() {
        let mapping = Fixture.mapping(
            ["k": .varbyte(bytes: 9), "v": .integer], key: ["k"], updated: nil,
            destination: TableName(schema: "s", name: "t"))
        #expect(
            ReplicaStatements.createStaging("stage", like: mapping.destination, mapping)
                == #"CREATE TEMP TABLE "stage" AS SELECT "k", "v" FROM "s"."t" WHERE FALSE"#)
        #expect(
            ReplicaStatements.deleteOlder("stage", mapping, hasMarkers: true)
                == """
                DELETE FROM "s"."t" USING "stage" WHERE "s"."t"."k" = \
                CASE WHEN "stage"."loader_empty_1" THEN FROM_HEX('') ELSE "stage"."k" END
                """)
        #expect(
            ReplicaStatements.deleteOlder("stage", mapping, hasMarkers: false)
                == #"DELETE FROM "s"."t" USING "stage" WHERE "s"."t"."k" = "stage"."k""#)
    }

    @Test func `load errors are asked for by the COPY's own number`() {
        #expect(ReplicaStatements.lastCopyID == "SELECT pg_last_copy_id()")
        #expect(ReplicaStatements.lastCopyCount == "SELECT pg_last_copy_count()")
        #expect(
            ReplicaStatements.loadErrors(copyID: "17")
                == """
                SELECT TRIM(column_name), TRIM(column_type), TRIM(column_length), error_code, TRIM(error_message), \
                line_number FROM sys_load_error_detail WHERE query_id = 17 ORDER BY start_time DESC LIMIT 1
                """)
        #expect(
            ReplicaStatements.oldLoadErrors(copyID: "17")
                == """
                SELECT TRIM(colname), TRIM(type), TRIM(col_length), err_code, TRIM(err_reason), line_number \
                FROM stl_load_errors WHERE query = 17 ORDER BY starttime DESC LIMIT 1
                """)
        #expect(ReplicaStatements.slices == "SELECT COUNT(*) FROM stv_slices")
    }
}

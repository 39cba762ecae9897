import Foundation
import Replication

@testable import DestinationRedshift

/// Every statement that the product sends to Redshift, for names and types of every kind.
enum StatementCatalogue {
    struct Entry: Sendable, Hashable {
        /// `Type.member` that makes it; `session` for those that stand in the destination itself.
        var maker: String
        var sql: String
    }

    /// All of them, each text once.
    static func all() throws -> [Entry] {
        var entries = session + cluster
        for table in tables { entries += try position(of: table) + access(to: table) + views(on: table) }
        for mapping in mappings { entries += try definition(of: mapping) + loading(of: mapping) }
        var seen: Set<String> = []
        return entries.filter { seen.insert($0.sql).inserted }
    }

    // MARK: Names and tables

    static let names = [
        "items", "Mixed Case", "select", "tag", "quo\"te", "apo'strophe", "dot.ted", "grüße", "日本", "🚀", " blanks ",
        "%s",
        "semi;colon", "--comment", "/*", "$1", "{{x}}", "{% if %}", String(repeating: "x", count: 127),
    ]

    static let tables = names.map { TableName(schema: $0, name: $0) }

    static let everyType: [ReplicaType] = [
        .smallint, .integer, .bigint, .real, .doublePrecision, .boolean, .decimal(precision: 1, scale: 0),
        .decimal(precision: 38, scale: 37), .varchar(bytes: 1), .widestText, .date, .timestamp, .timestamptz, .time,
        .semistructured, .varbyte(bytes: 1), .varbyte(bytes: 16_777_216),
    ]

    /// Tables of odd names; of each type, as column and as key; without a key; of each mode and layout.
    static var mappings: [TableMapping] {
        let odd = names.filter { !$0.contains("x" + "x") } + [String(repeating: "y", count: 127)]
        // Columns of all names in one table, tables of all names with two columns: the parser takes its time.
        var all = [mapping(odd.map { ($0, .widestText) }, key: [odd[0], odd[4]], to: tables[0])]
        all += tables.dropFirst().map { mapping([("id", .bigint), ("it's", .widestText)], key: ["id"], to: $0) }
        let types = everyType.enumerated().map { ("c\($0)", $1) }
        let table = TableName(schema: "s", name: "t")
        all.append(mapping(types, key: [], to: table))
        all += types.map { mapping([$0, ("v", .widestText)], key: [$0.0], to: table) }
        let layouts = [
            ReplicaLayout(), ReplicaLayout(distributionKey: ""), ReplicaLayout(distributionKey: "c3", sortKey: []),
            ReplicaLayout(sortKey: ["c0", "c1", "c9"]), ReplicaLayout(distributionKey: "", sortKey: ["c2"]),
        ]
        for mode in SyncMode.allCases {
            all += layouts.map { layout in
                var one = mapping(types, key: ["c0", "c8"], to: table)
                one.mode = mode
                one.updatedKey = mode == .updateAndInsert ? "c12" : nil
                one.cursorKey = mode == .insertOnly ? "c2" : nil
                one.layout = layout
                return one
            }
        }
        return all
    }

    private static func mapping(_ columns: [(String, ReplicaType)], key: [String], to table: TableName) -> TableMapping
    {
        TableMapping(
            jobName: "shop's", source: TableName(schema: "public", name: "it's"), destination: table,
            mode: .updateAndInsert, primaryKey: key, updatedKey: nil,
            columns: columns.map { name, type in
                ColumnMapping(
                    source: SourceColumn(name: name, typeName: "any", isNullable: true, replicaType: type),
                    destinationName: name, destinationType: type)
            })
    }

    // MARK: Statements

    private static func entry(_ maker: String, _ sql: String) -> Entry { Entry(maker: maker, sql: sql) }

    /// Of a connection and a transaction.
    private static let session =
        ["SELECT version()", "BEGIN", "COMMIT", "ROLLBACK"].map { entry("session", $0) }
        + (["redshift-loader", #"back\slash"#] + names).map {
            entry("SessionStatements.queryGroup", SessionStatements.queryGroup($0))
        }
        + [
            entry("SessionStatements.timezone", SessionStatements.timezone),
            entry("SessionStatements.statementTimeout", SessionStatements.statementTimeout(.seconds(600))),
            entry("SessionStatements.slotCount", SessionStatements.slotCount(50)),
        ]

    private static let cluster = [
        entry("ReplicaStatements.slices", ReplicaStatements.slices),
        entry("ReplicaStatements.lastCopyCount", ReplicaStatements.lastCopyCount),
        entry("ReplicaStatements.lastCopyID", ReplicaStatements.lastCopyID),
        entry("ReplicaStatements.loadErrors", ReplicaStatements.loadErrors(copyID: "17")),
        entry("ReplicaStatements.oldLoadErrors", ReplicaStatements.oldLoadErrors(copyID: "17")),
    ]

    private static func position(of table: TableName) throws -> [Entry] {
        let checkpoint = CheckpointTable(
            table: TableName(schema: table.schema, name: CheckpointTable.name(for: table)))
        var full = Fixture.checkpoint(after: nil)
        full.state = CheckpointStatementTests.fullState
        return [
            entry("CheckpointTable.create", checkpoint.create), entry("CheckpointTable.lock", checkpoint.lock),
            entry("CheckpointTable.read", checkpoint.read), entry("CheckpointTable.void", checkpoint.void),
            entry("CheckpointTable.readWithCount", checkpoint.readWithCount(of: table)),
            entry("CheckpointTable.write", try checkpoint.write(full, sourceName: table.description, isFirst: true)),
            entry("CheckpointTable.write", try checkpoint.write(full, sourceName: table.description, isFirst: false)),
            entry("CheckpointTable.find", CheckpointTable.find(table.name, in: [table.schema, "redshift_loader"])),
        ]
    }

    private static func access(to table: TableName) -> [Entry] {
        let grantees = [ReadOnlyGrantee.Kind.user, .group, .role].map { ReadOnlyGrantee(kind: $0, name: table.name) }
        let held: [[String?]] = ["SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES", "TRUNCATE", "ALTER", "DROP"]
            .flatMap {
                right in
                ["user", "group", "role", "public"].flatMap { kind in
                    ["t", "f"].map { [right, table.name, kind, $0, right == "SELECT" ? table.name : nil] }
                }
            }
        return [
            entry("GrantStatements.read", GrantStatements.read(of: table)),
            entry("GrantStatements.readColumns", GrantStatements.readColumns(of: table)),
        ]
            + grantees.flatMap { grantee in
                [
                    entry("GrantStatements.select", GrantStatements.select(on: table, to: grantee)),
                    entry("GrantStatements.usage", GrantStatements.usage(on: table.schema, to: grantee)),
                ]
            }
            + held.compactMap { GrantStatements.again($0, on: table) }.map { entry("GrantStatements.again", $0) }
    }

    private static func views(on table: TableName) -> [Entry] {
        let view = #" SELECT items.id, (items.v)::character varying(10) AS "odd ""name""" FROM "s"."items";"#
        return [
            entry("SwapStatements.views", SwapStatements.views(on: table)),
            entry("SwapStatements.recreateView", SwapStatements.recreateView(table, definition: view)),
            entry("SwapStatements.drop", SwapStatements.drop(SwapStatements.former(table))),
            entry("SwapStatements.drop", SwapStatements.drop(SwapStatements.building(table))),
            entry("SwapStatements.rename", SwapStatements.rename(SwapStatements.building(table), to: table.name)),
            entry("ReplicaStatements.schemaExists", ReplicaStatements.schemaExists(table.schema)),
            entry("ReplicaStatements.createSchema", ReplicaStatements.createSchema(table.schema)),
            entry("ReplicaStatements.columns", ReplicaStatements.columns(of: table)),
            entry("ReplicaStatements.otherOwner", ReplicaStatements.otherOwner(of: table)),
            entry("ReplicaStatements.count", ReplicaStatements.count(table)),
            entry("ReplicaStatements.deleteAll", ReplicaStatements.deleteAll(table)),
        ]
    }

    private static func definition(of mapping: TableMapping) throws -> [Entry] {
        let table = mapping.destination
        var entries = [
            entry("ReplicaStatements.createTable", ReplicaStatements.createTable(mapping)),
            entry(
                "ReplicaStatements.createTable",
                ReplicaStatements.createTable(mapping, named: SwapStatements.building(table))),
        ]
        for column in mapping.columns where column.destinationType.isText {
            entries.append(
                entry("ReplicaStatements.widen", ReplicaStatements.widen(column.destinationName, of: table, to: 65_535))
            )
        }
        // What people are advised to run.
        do {
            try ReplicaComparison(mapping: mapping, columns: []).check(otherOwner: nil)
        } catch let error as ReplicationError {
            let advice = error.fix.ranges(of: "ALTER TABLE").first.map { error.fix[$0.lowerBound...] } ?? ""
            let parts = advice.split(separator: "; ALTER TABLE ").map {
                "ALTER TABLE " + $0.replacing("ALTER TABLE ", with: "")
            }
            entries += parts.map { entry("advice", $0) }
        }
        return entries
    }

    private static func loading(of mapping: TableMapping) throws -> [Entry] {
        let stage = "loader_stage_0123456789abcdef"
        let quoted = RedshiftText.identifier(stage)
        var entries = [
            entry(
                "ReplicaStatements.createStaging",
                ReplicaStatements.createStaging(stage, like: mapping.destination, mapping)),
            entry(
                "ReplicaStatements.insertStaged", ReplicaStatements.insertStaged(stage, mapping, hasMarkers: false)),
            entry(
                "ReplicaStatements.insertStaged",
                ReplicaStatements.insertStaged(
                    stage, mapping, hasMarkers: true, into: SwapStatements.building(mapping.destination))),
            entry("ReplicaStatements.dropStaging", ReplicaStatements.dropStaging(stage)),
        ]
        entries += ReplicaStatements.addMarkers(stage, mapping).map { entry("ReplicaStatements.addMarkers", $0) }
        if !mapping.primaryKey.isEmpty {
            entries += [false, true].map { hasMarkers in
                entry(
                    "ReplicaStatements.deleteOlder",
                    ReplicaStatements.deleteOlder(stage, mapping, hasMarkers: hasMarkers))
            }
        }
        let targets = [quoted, RedshiftText.table(mapping.destination)]
        entries += copies(of: mapping, into: targets)
        for target in targets { entries += try inserts(of: mapping, into: target) }
        return entries
    }

    /// COPY with every authorisation and compression, with and without manifest and region.
    private static func copies(of mapping: TableMapping, into targets: [String]) -> [Entry] {
        let authorizations: [CopyAuthorization] = [
            .iamRole("default"), .iamRole("arn:aws:iam::1:role/a,arn:aws:iam::2:role/b"),
            .keys(accessKeyID: "AKIA", secretAccessKey: "a/b'c\\d+=", sessionToken: nil),
            .keys(accessKeyID: "ASIA", secretAccessKey: "s", sessionToken: "t'=="),
        ]
        let load = ReplicaLoad(
            mapping: mapping, staged: Fixture.kept([]), format: Fixture.format, method: .append, expected: nil,
            next: Fixture.checkpoint(after: nil))
        // The options do not depend on names: one table with all of them is enough.
        let isFirst = mapping.destination == tables[0]
        return targets.flatMap { target in
            authorizations.prefix(isFirst ? 4 : 1).flatMap { authorization in
                [StagedCompression.zstd, .gzip].prefix(isFirst ? 2 : 1).flatMap { compression in
                    [true, false].prefix(isFirst ? 2 : 1).map { isManifest in
                        let objects = StagedObjects(
                            copyFrom: "s3://bucket/it's/\(isManifest ? "manifest.json" : "part-0001.csv")",
                            isManifest: isManifest, compression: compression, keys: [])
                        return entry(
                            "ReplicaStatements.copy",
                            ReplicaStatements.copy(
                                into: target, load, objects, authorization: authorization,
                                region: isManifest ? "eu-west-1" : nil))
                    }
                }
            }
        }
    }

    /// Rows with values that their types allow and that literals find hard.
    private static func inserts(of mapping: TableMapping, into target: String) throws -> [Entry] {
        let values: [[String]] = mapping.columns.map { column in
            switch column.destinationType {
            case .smallint, .integer, .bigint: ["-1", "0", "9"]
            case .decimal: ["-0.10", "9", "99999999999999999999999999999999999999"]
            case .real, .doublePrecision: ["-1.5e+300", "0", "1e-07"]
            case .boolean: ["t", "f", "t"]
            case .varchar: ["\"it's \"\"q\"\" \\, \n -- /* ; {{x}} {% if %} $1\"", "", #"\"#]
            case .date: ["2026-11-22", "0044-03-15 BC", "294276-12-31"]
            case .timestamp: ["2026-11-22 12:00:00.000001", "0044-03-15 12:00:00 BC", "1970-01-01 00:00:00"]
            case .timestamptz: ["2026-11-22 12:00:00+00", "1999-01-01 00:00:00+05:30", "1970-01-01 00:00:00+00"]
            case .time: ["24:00:00", "00:00:00", "12:00:00.5"]
            case .semistructured: [#""{""a"": [1, ""it's \""x\""""]}""#, "null", "[]"]
            case .varbyte: ["00ff", "", "5c27"]
            }
        }
        let markers = mapping.markedColumns.map { _ in "f" }
        let rows = (0..<3).map { row in (values.map { $0[row] } + markers).joined(separator: ",") }
        let nulls = (mapping.columns.map { _ in Fixture.format.nullSentinel } + markers).joined(separator: ",")
        let bytes = Array(((rows + [nulls]).joined(separator: "\n") + "\n").utf8)
        var statements = InsertStatements(into: target, mapping, format: Fixture.format, rowLimit: 3)
        let full = try statements.add(RowChunk(bytes: bytes, rows: 4, longestRowBytes: bytes.count))
        return (full + statements.finish()).map { entry("InsertStatements.add", $0) }
    }
}

import Replication
import SourceTesting
import Testing

/// What discovery learns, of every kind of source.
@Suite struct CatalogConformanceTests {
    @Test(arguments: SourceKind.tested)
    func `keys, nullable columns, numbering and indexes are seen`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            let stamp = database.dialect.stamp
            let numbered = database.dialect.isPostgres ? "serial" : "int AUTO_INCREMENT UNIQUE"
            try await database.run(
                "CREATE TABLE t (b int, a varchar(20), c int NOT NULL UNIQUE, d int UNIQUE, number \(numbered), "
                    + "seen \(stamp) NULL, made \(stamp) NOT NULL DEFAULT CURRENT_TIMESTAMP\(database.dialect.isPostgres ? "" : "(6)"), "
                    + "e int NOT NULL, PRIMARY KEY (a, b))",
                "CREATE INDEX of_made ON t (made, e)", "CREATE UNIQUE INDEX pair ON t (e, c)")
            let table = try await database.withSource { try await $0.describe(database.name("t")) }
            #expect(table.kind == .table && table.isReadable && table.name == database.name("t"))
            #expect(table.columns.map(\.name) == ["b", "a", "c", "d", "number", "seen", "made", "e"])
            #expect(table.columns.filter(\.isNullable).map(\.name) == ["d", "seen"])
            #expect(table.columns.allSatisfy { $0.isReadable })
            #expect(table.uniqueKeys.first == .init(columns: ["a", "b"], isPrimary: true))
            let others = Set(table.uniqueKeys.dropFirst().map(\.columns)).subtracting([["number"]])
            #expect(others == [["c"], ["e", "c"]], "a nullable column is no key")
            #expect(table.leadingIndexColumns.subtracting(["number"]) == ["a", "c", "d", "made", "e"])
            #expect(table.sequentialColumns == ["number"])
            #expect(
                ["b", "a", "seen", "made"].compactMap { table.column($0)?.replicaType } == [
                    .integer, .text(characters: 20), .timestamptz, .timestamptz,
                ])
        }
    }

    @Test(arguments: SourceKind.tested)
    func `an index over a part of the rows or the values is no key`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run("CREATE TABLE t (id int NOT NULL, v varchar(100) NOT NULL, w varchar(100) NOT NULL)")
            if database.dialect.isPostgres {
                try await database.run(
                    "CREATE UNIQUE INDEX one ON t (v) WHERE id > 0", "CREATE UNIQUE INDEX two ON t (lower(w))")
            } else {
                // Unique over their beginnings: unique as a whole too, but not in its order.
                try await database.run("CREATE INDEX one ON t (v(5))", "CREATE FULLTEXT INDEX two ON t (w)")
            }
            let table = try await database.withSource { try await $0.describe(database.name("t")) }
            #expect(table.uniqueKeys.isEmpty && !table.leadingIndexColumns.contains("w"))
        }
    }

    @Test(arguments: SourceKind.tested)
    func `views are told from tables, and read whole`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run(
                tableStatement(database.dialect), "INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b')",
                "CREATE VIEW seen AS SELECT id, v, updated_at FROM t WHERE id > 1")
            try await database.withSource { source in
                let found = try await source.tables(inSchema: database.schema)
                #expect(found.map(\.name.name) == ["seen", "t"] && found.map(\.kind) == [.view, .table])
                #expect(found[0].columns.map(\.name) == ["id", "v", "updated_at"] && found[0].uniqueKeys.isEmpty)
                let mapping = try await source.mapping(of: database.name("seen"), mode: .fullSync)
                let start = try await source.startPass(mapping)
                #expect(start.changeToken == nil)
                let rows = try await source.batch(
                    BatchQuery(mapping: mapping, scan: .whole, floor: nil, horizon: nil, rowLimit: .max)
                ).1
                #expect(rows.map { $0[1] } == ["b"])
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `columns that may not be read are marked or not shown`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run(
                "CREATE TABLE t (id int PRIMARY KEY, secret varchar(10), v varchar(10))",
                "INSERT INTO t VALUES (1, 'hush', 'x')")
            let source = try await database.connect(reading: ["id", "v"], of: "t")
            let table = try await source.describe(database.name("t"))
            #expect(table.isReadable)
            #expect(table.columns.filter(\.isReadable).map(\.name) == ["id", "v"])
            var mapping = try await source.mapping(of: database.name("t"), mode: .fullSync)
            let whole = BatchQuery(mapping: mapping, scan: .whole, floor: nil, horizon: nil, rowLimit: .max)
            let error = await failure { _ = try await source.batch(whole) }
            #expect(error?.code == .sourcePermission && error?.isRetryable == false)
            await source.close()
            // Left out, the rest can be read.
            let other = try await database.connect(reading: ["id", "v"], of: "t")
            mapping.columns.removeAll { $0.source.name == "secret" }
            let rows = try await other.batch(
                BatchQuery(mapping: mapping, scan: .whole, floor: nil, horizon: nil, rowLimit: .max)
            ).1
            #expect(rows == [["1", "x"]])
            await other.close()
        }
    }

    @Test(arguments: SourceKind.tested)
    func `a table or schema that is missing is an error of its own`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.withSource { source in
                let none = try await source.tables(inSchema: database.schema)
                #expect(none.isEmpty)
                let table = await failure { _ = try await source.describe(database.name("none")) }
                #expect(table?.code == .sourceTableGone && table?.isRetryable == false)
                #expect(table?.what.contains("\(database.schema).none") == true)
                let schema = await failure { _ = try await source.tables(inSchema: "no such") }
                #expect(schema?.code == .sourceTableGone && schema?.what.contains("no such") == true)
            }
        }
    }

    static let oddNames = [
        "Mixed Case", "select", "quo\"te", "back`tick", "apo'strophe", "dot.ted", "back\\slash", "Grüße", "日本", "%s_",
        "semi;colon", "--comment", "#hash", "/*open", "@at", "?",
    ]

    @Test(arguments: SourceKind.tested)
    func `tables and columns may have any name`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            for name in Self.oddNames {
                let quoted = database.dialect.name(name)
                let stamp = database.dialect.name("u " + name)
                try await database.run(
                    "CREATE TABLE \(quoted) (\(quoted) int PRIMARY KEY, \(stamp) \(database.dialect.stamp) NOT NULL)",
                    "INSERT INTO \(quoted) VALUES (1, '2026-01-01 00:00:00'), (2, '2026-01-01 00:00:00'), "
                        + "(3, '2026-01-01 00:00:00')")
                let mapping = try await database.mapping(name, key: [name], updated: "u " + name)
                #expect(mapping.source.name == name && mapping.columns.map(\.source.name) == [name, "u " + name])
                let follower = database.follower(mapping, rowLimit: 2)
                #expect(try await Set(follower.followKeys()) == ["1", "2", "3"], "\(name)")
                try await database.run("UPDATE \(quoted) SET \(stamp) = \(database.dialect.now) WHERE \(quoted) = 2")
                #expect(try await follower.followKeys().contains("2"), "\(name)")
            }
        }
    }
}

import Replication
import SourceTesting
import Testing

/// A key's type, and values that are awkward in it, as SQL.
struct KeyCase: Sendable, CustomTestStringConvertible {
    var name: String
    /// Columns of the key with their types.
    var columns: @Sendable (Dialect) -> [(name: String, type: String)]
    var values: @Sendable (Dialect) -> [[String]]

    var testDescription: String { name }

    static let texts = [
        "", "a", "A", "ä", "b", "it's", #"back\slash"#, #"\"#, "two\nlines", "quote\"d", "comma,", "日本", "🚀", "10", "9",
        "nilSentinel", "%", "_", "a b",
    ]
    static let numbers = ["-2147483648", "-1", "0", "1", "9", "10", "2147483647"]

    static let all: [KeyCase] = [
        KeyCase(name: "integer", columns: { _ in [("k", "int")] }, values: { _ in numbers.map { [$0] } }),
        KeyCase(
            name: "bigint", columns: { _ in [("k", "bigint")] },
            values: { _ in
                ["-9223372036854775808", "-1", "0", "9007199254740993", "9007199254740992", "9223372036854775807"].map {
                    [$0]
                }
            }),
        KeyCase(
            name: "text",
            columns: { [("k", $0.isPostgres ? "text COLLATE \"C\"" : "varchar(50) COLLATE utf8mb4_bin")] },
            values: { dialect in texts.map { [dialect.text($0)] } }),
        KeyCase(
            name: "text without case",
            columns: { [("k", $0.isPostgres ? "varchar(50)" : "varchar(50) COLLATE utf8mb4_general_ci")] },
            values: { dialect in ["b", "C", "d", "É", "z", "Z z", "10", "9", "'"].map { [dialect.text($0)] } }),
        KeyCase(
            name: "latin1",
            columns: { [("k", $0.isPostgres ? "varchar(50)" : "varchar(50) CHARACTER SET latin1 COLLATE latin1_bin")] },
            values: { dialect in ["b", "ä", "ß", "e", "é", "€"].map { [dialect.text($0)] } }),
        KeyCase(
            name: "binary", columns: { [("k", $0.binary)] },
            values: { dialect in
                ["", "00", "0001", "27", "5c", "7f", "80", "ff", "ff00", "c3a4", "0a22"].map { [dialect.bytes($0)] }
            }),
        KeyCase(
            name: "decimal", columns: { _ in [("k", "decimal(30,10)")] },
            values: { _ in
                [
                    "-1.5", "0", "0.0000000001", "0.1", "12345678901234567890.0000000001",
                    "12345678901234567890.0000000002",
                ].map { [$0] }
            }),
        KeyCase(
            name: "instant", columns: { [("k", $0.instant)] },
            values: { _ in
                [
                    "'1999-12-31 23:59:59.999999'", "'2000-01-01 00:00:00'", "'2026-03-29 02:30:00.5'",
                    "'9999-12-31 00:00:00'",
                ].map { [$0] }
            }),
        KeyCase(
            name: "stamp", columns: { [("k", $0.stamp)] },
            values: { _ in
                ["'2026-03-29 01:59:59.999999'", "'2026-03-29 02:30:00'", "'2001-09-09 01:46:40'"].map { [$0] }
            }),
        KeyCase(
            name: "date", columns: { _ in [("k", "date")] },
            values: { _ in ["'1000-01-01'", "'2024-02-29'", "'2024-03-01'"].map { [$0] } }),
        KeyCase(
            name: "double", columns: { [("k", $0.isPostgres ? "double precision" : "double")] },
            values: { _ in
                ["-1e300", "-0.1", "0.1", "0.30000000000000004", "0.3", "1e-300", "123456789.125"].map { [$0] }
            }),
        KeyCase(
            name: "real", columns: { [("k", $0.isPostgres ? "real" : "float")] },
            values: { _ in ["-1e30", "-0.1", "0.1", "0.2", "0.3", "1e-30", "16777216", "123456.789"].map { [$0] } }),
        KeyCase(
            name: "text and integer",
            columns: { [("k", $0.isPostgres ? "varchar(20)" : "varchar(20)"), ("n", "int")] },
            values: { dialect in
                ["b", "a", "ü", "'"].flatMap { text in ["-1", "0", "7"].map { [dialect.text(text), $0] } }
            }),
        KeyCase(
            name: "three columns", columns: { [("a", "int"), ("b", $0.binary), ("c", "int")] },
            values: { dialect in
                ["1", "2"].flatMap { a in
                    ["00", "ff"].flatMap { b in ["3", "4", "5"].map { [a, dialect.bytes(b), $0] } }
                }
            }),
    ]
}

/// What one scan read, batch by batch.
private struct Scan {
    var batches: [[[String?]]] = []
    var extents: [BatchExtent] = []

    /// The place of the rows' numbers.
    var column: Int

    var ids: [[String?]] { batches.map { $0.map { $0[column] } } }
}

/// Batches of every size: each is measured rightly, they follow each other, and hold each row once.
@Suite struct ScanConformanceTests {
    private enum Order { case byKey, changes, unstamped }

    private func scan(
        _ source: any TableSource, _ mapping: TableMapping, _ order: Order, limit: Int, floor: CursorFloor? = nil
    ) async throws -> Scan {
        var scan = Scan(column: mapping.columns.firstIndex { $0.source.name == "id" } ?? 0)
        var position: CursorPosition?
        var highest: String?
        repeat {
            let place: BatchScan =
                switch order {
                case .byKey: .byKey(after: position?.key)
                case .changes: .changes(after: position)
                case .unstamped: .unstamped(after: position?.key)
                }
            let query = BatchQuery(
                mapping: mapping, scan: place, floor: floor, horizon: nil, rowLimit: limit, highestCursor: highest)
            let (extent, rows) = try await source.batch(query)
            scan.batches.append(rows)
            scan.extents.append(extent)
            highest = extent.highestCursor
            position = extent.last ?? position
        } while scan.extents.last?.scanned == limit && scan.batches.count < 200
        return scan
    }

    /// The rows in stretches of `limit`; an empty one at the end where the last is full.
    private func stretches(_ ids: [String?], _ limit: Int) -> [Set<String?>] {
        stride(from: 0, through: ids.count, by: limit).map { Set(ids[$0..<min(ids.count, $0 + limit)]) }
    }

    /// Three stamps, so that ties are longer than small batches.
    private func fill(_ database: any SourceUnderTest, _ key: KeyCase) async throws -> [String] {
        let columns = key.columns(database.dialect)
        let names = columns.map(\.name)
        let definition = columns.map { "\($0.name) \($0.type) NOT NULL" }.joined(separator: ", ")
        try await database.run(
            "CREATE TABLE t (\(definition), updated_at \(database.dialect.stamp) NOT NULL, id int NOT NULL, "
                + "PRIMARY KEY (\(names.joined(separator: ", "))))")
        for (id, values) in key.values(database.dialect).enumerated() {
            try await database.run(
                "INSERT INTO t VALUES (\(values.joined(separator: ", ")), '2026-01-0\(1 + id * 7 % 3) 00:00:00', \(id))"
            )
        }
        return names
    }

    @Test(arguments: SourceKind.tested, KeyCase.all)
    func `a key of any type cuts batches without gap or overlap`(_ kind: SourceKind, _ key: KeyCase) async throws {
        try await withDatabase(kind) { database in
            let names = try await fill(database, key)
            let order = names.joined(separator: ", ")
            let byKey = try await database.first("SELECT id FROM t ORDER BY \(order)")
            let byStamp = try await database.first("SELECT id FROM t ORDER BY updated_at, \(order)")
            let mapping = try await database.mapping(key: names)
            try await database.withSource { source in
                for limit in [1, 2, 3, 4, 5, byKey.count, byKey.count + 1] {
                    let keys = try await scan(source, mapping, .byKey, limit: limit)
                    #expect(keys.ids.map(Set.init) == stretches(byKey, limit), "by key, \(limit)")
                    #expect(keys.extents.map(\.rows) == stretches(byKey, limit).map(\.count))
                    let changes = try await scan(source, mapping, .changes, limit: limit)
                    #expect(changes.ids.map(Set.init) == stretches(byStamp, limit), "changes, \(limit)")
                    let all = changes.batches.flatMap { $0 }
                    #expect(all.count == byKey.count && Set(all).count == all.count)
                    let highest = try #require(changes.extents.last?.highestCursor)
                    #expect(highest.hasPrefix("2026-01-03 00:00:00"), "\(highest)")
                    #expect(keys.extents.last?.highestCursor == highest)
                }
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `rows with and without a stamp are stretches of their own, above the floor`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run(tableStatement(database.dialect, isNullable: true))
            for id in 1...20 {
                let stamp = id % 3 == 0 ? "NULL" : "'2026-01-01 00:00:0\(id / 4)'"
                try await database.run("INSERT INTO t VALUES (\(id), \(stamp), 'v', \(id))")
            }
            let mapping = try await database.mapping()
            let time = try #require(SourceTime(parsing: "2026-01-01 00:00:02"))
            try await database.withSource { source in
                for limit in [1, 2, 3, 7, 100] {
                    for (floor, bound) in [
                        (nil, "2000-01-01 00:00:00"), (CursorFloor.time(time), "2026-01-01 00:00:02"),
                    ] {
                        let expected = try await database.first(
                            "SELECT id FROM t WHERE updated_at >= '\(bound)' ORDER BY updated_at, id")
                        let changes = try await scan(source, mapping, .changes, limit: limit, floor: floor)
                        #expect(changes.ids.map(Set.init) == stretches(expected, limit), "\(limit), \(bound)")
                        #expect(
                            try await source.count(mapping, from: floor, within: .seconds(60))
                                == (floor == nil ? 20 : expected.count))
                    }
                    let unstamped = try await scan(source, mapping, .unstamped, limit: limit)
                    #expect(unstamped.ids.map(Set.init) == stretches(["3", "6", "9", "12", "15", "18"], limit))
                    #expect(unstamped.extents.allSatisfy { $0.last?.updated == nil })
                    let keys = try await scan(source, mapping, .byKey, limit: limit)
                    #expect(keys.ids.map(Set.init) == stretches((1...20).map { "\($0)" }, limit))
                }
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `a sequential key is its own cursor, and a composite one names it`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run("CREATE TABLE t (shop int, number bigint, id int, PRIMARY KEY (shop, number))")
            for id in 1...12 { try await database.run("INSERT INTO t VALUES (\(id % 3), \(id / 2), \(id))") }
            let mapping = try await database.mapping(key: ["shop", "number"], mode: .insertOnly, cursor: "number")
            let expected = try await database.first("SELECT id FROM t WHERE number >= 2 ORDER BY number, shop")
            let single = try await database.mapping(key: ["number"], mode: .insertOnly)
            try await database.withSource { source in
                for limit in [1, 2, 5, 100] {
                    let changes = try await scan(source, mapping, .changes, limit: limit, floor: .key("2"))
                    #expect(changes.ids.map(Set.init) == stretches(expected, limit), "\(limit)")
                    #expect(changes.extents.last?.highestCursor == "6")
                }
                #expect(try await source.count(mapping, from: .key("2"), within: .seconds(60)) == expected.count)
                let query = BatchQuery(
                    mapping: single, scan: .changes(after: nil), floor: .key("3"), horizon: nil, rowLimit: 100)
                let rows = try await source.batch(query).1
                #expect(Set(rows.map { $0[2] }) == ["6", "7", "8", "9", "10", "11", "12"])
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `rows are those that were measured, whatever is written meanwhile`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run(tableStatement(database.dialect))
            for id in 1...9 { try await database.run("INSERT INTO t VALUES (\(id), '2026-01-01 00:00:00', 'old', 0)") }
            let mapping = try await database.mapping()
            let scans: [BatchScan] = [.byKey(after: nil), .changes(after: nil), .whole]
            try await database.withSource { source in
                for (number, scan) in scans.enumerated() {
                    for limit in [4, 100] where scan != .whole || limit == 100 {
                        let query = BatchQuery(mapping: mapping, scan: scan, floor: nil, horizon: nil, rowLimit: limit)
                        let before = try await database.first("SELECT id FROM t ORDER BY updated_at, id")
                        let extent = try await source.openBatch(query)
                        try await database.run(
                            "UPDATE t SET v = 'new', updated_at = '2025-12-31 00:00:00' WHERE id % 2 = 0",
                            "INSERT INTO t VALUES (\(-1 - number - limit), '2026-01-01 00:00:00', 'new', 0)",
                            "DELETE FROM t WHERE id = 3")
                        var bytes: [UInt8] = []
                        for try await chunk in try await source.rows(
                            query, extent: extent, format: BatchFormat(nullSentinel: "null"))
                        {
                            bytes += chunk.bytes
                        }
                        try await source.closeBatch()
                        let rows = CSV.rows(bytes, null: "null")
                        let expected =
                            scan == .byKey(after: nil)
                            ? before.compactMap { Int($0 ?? "") }.sorted().map { "\($0)" } : before
                        #expect(Set(rows.map { $0[0] }) == Set(expected.prefix(limit)), "\(scan), \(limit)")
                        #expect(rows.allSatisfy { $0[2] == "old" })
                        #expect(scan == .whole || rows.count == extent.rows)
                        try await database.run(
                            "DELETE FROM t",
                            "INSERT INTO t VALUES "
                                + (1...9).map { "(\($0), '2026-01-01 00:00:00', 'old', 0)" }.joined(separator: ", "))
                    }
                }
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `a batch given up midway leaves a source that goes on`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run("CREATE TABLE t (id int PRIMARY KEY, v text)")
            for id in 1...60 { try await database.run("INSERT INTO t VALUES (\(id), repeat('x', 60000))") }
            let mapping = try await database.mapping(updated: nil)
            let source = try await database.connect(hashSalt: "")
            let query = BatchQuery(mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 100)
            let extent = try await source.openBatch(query)
            var iterator = try await source.rows(query, extent: extent, format: BatchFormat(nullSentinel: "null"))
                .makeAsyncIterator()
            let chunk = try #require(try await iterator.next())
            #expect(extent.rows == 60 && chunk.rows > 0 && chunk.rows < 60)
            try await source.closeBatch()
            try await database.run("DELETE FROM t WHERE id > 30")
            #expect(try await source.batch(query).0.rows == 30)
            // Given up once more, and closed at once: nothing stays at the server.
            let again = try await source.openBatch(query)
            iterator = try await source.rows(query, extent: again, format: BatchFormat(nullSentinel: "null"))
                .makeAsyncIterator()
            _ = try await iterator.next()
            await source.close()
            await source.close()
            let deadline = ContinuousClock.now + .seconds(20)
            while try await database.otherSessions() > 0, ContinuousClock.now < deadline {}
            #expect(try await database.otherSessions() == 0)
            let error = await failure { _ = try await source.openBatch(query) }
            #expect(error?.isRetryable == true)
        }
    }
}

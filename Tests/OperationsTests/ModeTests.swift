import Foundation
import Operations
import Replication
import Scheduling
import Testing

/// What each mode needs of a table, and positions set by hand.
@Suite struct ModeTests {
    private let store = MemoryCatalog()

    private func set(
        _ connections: MemoryConnections = MemoryConnections(), _ edit: (inout TableSettingsChange) -> Void
    ) async throws -> [String] {
        var change = TableSettingsChange()
        edit(&change)
        let operations = TableOperations(
            store: store, leases: store, requests: store, connections: connections, owner: Sample.owner,
            clock: SleeplessClock(), lookback: SourceTime.second * 600)
        return try await operations.set(change, on: "shop/orders")
    }

    /// Columns of every kind: `Sample`'s, and more.
    private static let more = [
        Sample.column("line", "integer", isNullable: false), Sample.column("code", "text", isNullable: false),
        Sample.column("guid", "uuid", isNullable: false), Sample.column("amount", "numeric(10,2)", isNullable: false),
        Sample.column("at", "timestamp with time zone", isNullable: false),
        Sample.column("flag", "boolean", isNullable: false), Sample.column("small", "smallint", isNullable: false),
        Sample.column("epoch", "bigint"),
    ]

    private func fill(_ edit: @escaping @Sendable (inout TableMapping) -> Void = { _ in }) async {
        _ = await store.fill(tables: ["orders"])
        await store.edit(1) { table in
            table.mapping.columns += Self.more.map {
                ColumnMapping(source: $0, destinationName: $0.name, destinationType: $0.replicaType)
            }
            let doc = SourceColumn(name: "doc", typeName: "jsonb", isNullable: false, replicaType: .semistructured)
            table.mapping.columns.append(
                ColumnMapping(source: doc, destinationName: "doc", destinationType: .semistructured))
            edit(&table.mapping)
        }
    }

    // MARK: Modes

    @Test func `a table moves through all modes and back`() async throws {
        await fill()
        _ = try await set { $0.mode = .insertOnly }
        #expect(await store.table(1)?.mapping.cursorColumn?.source.name == "id")
        _ = try await set {
            $0.primaryKey = ["id", "line"]
            $0.cursorKey = "id"
        }
        #expect(await store.table(1)?.mapping.cursorKey == "id")
        _ = try await set { $0.primaryKey = ["id"] }
        #expect(await store.table(1)?.mapping.cursorKey == nil, "a single key column needs no other name")
        _ = try await set { $0.mode = .fullSync }
        _ = try await set {
            $0.mode = .updateAndInsert
            $0.updatedKey = "epoch"
        }
        #expect(await store.table(1)?.mapping.mode == .updateAndInsert)
    }

    @Test(arguments: ["id", "line", "small", "amount", "code", "guid", "at"])
    func `new rows are ordered by a column of any type that can grow`(_ name: String) async throws {
        await fill()
        _ = try await set {
            $0.mode = .insertOnly
            $0.cursorKey = name
        }
        #expect(await store.table(1)?.mapping.cursorColumn?.source.name == name)
    }

    @Test(arguments: [
        "int(11)", "int unsigned", "smallint(5) unsigned zerofill", "bigint(20) unsigned", "decimal(12,0)",
        "varchar(36)", "datetime(6)", "timestamp",
    ])
    func `MySQL's names of such types are known, too`(_ type: String) async throws {
        await fill { mapping in
            let grows = Sample.column("grows", type, isNullable: false)
            mapping.columns.append(
                ColumnMapping(source: grows, destinationName: "grows", destinationType: grows.replicaType))
        }
        _ = try await set {
            $0.mode = .insertOnly
            $0.cursorKey = "grows"
        }
        #expect(await store.table(1)?.mapping.cursorColumn?.source.typeName == type)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var mapping: @Sendable (inout TableMapping) -> Void = { _ in }
        var change: @Sendable (inout TableSettingsChange) -> Void
        var what: String
        /// What the remedy holds.
        var fix: String
    }

    static let refusals = [
        Refusal(
            testDescription: "UpdateAndInsertTable without a key",
            mapping: {
                $0.mode = .fullSync; $0.primaryKey = []
            }, change: { $0.mode = .updateAndInsert },
            what: "public.orders cannot be an UpdateAndInsertTable", fix: "--primary-key"),
        Refusal(
            testDescription: "InsertOnlyTable without a key",
            mapping: {
                $0.mode = .fullSync; $0.primaryKey = []
            },
            change: { $0.mode = .insertOnly }, what: "public.orders cannot be an InsertOnlyTable", fix: "FullSyncTable"),
        Refusal(
            testDescription: "UpdateAndInsertTable without an updated_key",
            mapping: {
                $0.mode = .fullSync; $0.updatedKey = nil
            }, change: { $0.mode = .updateAndInsert },
            what: "public.orders cannot be an UpdateAndInsertTable", fix: "--updated-key"),
        Refusal(
            testDescription: "an updated_key that orders nothing", change: { $0.updatedKey = "flag" },
            what: "flag cannot order changes", fix: "timestamp"),
        Refusal(
            testDescription: "a key that may be NULL", change: { $0.primaryKey = ["id", "note"] },
            what: "note cannot be part of a key", fix: "NOT NULL"),
        Refusal(
            testDescription: "a key of JSON", change: { $0.primaryKey = ["doc"] }, what: "doc cannot be part of a key",
            fix: "another column"),
        Refusal(
            testDescription: "a composite key that names no cursor",
            change: {
                $0.mode = .insertOnly; $0.primaryKey = ["id", "line"]
            },
            what: "public.orders needs one column that orders its new rows", fix: "--cursor-key id"),
        Refusal(
            testDescription: "a cursor that may be NULL",
            change: {
                $0.mode = .insertOnly; $0.cursorKey = "epoch"
            },
            what: "epoch cannot order new rows", fix: "NOT NULL"),
        Refusal(
            testDescription: "a cursor without an order",
            change: {
                $0.mode = .insertOnly; $0.cursorKey = "flag"
            },
            what: "flag cannot order new rows", fix: "integer"),
        Refusal(
            testDescription: "a cursor that is no column",
            change: {
                $0.mode = .insertOnly; $0.cursorKey = "lin"
            },
            what: "public.orders has no column named lin", fix: "line"),
        Refusal(
            testDescription: "a cursor of another mode", change: { $0.cursorKey = "id" },
            what: "--cursor-key cannot be set", fix: "--mode InsertOnlyTable"),
        Refusal(
            testDescription: "an updated_key of another mode", mapping: { $0.mode = .insertOnly },
            change: { $0.updatedKey = "at" }, what: "--updated-key cannot be set", fix: "--mode UpdateAndInsertTable"),
        Refusal(
            testDescription: "excluding a key column", change: { $0.exclude = ["id"] }, what: "id cannot be excluded",
            fix: "another key"),
        Refusal(
            testDescription: "excluding the updated_key", change: { $0.exclude = ["updated_at"] },
            what: "updated_at cannot be excluded", fix: "another key"),
        Refusal(
            testDescription: "excluding the cursor",
            mapping: {
                $0.mode = .insertOnly; $0.cursorKey = "line"
            },
            change: { $0.exclude = ["line"] }, what: "line cannot be excluded", fix: "another key"),
        Refusal(
            testDescription: "hashing a key column", change: { $0.hash = ["id"] }, what: "id cannot be hashed",
            fix: "other columns"),
        Refusal(
            testDescription: "a hashed column as the key",
            change: {
                $0.hash = ["code"]; $0.primaryKey = ["code"]
            },
            what: "code cannot be hashed", fix: "another key"),
        Refusal(
            testDescription: "excluding everything", mapping: { $0.mode = .fullSync },
            change: { $0.exclude = Sample.columns.map(\.name) + more.map(\.name) + ["doc"] },
            what: "No column of public.orders would be left", fix: "tables disable"),
        Refusal(
            testDescription: "hashing an unknown column", change: { $0.hash = ["emial"] },
            what: "public.orders has no column named emial", fix: "Its columns"),
        Refusal(
            testDescription: "hashing an excluded column",
            change: {
                $0.exclude = ["note"]; $0.types = ["nte": .standard]
            },
            what: "public.orders has no column named nte", fix: "Did you mean note?"),
        Refusal(
            testDescription: "a type of an excluded column",
            mapping: { $0.scope.excludedColumns = ["gone"] }, change: { $0.hash = ["gone"] },
            what: "gone is not copied",
            fix: "--include gone"),
        Refusal(
            testDescription: "a type of a hashed column",
            mapping: { $0.columns[1].treatment = .hashed }, change: { $0.types = ["note": .value(.date)] },
            what: "The type of note cannot be set", fix: "--unhash note"),
        Refusal(
            testDescription: "including an unknown column", change: { $0.include = ["nothing"] },
            what: "public.orders has no column named nothing", fix: "Its columns"),
        Refusal(
            testDescription: "a distkey of JSON", change: { $0.distributionKey = .value("doc") },
            what: "doc cannot be part of a distkey", fix: "another column"),
        Refusal(
            testDescription: "a sortkey that is no column", change: { $0.sortKey = .value(["idd"]) },
            what: "public.orders has no column named idd", fix: "Did you mean id?"),
        Refusal(
            testDescription: "excluding the sortkey", mapping: { $0.layout.sortKey = ["code"] },
            change: { $0.exclude = ["code"] }, what: "code cannot be left out", fix: "--sortkey default"),
        Refusal(
            testDescription: "a destination name without a letter", change: { $0.destinationName = "" },
            what: " cannot name a table in Redshift", fix: "another name"),
        Refusal(
            testDescription: "a destination name that is too long",
            change: { $0.destinationName = String(repeating: "ü", count: 64) },
            what: String(repeating: "ü", count: 64) + " cannot name a table in Redshift", fix: "another name"),
    ]

    @Test(arguments: refusals) func `what the table cannot have is refused with a remedy, and nothing is changed`(
        _ given: Refusal
    ) async {
        await fill(given.mapping)
        let before = await store.table(1)
        let error = await #expect(throws: OperationError.self) { try await set(MemoryConnections(), given.change) }
        #expect(error?.code == .usage && error?.what == given.what, "\(String(describing: error))")
        #expect(error?.fix.contains(given.fix) == true, "\(String(describing: error))")
        #expect(await store.table(1) == before)
        #expect(await store.saves == 0)
        #expect(await store.endings.isEmpty)
    }

    @Test func `a column that may not be read cannot be included`() async {
        await fill()
        var described = Sample.table("orders")
        var hidden = Sample.column("secret", "text")
        hidden.isHidden = true
        described.columns.append(hidden)
        let connections = MemoryConnections(source: MemorySource(described: described))
        let error = await #expect(throws: OperationError.self) {
            try await set(connections) { $0.include = ["secret"] }
        }
        #expect(error?.fix.contains("GRANT SELECT (\"secret\") ON \"public\".\"orders\"") == true)
    }

    @Test func `included columns that fall together with others are refused`() async {
        await fill()
        var described = Sample.table("orders")
        described.columns.append(Sample.column("NOTE", "text"))
        let connections = MemoryConnections(source: MemorySource(described: described))
        let error = await #expect(throws: OperationError.self) { try await set(connections) { $0.include = ["NOTE"] } }
        #expect(error?.what.contains("would share one name in Redshift") == true)
        #expect(await store.saves == 0)
    }

    // MARK: Positions

    @Test func `a key set by hand becomes the floor itself, without a horizon`() async throws {
        await fill { $0.mode = .insertOnly }
        let connections = MemoryConnections(destination: MemoryDestination(rows: 42))
        let told = try await set(connections) { $0.maxPrimaryKey = "000123" }
        #expect(told == ["shop/orders goes on from key 123."])
        let state = try #require(await connections.destination.written.first?.next.state)
        #expect(state.keyFloor == KeyFloor(key: "123") && state.maxPrimaryKey == ["123"])
        #expect(state.horizon == nil && state.floor == nil && state.pass == nil && state.replicaRows == 42)
        #expect(await store.endings.first?.ending.isClean == false)
    }

    @Test func `settings that come with a position do not say that all rows are read again`() async throws {
        await fill()
        await store.edit(1) { $0.mirror = Sample.mirror(caughtUp: 5) }
        let told = try await set {
            $0.mode = .insertOnly
            $0.maxPrimaryKey = "7"
        }
        #expect(told == ["shop/orders: settings changed.", "shop/orders goes on from key 7."])
    }

    @Test func `a time set by hand lies as far back as the table looks back`() async throws {
        await fill()
        await store.edit(1) { $0.schedule.scanBack = .seconds(3600) }
        let connections = MemoryConnections()
        _ = try await set(connections) { $0.maxUpdatedKey = "2026-11-22 17:00:00" }
        #expect(
            await connections.destination.written.first?.next.state.floor?.text == "2026-11-22 16:00:00.000000")
    }

    @Test func `the time of an epoch may be its number`() async throws {
        await fill { $0.updatedKey = "epoch" }
        let connections = MemoryConnections()
        _ = try await set(connections) { $0.maxUpdatedKey = "1795366800" }
        #expect(
            await connections.destination.written.first?.next.state.maxUpdatedKey == "2026-11-22 17:00:00.000000")
    }

    static let values: [(column: String, text: String, stored: String?)] = [
        ("id", "-5", "-5"), ("id", "9223372036854775807", "9223372036854775807"), ("id", "9223372036854775808", nil),
        ("id", "-9223372036854775808", "-9223372036854775808"), ("id", "1.5", nil), ("id", "x", nil), ("id", "", nil),
        ("small", "32767", "32767"), ("small", "32768", nil), ("small", "-9223372036854775808", nil),
        ("line", "2147483647", "2147483647"), ("line", "2147483648", nil), ("amount", "12.50", "12.50"),
        ("amount", "1e5", nil), ("amount", "NaN", nil), ("code", "A-1", "A-1"), ("code", "", nil),
        ("guid", "0190163D-8694-739B-AEA5-966C26F8AD91", "0190163d-8694-739b-aea5-966c26f8ad91"),
        ("guid", "0190163d", nil), ("at", "2026-11-22", "2026-11-22 00:00:00.000000+00"), ("at", "noon", nil),
    ]

    @Test(arguments: values)
    func `a key set by hand must be a value of its column`(_ column: String, _ text: String, _ stored: String?)
        async throws
    {
        await fill {
            $0.mode = .insertOnly; $0.cursorKey = column == "id" ? nil : column
        }
        let connections = MemoryConnections()
        guard let stored else {
            let error = await #expect(throws: OperationError.self) {
                try await set(connections) { $0.maxPrimaryKey = text }
            }
            #expect(error?.code == .usage && error?.what == "\(text) is no value of \(column)")
            #expect(await connections.destination.opened == 0)
            return
        }
        _ = try await set(connections) { $0.maxPrimaryKey = text }
        #expect(await connections.destination.written.first?.next.state.keyFloor?.key == stored)
    }

    @Test(arguments: [SyncMode.updateAndInsert, .fullSync])
    func `a key is no position of another mode`(_ mode: SyncMode) async {
        await fill { $0.mode = mode }
        let error = await #expect(throws: OperationError.self) { try await set { $0.maxPrimaryKey = "7" } }
        #expect(error?.what == "--max-primary-key cannot be set")
    }

    @Test(arguments: [SyncMode.insertOnly, .fullSync])
    func `a time is no position of another mode`(_ mode: SyncMode) async {
        await fill { $0.mode = mode }
        let error = await #expect(throws: OperationError.self) { try await set { $0.maxUpdatedKey = "2026-11-22" } }
        #expect(error?.what == "--max-updated-key cannot be set")
    }

    @Test func `two positions are one too many`() async {
        await fill()
        let error = await #expect(throws: OperationError.self) {
            try await set {
                $0.maxUpdatedKey = "2026-11-22"
                $0.maxPrimaryKey = "7"
            }
        }
        #expect(error?.what == "Two positions are given")
    }
}

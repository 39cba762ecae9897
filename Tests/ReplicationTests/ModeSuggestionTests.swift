import Replication
import Testing

/// A table as discovery finds it, and what a person is told.
struct SuggestionCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var table: SourceTable
    var mode: SyncMode?
    var key: [String] = ["id"]
    var updatedKey: String?
    var reason: String
    /// Each begins one of the warnings, in order.
    var warnings: [String]
}

struct ModeSuggestionTests {
    private static let deletes = "rows deleted at the source stay in the replica"
    private static let reload = "each run reads all rows; choose a slower schedule"

    private static func column(_ name: String, _ type: String, isNullable: Bool = false) -> SourceColumn {
        SourceColumn(name: name, typeName: type, isNullable: isNullable, replicaType: .widestText)
    }

    private static let id = column("id", "bigint")
    private static let stamp = column("updated_at", "timestamp without time zone")

    private static func table(
        _ columns: [SourceColumn], key: [String] = ["id"], isPrimary: Bool = true, indexed: Set<String> = [],
        sequential: Set<String> = [], rows: Int = 1000, kind: SourceTable.Kind = .table, isReadable: Bool = true
    ) -> SourceTable {
        SourceTable(
            name: TableName(schema: "public", name: "things"), kind: kind, columns: columns,
            uniqueKeys: key.isEmpty ? [] : [.init(columns: key, isPrimary: isPrimary)], leadingIndexColumns: indexed,
            sequentialColumns: sequential, estimatedRows: rows, isReadable: isReadable)
    }

    private static let followed = [
        SuggestionCase(
            testDescription: "users: a key and an indexed updated_at",
            table: table([id, stamp], indexed: ["id", "updated_at"], sequential: ["id"]), mode: .updateAndInsert,
            updatedKey: "updated_at", reason: "id is the key; updated_at, indexed", warnings: [deletes]),
        SuggestionCase(
            testDescription: "addresses: updated_at without an index", table: table([id, stamp], indexed: ["id"]),
            mode: .updateAndInsert, updatedKey: "updated_at", reason: "id is the key; updated_at",
            warnings: ["updated_at has no index: each pass scans the table; CREATE INDEX CONCURRENTLY ON", deletes]),
        SuggestionCase(
            testDescription: "a nullable updated_at",
            table: table(
                [id, column("updated_at", "timestamp with time zone", isNullable: true)], indexed: ["updated_at"]),
            mode: .updateAndInsert, updatedKey: "updated_at", reason: "id is the key; updated_at, indexed",
            warnings: ["updated_at can be NULL", deletes]),
        SuggestionCase(
            testDescription: "a unique uuid instead of a primary key",
            table: table([column("code", "uuid"), stamp], key: ["code"], isPrimary: false, indexed: ["updated_at"]),
            mode: .updateAndInsert, key: ["code"], updatedKey: "updated_at",
            reason: "code is the key; updated_at, indexed", warnings: [deletes]),
        SuggestionCase(
            testDescription: "a composite key and modified_at",
            table: table(
                [column("a", "integer"), column("b", "text"), column("modified_at", "timestamp with time zone")],
                key: ["a", "b"], indexed: ["modified_at"]),
            mode: .updateAndInsert, key: ["a", "b"], updatedKey: "modified_at",
            reason: "a, b is the key; modified_at, indexed", warnings: [deletes]),
        SuggestionCase(
            testDescription: "an epoch named updated_at, in a partitioned table",
            table: table([id, column("updated_at", "bigint")], indexed: ["updated_at"], kind: .partitioned),
            mode: .updateAndInsert, updatedKey: "updated_at", reason: "id is the key; updated_at, indexed",
            warnings: [deletes]),
        SuggestionCase(
            testDescription: "of several names the first of the list, whatever the order of columns and case",
            table: table(
                [id, column("updated", "date"), column("last_modified", "date"), column("Updated_At", "date")],
                indexed: ["Updated_At"]),
            mode: .updateAndInsert, updatedKey: "Updated_At", reason: "id is the key; Updated_At, indexed",
            warnings: [deletes]),
    ]

    private static let others = [
        SuggestionCase(
            testDescription: "donations: a sequential key only",
            table: table([id], sequential: ["id"], rows: 9_800_000),
            mode: .insertOnly, reason: "id is sequential; no updated_at", warnings: ["edits are not copied", deletes]),
        SuggestionCase(
            testDescription: "sessions: no key, small", table: table([id], key: []), mode: .fullSync, key: [],
            reason: "no key", warnings: [reload]),
        SuggestionCase(
            testDescription: "a composite key without a timestamp, small",
            table: table([column("a", "integer"), column("b", "integer")], key: ["a", "b"], sequential: ["a"]),
            mode: .fullSync, key: ["a", "b"], reason: "a, b is not sequential; no updated_at", warnings: [reload]),
        SuggestionCase(
            testDescription: "a key that is not sequential, large", table: table([id], rows: 1_000_000), mode: nil,
            reason: "large, not sequential, and no updated_at", warnings: ["add a key or an updated_at"]),
        SuggestionCase(
            testDescription: "no key, large", table: table([id, stamp], key: [], rows: 5_000_000), mode: nil, key: [],
            updatedKey: "updated_at", reason: "no key, and large", warnings: ["add a key or an updated_at"]),
        SuggestionCase(
            testDescription: "a view", table: table([id, stamp], key: [], kind: .view), mode: .fullSync, key: [],
            reason: "a view shows no row versions to follow: it is read whole", warnings: []),
        SuggestionCase(
            testDescription: "an integer named updated and a text named updated_at order nothing",
            table: table([id, column("updated", "integer"), column("updated_at", "text")], rows: 999_999),
            mode: .fullSync, reason: "id is not sequential; no updated_at", warnings: [reload]),
        SuggestionCase(
            testDescription: "a table that may not be read",
            table: table([id, stamp], indexed: ["updated_at"], isReadable: false), mode: .updateAndInsert,
            updatedKey: "updated_at", reason: "id is the key; updated_at, indexed",
            warnings: [deletes, "the loader's user has no SELECT on it"]),
    ]

    @Test(arguments: followed + others)
    func `a table's shape decides the mode, the reason and the warnings`(given: SuggestionCase) {
        let suggestion = ModeSuggestion(for: given.table)
        #expect(suggestion.mode == given.mode)
        #expect(suggestion.primaryKey == given.key)
        #expect(suggestion.updatedKey == given.updatedKey)
        #expect(suggestion.reason == given.reason)
        #expect(suggestion.warnings.count == given.warnings.count, "\(suggestion.warnings)")
        for (warning, beginning) in zip(suggestion.warnings, given.warnings) { #expect(warning.hasPrefix(beginning)) }
    }

    @Test func `the index that is proposed quotes its names`() {
        var table = Self.table([Self.id, Self.stamp])
        table.name = TableName(schema: "a\"b", name: "T")
        let warning = ModeSuggestion(for: table).warnings.first ?? ""
        #expect(warning.hasSuffix(#"CREATE INDEX CONCURRENTLY ON "a""b"."T" ("updated_at")"#))
    }
}

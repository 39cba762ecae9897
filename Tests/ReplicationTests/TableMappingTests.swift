import Foundation
import Replication
import Testing

struct TableMappingTests {
    @Test func `a definition changes with all that gives a position its meaning`() {
        let mapping = World.mapping()
        let edits: [(inout TableMapping) -> Void] = [
            { $0.mode = .fullSync }, { $0.mode = .insertOnly }, { $0.source.name = "other" },
            { $0.source.schema = "other" }, { $0.primaryKey = ["name"] }, { $0.primaryKey = ["id", "name"] },
            { $0.updatedKey = nil }, { $0.updatedKey = "name" }, { $0.cursorKey = "id" }, { $0.columns.removeLast() },
            { $0.columns.swapAt(0, 1) }, { $0.columns[0].destinationName = "other" },
            { $0.columns[0].destinationType = .integer }, { $0.columns[0].destinationType = .varchar(bytes: 20) },
            { $0.columns[0].source.name = "other" }, { $0.columns[2].treatment = .hashed },
            { $0.scope.filter = "id > 7" }, { $0.scope.filter = "id > 8" },
        ]
        let digests = edits.map { edit in
            var changed = mapping
            edit(&changed)
            return changed.definition
        }
        #expect(Set(digests + [mapping.definition]).count == edits.count + 1)
    }

    @Test func `a definition does not change with what leaves the rows as they are`() {
        let mapping = World.mapping()
        let edits: [(inout TableMapping) -> Void] = [
            { $0.averageRowBytes += 1 }, { $0.columns[2].destinationType = .varchar(bytes: 12) },
            { $0.badValues = .fail }, { $0.refresh = .replace }, { $0.layout.sortKey = ["id"] },
            { $0.layout.distributionKey = "id" }, { $0.jobName = "other" }, { $0.destination.name = "other" },
            { $0.columns[2].source.warnings = ["a warning"] },
        ]
        for edit in edits {
            var changed = mapping
            edit(&changed)
            #expect(changed != mapping && changed.definition == mapping.definition)
        }
    }

    /// As a release that knew one mode wrote it.
    private static let former = """
        {"jobName": "shop", "source": {"schema": "public", "name": "users"},
        "destination": {"schema": "copy", "name": "users"}, "mode": "UpdateAndInsertTable", "primaryKey": ["id"],
        "updatedKey": "updated_at", "averageRowBytes": 64,
        "columns": [{"source": {"name": "id", "typeName": "bigint", "isNullable": false,
        "replicaType": {"bigint": {}}, "warnings": []}, "destinationName": "id", "destinationType": {"bigint": {}}}]}
        """

    @Test func `a mapping stored without the settings of today has their defaults`() throws {
        let mapping = try JSONDecoder().decode(TableMapping.self, from: Data(Self.former.utf8))
        #expect(mapping.mode == .updateAndInsert && mapping.averageRowBytes == 64)
        #expect(mapping.cursorKey == nil && mapping.scope == CopyScope() && mapping.badValues == .repair)
        #expect(mapping.refresh == .swap && mapping.layout == ReplicaLayout())
        #expect(mapping.columns.count == 1 && mapping.columns[0].treatment == nil)
        #expect(mapping.columns[0].source.isReadable)
    }

    @Test func `a mapping is stored with all of its settings`() throws {
        var mapping = World.mapping(.insertOnly)
        mapping.cursorKey = "updated_at"
        mapping.scope = CopyScope(excludedColumns: ["secret"], filter: "id > 7")
        mapping.badValues = .fail
        mapping.refresh = .replace
        mapping.layout = ReplicaLayout(distributionKey: "", sortKey: ["id"])
        mapping.columns[2].treatment = .hashed
        let stored = try JSONDecoder().decode(TableMapping.self, from: JSONEncoder().encode(mapping))
        #expect(stored == mapping)
    }

    @Test func `a pass follows the updated_key, the named key, or the only key`() {
        #expect(World.mapping().cursorColumn?.source.name == "updated_at")
        #expect(World.mapping().leadingColumn?.source.name == "updated_at")
        var mapping = World.mapping(.insertOnly)
        #expect(mapping.cursorColumn?.source.name == "id" && mapping.leadingColumn == nil)
        mapping.cursorKey = "updated_at"
        #expect(mapping.cursorColumn?.source.name == "updated_at")
        #expect(mapping.leadingColumn?.source.name == "updated_at")
        mapping.primaryKey = ["name", "id"]
        mapping.cursorKey = "id"
        #expect(mapping.leadingColumn?.source.name == "id")
        mapping.cursorKey = nil
        #expect(mapping.cursorColumn == nil)
        #expect(World.mapping(.fullSync).cursorColumn == nil)
    }
}

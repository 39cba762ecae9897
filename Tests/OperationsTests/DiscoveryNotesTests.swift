import Operations
import Replication
import Scheduling
import Testing

/// What discovery says beneath its table.
@Suite struct DiscoveryNotesTests {
    private let store = MemoryCatalog()

    private func survey(_ tables: [SourceTable], _ selection: TableSelection = .all) async throws -> [DiscoveredTable] {
        let (job, _) = await store.fill()
        let connections = MemoryConnections(tables: tables)
        return try await Discovery(store: store, requests: store, connections: connections)
            .survey(job, selection)
    }

    private func noted(_ notes: [(column: String, note: String)]) -> SourceTable {
        var table = Sample.table("orders")
        table.columns += notes.map { name, note in
            SourceColumn(name: name, typeName: "text", isNullable: true, replicaType: .widestText, warnings: [note])
        }
        return table
    }

    // MARK: Columns

    @Test func `columns with the same note share a line, and those that are left out have none`() async throws {
        let table = noted([
            ("a", "is cut"), ("price", "arrives as text"), ("b", "is cut"), ("api_token", "is cut"), ("c", "is cut"),
        ])
        let found = try #require(try await survey([table]).first)
        #expect(found.exclusions.map(\.column) == ["api_token"])
        #expect(
            found.warnings == found.suggestion.warnings + ["3 columns (a, b, c): is cut", "price: arrives as text"])
        #expect(!found.suggestion.warnings.isEmpty, "what concerns the mode comes first")
    }

    @Test func `of many columns some are named`() async throws {
        let table = noted((1...12).map { ("c\($0)", "is cut") })
        let found = try #require(try await survey([table]).first)
        #expect(found.warnings.last == "12 columns (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 and 2 more): is cut")
    }

    @Test func `a column that is left out comes with the way to copy it`() async throws {
        var table = noted([("api_token", "is cut")])
        table.columns[1].isHidden = true
        let found = try #require(try await survey([table]).first)
        #expect(
            found.exclusionNotes(label: "shop/orders") == [
                "note is left out: the loader's user has no SELECT on it; GRANT SELECT (\"note\") ON \"public\".\"orders\" TO "
                    + "the loader's user at the source, then tables set shop/orders --include note",
                "api_token is left out: it looks like a secret; tables set shop/orders --include api_token copies it",
            ])
    }

    // MARK: Summary

    @Test(arguments: [
        (nil, "3 tables: redshift-loader tables discover shop --create --all"),
        ("o*", "1 table: redshift-loader tables discover shop --create --only 'o*'"),
        ("o*,it's", "1 table: redshift-loader tables discover shop --create --only 'o*,it'\\''s'"),
    ])
    func `the proposal makes what was shown, and no more`(only: String?, words: String) async throws {
        let selection = only.map { TableSelection.patterns($0.split(separator: ",").map(String.init)) } ?? .all
        let survey = try await survey(["orders", "customers", "stock"].map { Sample.table($0) }, selection)
        let summary = DiscoverySummary(survey, job: "shop", only: only)
        #expect(summary.proposal == "Nothing was created. To create " + words)
    }

    @Test func `what was made is counted, and where nothing is left that is told`() async throws {
        let survey = try await survey([Sample.table("orders"), Sample.table("tmp_x")])
        #expect(
            DiscoverySummary(survey, job: "shop").result
                == "1 table created. Next: redshift-loader sync shop --wait")
        let rest = DiscoverySummary(survey.filter { $0.decision != .create }, job: "shop")
        #expect(
            rest.result
                == "Nothing is left to create: each table is replicated already, or skipped for the reason shown.")
        #expect(rest.proposal == rest.result)
    }
}

import Replication
import Scheduling

/// How many rows a table has on both sides.
package struct TableComparison: Sendable, Hashable {
    package enum Outcome: String, Sendable {
        case equal, different
        /// A side was not counted.
        case unknown
    }

    package var table: TableRecord
    /// nil: too many to count quickly.
    package var sourceRows: Int?
    package var replicaRows: ReplicaCount

    package var outcome: Outcome {
        switch (sourceRows, replicaRows) {
        case (_, .missing): .different
        case (let source?, .rows(let replica)): source == replica ? .equal : .different
        default: .unknown
        }
    }

    /// Rows that the replica has more than the source; nil where a side was not counted.
    package var difference: Int? {
        guard let sourceRows, case .rows(let replica) = replicaRows else { return nil }
        return replica - sourceRows
    }

    /// Counts both sides of each table, one after another; nothing is changed.
    package static func make(
        store: any CatalogStore, connections: any TableInspection, selector: String
    ) async throws -> [TableComparison] {
        let (job, tables) = try await Catalog(store: store).tables(selector)
        var comparisons: [TableComparison] = []
        for table in tables {
            // The replica first: rows that are loaded in between are at the source by then.
            let replica = try await connections.replicaRows(of: job, table.mapping)
            let source = try await connections.sourceRows(of: job, table.mapping, from: nil)
            comparisons.append(TableComparison(table: table, sourceRows: source, replicaRows: replica))
        }
        return comparisons
    }
}

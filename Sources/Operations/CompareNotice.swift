import Replication
import Scheduling

/// That a replica may differ from its source, and what to do, as every surface of the product says it.
package struct CompareNotice: Sendable, Hashable {
    package var reason: CompareReason
    /// What happened, and what it means for the rows.
    package var message: String
    package var fix: String

    init(_ reason: CompareReason, of mapping: TableMapping) {
        self.reason = reason
        message = reason.sentence
        let resync = "redshift-loader tables resync \(mapping.label)"
        fix =
            switch reason {
            case .sourceChanged, .replaced: "Make the replica anew: \(resync) --recreate"
            case .truncated:
                "Make the replica anew: \(resync) --recreate. A table that is emptied and filled again and again is better "
                    + "a FullSyncTable: redshift-loader tables set \(mapping.label) --mode FullSyncTable"
            case .replicaChanged:
                "Read all rows again: \(resync); with --recreate, rows that the source does not have go as well"
            }
    }
}

extension TableStatus {
    /// nil where nothing is in doubt.
    package var compareDue: CompareNotice? {
        table.mirror?.state.compareDue.map { CompareNotice($0, of: table.mapping) }
    }
}

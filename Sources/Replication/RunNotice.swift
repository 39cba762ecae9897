/// Why a run did not simply go on, or what it had to change; people see the sentence in the log and in `tables runs`.
package enum RunNotice: Sendable, Hashable {
    case firstLoad
    /// The mapping changed in a way that voids the position: everything is read again.
    case definitionChanged
    /// Values hashed from now on would not match those that are there.
    case saltChanged
    /// Another server or timeline answers: read again from further back, and a compare is due.
    case sourceChanged
    /// A column of the replica was made wider for a longer value.
    case widened(column: String, bytes: Int)
    /// Redshift refused a batch; it was read again with each value looked at.
    case screened(reason: String)

    /// Redshift's checkpoint is older than what was last recorded.
    case destinationSetBack
    /// It is newer.
    case metadataSetBack
    case checkpointGone
    case replicaGone
    case replicaEmptied
    /// Somebody else deleted or added rows.
    case replicaChanged(expected: Int, found: Int)
    /// The same, of a `FullSyncTable`, which mends it.
    case replicaCopiedAgain(expected: Int, found: Int)
    case sourceTruncated
    case sourceReplaced
    /// The source's table has partitions with rows from elsewhere.
    case relationsAttached
    case relationsGone

    package var sentence: String {
        switch self {
        case .firstLoad: "first load"
        case .definitionChanged: "mode, key, filter or columns changed: all rows are loaded again"
        case .saltChanged: "HASH_SALT changed: all rows are loaded again"
        case .sourceChanged:
            "another server or timeline answers: reading again from FAILOVER_LOOKBACK further back, then all rows"
        case .destinationSetBack:
            "Redshift holds an older checkpoint than was last recorded, as after a restore: going on from that one"
        case .metadataSetBack:
            "Redshift holds a newer checkpoint than was last recorded, as after a restore of the metadata: going on from "
                + "that one"
        case .checkpointGone: "the replica's checkpoint was gone: all rows are read again and merged"
        case .replicaGone: "the replica was gone: it is made anew, and all rows are loaded"
        case .replicaEmptied: "the replica was found empty: all rows are loaded again"
        case .replicaChanged(let expected, let found):
            "the replica has \(found) rows where \(expected) were loaded: a compare is due"
        case .replicaCopiedAgain(let expected, let found):
            "the replica had \(found) rows where \(expected) were loaded: it is copied again"
        case .sourceTruncated:
            "the table was truncated or rewritten at the source: its rows are read again, and a compare is due"
        case .sourceReplaced:
            "another table took the name at the source: its rows are read again, and a compare is due"
        case .relationsAttached: "partitions were attached at the source: all rows are read again"
        case .relationsGone: "partitions are gone at the source: their rows stay in the replica"
        case .widened(let column, let bytes): "column \(column) was widened to VARCHAR(\(bytes)) for a longer value"
        case .screened(let reason): "a batch was refused (\(reason)) and read again, each value checked"
        }
    }
}

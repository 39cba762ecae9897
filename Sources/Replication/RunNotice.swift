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

    package var sentence: String {
        switch self {
        case .firstLoad: "first load"
        case .definitionChanged: "mode, key, filter or columns changed: all rows are loaded again"
        case .saltChanged: "HASH_SALT changed: all rows are loaded again"
        case .sourceChanged:
            "another server or timeline answers: reading again from FAILOVER_LOOKBACK further back, then all rows"
        case .widened(let column, let bytes): "column \(column) was widened to VARCHAR(\(bytes)) for a longer value"
        case .screened(let reason): "a batch was refused (\(reason)) and read again, each value checked"
        }
    }
}

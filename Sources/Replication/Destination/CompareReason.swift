/// Why the replica may hold rows that the source has not, or lack some: a person must look, because no run can tell.
package enum CompareReason: String, Sendable, Hashable, Codable, CaseIterable {
    /// Another server or timeline answered, or an older state of the same one: rows of lost commits stay behind.
    case sourceChanged
    /// The table's files were replaced, and none of its old row versions is left.
    case truncated
    /// Another table has taken the name.
    case replaced
    /// The replica had another number of rows than was loaded.
    case replicaChanged

    /// What happened and what it means for the rows, for people.
    package var sentence: String {
        switch self {
        case .sourceChanged:
            "another server or timeline answers at the source; rows that vanished there may still be in the replica"
        case .truncated:
            "the table was truncated or rewritten at the source; rows that vanished there may still be in the replica"
        case .replaced:
            "another table took its name at the source; rows that only the former one had may still be in the replica"
        case .replicaChanged:
            "the replica had another number of rows than were loaded; somebody else deleted or added rows"
        }
    }
}

/// When the doubt about vanished rows is settled without anybody's help. Pure.
///
/// Where a pass reads every row of the source once, and the replica then has just as many rows, it has exactly these.
enum CompareRule {
    /// - Parameter readsAll: The pass that begins reads every row, so that counting them settles it.
    static func raise(_ reason: CompareReason, in state: inout CheckpointState, readsAll: Bool) {
        state.compareDue = state.compareDue ?? reason
        state.keysRead = readsAll ? 0 : nil
    }

    /// Counts a batch. A pass in the order of the key meets no row twice; one in another order may, after its first
    /// batch, when a row moves meanwhile.
    static func count(_ rows: Int, of kind: UnfinishedPass.Kind, in state: inout CheckpointState) {
        guard rows > 0, let known = state.keysRead else { return }
        state.keysRead = kind != .incremental || known == 0 ? known + rows : nil
    }

    /// - Returns: Whether the doubt is gone.
    static func settle(_ state: inout CheckpointState) -> Bool {
        guard state.pass == nil, let read = state.keysRead else { return false }
        state.keysRead = nil
        guard state.compareDue != nil, read == state.replicaRows else { return false }
        state.compareDue = nil
        return true
    }
}

/// What the destination holds of a table at one moment, whoever wrote it.
package struct ReplicaInspection: Sendable, Hashable {
    /// nil when there is none.
    package var checkpoint: Checkpoint?
    /// Rows of the replica; nil when there is no such table.
    package var rows: Int?

    package init(checkpoint: Checkpoint?, rows: Int?) {
        self.checkpoint = checkpoint
        self.rows = rows
    }
}

/// What a run knows of the destination, held against what is there. Pure.
enum CheckpointVerification {
    enum Verdict: Sendable, Hashable {
        case asKnown
        /// The replica is there without its checkpoint.
        case checkpointGone
        /// The replica was dropped.
        case replicaGone
        /// The destination's checkpoint is another one, and counts.
        case moved
    }

    static func judge(_ known: CheckpointStamp, against found: ReplicaInspection) -> Verdict {
        guard found.rows != nil else { return .replicaGone }
        guard let stamp = found.checkpoint?.stamp else { return found.rows == 0 ? .replicaGone : .checkpointGone }
        return stamp == known ? .asKnown : .moved
    }

    /// Which side was set back to an earlier state.
    static func notice(known: CheckpointStamp, found: CheckpointStamp) -> RunNotice {
        (found.generation, found.batch) < (known.generation, known.batch) ? .destinationSetBack : .metadataSetBack
    }

    enum Rows: Sendable, Hashable {
        case asLoaded
        /// Somebody emptied the replica.
        case none
        case others(expected: Int, found: Int)
    }

    static func judge(rows: Int, against state: CheckpointState) -> Rows {
        if rows == state.replicaRows { return .asLoaded }
        return rows == 0 ? .none : .others(expected: state.replicaRows, found: rows)
    }
}

/// How staged rows enter the replica.
package enum LoadMethod: Sendable, Hashable {
    /// They are added: none of their keys is there.
    case append
    /// Older versions of the same keys go first.
    case merge
    /// They become a new table that takes the replica's name.
    case swap
    /// All rows of the replica go first.
    case replace
}

/// One load, as a value: all that the destination's transaction needs.
package struct ReplicaLoad: Sendable {
    package var mapping: TableMapping
    package var staged: StagedBatch
    package var format: BatchFormat
    package var method: LoadMethod
    /// Bytes that VARCHAR columns of the replica must hold from now on, by destination name: made wider before the
    /// transaction, because Redshift does that in none.
    package var widenedColumns: [String: Int]
    /// What the transaction must find; nil when this load writes the first checkpoint.
    package var expected: CheckpointStamp?
    /// What it leaves behind; its `replicaRows` is brought up to date by what was inserted and deleted.
    package var next: Checkpoint

    package init(
        mapping: TableMapping, staged: StagedBatch, format: BatchFormat, method: LoadMethod,
        widenedColumns: [String: Int] = [:], expected: CheckpointStamp?, next: Checkpoint
    ) {
        self.mapping = mapping
        self.staged = staged
        self.format = format
        self.method = method
        self.widenedColumns = widenedColumns
        self.expected = expected
        self.next = next
    }
}

/// The replica as `prepare` found or made it.
package struct PreparedReplica: Sendable, Hashable {
    package var rows: Int
    /// VARCHAR columns of another width than the mapping asks for, mostly narrower: bytes by destination name.
    package var narrowColumns: [String: Int]

    package init(rows: Int = 0, narrowColumns: [String: Int] = [:]) {
        self.rows = rows
        self.narrowColumns = narrowColumns
    }
}

/// The replica's side. It owns the checkpoint, because rows and position must commit together.
package protocol ReplicaDestination: ReplicaCheckpoints {
    /// Makes schema, table and checkpoint table where they are missing, and compares the columns of those that exist.
    /// - Throws: `ReplicationError`: `E_SCHEMA_MISMATCH`, `E_DST_PERMISSION`.
    func prepare(_ mapping: TableMapping) async throws -> PreparedReplica

    /// Carries out a load in one transaction.
    /// - Returns: The checkpoint as committed.
    /// - Throws: `ReplicationError` `E_LOCKED` when the checkpoint is not the expected one; nothing has changed then.
    func load(_ load: ReplicaLoad) async throws -> Checkpoint

    /// Removes the replica and its checkpoint, so that the next run makes both anew.
    func drop(_ mapping: TableMapping) async throws

    /// Slices of the cluster, at least 1.
    func sliceCount() async throws -> Int

    /// Closes the connection. Safe to call twice; the next statement opens another one.
    func close() async
}

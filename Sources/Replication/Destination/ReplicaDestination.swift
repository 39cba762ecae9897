/// One load, as a value: all that the destination's transaction needs.
package struct ReplicaLoad: Sendable {
    package var mapping: TableMapping
    package var staged: StagedBatch
    package var format: BatchFormat
    /// Rows may simply be added: none of their keys is in the replica.
    package var appends: Bool
    /// What the transaction must find; nil when this load writes the first checkpoint.
    package var expected: CheckpointStamp?
    /// What it leaves behind; its `replicaRows` is brought up to date by what was inserted and deleted.
    package var next: Checkpoint

    package init(
        mapping: TableMapping, staged: StagedBatch, format: BatchFormat, appends: Bool, expected: CheckpointStamp?,
        next: Checkpoint
    ) {
        self.mapping = mapping
        self.staged = staged
        self.format = format
        self.appends = appends
        self.expected = expected
        self.next = next
    }
}

/// The replica's side. It owns the checkpoint, because rows and position must commit together.
package protocol ReplicaDestination: Sendable {
    /// Makes schema, table and checkpoint table where they are missing, and compares the columns of those that exist.
    /// - Throws: `ReplicationError`: `E_SCHEMA_MISMATCH`, `E_DST_PERMISSION`.
    func prepare(_ mapping: TableMapping) async throws

    /// - Returns: nil when there is none.
    /// - Throws: `ReplicationError` `E_CONFIG` when it belongs to another job or installation.
    func readCheckpoint(_ mapping: TableMapping, installation: String) async throws -> Checkpoint?

    /// Writes a checkpoint without rows: taking over from a lost owner, or a position set by hand. Counts as a batch.
    func writeCheckpoint(_ next: Checkpoint, expected: CheckpointStamp?, mapping: TableMapping) async throws

    /// Carries out a load in one transaction.
    /// - Returns: The checkpoint as committed.
    /// - Throws: `ReplicationError` `E_LOCKED` when the checkpoint is not the expected one; nothing has changed then.
    func load(_ load: ReplicaLoad) async throws -> Checkpoint

    /// Rows in the replica now.
    func countRows(_ mapping: TableMapping) async throws -> Int

    /// Slices of the cluster, at least 1.
    func sliceCount() async throws -> Int

    /// Closes the connection. Safe to call twice.
    func close() async
}

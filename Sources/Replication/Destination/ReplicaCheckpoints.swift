/// The checkpoints that lie beside replicas: who wrote them, and whom they belong to.
package protocol ReplicaCheckpoints: Sendable {
    /// - Returns: nil when there is none.
    /// - Throws: `ReplicationError` `E_CONFIG` when it belongs to another job or installation.
    func readCheckpoint(_ mapping: TableMapping, installation: String) async throws -> Checkpoint?

    /// Writes a checkpoint without rows: taking over from a lost owner, or a position set by hand. Counts as a batch.
    func writeCheckpoint(_ next: Checkpoint, expected: CheckpointStamp?, mapping: TableMapping) async throws

    /// Checkpoint and number of rows as of one moment, whoever they belong to; changes nothing.
    func inspect(_ mapping: TableMapping) async throws -> ReplicaInspection

    /// Gives the replica up: another job or installation may take it from now on. Its rows stay.
    /// - Throws: `ReplicationError` `E_LOCKED` when the checkpoint is not the expected one; nothing has changed then.
    func releaseCheckpoint(_ mapping: TableMapping, expected: CheckpointStamp) async throws
}

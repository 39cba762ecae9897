import Replication
import Scheduling

extension TableOperations {
    /// Microseconds that times set by hand are set back.
    func lookback(of table: TableRecord) -> Int64 {
        table.schedule.scanBack.map { Int64($0 / .microseconds(1)) } ?? lookback
    }

    /// Writes a position set by hand into the checkpoint, as a batch of its own.
    /// - Returns: A sentence that says where the table goes on.
    func set(
        _ position: HandSetPosition, of table: TableRecord, claimed: ClaimedTable, job: JobRecord
    ) async throws -> String {
        let mapping = table.mapping
        let source = try await connections.source(of: job)
        let start: PassStart
        do {
            start = try await source.startPass(mapping)
        } catch {
            await source.close()
            throw error
        }
        await source.close()
        try await writeCheckpoint(claimed: claimed, mapping: mapping, job: job) { found, replica in
            var state = CheckpointState(
                definition: mapping.definition, source: start.identity, completeUpTo: found?.completeUpTo,
                replicaRows: replica.rows, narrowColumns: replica.narrowColumns)
            state.compareDue = found?.compareDue
            state.sourceFiles = found?.sourceFiles
            switch position {
            case .time(let time):
                state.floor = time - lookback(of: table)
                state.maxUpdatedKey = time.text
            case .key(let key):
                state.keyFloor = KeyFloor(key: key)
                state.maxPrimaryKey = [key]
            }
            return state
        }
        return switch position {
        case .time(let time): "\(mapping.label) goes on from \(time.text), less the lookback."
        case .key(let key): "\(mapping.label) goes on from key \(key)."
        }
    }

    /// Writes a checkpoint without rows over whatever is there, as the next batch of its stamp.
    /// - Parameter make: From what is there; nil writes nothing.
    func writeCheckpoint(
        claimed: ClaimedTable, mapping: TableMapping, job: JobRecord,
        _ make: (CheckpointState?, PreparedReplica) throws -> CheckpointState?
    ) async throws {
        try await withDestination(of: job) { destination in
            let replica = try await destination.prepare(mapping)
            let installation = try await requests.installationID()
            let found = try await destination.readCheckpoint(mapping, installation: installation)
            guard let state = try make(found?.state, replica) else { return }
            let generation = max(claimed.table.lease.generation, (found?.stamp.generation ?? 0) + 1)
            let stamp = CheckpointStamp(
                installation: installation, job: job.name, generation: generation, batch: (found?.stamp.batch ?? 0) + 1)
            try await destination.writeCheckpoint(
                Checkpoint(stamp: stamp, state: state), expected: found?.stamp, mapping: mapping)
        }
    }

    /// Closes the destination however `body` ends.
    func withDestination<Value>(
        of job: JobRecord, _ body: (any ReplicaDestination) async throws -> Value
    ) async throws -> Value {
        let destination = try await connections.destination(of: job)
        do {
            let value = try await body(destination)
            await destination.close()
            return value
        } catch {
            await destination.close()
            throw error
        }
    }
}

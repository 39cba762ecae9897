import Replication
import Scheduling

/// What became of the checkpoint of a table that was removed.
package enum CheckpointRelease: Sendable, Hashable {
    /// Another job or installation may take the replica.
    case released
    /// It was another owner's, or none was there.
    case notOurs
    /// Redshift could not be asked, and it was to be forgotten all the same.
    case leftBehind
}

extension TableOperations {
    /// Forgets a job and its tables, and gives their replicas up; rows stay.
    /// - Parameter force: Also where the destination cannot be reached; the checkpoints then stay there.
    /// - Returns: The job, how many tables it had, and of how many the checkpoint stayed behind.
    /// - Throws: `OperationError` `busy` while a table is being synced, `unavailable` where Redshift cannot be reached.
    ///   Tables that were removed before stay so.
    package func removeJob(_ name: String, force: Bool) async throws -> (job: JobRecord, tables: Int, leftBehind: Int) {
        let job = try await Catalog(store: store).job(name)
        let tables = try await store.tables(ofJob: job.id)
        var leftBehind = 0
        for table in tables where try await remove(table, of: job, dropsReplica: false, force: force) == .leftBehind {
            leftBehind += 1
        }
        try await store.remove(jobID: job.id)
        return (job, tables.count, leftBehind)
    }

    /// The record goes last: were it first, a replica that could not be dropped would have no owner.
    func remove(
        _ record: TableRecord, of job: JobRecord, dropsReplica: Bool, force: Bool
    ) async throws -> CheckpointRelease {
        var release = CheckpointRelease.released
        try await underLease(record.id, record.mapping, voidsMirror: false, removes: true) { _ in
            if dropsReplica {
                try await drop(record.mapping, of: job, makingAnew: false)
            } else {
                release = try await releaseCheckpoint(of: record.mapping, job: job, force: force)
            }
            try await store.remove(tableID: record.id)
        }
        return release
    }

    private func releaseCheckpoint(
        of mapping: TableMapping, job: JobRecord, force: Bool
    ) async throws -> CheckpointRelease {
        do {
            let installation = try await requests.installationID()
            return try await withDestination(of: job) { destination in
                let found: Checkpoint?
                do {
                    found = try await destination.readCheckpoint(mapping, installation: installation)
                } catch let error as ReplicationError where error.code == .config || error.code == .schemaMismatch {
                    // Another owner's, or a newer release's: not ours to give up.
                    return .notOurs
                }
                guard let found else { return .notOurs }
                try await destination.releaseCheckpoint(mapping, expected: found.stamp)
                return .released
            }
        } catch let error as ReplicationError {
            guard force else { throw Self.notReleased(mapping, "\(error.what): \(error.why)", error) }
            return .leftBehind
        } catch let error as OperationError where error.code == .configuration || error.code == .secretKey {
            guard force else { throw Self.notReleased(mapping, "\(error.what): \(error.why)", error) }
            return .leftBehind
        }
    }

    private static func notReleased(
        _ mapping: TableMapping, _ why: String, _ underlying: any Error
    ) -> OperationError {
        OperationError(
            .unavailable, what: "\(mapping.label) was not removed: its checkpoint in Redshift could not be given up",
            why: why,
            fix: "Try again when Redshift answers. With --force it is forgotten here all the same; the checkpoint then "
                + "stays there, and refuses other jobs and installations until redshift-loader tables adopt.",
            underlying: underlying)
    }
}

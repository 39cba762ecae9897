import Replication
import Scheduling

/// What taking tables over from another installation would mean, for people to see before it is done.
package struct AdoptionPlan: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// The checkpoint is another installation's, or a removed job's.
        case takeOver(CheckpointStamp, goesOn: Bool)
        case ours
        /// There is no checkpoint to take over.
        case nothing
    }

    package struct Entry: Sendable, Hashable {
        package var label: String
        package var replica: TableName
        package var rows: Int?
        package var kind: Kind
        /// Columns that are replaced by digests, which another installation may have made with another salt.
        package var hashedColumns: [String]
        let tableID: Int64

        /// What will happen.
        package var sentence: String {
            switch kind {
            case .ours: return "\(label): \(replica) belongs to this installation already."
            case .nothing: return "\(label): \(replica) has no checkpoint to take over; the next run loads all rows."
            case .takeOver(_, let goesOn):
                let count = rows.map { " (\(Counted.grouped($0)) \($0 == 1 ? "row" : "rows"))" } ?? ""
                let then =
                    goesOn
                    ? "it goes on from its checkpoint, without a reload"
                    : "it was loaded with other settings (mode, key, columns or filter), so that all rows are read again "
                        + "and merged"
                let salt =
                    goesOn && !hashedColumns.isEmpty
                    ? " HASH_SALT must be the former one: without it, \(hashedColumns.joined(separator: ", ")) of rows that "
                        + "change from now on would differ from the rows that are there." : ""
                return
                    "\(label): \(replica)\(count) is taken over, and its former owner cannot write to it any more; \(then)."
                    + salt
            }
        }
    }

    package var selector: String
    package var entries: [Entry]

    /// Whether there is anything to take over.
    package var changes: Bool { count > 0 }
    package var sentence: String { entries.map(\.sentence).joined(separator: "\n") }

    var count: Int {
        entries.count { if case .takeOver = $0.kind { true } else { false } }
    }
}

extension TableOperations {
    /// Looks at whose checkpoints the tables' replicas have; changes nothing.
    /// - Parameter selector: `JOB` or `JOB/TABLE`.
    /// - Throws: `ReplicationError` `E_CONFIG` where a replica belongs to a job of another name.
    package func planAdoption(_ selector: String) async throws -> AdoptionPlan {
        let (job, tables) = try await Catalog(store: store).tables(selector)
        let installation = try await requests.installationID()
        let jobs = Set(try await store.jobs().map(\.name))
        let entries = try await withDestination(of: job) { destination in
            var entries: [AdoptionPlan.Entry] = []
            for table in tables {
                let found = try await destination.inspect(table.mapping)
                entries.append(
                    AdoptionPlan.Entry(
                        label: table.mapping.label, replica: table.mapping.destination, rows: found.rows,
                        kind: try Self.kind(found, table.mapping, installation: installation, jobs: jobs),
                        hashedColumns: table.mapping.columns.filter { $0.treatment == .hashed }.map(\.source.name),
                        tableID: table.id))
            }
            return entries
        }
        return AdoptionPlan(selector: selector, entries: entries)
    }

    private static func kind(
        _ found: ReplicaInspection, _ mapping: TableMapping, installation: String, jobs: Set<String>
    ) throws -> AdoptionPlan.Kind {
        guard let checkpoint = found.checkpoint, found.rows != nil else { return .nothing }
        let stamp = checkpoint.stamp
        if stamp.installation == installation, stamp.job == mapping.jobName { return .ours }
        guard stamp.isAdoptable(by: mapping, installation, jobs: jobs) else {
            try stamp.requireOwner(of: mapping, installation: installation)
            return .ours
        }
        return .takeOver(stamp, goesOn: checkpoint.state.definition == mapping.definition)
    }

    /// Writes this installation's name into the checkpoints, each as a batch of its own.
    /// - Returns: A sentence that says what was done.
    /// - Throws: `ReplicationError` `E_LOCKED` when a former owner has written in the meantime.
    package func adopt(_ plan: AdoptionPlan) async throws -> String {
        let installation = try await requests.installationID()
        for entry in plan.entries {
            guard case .takeOver(let stamp, _) = entry.kind else { continue }
            let (job, record) = try await Catalog(store: store).table(id: entry.tableID, label: entry.label)
            try await underLease(record.id, record.mapping, voidsMirror: true) { claimed in
                try await withDestination(of: job) { destination in
                    guard let found = try await destination.inspect(record.mapping).checkpoint else { return }
                    let next = CheckpointStamp(
                        installation: installation, job: job.name,
                        generation: max(claimed.table.lease.generation, stamp.generation + 1), batch: stamp.batch + 1)
                    // Its state may be a newer one than was planned with; then the stamp is too, and this is refused.
                    try await destination.writeCheckpoint(
                        Checkpoint(stamp: next, state: found.state), expected: stamp, mapping: record.mapping)
                }
            }
        }
        guard plan.changes else { return "There is nothing to take over." }
        return "\(Counted.tables(plan.count)) taken over. Next: redshift-loader sync \(plan.selector) --wait"
    }
}

extension CheckpointStamp {
    /// Another installation's checkpoint of a job of the same name, or one of a job that this installation has no more.
    /// - Parameter jobs: Of this installation.
    func isAdoptable(by mapping: TableMapping, _ installation: String, jobs: Set<String>) -> Bool {
        self.installation == installation ? !jobs.contains(job) : job == mapping.jobName
    }
}

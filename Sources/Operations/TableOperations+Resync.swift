import Replication
import Scheduling

/// What a resync, or a removal with its replica, would do, for people to see before it is done.
package struct ResyncPlan: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// All rows are read again into the same replica.
        case rereading
        /// The replica goes, and is made anew.
        case recreating
        /// The table leaves its job.
        case removing(dropsReplica: Bool)
    }

    package var label: String
    /// What a person types to confirm.
    package var tableName: String
    package var replica: TableName
    package var kind: Kind
    /// Rows at the source; nil: too many to count quickly.
    package var sourceRows: Int?
    package var replicaRows: ReplicaCount
    let tableID: Int64

    /// Whether rows leave Redshift.
    package var deletes: Bool {
        switch kind {
        case .rereading: false
        case .recreating: true
        case .removing(let dropsReplica): dropsReplica
        }
    }

    /// What will happen.
    package var sentence: String {
        let read = sourceRows.map { "\(Counted.roughRows($0)) will be" } ?? "rows, too many to count quickly, will be"
        return switch kind {
        case .rereading: "\(label): \(read) read again, into the same replica; its rows stay and are updated."
        case .recreating:
            "\(label): the replica \(replica) (\(there)) will be dropped with all rights and views on it, and made anew; "
                + "\(read) read again, and queries see fewer rows until then."
        case .removing(true): "\(label) will be forgotten, and its replica \(replica) (\(there)) will be dropped."
        case .removing(false):
            "\(label) will be forgotten with its settings and its history; its replica \(replica) stays as it is."
        }
    }

    private var there: String {
        switch replicaRows {
        case .rows(let count): "\(Counted.grouped(count)) \(count == 1 ? "row" : "rows")"
        case .tooMany: "too many rows to count quickly"
        case .missing: "which does not exist"
        }
    }
}

extension TableOperations {
    /// Looks at what it would mean; changes nothing.
    package func planResync(_ selector: String, _ kind: ResyncPlan.Kind) async throws -> ResyncPlan {
        let (job, record) = try await Catalog(store: store).table(selector)
        let mapping = record.mapping
        var plan = ResyncPlan(
            label: mapping.label, tableName: mapping.source.name, replica: mapping.destination, kind: kind,
            sourceRows: nil, replicaRows: .missing, tableID: record.id)
        if case .removing = kind {
        } else {
            plan.sourceRows = try await connections.sourceRows(of: job, mapping, from: nil)
        }
        if plan.deletes { plan.replicaRows = try await connections.replicaRows(of: job, mapping) }
        return plan
    }

    /// - Returns: A sentence that says what was done.
    /// - Parameter force: A table is removed although its checkpoint cannot be given up.
    package func carryOut(_ plan: ResyncPlan, force: Bool = false) async throws -> String {
        let (job, record) = try await Catalog(store: store).table(id: plan.tableID, label: plan.label)
        let next = "Next: redshift-loader sync \(plan.label) --wait"
        switch plan.kind {
        case .rereading:
            try await underLease(record.id, record.mapping, voidsMirror: true) { claimed in
                try await writeCheckpoint(claimed: claimed, mapping: record.mapping, job: job) { found, _ in
                    // No pass can start from a state without a definition: the next one reads all rows.
                    found.map {
                        var state = CheckpointState(definition: "", source: $0.source)
                        state.compareDue = $0.compareDue
                        return state
                    }
                }
            }
            return "\(plan.label) has forgotten its position; all rows are read again. \(next)"
        case .recreating:
            try await underLease(record.id, record.mapping, voidsMirror: true) { _ in
                try await drop(record.mapping, of: job, makingAnew: true)
            }
            return "\(plan.label): \(plan.replica) was made anew, empty; all rows are read again. \(next)"
        case .removing(let dropsReplica):
            let release = try await remove(record, of: job, dropsReplica: dropsReplica, force: force)
            if dropsReplica { return "\(plan.label) is forgotten, and \(plan.replica) was dropped." }
            return release == .leftBehind
                ? "\(plan.label) is forgotten here. \(plan.replica) stays, and so does its checkpoint, since Redshift could "
                    + "not be asked: others are refused until redshift-loader tables adopt."
                : "\(plan.label) is forgotten; \(plan.replica) stays, and any job may take it. Added again, all its rows are "
                    + "read and merged."
        }
    }

    /// A replica of another job or installation is refused, by name.
    func drop(_ mapping: TableMapping, of job: JobRecord, makingAnew: Bool) async throws {
        let installation = try await requests.installationID()
        try await withDestination(of: job) { destination in
            _ = try await destination.readCheckpoint(mapping, installation: installation)
            try await destination.drop(mapping)
            if makingAnew { _ = try await destination.prepare(mapping) }
        }
    }
}

extension Catalog {
    /// A table that was looked at before, and may be gone by now.
    func table(id: Int64, label: String) async throws -> (job: JobRecord, table: TableRecord) {
        guard let table = try await store.tables(ofJob: nil).first(where: { $0.id == id }),
            let job = try await store.jobs().first(where: { $0.id == table.jobID })
        else {
            throw OperationError(
                .badInput, what: "\(label) is gone", why: "it was removed in the meantime",
                fix: "See what there is with: redshift-loader tables list.")
        }
        return (job, table)
    }
}

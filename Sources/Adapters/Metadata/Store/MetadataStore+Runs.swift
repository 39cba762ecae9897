import Foundation
import Operations
import Replication
import Scheduling

extension MetadataStore: RunStore {
    /// - Throws: `OperationError` `busy` when the lease is lost: such a run must not start.
    package func beginCopy(_ claimed: ClaimedTable) async throws -> TableCopyRecord {
        try await write { session in
            let now = session.now
            guard let id = try RunStatements.begin(claimed, now: now).number(session) else {
                throw OperationError(
                    .busy, what: "\(claimed.table.mapping.label) was not run", why: "another process runs it by now",
                    fix: "Nothing is lost; that process goes on from where the table stands.")
            }
            return TableCopyRecord(
                id: id, tableID: claimed.table.id, startedAt: Date(storedMicroseconds: now),
                owner: claimed.table.lease.owner ?? "")
        }
    }

    package func record(
        _ checkpoint: Checkpoint, copy: TableCopyRecord, sourceAhead: Duration?, of claimed: ClaimedTable
    ) async throws {
        let text = try StoredJSON.text(checkpoint)
        let isHeld = try await finish { session in
            let now = session.now
            let mirror = RunStatements.mirror(
                checkpoint.state, checkpoint: text, sourceAhead: sourceAhead, of: claimed, now: now)
            guard try mirror.run(session) > 0 else { return false }
            try RunStatements.progress(copy).run(session)
            return true
        }
        if !isHeld { noteLoss(of: claimed) }
    }

    /// Many take several transactions, each short; seen again after a failure, a value only counts once more.
    package func recordRepairs(_ repairs: [RepairedValue], of claimed: ClaimedTable) async throws {
        var rows = try RepairRow.rows(repairs)[...]
        while !rows.isEmpty {
            let some = rows.prefix(Self.repairsOfTransaction)
            rows = rows.dropFirst(some.count)
            let isHeld = try await write { session in
                guard try RunStatements.isHeld(claimed).number(session) != nil else { return false }
                var left = some
                while !left.isEmpty {
                    let next = left.prefix(RepairStatements.atOnce)
                    try RepairStatements.record(next, table: claimed.table.id, now: session.now).run(session)
                    left = left.dropFirst(next.count)
                }
                return true
            }
            guard isHeld else { return noteLoss(of: claimed) }
        }
    }

    private static let repairsOfTransaction = 2_000

    package func sourceMemory(of claimed: ClaimedTable) async throws -> SourceMemory? {
        try await read { session in
            guard let row = try SourceMemoryStatements.read(table: claimed.table.id).row(session) else { return nil }
            let (stamp, content): (String, Data) = (try row["stamp"], try row["content"])
            return SourceMemory(
                stamp: try StoredJSON.value(CheckpointStamp.self, from: stamp), content: Array(content))
        }
    }

    package func keep(_ memory: SourceMemory, of claimed: ClaimedTable) async throws {
        let isHeld = try await finish { session in
            try SourceMemoryStatements.keep(memory, of: claimed).run(session) > 0
        }
        if !isHeld { noteLoss(of: claimed) }
    }

    /// Does not touch a record that a takeover closed as lost. Removes what `retention` does not keep of the table's
    /// runs.
    package func finishCopy(_ copy: TableCopyRecord) async throws {
        try await finish { session in
            let endedWell = copy.result == .ok || copy.result == .stopped
            if endedWell, copy.rows == 0, copy.notices.isEmpty, try RunStatements.forget(copy).run(session) > 0 {
                return
            }
            let now = session.now
            try RunStatements.finish(copy, now: now).run(session)
            try RunStatements.pruneMany(table: copy.tableID, keeping: retention.runs).run(session)
            try RunStatements.pruneOld(table: copy.tableID, before: now - retention.age.microseconds).run(session)
        }
    }
}

extension MetadataStore: WorkerStore {
    package func heartbeat(_ owner: LeaseOwner, version: String) async throws {
        try await write { session in
            let now = session.now
            try WorkerStatements.heartbeat(owner, version: version, now: now).run(session)
            try WorkerStatements.prune(now: now).run(session)
        }
    }

    package func unregister(_ owner: LeaseOwner) async throws {
        try await finish { _ = try WorkerStatements.delete(owner.id).run($0) }
    }

    /// Leaves out those known to be dead, however lately they were heard of.
    package func liveWorkers(within age: Duration) async throws -> Int {
        try await read { session in
            let since = session.now - age.microseconds
            let heard = try WorkerStatements.heardSince(since).texts(session)
            return heard.count { !self.liveness.isKnownDead(LeaseOwner(storedID: $0)) }
        }
    }
}

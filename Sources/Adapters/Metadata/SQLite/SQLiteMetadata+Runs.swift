import Foundation
import GRDB
import Operations
import Replication
import Scheduling

extension SQLiteMetadata: RunStore {
    /// - Throws: `OperationError` `busy` when the lease is lost: such a run must not start.
    package func beginCopy(_ claimed: ClaimedTable) async throws -> TableCopyRecord {
        try await write { database in
            let now = self.clock.now.storedMicroseconds
            guard try RunStatements.begin(claimed, now: now).run(database) > 0 else {
                throw OperationError(
                    .busy, what: "\(claimed.table.mapping.label) was not run", why: "another process runs it by now",
                    fix: "Nothing is lost; that process goes on from where the table stands.")
            }
            return TableCopyRecord(
                id: database.lastInsertedRowID, tableID: claimed.table.id, startedAt: Date(storedMicroseconds: now),
                owner: claimed.table.lease.owner ?? "")
        }
    }

    package func record(_ checkpoint: Checkpoint, copy: TableCopyRecord, of claimed: ClaimedTable) async throws {
        let text = try StoredJSON.text(checkpoint)
        let isHeld = try await finish { database in
            let now = self.clock.now.storedMicroseconds
            let mirror = RunStatements.mirror(checkpoint.state, checkpoint: text, of: claimed, now: now)
            guard try mirror.run(database) > 0 else { return false }
            try RunStatements.progress(copy).run(database)
            return true
        }
        if !isHeld { noteLoss(of: claimed) }
    }

    package func recordRepairs(_ repairs: [RepairedValue], of claimed: ClaimedTable) async throws {
        let isHeld = try await write { database in
            guard try RunStatements.isHeld(claimed).number(database) != nil else { return false }
            let now = self.clock.now.storedMicroseconds
            for value in repairs {
                try RepairStatements.record(value, table: claimed.table.id, now: now).run(database)
            }
            return true
        }
        if !isHeld { noteLoss(of: claimed) }
    }

    /// Does not touch a record that a takeover closed as lost. Keeps 1,000 runs of a table, and none older than 30
    /// days.
    package func finishCopy(_ copy: TableCopyRecord) async throws {
        try await finish { database in
            let endedWell = copy.result == .ok || copy.result == .stopped
            if endedWell, copy.rows == 0, copy.notices.isEmpty, try RunStatements.forget(copy).run(database) > 0 {
                return
            }
            let now = self.clock.now.storedMicroseconds
            try RunStatements.finish(copy, now: now).run(database)
            try RunStatements.pruneMany(table: copy.tableID).run(database)
            try RunStatements.pruneOld(table: copy.tableID, now: now).run(database)
        }
    }
}

extension SQLiteMetadata: WorkerStore {
    package func heartbeat(_ owner: LeaseOwner, version: String) async throws {
        try await write { database in
            let now = self.clock.now.storedMicroseconds
            try WorkerStatements.heartbeat(owner, version: version, now: now).run(database)
            try WorkerStatements.prune(now: now).run(database)
        }
    }

    package func unregister(_ owner: LeaseOwner) async throws {
        try await finish { _ = try WorkerStatements.delete(owner.id).run($0) }
    }

    /// Leaves out those known to be dead, however lately they were heard of.
    package func liveWorkers(within age: Duration) async throws -> Int {
        try await read { database in
            let since = self.clock.now.storedMicroseconds - age.microseconds
            let heard = try WorkerStatements.heardSince(since).texts(database)
            return heard.count { !self.liveness.isKnownDead(LeaseOwner(storedID: $0)) }
        }
    }
}

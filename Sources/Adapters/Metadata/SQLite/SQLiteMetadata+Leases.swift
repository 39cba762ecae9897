import Foundation
import GRDB
import Operations
import Scheduling

extension SQLiteMetadata: LeaseStore {
    /// Looks first without the write lock: most calls find nothing due.
    package func claimDue(by owner: LeaseOwner, for duration: Duration) async throws -> ClaimedTable? {
        guard try await read({ try self.nextDue($0) }) != nil else { return nil }
        return try await write { database in
            guard let table = try self.nextDue(database) else { return nil }
            return try self.take(table, by: owner, for: duration, database)
        }
    }

    /// A lease that this owner itself holds counts as held: two runs in one process would be as bad as in two.
    /// - Throws: `OperationError` when there is no such table.
    package func claim(tableID: Int64, by owner: LeaseOwner, for duration: Duration) async throws -> ClaimedTable? {
        try await write { database in
            guard try TableStatements.one(tableID).row(database) != nil else { throw MetadataFailure.tableGone }
            let now = self.clock.now.storedMicroseconds
            let free = LeaseStatements.free(table: tableID, now: now, dead: try self.deadOwners(database))
            guard try free.number(database) != nil else { return nil }
            return try self.take(tableID, by: owner, for: duration, database)
        }
    }

    package func renew(_ claimed: ClaimedTable, for duration: Duration) async throws -> Bool {
        try await write { database in
            let now = self.clock.now.storedMicroseconds
            return try LeaseStatements.renew(claimed, now: now, until: now + duration.microseconds).run(database) > 0
        }
    }

    /// Never lowers it. The claim stays valid with the generation that it was made with.
    package func raiseGeneration(of claimed: ClaimedTable, to generation: Int64) async throws {
        let isHeld = try await finish { try LeaseStatements.raiseGeneration(claimed, to: generation).run($0) > 0 }
        if !isHeld { noteLoss(of: claimed) }
    }

    /// Call `finishCopy` before it: a copy that still runs when the table is claimed again counts as lost.
    package func release(_ claimed: ClaimedTable, _ ending: RunEnding) async throws {
        let isHeld = try await finish { database in
            let now = self.clock.now.storedMicroseconds
            return try LeaseStatements.release(claimed, ending, now: now).run(database) > 0
        }
        if !isHeld { noteLoss(of: claimed) }
    }

    func noteLoss(of claimed: ClaimedTable) {
        logger.notice("\(claimed.table.mapping.label): the lease went to another process; nothing was recorded")
    }

    private func nextDue(_ database: Database) throws -> Int64? {
        let now = clock.now.storedMicroseconds
        let dead = try deadOwners(database)
        return try LeaseStatements.requested(now: now, dead: dead).number(database)
            ?? LeaseStatements.due(now: now, dead: dead).number(database)
    }

    /// Holders whose processes are known to have ended, as a JSON array: few, because it is asked by owner.
    private func deadOwners(_ database: Database) throws -> String {
        let owners = try LeaseStatements.owners.texts(database)
        return try StoredJSON.text(owners.filter { liveness.isKnownDead(LeaseOwner(storedID: $0)) })
    }

    /// Makes a free table this owner's.
    private func take(
        _ table: Int64, by owner: LeaseOwner, for duration: Duration, _ database: Database
    ) throws -> ClaimedTable {
        let now = clock.now.storedMicroseconds
        let before = try Self.table(table, database).lease
        try LeaseStatements.take(table: table, owner: owner, now: now, until: now + duration.microseconds).run(database)
        try LeaseStatements.loseCopies(table: table, now: now).run(database)
        let taken = try Self.table(table, database)
        guard let job = try JobStatements.one(taken.jobID).row(database) else { throw MetadataFailure.jobGone }
        if let former = before.owner {
            logger.notice("\(taken.mapping.label): took over from \(LeaseOwner(storedID: former).label)")
        }
        return ClaimedTable(
            table: taken, job: JobRecord(row: job),
            previousEndedCleanly: before.owner == nil && before.endedCleanly)
    }

    static func table(_ id: Int64, _ database: Database) throws -> Scheduling.TableRecord {
        guard let row = try TableStatements.one(id).row(database) else { throw MetadataFailure.tableGone }
        return try Scheduling.TableRecord(row: row)
    }
}

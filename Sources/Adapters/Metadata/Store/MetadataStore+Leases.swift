import Foundation
import Operations
import Replication
import Scheduling

extension MetadataStore: LeaseStore {
    package func claimDue(
        by owner: LeaseOwner, for duration: Duration, _ terms: ClaimTerms
    ) async throws -> ClaimedTable? {
        try await write { session in
            var outlook = try Outlook(session)
            if try freeLost(outlook.holders, session) { outlook = try Outlook(session) }
            let busy = outlook.slots.mapValues(\.busy)
            for candidate in FairShare.order(outlook.candidates, busy: busy, slots: terms.slots) {
                let slots = outlook.slots[candidate.jobID] ?? JobSlots()
                let hasLongSlot = !FairShare.slots(of: terms.slots, busy: slots.busy, isLong: true).isEmpty
                let allowsLong = terms.allowsLong && hasLongSlot
                let statement =
                    candidate.isAsked
                    ? LeaseStatements.asked(
                        ofJob: candidate.jobID, allowsLong: allowsLong, dialect: session.dialect)
                    : LeaseStatements.due(
                        ofJob: candidate.jobID, allowsLong: allowsLong, now: session.now, dialect: session.dialect)
                guard let row = try statement.row(session), let table = try readable(row, session),
                    try takeSlot(for: table, of: terms.slots, slots, lasting: duration, session)
                else { continue }
                return try take(table, by: owner, for: duration, session)
            }
            return nil
        }
    }

    /// A lease that this owner itself holds counts as held: two runs in one process would be as bad as in two.
    /// - Throws: `OperationError` when there is no such table.
    package func claim(
        tableID: Int64, by owner: LeaseOwner, for duration: Duration, _ terms: ClaimTerms?
    ) async throws -> ClaimedTable? {
        try await write { session in
            guard let found = try TableStatements.one(tableID).row(session) else { throw MetadataFailure.tableGone }
            _ = try freeLost([try Holder(row: found)].compactMap { $0 }, session)
            let locked = LeaseStatements.one(tableID, dialect: session.dialect)
            guard let row = try locked.row(session) else { return nil }
            let table = try TableRecord(row: row)
            guard table.lease.owner == nil else { return nil }
            if let terms {
                var slots = JobSlots()
                for row in try LeaseStatements.slots(ofJob: table.jobID).rows(session) {
                    slots.add(try row["value"], until: try row["until"], now: session.now)
                }
                guard try takeSlot(for: table, of: terms.slots, slots, lasting: duration, session) else { return nil }
            }
            return try take(table, by: owner, for: duration, session)
        }
    }

    package func renew(_ claimed: ClaimedTable, for duration: Duration) async throws -> Bool {
        try await write { session in
            let (now, until) = (session.now, session.now + duration.microseconds)
            guard try LeaseStatements.renew(claimed, now: now, until: until).run(session) > 0 else { return false }
            try LeaseStatements.keepSlot(ofTable: claimed.table.id, now: now, until: until).run(session)
            return true
        }
    }

    /// Never lowers it. The claim stays valid with the generation that it was made with.
    package func raiseGeneration(of claimed: ClaimedTable, to generation: Int64) async throws {
        let isHeld = try await finish { try LeaseStatements.raiseGeneration(claimed, to: generation).run($0) > 0 }
        if !isHeld { noteLoss(of: claimed) }
    }

    /// Call `finishCopy` before it: a copy that still runs when the table is claimed again counts as lost.
    package func release(_ claimed: ClaimedTable, _ ending: RunEnding) async throws {
        let isHeld = try await finish { session in
            guard try LeaseStatements.release(claimed, ending, now: session.now).run(session) > 0 else { return false }
            try LeaseStatements.freeSlot(ofTable: claimed.table.id).run(session)
            return true
        }
        if !isHeld { noteLoss(of: claimed) }
    }

    func noteLoss(of claimed: ClaimedTable) {
        logger.notice("\(claimed.table.mapping.label): the lease went to another process; nothing was recorded")
    }

    // MARK: Parts of a claim

    /// What a claim decides by.
    private struct Outlook {
        var slots: [Int64: JobSlots] = [:]
        var holders: [Holder] = []
        var candidates: [FairShare.Candidate] = []

        init(_ session: any MetadataSession) throws {
            for row in try LeaseStatements.outlook(now: session.now).rows(session) {
                let (kind, id): (String, Int64) = (try row["kind"], try row["job_id"])
                guard let value: Int64 = try row["value"] else { continue }
                switch kind {
                case "slot": slots[id, default: JobSlots()].add(Int(value), until: try row["until"], now: session.now)
                case "holder": holders.append(Holder(tableID: id, owner: try row["owner"], expiresAt: try row["until"]))
                default:
                    candidates.append(FairShare.Candidate(jobID: id, since: value, isAsked: kind == "asked"))
                }
            }
        }
    }

    /// The slots of a job, by number.
    private struct JobSlots {
        var known: Set<Int> = []
        var busy: Set<Int> = []

        mutating func add(_ number: Int, until: Int64, now: Int64) {
            known.insert(number)
            if until > now { busy.insert(number) }
        }
    }

    /// Who holds a table.
    private struct Holder {
        var tableID: Int64
        var owner: String
        var expiresAt: Int64

        init(tableID: Int64, owner: String, expiresAt: Int64) {
            self.tableID = tableID
            self.owner = owner
            self.expiresAt = expiresAt
        }

        /// nil where nobody does.
        init?(row: StoredRow) throws {
            guard let owner: String = try row["lease_owner"] else { return nil }
            self.init(tableID: try row["id"], owner: owner, expiresAt: try row["lease_expires_at"])
        }
    }

    /// Takes leases away that are over, or whose holders' processes are known to have ended.
    /// - Returns: Whether there were any.
    private func freeLost(_ holders: [Holder], _ session: any MetadataSession) throws -> Bool {
        var isChanged = false
        for holder in holders {
            let owner = LeaseOwner(storedID: holder.owner)
            guard holder.expiresAt <= session.now || liveness.isKnownDead(owner) else { continue }
            let free = LeaseStatements.free(
                table: holder.tableID, from: holder.owner, seen: holder.expiresAt, now: session.now,
                dialect: session.dialect)
            guard try free.run(session) > 0 else { continue }
            try LeaseStatements.freeSlot(ofTable: holder.tableID).run(session)
            isChanged = true
            logger.notice("a table's lease is taken from \(owner.label), which has not renewed it")
        }
        return isChanged
    }

    /// A record that cannot be read must not stop all claims: it is set aside, with the reason, for an hour.
    private func readable(_ row: StoredRow, _ session: any MetadataSession) throws -> TableRecord? {
        do {
            return try TableRecord(row: row)
        } catch let error as OperationError {
            let now = Date(storedMicroseconds: session.now)
            let failure = RunFailure(code: .config, what: error.what, why: error.why, fix: error.fix, at: now)
            try LeaseStatements.setAside(
                table: try row["id"], until: (now + 3_600).storedMicroseconds, failure: failure
            ).run(session)
            logger.error("\(error)")
            return nil
        }
    }

    /// - Returns: false where other workers have taken all that were free.
    private func takeSlot(
        for table: TableRecord, of count: Int, _ slots: JobSlots, lasting duration: Duration,
        _ session: any MetadataSession
    ) throws -> Bool {
        // Slots are made when they are first of use.
        for number in 0..<count where !slots.known.contains(number) {
            try LeaseStatements.addSlot(number, ofJob: table.jobID).run(session)
        }
        let take = LeaseStatements.takeSlot(
            from: FairShare.firstSlot(of: count, isLong: table.isLong), to: count, for: table, now: session.now,
            until: session.now + duration.microseconds, dialect: session.dialect)
        return try take.row(session) != nil
    }

    /// Makes a free table, as it was just read, this owner's.
    private func take(
        _ table: TableRecord, by owner: LeaseOwner, for duration: Duration, _ session: any MetadataSession
    ) throws -> ClaimedTable {
        let (now, until) = (session.now, session.now + duration.microseconds)
        try LeaseStatements.take(table: table.id, owner: owner, now: now, until: until).run(session)
        if !table.lease.endedCleanly { try LeaseStatements.loseCopies(table: table.id, now: now).run(session) }
        guard let job = try JobStatements.one(table.jobID).row(session) else { throw MetadataFailure.jobGone }
        var taken = table
        taken.lease = TableLease(
            owner: owner.id, generation: table.lease.generation + 1, expiresAt: Date(storedMicroseconds: until),
            heartbeatAt: Date(storedMicroseconds: now), endedCleanly: false)
        return ClaimedTable(
            table: taken, job: try JobRecord(row: job), previousEndedCleanly: table.lease.endedCleanly)
    }

    static func table(_ id: Int64, _ session: any MetadataSession) throws -> TableRecord {
        guard let row = try TableStatements.one(id).row(session) else { throw MetadataFailure.tableGone }
        return try TableRecord(row: row)
    }
}

extension MetadataStore: DueStore {
    /// Others' waiting counts from here on: a free worker would have taken it by then.
    private static let patience: Int64 = 1_000_000

    package func untilNextDue() async throws -> Duration? {
        try await read { session in
            try LeaseStatements.nextMoment(now: session.now).number(session).map {
                .microseconds(max(0, $0 - session.now))
            }
        }
    }

    package func makesWay(_ claimed: ClaimedTable, _ terms: ClaimTerms) async throws -> Bool {
        try await read { session in
            let reason = LeaseStatements.reasonToMakeWay(
                for: claimed, slots: terms.slots, before: session.now - Self.patience, now: session.now)
            return try reason.number(session) != nil
        }
    }

    package func wakeUps() -> AsyncStream<Void>? { database.wakeUps() }
}

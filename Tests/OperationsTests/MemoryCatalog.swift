import Foundation
import Operations
import Replication
import Scheduling
import Synchronization

/// Everything that operations ask of a store, in memory.
actor MemoryCatalog: CatalogStore, HistoryStore, LeaseStore, RequestStore, RunStore, WorkerStore {
    static let installation = "installation-1"

    private var storedJobs: [JobRecord] = []
    private var storedTables: [TableRecord] = []
    private(set) var requested: [Int64] = []
    private(set) var endings: [(table: Int64, ending: RunEnding)] = []
    private(set) var live = 0
    private(set) var saves = 0
    /// Jobs whose tables ask the destination with their next run.
    private(set) var doubted: [Int64] = []
    private var secrets: [String: Data] = [:]
    /// Tables that another process holds, and for how many more claims.
    private var held: [Int64: Int] = [:]

    // MARK: What tests do

    func setLive(_ count: Int) { live = count }
    func hold(_ id: Int64, claims: Int = .max) { held[id] = claims }

    func edit(_ id: Int64, _ change: @Sendable (inout TableRecord) -> Void) {
        guard let index = storedTables.firstIndex(where: { $0.id == id }) else { return }
        change(&storedTables[index])
    }

    func table(_ id: Int64) -> TableRecord? { table(id: id) }

    /// A job with tables by these names.
    func fill(job name: String = "shop", tables: [String] = [], active: Bool = true) -> (JobRecord, [TableRecord]) {
        var job = Sample.job(name, active: active)
        job.id = Int64(storedJobs.count + 1)
        storedJobs.append(job)
        let made = tables.map { table in
            let record = TableRecord(
                id: Int64(storedTables.count + 1), jobID: job.id, mapping: Sample.mapping(table, job: name),
                nextRunAt: Sample.now)
            storedTables.append(record)
            return record
        }
        return (job, made)
    }

    // MARK: Catalog

    func add(_ job: JobRecord) throws -> JobRecord {
        guard !storedJobs.contains(where: { $0.name == job.name }) else {
            throw OperationError(.badInput, what: "taken", why: "taken", fix: "taken")
        }
        var job = job
        job.id = Int64(storedJobs.count + 1)
        storedJobs.append(job)
        return job
    }

    func jobs() -> [JobRecord] { storedJobs }
    func update(_ job: JobRecord) { storedJobs = storedJobs.map { $0.id == job.id ? job : $0 } }

    func updateWhereNothingRuns(_ job: JobRecord) throws {
        let tables = storedTables.filter { $0.jobID == job.id }
        if let running = tables.first(where: { held[$0.id] != nil }) {
            throw OperationError(.busy, what: "\(running.mapping.label) is being synced", why: "held", fix: "wait")
        }
        doubted.append(job.id)
        update(job)
    }

    func remove(jobID: Int64) {
        storedJobs.removeAll { $0.id == jobID }
        storedTables.removeAll { $0.jobID == jobID }
    }

    func table(id: Int64) -> TableRecord? { storedTables.first { $0.id == id } }

    func tables(ofJob jobID: Int64?) -> [TableRecord] {
        storedTables.filter { jobID == nil || $0.jobID == jobID }
            .sorted { $0.mapping.source.name < $1.mapping.source.name }
    }

    func save(_ table: TableRecord) -> TableRecord {
        saves += 1
        var table = table
        if let index = storedTables.firstIndex(where: { $0.id == table.id }) {
            if storedTables[index].schedule != table.schedule {
                storedTables[index].nextRunAt = min(storedTables[index].nextRunAt, table.nextRunAt)
            }
            storedTables[index].mapping = table.mapping
            storedTables[index].schedule = table.schedule
            storedTables[index].disabled = table.disabled
            return storedTables[index]
        }
        table.id = Int64(storedTables.count + 1)
        storedTables.append(table)
        return table
    }

    func remove(tableID: Int64) { storedTables.removeAll { $0.id == tableID } }

    func copies(ofTable tableID: Int64, limit: Int) -> [TableCopyRecord] { [] }
    func repairs(ofTable tableID: Int64, limit: Int) -> [RepairRecord] { [] }
    func countRepairs(ofTable tableID: Int64) -> Int { 0 }

    // MARK: Requests and leases

    func request(tableID: Int64) {
        requested.append(tableID)
        edit(tableID) { $0.requestedAt = Sample.now }
    }

    func storeTime() -> Date { Sample.now }

    func installationID() -> String { Self.installation }

    func secret(named name: String, orKeep made: Data) -> Data {
        if let kept = secrets[name] { return kept }
        secrets[name] = made
        return made
    }

    func claimDue(by owner: LeaseOwner, for duration: Duration, _ terms: ClaimTerms) -> ClaimedTable? { nil }

    func claim(
        tableID: Int64, by owner: LeaseOwner, for duration: Duration, _ terms: ClaimTerms?
    ) -> ClaimedTable? {
        if let left = held[tableID], left > 0 {
            held[tableID] = left - 1
            return nil
        }
        edit(tableID) {
            $0.lease.owner = owner.id
            $0.lease.generation += 1
        }
        guard let table = table(tableID), let job = storedJobs.first(where: { $0.id == table.jobID }) else {
            return nil
        }
        return ClaimedTable(table: table, job: job, previousEndedCleanly: true)
    }

    func renew(_ claimed: ClaimedTable, for duration: Duration) -> Bool { true }
    func raiseGeneration(of claimed: ClaimedTable, to generation: Int64) {}

    func release(_ claimed: ClaimedTable, _ ending: RunEnding) {
        endings.append((claimed.table.id, ending))
        edit(claimed.table.id) {
            $0.lease.owner = nil
            $0.requestedAt = nil
            $0.failure = ending.failure
            if ending.voidsMirror { $0.mirror = nil }
        }
    }

    // MARK: Runs and workers

    func beginCopy(_ claimed: ClaimedTable) -> TableCopyRecord {
        TableCopyRecord(id: 100 + claimed.table.id, tableID: claimed.table.id, startedAt: Sample.now)
    }

    func record(
        _ checkpoint: Checkpoint, copy: TableCopyRecord, sourceAhead: Duration?, of claimed: ClaimedTable
    ) {}
    func sourceMemory(of claimed: ClaimedTable) -> SourceMemory? { nil }
    func keep(_ memory: SourceMemory, of claimed: ClaimedTable) {}
    func recordRepairs(_ repairs: [RepairedValue], of claimed: ClaimedTable) {}
    func finishCopy(_ copy: TableCopyRecord) { edit(copy.tableID) { $0.lastCopy = copy } }
    func heartbeat(_ owner: LeaseOwner, version: String) {}
    func unregister(_ owner: LeaseOwner) {}
    func liveWorkers(within age: Duration) -> Int { live }
}

/// A clock that moves only when somebody sleeps on it; a test may act then.
final class SleeplessClock: WallClock {
    private let moment = Mutex(Sample.now)
    private let acts: @Sendable (Int) async -> Void
    private let naps = Mutex(0)

    /// - Parameter acts: Called in each sleep with its number, from 1.
    init(_ acts: @escaping @Sendable (Int) async -> Void = { _ in }) {
        self.acts = acts
    }

    var now: Date { moment.withLock { $0 } }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        // A heartbeat beside a run would spin here: it sleeps until the run is over.
        if duration >= .seconds(15) {
            let (never, source) = AsyncStream<Void>.makeStream()
            for await _ in never {}
            withExtendedLifetime(source) {}
            try Task.checkCancellation()
        }
        moment.withLock { $0 += duration / .seconds(1) }
        let nap = naps.withLock { naps in
            naps += 1
            return naps
        }
        await acts(nap)
    }
}

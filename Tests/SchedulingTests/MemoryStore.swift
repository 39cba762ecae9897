import Foundation
import Replication
import Scheduling

/// Leases, runs and workers in memory, with failures on order, and a way to wait for what should happen.
actor MemoryStore: LeaseStore, DueStore, RunStore, WorkerStore {
    struct Away: Error {}

    enum Call: Hashable {
        case claim, renew, begin, record, repairs, finish, release, heartbeat, makesWay
    }

    private(set) var due: [ClaimedTable] = []
    private(set) var terms: [ClaimTerms] = []
    private var nextDue: Duration?
    private var renewalGate: Gate?
    private var areOthersWaiting = false
    private nonisolated let wakeUpStream: AsyncStream<Void>?
    private(set) var sourceAhead: Duration?
    private(set) var claimed: [Int64] = []
    private(set) var claimDurations: [Duration] = []
    private(set) var renewals: [Duration] = []
    private(set) var raised: [Int64] = []
    private(set) var begun: [Int64] = []
    private(set) var finished: [TableCopyRecord] = []
    private(set) var endings: [(table: Int64, ending: RunEnding)] = []
    private(set) var recorded: [(checkpoint: Checkpoint, copy: TableCopyRecord)] = []
    private(set) var repairs: [RepairedValue] = []
    private var memories: [Int64: SourceMemory] = [:]
    private(set) var heartbeats = 0
    private(set) var unregistered: [LeaseOwner] = []
    private var isLost = false
    private var failures: [Call: Int] = [:]
    private var watchers:
        [(condition: @Sendable (isolated MemoryStore) -> Bool, continuation: CheckedContinuation<Void, Never>)] =
            []
    private let clock: ManualClock

    init(clock: ManualClock, due: [ClaimedTable] = [], wakeUps: AsyncStream<Void>? = nil) {
        self.clock = clock
        self.due = due
        wakeUpStream = wakeUps
    }

    // MARK: What tests do

    func makeDue(_ table: ClaimedTable) { due.append(table) }
    func loseLease() { isLost = true }
    func holdRenewals(at gate: Gate) { renewalGate = gate }
    func setNextDue(_ duration: Duration?) { nextDue = duration }
    func letOthersWait() { areOthersWaiting = true }
    func fail(_ call: Call, times: Int) { failures[call] = times }

    /// Returns when the condition holds.
    func until(_ condition: @escaping @Sendable (isolated MemoryStore) -> Bool) async {
        if condition(self) { return }
        await withCheckedContinuation { watchers.append((condition, $0)) }
    }

    private func changed() {
        let ready = watchers.filter { $0.condition(self) }
        watchers.removeAll { $0.condition(self) }
        for watcher in ready { watcher.continuation.resume() }
    }

    private func failIfOrdered(_ call: Call) throws {
        guard let left = failures[call], left > 0 else { return }
        failures[call] = left - 1
        throw Away()
    }

    // MARK: Leases

    func claimDue(by owner: LeaseOwner, for duration: Duration, _ terms: ClaimTerms) throws -> ClaimedTable? {
        defer { changed() }
        try failIfOrdered(.claim)
        self.terms.append(terms)
        guard !due.isEmpty else { return nil }
        let table = due.removeFirst()
        claimed.append(table.table.id)
        claimDurations.append(duration)
        return table
    }

    func untilNextDue() -> Duration? { nextDue }
    func makesWay(_ claimed: ClaimedTable, _ terms: ClaimTerms) throws -> Bool {
        try failIfOrdered(.makesWay)
        return areOthersWaiting
    }
    nonisolated func wakeUps() -> AsyncStream<Void>? { wakeUpStream }

    func claim(
        tableID: Int64, by owner: LeaseOwner, for duration: Duration, _ terms: ClaimTerms?
    ) throws -> ClaimedTable? {
        guard let index = due.firstIndex(where: { $0.table.id == tableID }) else { return nil }
        return due.remove(at: index)
    }

    func renew(_ claimed: ClaimedTable, for duration: Duration) async throws -> Bool {
        defer { changed() }
        if let renewalGate { try await renewalGate.pass() }
        try failIfOrdered(.renew)
        renewals.append(duration)
        return !isLost
    }

    func raiseGeneration(of claimed: ClaimedTable, to generation: Int64) { raised.append(generation) }

    func release(_ claimed: ClaimedTable, _ ending: RunEnding) throws {
        try failIfOrdered(.release)
        endings.append((claimed.table.id, ending))
        changed()
    }

    // MARK: Runs

    func beginCopy(_ claimed: ClaimedTable) throws -> TableCopyRecord {
        try failIfOrdered(.begin)
        begun.append(claimed.table.id)
        return TableCopyRecord(id: Int64(begun.count), tableID: claimed.table.id, startedAt: clock.now)
    }

    func record(
        _ checkpoint: Checkpoint, copy: TableCopyRecord, sourceAhead: Duration?, of claimed: ClaimedTable
    ) throws {
        try failIfOrdered(.record)
        self.sourceAhead = sourceAhead
        recorded.append((checkpoint, copy))
    }

    func sourceMemory(of claimed: ClaimedTable) -> SourceMemory? { memories[claimed.table.id] }
    func keep(_ memory: SourceMemory, of claimed: ClaimedTable) { memories[claimed.table.id] = memory }

    func recordRepairs(_ repairs: [RepairedValue], of claimed: ClaimedTable) throws {
        try failIfOrdered(.repairs)
        self.repairs += repairs
    }

    func finishCopy(_ copy: TableCopyRecord) throws {
        try failIfOrdered(.finish)
        finished.append(copy)
        changed()
    }

    // MARK: Workers

    func heartbeat(_ owner: LeaseOwner, version: String) throws {
        try failIfOrdered(.heartbeat)
        heartbeats += 1
        changed()
    }

    func unregister(_ owner: LeaseOwner) {
        unregistered.append(owner)
        changed()
    }

    func liveWorkers(within age: Duration) -> Int { 1 }
}

/// A run that does what a test says.
struct ScriptedRuns: RunFactory {
    let script: @Sendable (ClaimedTable, any RunJournal) async throws -> RunProgress

    init(_ script: @escaping @Sendable (ClaimedTable, any RunJournal) async throws -> RunProgress) {
        self.script = script
    }

    func run(_ claimed: ClaimedTable, journal: any RunJournal) async throws -> RunProgress {
        try await script(claimed, journal)
    }
}

/// Lets a number of runs in and holds them until it is opened or they are cancelled.
actor Gate {
    private(set) var inside = 0
    private(set) var most = 0
    private var isOpen = false
    private var arrivals: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    private var waiting: [AsyncStream<Void>.Continuation] = []

    /// - Throws: `CancellationError` when the task is cancelled first.
    func pass() async throws {
        inside += 1
        most = max(most, inside)
        let ready = arrivals.filter { $0.count <= inside }
        arrivals.removeAll { $0.count <= inside }
        for arrival in ready { arrival.continuation.resume() }
        defer { inside -= 1 }
        if !isOpen {
            let (stream, source) = AsyncStream<Void>.makeStream()
            waiting.append(source)
            for await _ in stream {}
        }
        try Task.checkCancellation()
    }

    /// Returns when so many wait inside.
    func awaitInside(_ count: Int) async {
        if inside >= count { return }
        await withCheckedContinuation { arrivals.append((count, $0)) }
    }

    func open() {
        isOpen = true
        for source in waiting { source.finish() }
        waiting = []
    }
}

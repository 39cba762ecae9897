import Foundation
import Replication
import Scheduling

@testable import Metadata

/// Workers and their runs in virtual time, on the real store: claims, renewals and releases are those of the product,
/// and take no virtual time; runs take as long as they are made to, and nothing else happens.
final class VirtualFleet {
    struct Settings: Sendable {
        var tables = 120
        var workers = 20
        var places = 2
        var slots = 8
        var jobs = 10
        var interval = Duration.seconds(60)
        /// Virtual seconds.
        var duration = 600.0
        var seed: UInt64
    }

    struct Report: Sendable {
        var claims = 0
        var looks = 0
        var lost = 0
        var yields = 0
        var overlaps = 0
        var slotsExceeded = 0
        /// Seconds of real time that claims took, found or not.
        var claimSeconds = 0.0
        /// Virtual seconds between the moment that a table was due and its claim.
        var lateness: [Double] = []
        /// Virtual seconds between the starts of two runs of a table, one of which read after the other's commit.
        var gaps: [Double] = []
        var latenessOfJob: [Int64: [Double]] = [:]
    }

    private enum Event {
        case look(worker: Int)
        case renew(run: Int)
        case end(run: Int)
        case death
    }

    private struct Run {
        var claimed: ClaimedTable
        var copy: TableCopyRecord
        var worker: Int
        var startedAt: Double
        var endsAt: Double
        var isLong: Bool
    }

    private struct Worker {
        var owner: LeaseOwner
        var running: Set<Int> = []
        var long = 0
        var nextLook = 0.0
    }

    private let store: MetadataStore
    private let clock: SettableClock
    private let settings: Settings
    private var random: SplitMix
    private var now = 0.0
    private var queue = EventQueue<Event>()
    private var workers: [Worker] = []
    private var runs: [Int: Run] = [:]
    private var nextRun = 0
    private var runningTables: [Int64: Int] = [:]
    private var runningOfJob: [Int64: Int] = [:]
    private var lastStart: [Int64: Double] = [:]
    private var meanSeconds: [Int64: Double] = [:]
    private(set) var report = Report()

    init(store: MetadataStore, clock: SettableClock, settings: Settings) {
        self.store = store
        self.clock = clock
        self.settings = settings
        random = SplitMix(seed: settings.seed)
        for number in 0..<settings.workers { workers.append(Worker(owner: Self.owner(number, life: 0))) }
    }

    private static func owner(_ number: Int, life: Int) -> LeaseOwner {
        LeaseOwner(id: "worker \(number), life \(life)", host: "h\(number)", processID: 1)
    }

    /// Jobs of very different sizes; most tables are quick, one in fifty takes a minute and a half each time.
    func fill() async throws {
        var left = settings.tables
        for number in 0..<settings.jobs {
            var job = Sample.job("job\(number)")
            job.interval = settings.interval
            job = try await store.add(job)
            let count = number == settings.jobs - 1 ? left : max(1, left * 2 / 5)
            left -= count
            for index in 0..<count {
                let table = try await store.save(
                    TableRecord(
                        jobID: job.id, mapping: Sample.mapping("t\(index)", job: job.name), nextRunAt: clock.now))
                meanSeconds[table.id] = table.id % 50 == 7 ? 90 : 0.2 + random.unit() * 1.2
            }
        }
    }

    func run() async throws {
        let start = clock.now
        for worker in workers.indices { queue.push(.look(worker: worker), at: random.unit()) }
        for number in stride(from: 97.0, to: settings.duration, by: 300) {
            queue.push(.death, at: number)
        }
        while let (moment, event) = queue.pop(), moment < settings.duration {
            now = moment
            clock.set(start + moment)
            switch event {
            case .look(let worker):
                if moment >= workers[worker].nextLook { try await look(worker) }
            case .renew(let run): try await renew(run)
            case .end(let run): try await end(run)
            case .death: die(workers.indices.max { workers[$0].running.count < workers[$1].running.count } ?? 0)
            }
        }
    }

    /// As a worker's loop does: one claim after the other while it has places, then a rest.
    private func look(_ number: Int) async throws {
        while workers[number].running.count < settings.places {
            let worker = workers[number]
            let terms = ClaimTerms(
                slots: settings.slots,
                allowsLong: FairShare.allowsLong(longRuns: worker.long, places: settings.places))
            let began = ContinuousClock.now
            let claimed = try await store.claimDue(by: worker.owner, for: TableRunner.leaseDuration, terms)
            report.claimSeconds += (ContinuousClock.now - began) / .seconds(1)
            report.looks += 1
            guard let claimed else {
                let pause =
                    Scheduling.Worker.pause(
                        untilDue: try await store.untilNextDue(), longest: Scheduling.Worker.pollBesideWakeUps,
                        spread: random.unit()) / .seconds(1)
                workers[number].nextLook = now + pause
                queue.push(.look(worker: number), at: now + pause)
                return
            }
            try await start(claimed, on: number)
        }
    }

    private func start(_ claimed: ClaimedTable, on worker: Int) async throws {
        let table = claimed.table
        report.claims += 1
        if runningTables[table.id] != nil { report.overlaps += 1 }
        runningOfJob[table.jobID, default: 0] += 1
        if runningOfJob[table.jobID, default: 0] > settings.slots { report.slotsExceeded += 1 }
        let due = clock.now.timeIntervalSince(table.nextRunAt)
        report.lateness.append(due)
        report.latenessOfJob[table.jobID, default: []].append(due)
        if let last = lastStart[table.id] { report.gaps.append(now - last) }
        lastStart[table.id] = now
        let copy = try await store.beginCopy(claimed)
        let seconds = (meanSeconds[table.id] ?? 1) * (0.5 + random.unit())
        let number = nextRun
        nextRun += 1
        runs[number] = Run(
            claimed: claimed, copy: copy, worker: worker, startedAt: now, endsAt: now + seconds, isLong: table.isLong)
        runningTables[table.id] = number
        workers[worker].running.insert(number)
        if table.isLong { workers[worker].long += 1 }
        queue.push(.end(run: number), at: now + seconds)
        if seconds > 15 { queue.push(.renew(run: number), at: now + 15) }
    }

    /// Renews, and makes way where others wait.
    private func renew(_ number: Int) async throws {
        guard let run = runs[number] else { return }
        guard try await store.renew(run.claimed, for: TableRunner.leaseDuration) else {
            report.overlaps += 1
            return
        }
        let isOver = now - run.startedAt > FairShare.turn / .seconds(1)
        if isOver, try await store.makesWay(run.claimed, ClaimTerms(slots: settings.slots)) {
            report.yields += 1
            runs[number]?.endsAt = .infinity
            try await end(number)
            return
        }
        queue.push(.renew(run: number), at: now + 15)
    }

    private func end(_ number: Int) async throws {
        guard var run = runs.removeValue(forKey: number) else { return }
        let isCaughtUp = run.endsAt.isFinite
        try await store.record(Sample.checkpoint(batch: 1), copy: run.copy, of: run.claimed)
        run.copy.result = isCaughtUp ? .ok : .stopped
        try await store.finishCopy(run.copy)
        let next = RetryPolicy.nextRun(of: run.claimed, after: nil, caughtUp: isCaughtUp, jitter: 0)
        try await store.release(
            run.claimed,
            RunEnding(
                result: run.copy.result, isClean: true, next: next,
                seconds: FairShare.length(of: run.copy, took: .seconds(now - run.startedAt))))
        forget(number, run)
        try await look(run.worker)
    }

    private func forget(_ number: Int, _ run: Run) {
        runningTables[run.claimed.table.id] = nil
        runningOfJob[run.claimed.table.jobID, default: 1] -= 1
        workers[run.worker].running.remove(number)
        if run.isLong { workers[run.worker].long -= 1 }
    }

    /// A killed process: its leases stay until they are over, and another process takes its place.
    private func die(_ number: Int) {
        for run in workers[number].running {
            guard let lost = runs.removeValue(forKey: run) else { continue }
            report.lost += 1
            runningTables[lost.claimed.table.id] = nil
            runningOfJob[lost.claimed.table.jobID, default: 1] -= 1
        }
        workers[number] = Worker(owner: Self.owner(number, life: Int(now)))
        queue.push(.look(worker: number), at: now + 1)
    }
}

/// Events in the order of their moments, those of one moment in the order in which they came.
struct EventQueue<Event> {
    private var heap: [(moment: Double, number: Int, event: Event)] = []
    private var count = 0

    mutating func push(_ event: Event, at moment: Double) {
        heap.append((moment, count, event))
        count += 1
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> (moment: Double, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return (first.moment, first.event) }
        heap[0] = last
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
            guard let least = children.min(by: { precedes($0, $1) }), precedes(least, parent) else { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return (first.moment, first.event)
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (heap[left].moment, heap[left].number) < (heap[right].moment, heap[right].number)
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0..<1
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
}

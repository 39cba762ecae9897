import Foundation
import Logging
import Replication
import ServiceLifecycle
import Synchronization

/// Claims due tables and runs them, a few at once, until told to stop.
package struct Worker: Service {
    /// How long a graceful stop waits for batches under way before it cancels them.
    private let grace: Duration
    private let concurrency: Int
    private let slots: Int
    private let owner: LeaseOwner
    private let version: String
    private let leases: any LeaseStore & DueStore
    private let workers: any WorkerStore
    private let runner: TableRunner
    private let clock: any WallClock
    private let stop: StopSignal
    private let spread: @Sendable () -> Double
    private let logger: Logger
    private let bell = Doorbell()
    private let places = Places()

    /// How often an idle worker looks whether something is due: often where the store cannot wake it.
    private static let poll = Duration.milliseconds(500)
    package static let pollBesideWakeUps = Duration.seconds(5)
    private static let shortestPause = Duration.milliseconds(100)
    private static let heartbeat = Duration.seconds(5)
    /// A worker not heard of for this long counts as gone.
    package static let liveness = Duration.seconds(20)

    /// Runs under way in this process.
    private final class Places: Sendable {
        private let counts = Mutex((running: 0, long: 0))

        var running: Int { counts.withLock { $0.running } }
        var long: Int { counts.withLock { $0.long } }

        func add(_ count: Int, isLong: Bool) {
            counts.withLock {
                $0.running += count
                if isLong { $0.long += count }
            }
        }
    }

    /// - Parameters:
    ///   - concurrency: Runs of this worker at once.
    ///   - slots: Runs of one job at once, over all workers.
    ///   - spread: Random numbers, 0..<1: see `pause`.
    package init(
        grace: Duration, concurrency: Int, slots: Int, owner: LeaseOwner, version: String,
        leases: any LeaseStore & DueStore, workers: any WorkerStore, runner: TableRunner, clock: any WallClock,
        stop: StopSignal, spread: @escaping @Sendable () -> Double = { .random(in: 0..<1) }, logger: Logger
    ) {
        self.grace = grace
        self.concurrency = concurrency
        self.slots = slots
        self.owner = owner
        self.version = version
        self.leases = leases
        self.workers = workers
        self.runner = runner
        self.clock = clock
        self.stop = stop
        self.spread = spread
        self.logger = logger
    }

    package func run() async throws {
        try await workers.heartbeat(owner, version: version)
        logger.info("worker started", metadata: ["concurrency": "\(concurrency)"])
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Child.self) { group in
                group.addTask {
                    await claimAndRun()
                    return .runs
                }
                group.addTask { await beat() }
                group.addTask { await graceAfterStop() }
                // Runs end by themselves after a stop, unless their batches outlast the grace.
                while let ended = await group.next(), ended != .runs {
                    if ended == .grace { group.cancelAll() }
                }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            stop.raise()
            bell.ring()
        }
        do {
            try await workers.unregister(owner)
        } catch {
            // It counts as gone soon, once nothing is heard of it.
            logger.warning("the worker could not sign off: \(error)")
        }
        logger.info("worker stopped")
    }

    private enum Child {
        case runs, heartbeat, grace
    }

    /// One claim after the other while there is a place; returns when the last run has ended after a stop.
    private func claimAndRun() async {
        await withDiscardingTaskGroup { group in
            let wakeUps = leases.wakeUps()
            if let wakeUps {
                group.addTask { for await _ in wakeUps { bell.ring() } }
            }
            let longestWait = wakeUps == nil ? Self.poll : Self.pollBesideWakeUps
            while !stop.raised, !Task.isCancelled {
                guard places.running < concurrency else {
                    await bell.wait()
                    continue
                }
                do {
                    let asked = clock.elapsed
                    guard let claimed = try await claim() else {
                        await waitOrRing(try await untilNextLook(longestWait))
                        continue
                    }
                    let isLong = claimed.table.isLong
                    places.add(1, isLong: isLong)
                    group.addTask {
                        await run(claimed, asked: asked)
                        places.add(-1, isLong: isLong)
                        bell.ring()
                    }
                } catch {
                    await storeFailed(error)
                }
            }
            while places.running > 0, !Task.isCancelled { await bell.wait() }
            group.cancelAll()
        }
    }

    private func claim() async throws -> ClaimedTable? {
        let allowsLong = FairShare.allowsLong(longRuns: places.long, places: concurrency)
        return try await leases.claimDue(
            by: owner, for: TableRunner.leaseDuration, ClaimTerms(slots: slots, allowsLong: allowsLong))
    }

    private func run(_ claimed: ClaimedTable, asked: Duration) async {
        do {
            _ = try await runner.run(claimed, asked: asked)
        } catch {
            await storeFailed(error)
        }
    }

    /// The store may be locked or away for a while; tables wait and nothing is lost.
    private func storeFailed(_ error: any Error) async {
        if error is CancellationError { return }
        logger.error("the metadata store failed: \(error)")
        await waitOrStop(.seconds(2))
    }

    private func untilNextLook(_ longest: Duration) async throws -> Duration {
        Self.pause(untilDue: try await leases.untilNextDue(), longest: longest, spread: spread())
    }

    /// How long an idle worker rests. What is due although it could not be claimed waits for a slot, which another
    /// worker may give back.
    /// - Parameter spread: 0..<1, random: of many idle workers one is there when a table is due, not all of them.
    package static func pause(untilDue: Duration?, longest: Duration, spread: Double) -> Duration {
        guard let untilDue else { return longest }
        guard untilDue > .zero else { return min(poll, longest) }
        return min(longest, max(untilDue, shortestPause * (1 + 3 * spread)))
    }

    /// Whichever comes first.
    private func waitOrRing(_ duration: Duration) async {
        await withTaskGroup { group in
            group.addTask { await waitOrStop(duration) }
            group.addTask { await bell.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns early when a stop is asked for; a cancelled wait needs no other handling, the callers look themselves.
    private func waitOrStop(_ duration: Duration) async {
        do {
            try await cancelWhenGracefulShutdown { try await clock.sleep(for: duration) }
        } catch {}
    }

    private func beat() async -> Child {
        while !Task.isCancelled {
            do {
                try await clock.sleep(for: Self.heartbeat)
                try await workers.heartbeat(owner, version: version)
            } catch is CancellationError {
                break
            } catch {
                logger.warning("the worker's heartbeat could not be stored: \(error)")
            }
        }
        return .heartbeat
    }

    /// Ends `grace` after a stop was asked for: batches still under way are then cancelled, which rolls them back.
    private func graceAfterStop() async -> Child {
        while !stop.raised, !Task.isCancelled { await waitOrStop(.seconds(3600)) }
        do {
            try await clock.sleep(for: grace)
        } catch {}
        return .grace
    }
}

import Foundation
import Logging
import Replication
import ServiceLifecycle

/// Claims due tables and runs them, a few at once, until told to stop.
package struct Worker: Service {
    /// How long a graceful stop waits for batches under way before it cancels them.
    private let grace: Duration
    private let concurrency: Int
    private let owner: LeaseOwner
    private let version: String
    private let leases: any LeaseStore
    private let workers: any WorkerStore
    private let runner: TableRunner
    private let clock: any WallClock
    private let stop: StopSignal
    private let logger: Logger

    /// How often an idle worker looks for due tables, and how often it says that it lives.
    private static let poll = Duration.milliseconds(500)
    private static let heartbeat = Duration.seconds(5)
    /// A worker not heard of for this long counts as gone.
    package static let liveness = Duration.seconds(20)

    package init(
        grace: Duration, concurrency: Int, owner: LeaseOwner, version: String, leases: any LeaseStore,
        workers: any WorkerStore, runner: TableRunner, clock: any WallClock, stop: StopSignal, logger: Logger
    ) {
        self.grace = grace
        self.concurrency = concurrency
        self.owner = owner
        self.version = version
        self.leases = leases
        self.workers = workers
        self.runner = runner
        self.clock = clock
        self.stop = stop
        self.logger = logger
    }

    package func run() async throws {
        try await workers.heartbeat(owner, version: version)
        logger.info("worker started", metadata: ["concurrency": "\(concurrency)"])
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Child.self) { group in
                for _ in 0..<concurrency {
                    group.addTask {
                        await claimAndRun()
                        return .slot
                    }
                }
                group.addTask { await beat() }
                group.addTask { await graceAfterStop() }
                // Slots end by themselves after a stop, unless their batches outlast the grace.
                var slots = concurrency
                while slots > 0, let ended = await group.next() {
                    if ended == .slot { slots -= 1 }
                    if ended == .grace { group.cancelAll() }
                }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            stop.raise()
        }
        try await workers.unregister(owner)
        logger.info("worker stopped")
    }

    private enum Child {
        case slot, heartbeat, grace
    }

    /// One slot: the next due table, or a short wait.
    private func claimAndRun() async {
        while !stop.raised, !Task.isCancelled {
            do {
                guard let claimed = try await leases.claimDue(by: owner, for: TableRunner.leaseDuration) else {
                    await waitOrStop(Self.poll)
                    continue
                }
                _ = try await runner.run(claimed)
            } catch {
                // The store may be locked or away for a while; tables wait and nothing is lost.
                logger.error("the metadata store failed: \(error)")
                await waitOrStop(.seconds(2))
            }
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

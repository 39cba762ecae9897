import ArgumentParser
import Logging
import Scheduling
import ServiceLifecycle
import UnixSignals

struct Serve: LoaderCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run every active job at its interval, until SIGTERM.",
        discussion: """
            Batches under way end first, for at most SHUTDOWN_GRACE; then they are rolled back.
            Example: redshift-loader serve
            Exit status: 0 after SIGTERM or SIGINT; 78 configuration.
            """)
    static let isService = true
    @OptionGroup var common: CommonOptions

    func execute(_ app: Composition) async throws { try await app.runWorker() }
}

struct Work: LoaderCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run tables on one more machine, until SIGTERM.",
        discussion: """
            Every worker schedules and works; they share the metadata store, which must be PostgreSQL to be reached from \
            several machines (DATABASE_URL), and the same ENCRYPTION_KEY. Nothing else is shared or kept.
            Example: redshift-loader worker
            Exit status: 0 after SIGTERM or SIGINT; 78 configuration.
            """)
    static let isService = true
    @OptionGroup var common: CommonOptions

    func execute(_ app: Composition) async throws { try await app.runWorker() }
}

extension Composition {
    /// Until a signal asks to stop.
    fileprivate func runWorker() async throws {
        let jobs = try await store.jobs()
        let active = jobs.filter(\.active).count
        logger.info("serving", metadata: ["jobs": "\(jobs.count)", "active": "\(active)"])
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}

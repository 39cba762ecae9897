import Logging
import Operations
import Replication
import Scheduling

/// Puts a run together from adapters, and closes them however it ends.
struct AdapterRunFactory: RunFactory {
    let connections: Connections
    let requests: any RequestStore
    let configuration: LoaderConfiguration
    let logger: Logger

    func run(_ claimed: ClaimedTable, journal: any RunJournal) async throws -> RunProgress {
        do {
            var settings = RunSettings(installation: try await requests.installationID())
            settings.rowLimit = configuration.rowLimit
            settings.slices = configuration.slices
            let staging = try connections.staging()
            let destination = try connections.redshift(of: claimed.job)
            let source = try await connections.postgresSource(of: claimed.job)
            let run = TableRun(
                mapping: claimed.table.mapping, settings: settings, lease: Self.lease(claimed), source: source,
                staging: staging, destination: destination, journal: journal, logger: logger)
            do {
                let progress = try await run.run()
                await source.close()
                await destination.close()
                return progress
            } catch {
                await source.close()
                await destination.close()
                throw error
            }
        } catch let error as OperationError {
            throw ReplicationError(
                error.code == .secretKey ? .secretKey : .config, what: error.what, why: error.why, fix: error.fix)
        }
    }

    private static func lease(_ claimed: ClaimedTable) -> RunLease {
        RunLease(
            generation: claimed.table.lease.generation, mirror: claimed.table.mirror,
            previousEndedCleanly: claimed.previousEndedCleanly)
    }
}

import Logging
import Metadata
import Operations
import Replication
import Scheduling

/// Puts a run together from adapters, and closes them however it ends.
struct AdapterRunFactory: RunFactory {
    let connections: Connections
    let facts: InstallationFacts
    let configuration: LoaderConfiguration
    let firstRuns: FirstRuns
    let logger: Logger

    func run(_ claimed: ClaimedTable, journal: any RunJournal) async throws -> RunProgress {
        do {
            let settings = try await settings(claimed.table)
            return try await run(claimed, settings, journal)
        } catch let error as OperationError {
            // A store that is away says nothing about the table.
            let code: ErrorCode = error.isRetryable ? .interrupted : error.code == .secretKey ? .secretKey : .config
            throw ReplicationError(code, what: error.what, why: error.why, fix: error.fix, underlying: error)
        }
    }

    private func run(
        _ claimed: ClaimedTable, _ settings: RunSettings, _ journal: any RunJournal
    ) async throws -> RunProgress {
        let staging = try connections.staging()
        let destination = try connections.redshift(of: claimed.job, insertRows: claimed.table.schedule.chunkSize)
        return try await connections.withSource(of: claimed.job) { source in
            let run = TableRun(
                mapping: claimed.table.mapping, settings: settings, lease: lease(claimed), source: source,
                staging: staging, destination: destination, journal: journal, logger: logger)
            do {
                let progress = try await run.run()
                await destination.close()
                if !progress.leftUnverified { firstRuns.note(claimed.table.id) }
                return progress
            } catch {
                await destination.close()
                throw error
            }
        }
    }

    private func settings(_ table: TableRecord) async throws -> RunSettings {
        let schedule = table.schedule
        var settings = RunSettings(installation: try await facts.id())
        settings.rowLimit = schedule.rowLimit ?? configuration.rowLimit
        if table.failure?.code == .sourceConflict {
            settings.rowLimit = BatchShrinking.limit(settings.rowLimit, after: table.consecutiveFailures)
        }
        settings.slices = configuration.slices
        settings.cutsLongText = configuration.autoTruncateColumns
        settings.sweepSmallRows = configuration.sweepSmallRows
        settings.sweepInterval = Int64(configuration.sweepInterval / .microseconds(1))
        settings.failoverLookback = Int64(configuration.failoverLookback / .microseconds(1))
        settings.allowsScan = schedule.allowsScan
        if let scanBack = schedule.scanBack { settings.lookback = Int64(scanBack / .microseconds(1)) }
        if table.mapping.columns.contains(where: { $0.treatment == .hashed }) {
            settings.saltDigest = SecretBox.fingerprint(of: try await facts.hashSalt())
        }
        return settings
    }

    private func lease(_ claimed: ClaimedTable) -> RunLease {
        RunLease(
            generation: claimed.table.lease.generation, mirror: claimed.table.mirror,
            previousEndedCleanly: claimed.previousEndedCleanly,
            isFirstInProcess: firstRuns.isFirst(claimed.table.id))
    }
}

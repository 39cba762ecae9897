import AsyncHTTPClient
import Foundation
import Logging
import Metadata
import Operations
import Replication
import S3Client
import Scheduling

/// Everything a command needs, put together once.
struct Composition: Sendable {
    static let version = "0.1.0"

    let configuration: LoaderConfiguration
    let store: MetadataStore
    let secrets: any SecretSealing
    let facts: InstallationFacts
    let connections: Connections
    let owner: LeaseOwner
    let clock: any WallClock
    let stop: StopSignal
    let firstRuns = FirstRuns()
    let logger: Logger

    /// Opens the store, runs `body`, and closes the HTTP client however it ends.
    static func with<Value: Sendable>(
        _ configuration: LoaderConfiguration, logger: Logger,
        _ body: (Composition) async throws -> Value
    ) async throws -> Value {
        let clock = SystemWallClock()
        let store = try await MetadataStore.open(
            configuration.metadata, clock: clock, liveness: LocalOwnerLiveness(), retention: configuration.retention,
            logger: logger)
        let secrets: SecretBox
        do {
            secrets = try SecretBox(encryptionKey: try encryptionKey(configuration))
        } catch {
            await store.close()
            throw error
        }
        let facts = InstallationFacts(store: store, secrets: secrets, configuredSalt: configuration.hashSalt)
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: S3Configuration.httpConfiguration())
        let connections = Connections(
            configuration: configuration, secrets: secrets, s3: s3(configuration, http: http, logger: logger),
            hashSalt: facts.hashSalt, logger: logger)
        let composition = Composition(
            configuration: configuration, store: store, secrets: secrets, facts: facts, connections: connections,
            owner: LeaseOwner.thisProcess(), clock: clock, stop: StopSignal(), logger: logger)
        do {
            let value = try await body(composition)
            await store.close()
            try await http.shutdown()
            return value
        } catch {
            await store.close()
            try await http.shutdown()
            throw error
        }
    }

    /// Without a key in the environment, SQLite's lies beside its file; the configuration refuses PostgreSQL without one.
    private static func encryptionKey(_ configuration: LoaderConfiguration) throws -> String {
        if let key = configuration.encryptionKey { return key }
        guard case .sqlite(let path) = configuration.metadata else { return "" }
        return try KeyFile.loadOrCreate(beside: path)
    }

    private static func s3(_ configuration: LoaderConfiguration, http: HTTPClient, logger: Logger) -> S3Client? {
        guard let settings = configuration.s3 else { return nil }
        let client = S3Configuration(
            region: settings.region, bucket: settings.bucket, endpoint: settings.endpoint,
            encryption: settings.encryption)
        return S3Client(
            configuration: client, credentials: StaticS3CredentialProvider(settings.credentials), http: http,
            logger: logger)
    }

    /// - Parameter pace: nil where runs need not make way for others.
    private func runner(_ pace: RunPace?) -> TableRunner {
        let factory = AdapterRunFactory(
            connections: connections, facts: facts, configuration: configuration, firstRuns: firstRuns, logger: logger)
        return TableRunner(
            leases: store, runs: store, factory: factory, clock: clock, stop: stop, pace: pace, logger: logger)
    }

    var worker: Worker {
        let slots = configuration.sourceMaxConnections
        let pace = RunPace(due: store, terms: ClaimTerms(slots: slots), logger: logger)
        return Worker(
            grace: configuration.shutdownGrace, concurrency: configuration.workerConcurrency, slots: slots,
            owner: owner, version: Self.version, leases: store, workers: store, runner: runner(pace), clock: clock,
            stop: stop, logger: logger)
    }

    var sync: SyncOperation {
        SyncOperation(
            store: store, leases: store, requests: store, workers: store, runner: runner(nil), owner: owner,
            clock: clock, slots: configuration.sourceMaxConnections)
    }

    var discovery: Discovery {
        Discovery(store: store, requests: store, connections: connections)
    }

    var tables: TableOperations {
        TableOperations(
            store: store, leases: store, requests: store, connections: connections, owner: owner, clock: clock,
            lookback: RunSettings(installation: "").lookback)
    }
}

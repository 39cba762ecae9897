import DestinationRedshift
import Foundation
import Logging
import Operations
import PostgresClient
import Replication
import S3Client
import Scheduling
import SourcePostgres
import StagingLocal
import StagingS3

/// Turns a job's references into open adapters.
struct Connections: JobConnections {
    let configuration: LoaderConfiguration
    let secrets: any SecretSealing
    let s3: S3Client?
    let slots: SourceSlots
    /// Asked where a source is opened: it may be made up, once, at that moment.
    let hashSalt: @Sendable () async throws -> String
    let logger: Logger

    func discover(_ job: JobRecord) async throws -> [SourceTable] {
        try await withSource(of: job) { source in
            var tables: [SourceTable] = []
            for schema in job.sourceSchemas { tables += try await source.tables(inSchema: schema) }
            return tables
        }
    }

    func source(of job: JobRecord) async throws -> any TableSource {
        try await postgresSource(of: job)
    }

    func destination(of job: JobRecord) async throws -> any ReplicaDestination {
        try redshift(of: job)
    }

    /// Where batches go on their way: S3, this process, or, by their size, either.
    func staging() throws -> any StagingArea {
        guard configuration.loadPath != .insert else { return LocalStagingArea() }
        guard let s3, let settings = configuration.s3 else {
            throw ReplicationError(
                .config, what: "No staging bucket is set", why: "rows go through S3",
                fix: "Set S3_BUCKET_NAME, AWS_REGION and keys; or COPY_VIA_S3=false for INSERTs, which are slower.")
        }
        let bucket = S3StagingArea(client: s3, prefix: settings.prefix)
        guard configuration.loadPath == .bySize else { return bucket }
        return ThresholdStagingArea(large: bucket, thresholdBytes: Self.insertThresholdBytes)
    }

    /// CSV bytes up to which INSERTs are surely quicker than a PUT, COPY and DELETE (measured; see
    /// docs/decisions/0020-inserts-for-small-batches.md).
    private static let insertThresholdBytes = 256 << 10

    func notices(_ job: JobRecord) throws -> [String] {
        try endpoint(job.source, of: job, side: .source).notices
            + endpoint(job.destination, of: job, side: .destination).notices
    }

    // MARK: Adapters

    func postgresSource(of job: JobRecord) async throws -> PostgresSource {
        let endpoint = try endpoint(job.source, of: job, side: .source).endpoint
        return try await PostgresSource.connect(
            to: endpoint, statementTimeout: configuration.statementTimeout, hashSalt: try await hashSalt())
    }

    /// - Parameter insertRows: Rows in an INSERT; nil for `IMPORT_CHUNK_SIZE`.
    func redshift(of job: JobRecord, insertRows: Int? = nil) throws -> RedshiftDestination {
        let endpoint = try endpoint(job.destination, of: job, side: .destination).endpoint
        let role = configuration.iamRole
        let credentials = configuration.s3?.credentials
        let settings = RedshiftSettings(
            endpoint: endpoint, authorization: { try Self.authorization(role, credentials) },
            region: configuration.s3?.region, checkpointSchema: configuration.checkpointSchema,
            statementTimeout: configuration.statementTimeout, insertRows: insertRows ?? configuration.chunkSize,
            readOnlyUsers: configuration.readOnlyUsers)
        return RedshiftDestination(settings: settings, logger: logger)
    }

    private static func authorization(_ role: String?, _ credentials: S3Credentials?) throws -> CopyAuthorization {
        if let role { return .iamRole(role) }
        guard let credentials else {
            throw ReplicationError(
                .config, what: "COPY has nothing to sign with", why: "neither a role nor keys are set",
                fix: "Set REDSHIFT_IAM_ROLE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
        }
        return .keys(
            accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey,
            sessionToken: credentials.sessionToken)
    }

    // MARK: Connection strings

    enum Side: String {
        case source, destination
    }

    /// What a sealed connection string is bound to: moved to another job or side it does not open.
    static func sealingContext(job name: String, side: Side) -> String { "job:\(name):\(side.rawValue)" }

    private func endpoint(
        _ reference: ConnectionReference, of job: JobRecord, side: Side
    ) throws -> (endpoint: PostgresEndpoint, notices: [String]) {
        let url = try connectionString(reference, of: job, side: side)
        if url.lowercased().hasPrefix("mysql") {
            throw ReplicationError(
                .config, what: "The \(side.rawValue) of job \(job.name) is a MySQL server",
                why: "this release reads PostgreSQL only", fix: "Give a postgres:// connection string.")
        }
        do {
            var (endpoint, notices) = try PostgresEndpoint.parse(url)
            if !url.contains("connect_timeout=") { endpoint.connectTimeout = configuration.connectTimeout }
            let pem = side == .source ? configuration.sourceCertificates : configuration.destinationCertificates
            if let pem, endpoint.tls.rootCertificate == .system { endpoint.tls.rootCertificate = .pem(pem) }
            return (endpoint, notices)
        } catch {
            throw ReplicationError(
                .config, what: "The \(side.rawValue) of job \(job.name) cannot be used: \(error.what.lowercased())",
                why: error.why, fix: error.fix)
        }
    }

    private func connectionString(_ reference: ConnectionReference, of job: JobRecord, side: Side) throws -> String {
        switch reference {
        case .environment(let name):
            if let url = Environment.variable(named: name) { return url }
            throw ReplicationError(
                .config, what: "The \(side.rawValue) of job \(job.name) is not set",
                why: "the environment variable \(name) is missing or empty", fix: "Set \(name) to a connection string.")
        case .sealed(let data):
            return try secrets.open(data, context: Self.sealingContext(job: job.name, side: side))
        }
    }
}

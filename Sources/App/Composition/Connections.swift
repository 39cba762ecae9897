import DestinationRedshift
import Foundation
import Logging
import MySQLClient
import Operations
import PostgresClient
import Replication
import S3Client
import Scheduling
import SourceMySQL
import SourcePostgres
import StagingLocal
import StagingS3

/// Turns a job's references into open adapters.
struct Connections: JobConnections {
    let configuration: LoaderConfiguration
    let secrets: any SecretSealing
    let s3: S3Client?
    /// Asked where a source is opened: it may be made up, once, at that moment.
    let hashSalt: @Sendable () async throws -> String
    let logger: Logger

    func discover(_ job: JobRecord) async throws -> [SourceTable] {
        try await withSource(of: job) { source in
            var tables: [SourceTable] = []
            for schema in try sourceSchemas(of: job) { tables += try await source.tables(inSchema: schema) }
            return tables
        }
    }

    func source(of job: JobRecord) async throws -> any TableSource {
        try await openSource(of: job)
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
        try sourceEndpoint(of: job).notices
            + endpoint(job.destination, of: job, side: .destination).notices
    }

    // MARK: Adapters

    func openSource(of job: JobRecord) async throws -> any JobSource {
        let (timeout, salt) = (configuration.statementTimeout, try await hashSalt())
        switch try sourceEndpoint(of: job).endpoint {
        case .postgres(let endpoint):
            return try await PostgresSource.connect(to: endpoint, statementTimeout: timeout, hashSalt: salt)
        case .mysql(let endpoint):
            return try await MySQLSource.connect(to: endpoint, statementTimeout: timeout, hashSalt: salt)
        }
    }

    /// The schemas of the job's tables, by their real names.
    func sourceSchemas(of job: JobRecord) throws -> [String] {
        let endpoint = try sourceEndpoint(of: job).endpoint
        return job.sourceSchemas.map(endpoint.schema)
    }

    /// - Parameter insertRows: Rows in an INSERT; nil for `IMPORT_CHUNK_SIZE`.
    func redshift(of job: JobRecord, insertRows: Int? = nil) throws -> RedshiftDestination {
        let endpoint = try endpoint(job.destination, of: job, side: .destination).endpoint
        let role = configuration.iamRole
        let credentials = configuration.s3?.credentials
        let settings = RedshiftSettings(
            endpoint: endpoint, authorization: { try Self.authorization(role, credentials) },
            region: configuration.s3?.region, checkpointSchema: configuration.checkpointSchema,
            statementTimeout: configuration.statementTimeout, session: job.destinationSession,
            insertRows: insertRows ?? configuration.chunkSize, readOnlyUsers: configuration.readOnlyUsers)
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
    static func sealingContext(job name: String, side: Side) -> String {
        switch side {
        case .source: SealingContext.source(ofJob: name)
        case .destination: SealingContext.destination(ofJob: name)
        }
    }

    private func sourceEndpoint(of job: JobRecord) throws -> (endpoint: SourceEndpoint, notices: [String]) {
        let url = try connectionString(job.source, of: job, side: .source)
        return try Self.asConfiguration(of: job, side: .source) {
            try SourceEndpoint.parse(
                url, connectTimeout: configuration.connectTimeout, certificates: configuration.sourceCertificates)
        }
    }

    private func endpoint(
        _ reference: ConnectionReference, of job: JobRecord, side: Side
    ) throws -> (endpoint: PostgresEndpoint, notices: [String]) {
        let url = try connectionString(reference, of: job, side: side)
        let pem = configuration.destinationCertificates
        let (endpoint, notices) = try Self.asConfiguration(of: job, side: side) {
            try SourceEndpoint.parse(url, connectTimeout: configuration.connectTimeout, certificates: pem)
        }
        guard case .postgres(let found) = endpoint else {
            throw ReplicationError(
                .config, what: "The \(side.rawValue) of job \(job.name) is a MySQL server",
                why: "replicas are made in Redshift", fix: "Give a redshift:// or postgres:// connection string.")
        }
        return (found, notices)
    }

    /// Puts a connection string that cannot be read into the words of its job.
    private static func asConfiguration<Value>(
        of job: JobRecord, side: Side, _ body: () throws -> Value
    ) throws -> Value {
        func error(_ what: String, _ why: String, _ fix: String) -> ReplicationError {
            ReplicationError(
                .config, what: "The \(side.rawValue) of job \(job.name) cannot be used: \(what.lowercased())", why: why,
                fix: fix)
        }
        do {
            return try body()
        } catch let problem as PostgresError {
            throw error(problem.what, problem.why, problem.fix)
        } catch let problem as MySQLError {
            throw error(problem.what, problem.why, problem.fix)
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

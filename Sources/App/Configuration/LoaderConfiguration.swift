import DestinationRedshift
import Foundation
import Logging
import Metadata
import Operations
import S3Client

/// The way that rows take to Redshift.
enum LoadPath: Sendable, Hashable {
    /// All through S3 and COPY.
    case copy
    /// All by INSERT.
    case insert
    /// Small batches by INSERT, larger ones through S3.
    case bySize
}

/// The configuration as read: every value checked, all problems told at once.
struct LoaderConfiguration: Sendable {
    var metadata: MetadataLocation
    /// How much of the runs' history is kept.
    var retention: RunRetention
    var encryptionKey: String?
    /// nil where no bucket is used.
    var s3: S3Settings?
    var loadPath: LoadPath
    var iamRole: String?
    var rowLimit: Int
    var chunkSize: Int
    /// Text that is too long for a column is cut instead of widening the column.
    var autoTruncateColumns: Bool
    /// Tables of fewer rows are swept with each pass.
    var sweepSmallRows: Int
    /// Between two sweeps of a larger table.
    var sweepInterval: Duration
    /// How far back another server behind a source's name is read again before the sweep.
    var failoverLookback: Duration
    /// nil: this installation's own.
    var hashSalt: String?
    var readOnlyUsers: [ReadOnlyGrantee]
    var slices: Int?
    var checkpointSchema: String?
    var workerConcurrency: Int
    /// For each job.
    var sourceMaxConnections: Int
    var defaultInterval: Duration
    var statementTimeout: Duration
    var connectTimeout: Duration
    var shutdownGrace: Duration
    var sourceCertificates: String?
    var destinationCertificates: String?
    var logLevel: Logger.Level

    /// Where staged files go.
    struct S3Settings: Sendable {
        var bucket: String
        var region: String
        var endpoint: URL?
        var prefix: String
        var encryption: S3ServerSideEncryption?
        var credentials: S3Credentials
    }

    /// - Throws: `OperationError` `configuration` that lists every problem.
    init(environment: Environment) throws {
        var values = ConfigurationValues(environment: environment)
        workerConcurrency = values.integer("WORKER_CONCURRENCY", in: 1...64) ?? 2
        metadata = values.metadata(workerConcurrency: workerConcurrency)
        retention = values.retention()
        encryptionKey = values.encryptionKey(for: metadata)
        (s3, loadPath) = values.staging()
        iamRole = values.text("REDSHIFT_IAM_ROLE")
        rowLimit = values.integer("IMPORT_ROW_LIMIT", in: 1...100_000_000) ?? 100_000
        chunkSize = values.integer("IMPORT_CHUNK_SIZE", in: 1...1_000_000) ?? 10_000
        autoTruncateColumns = values.boolean("AUTO_TRUNCATE_COLUMNS") ?? false
        sweepSmallRows = values.integer("SWEEP_SMALL_ROWS", in: 0...100_000_000) ?? 100_000
        sweepInterval = values.duration("SWEEP_INTERVAL") ?? .seconds(3600)
        failoverLookback = values.duration("FAILOVER_LOOKBACK") ?? .seconds(86_400)
        hashSalt = values.hashSalt()
        readOnlyUsers = values.readOnlyUsers()
        slices = values.integer("PARALLEL_PROCESSING_NODE_SLICES", in: 1...10_000)
        checkpointSchema = values.text("CHECKPOINT_SCHEMA")
        sourceMaxConnections = values.integer("SOURCE_MAX_CONNECTIONS", in: 1...64) ?? 2
        defaultInterval = values.duration("DEFAULT_SYNC_INTERVAL") ?? .seconds(60)
        statementTimeout = values.duration("STATEMENT_TIMEOUT") ?? .seconds(600)
        connectTimeout = values.duration("CONNECT_TIMEOUT") ?? .seconds(10)
        shutdownGrace = values.duration("SHUTDOWN_GRACE") ?? .seconds(20)
        sourceCertificates = values.text("SOURCE_CA_PEM")
        destinationCertificates = values.text("DESTINATION_CA_PEM")
        logLevel = values.logLevel()
        try values.throwProblems()
    }
}

/// One environment variable: the single table from which configuration is read, shown and documented.
struct ConfigurationVariable: Sendable {
    var name: String
    /// As people would write it; empty for none.
    var fallback: String
    var isSecret: Bool
    var meaning: String

    init(_ name: String, _ fallback: String, _ meaning: String, isSecret: Bool = false) {
        self.name = name
        self.fallback = fallback
        self.meaning = meaning
        self.isSecret = isSecret
    }

    static let all: [ConfigurationVariable] = [
        .init(
            "DATABASE_URL", "",
            "metadata: sqlite:///path/loader.db, or postgres://… for several machines; a file in the user's data folder unless set",
            isSecret: true),
        .init("METADATA_CA_PEM", "", "certificates trusted at the metadata store, PEM text"),
        .init(
            "ENCRYPTION_KEY", "",
            "encrypts stored connection strings, 32 characters or more, newest first; a key file beside SQLite unless set",
            isSecret: true),
        .init(
            "COPY_VIA_S3", "",
            "true: rows go through S3 and COPY; false: by INSERT; auto: small batches by INSERT; true with a bucket, else false"
        ),
        .init("S3_BUCKET_NAME", "", "staging bucket"),
        .init("S3_PREFIX", "redshift-loader", "starts every staged object's name"),
        .init("S3_SSE", "", "server-side encryption of staged objects: AES256 or aws:kms"),
        .init("S3_KMS_KEY_ID", "", "key for aws:kms"),
        .init("AWS_REGION", "", "the bucket's region"),
        .init("AWS_ENDPOINT_URL_S3", "", "another S3 server than AWS"),
        .init("AWS_ACCESS_KEY_ID", "", "key for S3, and for COPY without a role"),
        .init("AWS_SECRET_ACCESS_KEY", "", "its secret", isSecret: true),
        .init("AWS_SESSION_TOKEN", "", "its token, for temporary keys", isSecret: true),
        .init("REDSHIFT_IAM_ROLE", "", "role that COPY reads with, an ARN or default; keeps keys out of SQL"),
        .init("IMPORT_ROW_LIMIT", "100000", "rows in a batch, and in a chunk of a first load"),
        .init("IMPORT_CHUNK_SIZE", "10000", "rows in an INSERT, without S3"),
        .init(
            "AUTO_TRUNCATE_COLUMNS", "false", "cut text that is longer than its column in Redshift, do not widen that"),
        .init(
            "SWEEP_SMALL_ROWS", "100000", "tables of fewer rows are looked through as a whole with each pass; 0: none"),
        .init("SWEEP_INTERVAL", "1h", "between two looks through the whole of a larger table"),
        .init("FAILOVER_LOOKBACK", "24h", "how far back another server behind a source's name is read again at once"),
        .init("HASH_SALT", "", "put before values that are hashed; made up once and kept unless set", isSecret: true),
        .init("READ_ONLY_USERS", "", "may read every replica: names, GROUP name, ROLE name, separated by commas"),
        .init("PARALLEL_PROCESSING_NODE_SLICES", "", "files in a load; asked from the cluster unless set"),
        .init("CHECKPOINT_SCHEMA", "", "schema of checkpoint tables; redshift_loader, else the destination's"),
        .init("WORKER_CONCURRENCY", "2", "tables synced at once by each worker"),
        .init("SOURCE_MAX_CONNECTIONS", "2", "connections to the source of one job at once, over all workers"),
        .init("DEFAULT_SYNC_INTERVAL", "60s", "interval of a new job"),
        .init("STATEMENT_TIMEOUT", "10m", "longest statement at source and destination"),
        .init("CONNECT_TIMEOUT", "10s", "longest wait for a connection"),
        .init("SHUTDOWN_GRACE", "20s", "how long SIGTERM waits for batches under way"),
        .init("SOURCE_CA_PEM", "", "certificates trusted at sources, PEM text"),
        .init("DESTINATION_CA_PEM", "", "certificates trusted at destinations, PEM text"),
        .init("RUN_RETENTION", "30d", "how long runs stay in the history, at most 1,000 a table"),
        .init("LOG_TABLE_COPIES", "true", "false: only the last run of each table stays in the history"),
        .init("LOG_LEVEL", "info", "trace, debug, info, notice, warning, error or critical"),
    ]

    static func named(_ name: String) -> ConfigurationVariable? { all.first { $0.name == name } }
}

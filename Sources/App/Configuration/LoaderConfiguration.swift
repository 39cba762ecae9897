import Foundation
import Logging
import Operations
import S3Client

/// The configuration as read: every value checked, all problems told at once.
struct LoaderConfiguration: Sendable {
    var databasePath: String
    var encryptionKey: String?
    var s3: S3Settings?
    var iamRole: String?
    var rowLimit: Int
    var chunkSize: Int
    var slices: Int?
    var checkpointSchema: String?
    var workerConcurrency: Int
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
        databasePath = values.databasePath()
        encryptionKey = values.encryptionKey()
        s3 = values.s3()
        iamRole = values.text("REDSHIFT_IAM_ROLE")
        rowLimit = values.integer("IMPORT_ROW_LIMIT", in: 1...100_000_000) ?? 100_000
        chunkSize = values.integer("IMPORT_CHUNK_SIZE", in: 1...1_000_000) ?? 10_000
        slices = values.integer("PARALLEL_PROCESSING_NODE_SLICES", in: 1...10_000)
        checkpointSchema = values.text("CHECKPOINT_SCHEMA")
        workerConcurrency = values.integer("WORKER_CONCURRENCY", in: 1...64) ?? 2
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

/// Reads values and collects what is wrong with them.
struct ConfigurationValues {
    private let environment: Environment
    private(set) var problems: [String] = []

    init(environment: Environment) {
        self.environment = environment
    }

    func throwProblems() throws {
        guard !problems.isEmpty else { return }
        throw OperationError(
            .configuration,
            what: "The configuration has \(problems.count == 1 ? "a problem" : "\(problems.count) problems")",
            why: problems.joined(separator: "; "), fix: "See what is set: redshift-loader config show.")
    }

    func text(_ name: String) -> String? {
        environment[name] ?? ConfigurationVariable.named(name).flatMap { $0.fallback.isEmpty ? nil : $0.fallback }
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            problems.append("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    mutating func duration(_ name: String) -> Duration? {
        guard let text = text(name) else { return nil }
        guard let duration = DurationText.parse(text), duration > .zero else {
            problems.append("\(name) must be a duration such as 30s, 5m or 2h")
            return nil
        }
        return duration
    }

    mutating func boolean(_ name: String) -> Bool? {
        switch text(name)?.lowercased() {
        case nil: return nil
        case "true", "1", "yes", "on": return true
        case "false", "0", "no", "off": return false
        default:
            problems.append("\(name) must be true or false")
            return nil
        }
    }

    mutating func logLevel() -> Logger.Level {
        let text = text("LOG_LEVEL") ?? "info"
        if let level = Logger.Level(rawValue: text.lowercased()) { return level }
        problems.append("LOG_LEVEL must be one of " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
        return .info
    }

    mutating func databasePath() -> String {
        guard let url = text("DATABASE_URL") else { return Environment.dataFolder() + "/redshift-loader/loader.db" }
        if let path = url.wholeMatch(of: /sqlite:(?:\/\/)?(.+)/)?.1 { return String(path) }
        let kind =
            url.hasPrefix("postgres") ? "metadata in PostgreSQL is not available in this release" : "it is no URL"
        problems.append("DATABASE_URL must be sqlite:///path/loader.db (\(kind))")
        return ""
    }

    mutating func encryptionKey() -> String? {
        guard let key = text("ENCRYPTION_KEY") else { return nil }
        if key.split(separator: ",").contains(where: { $0.count < 32 }) {
            problems.append("ENCRYPTION_KEY must have 32 characters or more")
        }
        return key
    }

    /// nil where no bucket is set: commands that move no rows work without one.
    mutating func s3() -> LoaderConfiguration.S3Settings? {
        if boolean("COPY_VIA_S3") == false {
            problems.append("COPY_VIA_S3=false is not available in this release: set a bucket and leave it out")
        }
        guard let bucket = text("S3_BUCKET_NAME") else { return nil }
        let region = required("AWS_REGION", with: "S3_BUCKET_NAME")
        let key = required("AWS_ACCESS_KEY_ID", with: "S3_BUCKET_NAME")
        let secret = required("AWS_SECRET_ACCESS_KEY", with: "S3_BUCKET_NAME")
        let prefix = (text("S3_PREFIX") ?? "").trimmingCharacters(in: CharacterSet(charactersIn: "/"))
        return LoaderConfiguration.S3Settings(
            bucket: bucket, region: region, endpoint: endpoint(), prefix: prefix, encryption: encryption(),
            credentials: S3Credentials(
                accessKeyID: key, secretAccessKey: secret, sessionToken: text("AWS_SESSION_TOKEN")))
    }

    private mutating func required(_ name: String, with other: String) -> String {
        if let value = text(name) { return value }
        problems.append("\(name) is missing (needed with \(other))")
        return ""
    }

    private mutating func endpoint() -> URL? {
        guard let text = text("AWS_ENDPOINT_URL_S3") else { return nil }
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme ?? ""), url.host != nil else {
            problems.append("AWS_ENDPOINT_URL_S3 must be a URL such as https://s3.example.org")
            return nil
        }
        return url
    }

    private mutating func encryption() -> S3ServerSideEncryption? {
        guard let name = text("S3_SSE") else { return nil }
        if let encryption = S3ServerSideEncryption(name: name, kmsKeyID: text("S3_KMS_KEY_ID")) { return encryption }
        problems.append("S3_SSE must be AES256 or aws:kms")
        return nil
    }
}

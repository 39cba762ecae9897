/// Who may import what: the layers, as folders of Sources. docs/ARCHITECTURE.md tells them in words.
enum ImportTable {
    /// What a folder may import beyond the modules that all may.
    enum Allowance: Sendable {
        case only(Set<String>)
        case allBut(Set<String>)

        func permits(_ module: String) -> Bool {
            switch self {
            case .only(let modules): modules.contains(module)
            case .allBut(let modules): !modules.contains(module)
            }
        }
    }

    /// The language's own modules, and logging and metrics, which every layer does.
    static let everywhere: Set<String> = [
        "Foundation", "Dispatch", "Glibc", "Darwin", "Synchronization", "Logging", "Metrics",
    ]

    /// Folders that do not exist yet have their rows already.
    static let folders: [String: Allowance] = [
        "Clients/PostgresClient": .only(["CLibPQ"]),
        "Clients/MySQLClient": .only(["CMariaDB"]),
        "Clients/S3Client": .only(["AsyncHTTPClient", "Crypto", "NIOCore", "FoundationXML"]),
        "Replication": .only([]),
        "Adapters/SourcePostgres": .only(["Replication", "PostgresClient"]),
        "Adapters/SourceMySQL": .only(["Replication", "MySQLClient"]),
        "Adapters/StagingS3": .only(["Replication", "S3Client", "CZstd", "CZlib"]),
        "Adapters/StagingLocal": .only(["Replication"]),
        "Adapters/DestinationRedshift": .only(["Replication", "PostgresClient"]),
        "Scheduling": .only(["Replication", "ServiceLifecycle"]),
        "Operations": .only(["Replication", "Scheduling"]),
        "Adapters/Metadata": .only(["Replication", "Scheduling", "Operations", "GRDB", "PostgresClient", "Crypto"]),
        "WebAdmin": .only([
            "Operations", "Scheduling", "Replication", "Hummingbird", "Mustache", "Crypto", "NIOCore", "HTTPTypes",
        ]),
        "Alerts": .only(["Scheduling", "Replication", "AsyncHTTPClient"]),
        "App": .allBut(["StandIn", "FoundationXML"]),
        // AsyncHTTPClient only to hand S3Client its connections.
        "StandIn": .only([
            "PostgresClient", "S3Client", "NIOCore", "NIOPosix", "NIOSSL", "NIOFoundationCompat",
            "NIOConcurrencyHelpers",
            "NIOExtras", "Crypto", "CZstd", "CZlib", "ArgumentParser", "ServiceLifecycle", "AsyncHTTPClient",
        ]),
    ]

    /// - Parameter path: A source file, relative to Sources.
    /// - Returns: nil for a file in no folder of the table.
    static func allowance(for path: String) -> Allowance? {
        folders.first { path.hasPrefix($0.key + "/") }?.value
    }

    /// What a file imports against the table, in sentences.
    static func violations(in source: SourceFile) -> [String] {
        guard let allowance = allowance(for: source.path) else {
            return ["\(source.path) lies in no folder of the import table"]
        }
        return source.imports
            .filter { !everywhere.contains($0.module) && !allowance.permits($0.module) }
            .map { "\(source.path):\($0.line) imports \($0.module)" }
    }
}

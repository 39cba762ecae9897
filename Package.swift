// swift-tools-version: 6.2
import PackageDescription

/// CI sets WARNINGS_AS_ERRORS; a newer compiler's new warning must not stop a user's build.
let strict = Context.environment["WARNINGS_AS_ERRORS"] == "1"
let settings: [SwiftSetting] = [.swiftLanguageMode(.v6)] + (strict ? [.treatAllWarnings(as: .error)] : [])
/// Rows pass through these by the byte: without the optimiser, tests and the demo would wait for them.
let optimised = settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

// The import table of docs/ARCHITECTURE.md, as targets. `LayeringTests` holds every import line to it.
let package = Package(
    name: "redshift-loader",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "redshift-loader", targets: ["App"]),
        .executable(name: "redshift-standin", targets: ["StandIn"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // System: C headers only.
        .systemLibrary(
            name: "CLibPQ", path: "Sources/System/CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CZstd", path: "Sources/System/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(
            name: "CZlib", path: "Sources/System/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CMariaDB", path: "Sources/System/CMariaDB", pkgConfig: "libmariadb",
            providers: [.apt(["libmariadb-dev"])]),

        // Clients: one wire each; they know nothing of replication.
        .target(
            name: "PostgresClient",
            dependencies: ["CLibPQ", .product(name: "Logging", package: "swift-log")],
            path: "Sources/Clients/PostgresClient", swiftSettings: optimised),
        .target(
            name: "MySQLClient", dependencies: ["CMariaDB"], path: "Sources/Clients/MySQLClient",
            swiftSettings: optimised),
        .target(
            name: "S3Client",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Clients/S3Client", swiftSettings: settings),

        // The rules of moving one table, and the seams.
        .target(
            name: "Replication",
            dependencies: [.product(name: "Logging", package: "swift-log")],
            swiftSettings: optimised),

        // Adapters: one seam, one system.
        .target(
            name: "SourcePostgres",
            dependencies: ["Replication", "PostgresClient", .product(name: "Logging", package: "swift-log")],
            path: "Sources/Adapters/SourcePostgres", swiftSettings: settings),
        .target(
            name: "SourceMySQL",
            dependencies: ["Replication", "MySQLClient", .product(name: "Logging", package: "swift-log")],
            path: "Sources/Adapters/SourceMySQL", swiftSettings: optimised),
        .target(
            name: "StagingS3",
            dependencies: [
                "Replication", "S3Client", "CZstd", "CZlib", .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Adapters/StagingS3", swiftSettings: optimised),
        .target(
            name: "StagingLocal",
            dependencies: ["Replication", .product(name: "Logging", package: "swift-log")],
            path: "Sources/Adapters/StagingLocal", swiftSettings: settings),
        .target(
            name: "DestinationRedshift",
            dependencies: ["Replication", "PostgresClient", .product(name: "Logging", package: "swift-log")],
            path: "Sources/Adapters/DestinationRedshift", swiftSettings: optimised),

        .target(
            name: "Scheduling",
            dependencies: [
                "Replication", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .target(
            name: "Operations",
            dependencies: ["Replication", "Scheduling", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .target(
            name: "Metadata",
            dependencies: [
                "Replication", "Scheduling", "Operations", "PostgresClient",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Adapters/Metadata", swiftSettings: settings),

        .executableTarget(
            name: "App",
            dependencies: [
                "PostgresClient", "MySQLClient", "S3Client", "Replication", "SourcePostgres", "SourceMySQL",
                "StagingS3",
                "StagingLocal",
                "DestinationRedshift", "Scheduling", "Operations", "Metadata",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),

        // The local Redshift. The product never imports it.
        .executableTarget(
            name: "StandIn",
            dependencies: [
                "PostgresClient", "S3Client", "CZstd", "CZlib",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: optimised),

        // Tests mirror Sources.
        .target(
            name: "TestServers",
            dependencies: [
                "MySQLClient", "PostgresClient", "S3Client",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/TestServers", swiftSettings: settings),
        // What the tests of every source share: they follow a table as runs do.
        .target(
            name: "SourceTesting", dependencies: ["Replication"], path: "Tests/SourceTesting", swiftSettings: optimised),
        .testTarget(name: "LayeringTests", swiftSettings: settings),
        .testTarget(
            name: "PostgresClientTests", dependencies: ["PostgresClient", "TestServers"], swiftSettings: settings),
        .testTarget(name: "MySQLClientTests", dependencies: ["MySQLClient", "TestServers"], swiftSettings: settings),
        .testTarget(
            name: "S3ClientTests",
            dependencies: [
                "S3Client", "TestServers", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ReplicationTests",
            dependencies: ["Replication", "TestServers", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .testTarget(
            name: "SourcePostgresTests",
            dependencies: ["SourcePostgres", "PostgresClient", "Replication", "TestServers"],
            swiftSettings: settings),
        .testTarget(
            name: "SourceMySQLTests",
            dependencies: ["SourceMySQL", "MySQLClient", "Replication", "SourceTesting", "TestServers"],
            swiftSettings: settings),
        .testTarget(
            name: "SourceConformanceTests",
            dependencies: [
                "SourcePostgres", "SourceMySQL", "PostgresClient", "MySQLClient", "Replication", "SourceTesting",
                "TestServers",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "DestinationRedshiftTests",
            dependencies: [
                "DestinationRedshift", "StagingS3", "S3Client", "PostgresClient", "Replication", "TestServers",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "StagingS3Tests",
            dependencies: ["StagingS3", "S3Client", "Replication", "TestServers", "CZstd", "CZlib"],
            swiftSettings: settings),
        .testTarget(
            name: "StagingLocalTests", dependencies: ["StagingLocal", "Replication"], swiftSettings: settings),
        .testTarget(
            name: "MetadataTests",
            dependencies: [
                "Metadata", "Operations", "Scheduling", "Replication", "PostgresClient", "TestServers",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SchedulingTests",
            dependencies: [
                "Scheduling", "Replication", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "OperationsTests",
            dependencies: [
                "Operations", "Scheduling", "Replication", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "AppTests",
            dependencies: [
                "App", "DestinationRedshift", "MySQLClient", "PostgresClient", "Replication", "S3Client", "SourceMySQL",
                "SourcePostgres", "StagingLocal", "TestServers", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "StandInTests", dependencies: ["StandIn", "PostgresClient", "S3Client", "TestServers"],
            swiftSettings: settings),
    ]
)

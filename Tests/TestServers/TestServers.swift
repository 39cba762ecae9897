import AsyncHTTPClient
import Foundation
import Logging
import PostgresClient
import S3Client

/// A server that a test needs and that was not started: the run fails, it never skips.
package struct MissingServer: Error, CustomStringConvertible {
    package var variable: String

    package init(variable: String) {
        self.variable = variable
    }

    package var description: String {
        "\(variable) is not set: run the tests by scripts/test, which starts the servers"
    }
}

/// Where the servers of a test run are; `scripts/test` starts them and sets these variables.
package enum TestServers {
    /// - Throws: `MissingServer`.
    package static func required(_ variable: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty else {
            throw MissingServer(variable: variable)
        }
        return value
    }

    /// A superuser of a real PostgreSQL.
    package static func postgres() throws -> PostgresEndpoint {
        try PostgresEndpoint.parse(try required("TEST_POSTGRES_URL")).endpoint
    }

    /// The owner of the stand-in's database `dev`.
    package static func standIn() throws -> PostgresEndpoint {
        try PostgresEndpoint.parse(try required("TEST_STANDIN_URL")).endpoint
    }

    /// A built program of this package, beside the test bundle.
    package static func program(_ name: String) throws -> URL {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        var folder = bundle.deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appendingPathComponent(name)
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder = folder.deletingLastPathComponent()
        }
        throw MissingServer(variable: "the built program \(name)")
    }
}

/// A folder that lives as long as `body`.
package func withTemporaryFolder<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (URL) async throws -> Result
) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("loader-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder)
}

/// Random, lower-case, legal as a name everywhere.
package func freshName(_ prefix: String) -> String {
    prefix + "_" + UUID().uuidString.replacing("-", with: "").lowercased().prefix(12)
}

import Foundation
import TestServers
import Testing

/// Compares source and replica by a program that shares no code with the product.
enum Judge {
    /// - Parameters:
    ///   - tables: `TABLE` or `TABLE:REPLICA`; all of the schema when empty.
    ///   - options: `--ignore TABLE.COLUMN` and `--where 'TABLE:condition'`, as often as needed.
    static func expectEqual(
        _ source: TestDatabase, _ replica: TestReplica, tables: [String] = [], _ folder: URL, options: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await expectEqual(
            source.url, replica, tables: tables, folder, options: options, sourceLocation: sourceLocation)
    }

    /// - Parameter source: `postgres://` with the password.
    static func expectEqual(
        _ source: String, _ replica: TestReplica, tables: [String] = [], _ folder: URL, options: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let environment = ProcessInfo.processInfo.environment
        let python = URL(fileURLWithPath: try TestServers.required("TEST_PYTHON"))
        let destination = replica.url.replacing("redshift://", with: "postgres://")
        var arguments =
            ["--source", source, "--destination", destination, "--into", replica.schema] + options + tables
        if let judge = environment["REPLICA_JUDGE"], !judge.isEmpty {
            arguments.insert(judge, at: 0)
        } else {
            print("REPLICA_JUDGE is not set: compared by scripts/lib/compare_rows.py")
            arguments.insert(Repository.root.appendingPathComponent("scripts/lib/compare_rows.py").path, at: 0)
        }
        let result = try await RunningProgram(python, arguments, environment: [:], folder: folder).finish()
        #expect(result.status == 0, "\(result.everything)", sourceLocation: sourceLocation)
    }
}

/// The checkout that the tests were built from.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}

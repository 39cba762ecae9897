import Foundation
import TestServers
import Testing

/// The eight tables in a database of a test's own.
extension SourceServer {
    /// Makes and fills them, at scale factor 0.05.
    func loadTPCH(_ folder: URL) async throws {
        let environment = [
            "TEST_PYTHON": try TestServers.required("TEST_PYTHON"),
            "TEST_TPCHGEN": try TestServers.required("TEST_TPCHGEN"),
        ]
        let script = Repository.root.appendingPathComponent("scripts/tpch")
        let made = try await RunningProgram(
            script, ["load", "--url", url, "--scale", "0.05"], environment: environment, folder: folder
        ).finish()
        try #require(made.status == 0, "\(made.everything)")
    }

    /// An expression: SHA-256 of a salt followed by a column's text, in hexadecimal digits.
    func hash(_ column: String, salt: String) -> String {
        switch kind {
        case .postgres: "encode(sha256(convert_to('\(salt)' || \(column)::text, 'UTF8')), 'hex')"
        case .mysql: "SHA2(CONCAT('\(salt)', \(column)), 256)"
        }
    }
}

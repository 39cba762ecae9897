import Foundation
import TestServers
import Testing

/// Workers as processes on machines of their own; `scripts/lib/fleet.py` makes the machines and what happens to them.
@Suite(.timeLimit(.minutes(10))) struct FleetTests {
    /// What the driver found; see there and `fleet_store.py`.
    struct Outcome: Decodable {
        struct Overlap: Decodable {
            var run: Int64
            var nextRun: Int64
        }

        var seed: Int
        var equal: Bool
        var rows: Int
        var tables: Int
        var tablesClaimed: Int
        var claims: Int
        var takenAway: Int
        /// From a live owner, before its lease had expired.
        var takenEarly: Int
        /// Runs whose process was lost.
        var lost: Int
        var overlaps: [Overlap]
        /// Checkpoints stored, and those with a lower generation or batch than the one before.
        var checkpoints: Int
        var stepsBack: [[Int64]]
        var maxBehindSeconds: Double
        var problems: [String]
    }

    /// sysexits(3): what a test needs is not there.
    private static let unavailable: Int32 = 69

    @Test func `a cell has its own network and disk, its delay, and goes silent when it is cut off`() async throws {
        try await withTemporaryFolder { folder in
            let result = try await Self.program("cells.py", ["check"], folder)
            guard try Self.hasCells(result) else { return }
            #expect(result.status == 0, "\(result.everything)")
        }
    }

    @Test func `no table is run twice or lost while workers are killed, added, drained and cut off`() async throws {
        try await Self.withSettings { settings, folder in
            let seed = Int.random(in: 1...999_999)
            print("the fleet's seed is \(seed)")
            let arguments = ["--settings", settings.path, "--seconds", "60", "--seed", "\(seed)"]
            let result = try await Self.program("fleet.py", arguments, folder)
            guard try Self.hasCells(result) else { return }
            try #require(result.status == 0, "seed \(seed): \(result.everything)")
            let outcome = try Self.outcome(result.output)
            let said = "\(result.everything)"
            #expect(outcome.equal, "\(said)")
            #expect(outcome.problems == [], "\(said)")
            #expect(outcome.overlaps.isEmpty && outcome.takenEarly == 0, "\(said)")
            #expect(outcome.stepsBack == [] && outcome.checkpoints >= outcome.tables, "\(said)")
            #expect(outcome.tables == 60 && outcome.tablesClaimed == 60, "\(said)")
            #expect(outcome.claims >= 100, "\(said)")
            #expect(outcome.lost >= 1 && outcome.takenAway >= 1, "\(said)")
            #expect(outcome.maxBehindSeconds > 0 && outcome.maxBehindSeconds < 300, "\(said)")
        }
    }

    /// Databases, schemas and a bucket of the fleet's own, named in a file.
    private static func withSettings(_ body: (URL, URL) async throws -> Void) async throws {
        try await TestDatabase.with { metadata in
            try await TestDatabase.with { north in
                try await TestDatabase.with { south in
                    try await withReplicas { replicas, bucket, folder in
                        let settings: [String: Any] = [
                            "loader": try TestServers.program("redshift-loader").path, "folder": folder.path,
                            "metadata": metadata.url, "sources": [north.url, south.url],
                            "destination": replicas[0].url, "schemas": replicas.map(\.schema),
                            "environment": try bucket.environment().merging(
                                [
                                    "ENCRYPTION_KEY": freshName("key") + freshName("of the fleet and long enough"),
                                    "PARALLEL_PROCESSING_NODE_SLICES": "2",
                                ]) { _, new in new },
                        ]
                        let file = folder.appendingPathComponent("fleet.json")
                        try JSONSerialization.data(withJSONObject: settings).write(to: file)
                        try await body(file, folder)
                    }
                }
            }
        }
    }

    private static func withReplicas(
        _ body: ([TestReplica], TestBucket, URL) async throws -> Void
    ) async throws {
        try await TestReplica.with { north in
            try await TestReplica.with { south in
                try await TestBucket.with { bucket in
                    try await withTemporaryFolder { folder in try await body([north, south], bucket, folder) }
                }
            }
        }
    }

    private static func program(_ name: String, _ arguments: [String], _ folder: URL) async throws -> ProgramResult {
        let python = URL(fileURLWithPath: try TestServers.required("TEST_PYTHON"))
        let program = Repository.root.appendingPathComponent("scripts/lib/\(name)").path
        var environment: [String: String] = [:]
        if let judge = ProcessInfo.processInfo.environment["REPLICA_JUDGE"], !judge.isEmpty {
            environment["REPLICA_JUDGE"] = judge
        }
        return try await RunningProgram(python, [program] + arguments, environment: environment, folder: folder)
            .finish()
    }

    /// false where the machine makes no cells and that is allowed; where it is not, the test fails.
    private static func hasCells(_ result: ProgramResult) throws -> Bool {
        guard result.status == unavailable else { return true }
        guard ProcessInfo.processInfo.environment["ALLOW_NO_CELLS"] == "1" else {
            throw MissingServer(variable: "a kernel that lets tests make namespaces (\(result.errors))")
        }
        print("THE FLEET IS NOT TESTED: \(result.errors)")
        return false
    }

    /// The last line is the document.
    private static func outcome(_ output: String) throws -> Outcome {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let line = try #require(output.split(separator: "\n").last, "the driver printed nothing")
        return try decoder.decode(Outcome.self, from: Data(line.utf8))
    }
}

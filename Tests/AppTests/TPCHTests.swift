import Foundation
import TestServers
import Testing

/// TPC-H at scale factor 0.05, all eight tables, from every kind of source, in every mode and by both paths: the first
/// load, then rounds of inserts, updates and late commits. Of three tables a column is left out, one is hashed, and rows
/// are chosen.
@Suite struct TPCHTests {
    static let rounds = 50
    // Rows stamped up to 20 s before their transaction began must lie above the floor.
    private static let follows = ["--mode", "UpdateAndInsertTable", "--scan-back", "30"]
    private static let copies = ["--mode", "FullSyncTable"]
    private static let inserts = ["--mode", "InsertOnlyTable", "--scan-back", "1"]

    // Batches far below a round's rows, so that passes of many batches and ties at their ends come up.
    private static func updating(every rounds: Int) -> [TPCHReplica] {
        [
            TPCHReplica("us", settings: follows, path: .s3, rowLimit: 61, everyRounds: rounds),
            TPCHReplica("ui", settings: follows, path: .insert, rowLimit: 97, everyRounds: rounds * 2),
        ]
    }

    @Test func `updating and full copies stay equal through rounds of inserts, updates and late commits`() async throws
    {
        let copying = [
            TPCHReplica("fs", settings: Self.copies, path: .s3, everyRounds: 25),
            TPCHReplica("fi", settings: Self.copies + ["--refresh", "replace"], path: .insert, everyRounds: 50),
        ]
        try await Self.run(.postgres, insertsOnly: false, Self.updating(every: 2) + copying)
    }

    @Test func `inserted rows arrive by their keys alone through rounds of inserts and late commits`() async throws {
        try await Self.run(
            .postgres, insertsOnly: true,
            [
                TPCHReplica("is", settings: Self.inserts, path: .s3, rowLimit: 61, everyRounds: 5),
                TPCHReplica("ii", settings: Self.inserts, path: .insert, rowLimit: 97, everyRounds: 10),
            ])
    }

    @Test(arguments: MySQLServerKind.tested)
    func `copies of MySQL's tables stay equal through the same rounds`(server: MySQLServerKind) async throws {
        try await Self.run(.mysql(server), insertsOnly: false, Self.updating(every: 4))
    }

    private static func run(_ kind: SourceServerKind, insertsOnly: Bool, _ replicas: [TPCHReplica]) async throws {
        try await SourceServer.with(kind) { source in
            try await TestReplica.with { destination in
                try await TestBucket.with { bucket in
                    try await withTemporaryFolder { folder in
                        let loader = try LoaderSetup(
                            folder: folder, bucket: bucket, source: source.url, destination: destination.url,
                            more: ["IMPORT_ROW_LIMIT": "60000"])
                        try await rounds(source, destination, loader, insertsOnly: insertsOnly, replicas)
                    }
                }
            }
        }
    }

    private static func rounds(
        _ source: SourceServer, _ destination: TestReplica, _ loader: LoaderSetup, insertsOnly: Bool,
        _ replicas: [TPCHReplica]
    ) async throws {
        try await source.loadTPCH(loader.folder)
        try await atOnce(replicas) { one in
            try await one.setUp(loader, destination)
            try await one.sync(loader, firstLoad: true)
        }
        let seed = UInt64.random(in: 1...1_000_000)
        print("TPC-H churn of \(source.kind), seed \(seed)")
        let churn = try TPCHChurn(url: source.url, seed: seed, insertsOnly: insertsOnly)
        for round in 1...rounds {
            try await churn.say("round")
            try await atOnce(replicas.filter { round % $0.everyRounds == 0 }) { one in
                try await one.sync(loader, "round \(round), seed \(seed)")
            }
        }
        try await churn.say("finish")
        try await atOnce(replicas) { one in
            try await one.sync(loader, "after the rounds, seed \(seed)")
            try await one.expectEqual(source, destination, loader)
        }
    }

    /// The jobs are independent of each other, and much of a sync is waiting for servers.
    private static func atOnce(
        _ replicas: [TPCHReplica], _ body: @escaping @Sendable (TPCHReplica) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for one in replicas { group.addTask { try await body(one) } }
            try await group.waitForAll()
        }
    }
}

import Foundation
import PostgresClient
import TestServers
import Testing

import Logging
import Replication
@testable import App

/// The three connections of a run that can break; metadata is a file.
enum CrashSide: String, Sendable, CaseIterable {
    case source, s3, destination
}

/// What the loader is doing when it is broken off.
struct CrashJourney: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// Its letter in the table of docs/faithful.md.
    var letter = ""
    /// The connections that are broken; the others carry nothing that another journey does not.
    var sides = CrashSide.allCases
    /// Steps that are left to other journeys.
    var skipping: Set<String> = []
    var server = SourceServerKind.postgres
    /// Statements that make table `t` at the source.
    var schema: [String]
    /// Beside connections.
    var environment: [String: String] = [:]
    /// Arguments of commands after the set-up.
    var commands: [[String]] = []
    /// Whether the table is loaded once before.
    var startsLoaded = false
    /// At the source, before each run.
    var change: [String] = []
    /// Replica tables that may be there in the end.
    var tables: Set<String> = ["t"]
    /// Each message of a kind is broken, or only as many as there are ways to break one.
    var meetsEveryMessage = true
    /// How many runs at once.
    var lanes = 2
}

/// A place to break runs in, one after another: source, replica, bucket, metadata, and a proxy before each server.
struct CrashLane: Sendable {
    let journey: CrashJourney
    let source: SourceServer
    let replica: TestReplica
    let bucket: TestBucket
    let loader: LoaderSetup
    let proxies: [CrashSide: FaultProxy]
    /// Metadata and replica as each run finds them.
    private let keptMetadata: URL
    private let keptSchema: String

    private init(
        _ journey: CrashJourney, _ source: SourceServer, _ replica: TestReplica, _ bucket: TestBucket, _ folder: URL
    ) throws {
        self.journey = journey
        self.source = source
        self.replica = replica
        self.bucket = bucket
        keptMetadata = folder.appendingPathComponent("kept.db")
        keptSchema = replica.schema + "_kept"
        let s3 = try #require(URL(string: TestServers.required("TEST_S3_ENDPOINT"))?.port)
        proxies = [
            .source: try FaultProxy(source.kind == .postgres ? .postgres : .mysql, to: source.port),
            .s3: try FaultProxy(.http, to: UInt16(s3)),
            .destination: try FaultProxy(.postgres, to: UInt16(replica.endpoint.port)),
        ]
        var environment = journey.environment
        environment["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:\(proxies[.s3]?.port ?? 0)"
        environment["CHECKPOINT_SCHEMA"] = replica.schema
        environment["CONNECT_TIMEOUT"] = "5s"
        loader = try LoaderSetup(
            folder: folder, bucket: bucket, source: Self.through(proxies[.source], source.url),
            destination: Self.through(proxies[.destination], replica.url), more: environment)
    }

    private static func through(_ proxy: FaultProxy?, _ url: String) -> String {
        url.replacing(/127\.0\.0\.1:\d+/, with: "127.0.0.1:\(proxy?.port ?? 0)") + "?sslmode=disable"
    }

    /// Sets a lane up, runs `body`, and takes it down.
    static func with(_ journey: CrashJourney, _ body: (CrashLane) async throws -> Void) async throws {
        try await SourceServer.with(journey.server) { source in
            try await TestReplica.with { replica in
                try await TestBucket.with { bucket in
                    try await withTemporaryFolder { folder in
                        let lane = try CrashLane(journey, source, replica, bucket, folder)
                        defer { for proxy in lane.proxies.values { proxy.close() } }
                        try await lane.setUp()
                        try await body(lane)
                        _ = try await replica.rows("DROP SCHEMA \(lane.keptSchema) CASCADE")
                    }
                }
            }
        }
    }

    private func setUp() async throws {
        if source.kind == .postgres { try await source.run("SET timezone TO 'UTC'") }
        try await replica.connection.execute("SET timezone TO 'UTC'")
        for statement in journey.schema { try await source.run(statement) }
        try await expectSuccess(try await loader.addJob(schema: replica.schema))
        for command in [["jobs", "setup", "job"]] + journey.commands {
            try await expectSuccess(try await loader.start(command).finish())
        }
        if journey.startsLoaded { try await expectSuccess(try await sync()) }
        try FileManager.default.copyItem(at: metadata, to: keptMetadata)
        _ = try await replica.rows("CREATE SCHEMA \(keptSchema)")
        for table in try await tables(of: replica.schema) {
            _ = try await replica.rows("CREATE TABLE \(keptSchema).\(table) (LIKE \(replica.schema).\(table))")
            _ = try await replica.rows("INSERT INTO \(keptSchema).\(table) SELECT * FROM \(replica.schema).\(table)")
        }
    }

    private func expectSuccess(_ result: ProgramResult) async throws {
        try #require(result.status == 0, "\(journey.testDescription): \(result.everything)")
    }

    private var metadata: URL { loader.folder.appendingPathComponent("loader.db") }

    func sync() async throws -> ProgramResult { try await loader.run("sync", "job", "--wait") }

    func tables(of schema: String) async throws -> [String] {
        try await replica.rows("SELECT table_name FROM svv_tables WHERE table_schema = '\(schema)' ORDER BY 1")
            .compactMap { $0[0] }
    }

    /// Puts everything back to where each run begins, and lets the source change.
    func reset() async throws {
        for suffix in ["", "-wal", "-shm"] {
            let file = loader.folder.appendingPathComponent("loader.db" + suffix)
            if FileManager.default.fileExists(atPath: file.path) { try FileManager.default.removeItem(at: file) }
        }
        try FileManager.default.copyItem(at: keptMetadata, to: metadata)
        for table in try await tables(of: replica.schema) {
            _ = try await replica.rows("DROP TABLE \(replica.schema).\(table)")
        }
        // A first load makes its tables itself.
        for table in journey.startsLoaded ? try await tables(of: keptSchema) : [] {
            _ = try await replica.rows("CREATE TABLE \(replica.schema).\(table) (LIKE \(keptSchema).\(table))")
            _ = try await replica.rows("INSERT INTO \(replica.schema).\(table) SELECT * FROM \(keptSchema).\(table)")
        }
        for statement in journey.change { try await source.run(statement) }
        for proxy in proxies.values { proxy.reset() }
    }

    /// What is wrong with the lane after a run: nothing, when source and replica are equal and nothing is left behind.
    func problems() async throws -> [String] {
        var problems: [String] = []
        let expected = try await source.run("SELECT * FROM t ORDER BY id")
        let found = try await replica.rows("SELECT * FROM \(replica.schema).t ORDER BY id")
        if SourceServer.plain(found) != SourceServer.plain(expected) {
            problems.append("\(found.count) rows in the replica, \(expected.count) at the source, or not the same")
        }
        let objects = try await bucket.client.list(prefix: "")
        if !objects.isEmpty { problems.append("left in S3: \(objects.map(\.key))") }
        let present = Set(try await tables(of: replica.schema).filter { !$0.hasPrefix("checkpoint_") })
        if !present.isSubset(of: journey.tables) || !present.contains("t") { problems.append("tables: \(present)") }
        let staging = try await replica.rows(
            "SELECT COUNT(*) FROM pg_class WHERE relname = 'loader_stage_\(Self.digest("\(replica.schema).t"))'")
        if staging != [["0"]] { problems.append("a staging table is left") }
        return problems + (try await checkpointProblems())
    }

    /// Compares the checkpoint with its mirror.
    private func checkpointProblems() async throws -> [String] {
        let configuration = try LoaderConfiguration(environment: Environment(variables: loader.environment))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try await Composition.with(configuration, logger: logger) { app in
            let job = try #require(try await app.store.jobs().first)
            let table = try #require(try await app.store.tables(ofJob: job.id).first)
            let stamps = try await replica.rows(
                "SELECT generation, batch FROM \(replica.schema).checkpoint_\(Self.digest("\(replica.schema).t"))_t")
            let mirror = table.mirror.map { [String($0.stamp.generation), String($0.stamp.batch)] }
            return stamps.count == 1 && stamps.first == mirror
                ? [] : ["checkpoint \(stamps), mirror \(mirror ?? [])"]
        }
    }

    private static func digest(_ text: String) -> String { StableDigest.hex(text) }
}

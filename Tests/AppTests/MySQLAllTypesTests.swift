import Foundation
import MySQLClient
import TestServers
import Testing

/// Every type of MySQL and MariaDB by both load paths, judged after the first load and after rounds of writes.
@Suite(.timeLimit(.minutes(20))) struct MySQLAllTypesTests {
    private static let rounds = 50

    @Test(arguments: MySQLServerKind.tested)
    func `a table of all types stays equal through rounds of writes and late commits`(
        _ kind: MySQLServerKind
    ) async throws {
        let seed = UInt64.random(in: 1...1_000_000)
        print("all types of \(kind.rawValue): seed \(seed)")
        try await TestSchema.with(kind) { schema in
            // Dates that are none are data here.
            try await schema.run("SET sql_mode = ''")
            let samples = MySQLTypeSamples(kind: kind)
            try await schema.run(samples.createTable)
            for insert in samples.inserts { try await schema.run(insert) }
            try await Self.with(schema, ["true", "false"]) { lanes in
                for lane in lanes {
                    try await lane.sync()
                    try await lane.judge(schema)
                }
                var writer = TypeWriter(samples: samples, seed: seed)
                for _ in 0..<Self.rounds {
                    try await writer.round(schema)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for lane in lanes { group.addTask { try await lane.sync() } }
                        try await group.waitForAll()
                    }
                }
                try await writer.finish()
                for lane in lanes {
                    try await lane.sync()
                    try await lane.judge(schema)
                }
            }
        }
    }

    /// A loader for each load path, each with a replica of its own.
    private static func with(
        _ schema: TestSchema, _ paths: [String], lanes: [Lane] = [], _ body: ([Lane]) async throws -> Void
    ) async throws {
        guard let path = paths.first else { return try await body(lanes) }
        try await TestReplica.with { replica in
            try await TestBucket.with { bucket in
                try await withTemporaryFolder { folder in
                    let loader = try LoaderSetup(
                        folder: folder, bucket: bucket, source: schema.url, destination: replica.url,
                        more: ["COPY_VIA_S3": path, "IMPORT_ROW_LIMIT": "7"])
                    for command in [
                        [
                            "jobs", "add", "job", "--source-url-env", "TEST_SOURCE", "--destination-url-env",
                            "TEST_DESTINATION", "--destination-schema", replica.schema,
                        ], ["jobs", "setup", "job"], ["tables", "set", "job/AllTypes", "--scan-back", "5"],
                    ] {
                        let result = try await loader.start(command).finish()
                        try #require(result.status == 0, "\(result.everything)")
                    }
                    let lane = Lane(loader: loader, replica: replica)
                    try await with(schema, Array(paths.dropFirst()), lanes: lanes + [lane], body)
                }
            }
        }
    }

    private struct Lane: Sendable {
        let loader: LoaderSetup
        let replica: TestReplica

        func sync() async throws {
            let result = try await loader.run("sync", "job", "--wait")
            try #require(result.status == 0, "\(result.everything)")
        }

        func judge(_ schema: TestSchema) async throws {
            try await Judge.expectEqual(schema.url, replica, tables: ["AllTypes"], loader.folder)
        }
    }
}

/// Random writes, some of which commit rounds later than rows with newer stamps.
private struct TypeWriter {
    let samples: MySQLTypeSamples
    var generator: SeededGenerator
    private var late: [(rounds: Int, session: MySQLConnection)] = []

    init(samples: MySQLTypeSamples, seed: UInt64) {
        self.samples = samples
        generator = SeededGenerator(seed: seed)
    }

    mutating func round(_ schema: TestSchema) async throws {
        for place in late.indices.reversed() {
            late[place].rounds -= 1
            guard late[place].rounds <= 0 else { continue }
            try await Self.commit(late.remove(at: place).session)
        }
        for _ in 0..<Int.random(in: 1...4, using: &generator) { try await write(schema.connection) }
        guard late.count < 2, Bool.random(using: &generator) else { return }
        let session = try await schema.session()
        try await session.execute("SET sql_mode = ''")
        try await session.execute("START TRANSACTION")
        try await write(session)
        late.append((Int.random(in: 1...4, using: &generator), session))
    }

    mutating func finish() async throws {
        for one in late { try await Self.commit(one.session) }
        late = []
    }

    private mutating func write(_ session: MySQLConnection) async throws {
        if Bool.random(using: &generator) {
            try await session.execute(samples.insert(using: &generator))
            return
        }
        let rows = try await session.execute("SELECT MAX(id) FROM AllTypes").firstValue.flatMap { Int($0) } ?? 1
        let id = Int.random(in: 1...rows, using: &generator)
        // Nobody waits for a row that a late transaction holds.
        let held = "SELECT id FROM AllTypes WHERE id = \(id) FOR UPDATE SKIP LOCKED"
        guard try await session.execute(held).firstValue != nil else { return }
        try await session.execute(samples.update(using: &generator) + " WHERE id = \(id)")
    }

    private static func commit(_ session: MySQLConnection) async throws {
        try await session.execute("COMMIT")
        await session.close()
    }
}

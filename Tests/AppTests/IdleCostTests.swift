import Foundation
import TestServers
import Testing

/// What an unchanged table costs. Servers of the test's own: another's transactions would have rows read again, and
/// another's statements lie in the stand-in's log.
@Suite(.timeLimit(.minutes(5))) struct IdleCostTests {
    /// One table of each mode, small.
    private static let small = """
        CREATE TABLE t (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, 'first ' || i FROM generate_series(1, 300) i;
        CREATE TABLE log (id bigserial PRIMARY KEY, line text NOT NULL);
        INSERT INTO log (line) SELECT 'line ' || i FROM generate_series(1, 100) i;
        CREATE TABLE colours (code text, name text);
        INSERT INTO colours VALUES ('r', 'red'), ('g', 'green')
        """

    /// Stamps below the lookback, so that an index leads to no row at all.
    private static let large = """
        CREATE TABLE t (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL);
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, 'first ' || i, now() - interval '2 days' + i * interval '1 second'
          FROM generate_series(1, 20000) i;
        CREATE TABLE log (id bigserial PRIMARY KEY, line text NOT NULL);
        INSERT INTO log (line) SELECT 'line ' || i FROM generate_series(1, 20000) i;
        ANALYZE
        """

    @Test func `an idle small table costs one scan, and nothing in Redshift, S3 or the store`() async throws {
        try await IdleLane.with(Self.small) { lane in
            let cost = try await lane.cost(ofRuns: 2, after: 3)
            cost.expectOnlyReads(of: ["colours", "log", "t"], runs: 2)
            for (table, scans) in cost.scans { #expect(scans.sequential + scans.indexed == 2, "\(table): \(scans)") }
        }
    }

    @Test func `an idle larger table costs one look at its index, and nothing in Redshift, S3 or the store`()
        async throws
    {
        // A key has no time: from which one on is read is known once a pass lies as far back as the lookback.
        let settings = [["tables", "set", "job/log", "--scan-back", "1"]]
        try await IdleLane.with(Self.large, more: ["SWEEP_SMALL_ROWS": "0"], commands: settings) { lane in
            let cost = try await lane.cost(ofRuns: 2, after: 6)
            cost.expectOnlyReads(of: ["log", "t"], runs: 2)
            for (table, scans) in cost.scans {
                // The planner may look at an index's end as well, to judge a bound beyond it.
                #expect(scans.sequential == 0 && (2...4).contains(scans.indexed), "\(table): \(scans)")
            }
        }
    }
}

/// What some runs of idle tables have caused.
private struct IdleCost {
    struct Scans {
        var sequential = 0
        var indexed = 0
    }

    /// Statements at the source.
    var source: [String]
    /// Messages to the stand-in, requests to S3, and what the stand-in has logged.
    var destination: [String]
    var requests: [String]
    var logged: [String]
    /// Runs by table: how often its lease was claimed.
    var runs: [String: Int]
    /// Of the source's tables, by the server's own count.
    var scans: [String: Scans]
    /// Rows of the store before and after.
    var stored: (before: [[String?]], after: [[String?]])

    func expectOnlyReads(of tables: [String], runs count: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(runs == Dictionary(uniqueKeysWithValues: tables.map { ($0, count) }), sourceLocation: sourceLocation)
        #expect(Set(scans.keys) == Set(tables), sourceLocation: sourceLocation)
        #expect(logged == [], "statements at the stand-in", sourceLocation: sourceLocation)
        #expect(destination == [], "messages to the stand-in, sign-ins as well", sourceLocation: sourceLocation)
        #expect(requests == [], "requests to S3", sourceLocation: sourceLocation)
        #expect(stored.before == stored.after, "rows in the store", sourceLocation: sourceLocation)
        for table in tables {
            let reads = source.filter { $0.contains("FROM \"public\".\"\(table)\"") }
            #expect(reads.count == count, "\(table): \(reads)", sourceLocation: sourceLocation)
        }
        let writes = source.filter { $0.contains(/\b(INSERT|UPDATE|DELETE|COPY|CREATE)\b/) }
        #expect(writes == [], "at the source", sourceLocation: sourceLocation)
        print("\(source.count) messages to the source for \(count) runs of \(tables.count) idle tables")
    }
}

/// Source, stand-in, S3 and store, with a proxy before the first three that counts, and one `serve` over them.
private struct IdleLane {
    let source: OwnPostgres
    let standIn: OwnStandIn
    let store: SharedStore
    let loader: LoaderSetup
    let proxies: [CrashSide: FaultProxy]

    static func with(
        _ schema: String, more: [String: String] = [:], commands: [[String]] = [],
        _ body: (IdleLane) async throws -> Void
    ) async throws {
        try await OwnServers.with { servers in
            try await TestDatabase.with { metadata in
                try await TestBucket.with { bucket in
                    try await withTemporaryFolder { folder in
                        try await OwnStandIn.with(folder: folder) { standIn in
                            let source = try await servers.primary()
                            try await source.run(schema)
                            let lane = try IdleLane(source, standIn, metadata, bucket, folder, more)
                            defer { for proxy in lane.proxies.values { proxy.close() } }
                            try await lane.serve(commands, body)
                        }
                    }
                }
            }
        }
    }

    private init(
        _ source: OwnPostgres, _ standIn: OwnStandIn, _ metadata: TestDatabase, _ bucket: TestBucket, _ folder: URL,
        _ more: [String: String]
    ) throws {
        (self.source, self.standIn, store) = (source, standIn, SharedStore(database: metadata))
        let s3 = try #require(URL(string: TestServers.required("TEST_S3_ENDPOINT"))?.port)
        let before = (
            source: try FaultProxy(.postgres, to: source.port), s3: try FaultProxy(.http, to: UInt16(s3)),
            destination: try FaultProxy(.postgres, to: UInt16(standIn.endpoint.port))
        )
        proxies = [.source: before.source, .s3: before.s3, .destination: before.destination]
        let environment = [
            "DATABASE_URL": metadata.url, "ENCRYPTION_KEY": SharedStore.freshKey(),
            "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:\(before.s3.port)",
        ]
        loader = try LoaderSetup(
            folder: folder, bucket: bucket, source: before.source.url(of: source.url),
            destination: before.destination.url(of: standIn.url), more: environment.merging(more) { _, new in new })
    }

    /// The job stays inactive: `serve` runs just what is asked for, in a process that knows its tables from the first
    /// run on.
    private func serve(_ commands: [[String]], _ body: (IdleLane) async throws -> Void) async throws {
        #expect(try await loader.addJob(schema: "replica").status == 0)
        for command in [["jobs", "setup", "job"]] + commands {
            let result = try await loader.start(command).finish()
            try #require(result.status == 0, "\(result.everything)")
        }
        let ended = try await loader.serving("serve") {
            try await store.waitForWorkers(1)
            try await body(self)
        }
        #expect(ended.status == 0, "\(ended.everything)")
    }

    /// - Parameter before: Runs until the tables are caught up.
    func cost(ofRuns count: Int, after before: Int) async throws -> IdleCost {
        for _ in 0..<before { try await RestoreTests.expectSync(loader) }
        for (side, proxy) in proxies { #expect(!proxy.messages.isEmpty, "\(side.rawValue) goes through its proxy") }
        let control = try await standIn.session()
        let (runs, scans, stored) = (try await self.runs(), try await self.scans(), try await self.stored())
        for proxy in proxies.values { proxy.reset() }
        try await control.execute("STANDIN CLEAR LOG")
        for _ in 0..<count { try await RestoreTests.expectSync(loader) }
        let logged = try await control.execute("STANDIN LOG").rows.compactMap { $0[1] }
        await control.close()
        let (runsNow, scansNow) = (try await self.runs(), try await self.scans())
        return IdleCost(
            source: proxies[.source]?.messages ?? [], destination: proxies[.destination]?.messages ?? [],
            requests: proxies[.s3]?.messages ?? [],
            // This test's own word is logged before it is carried out.
            logged: logged.filter { !$0.hasPrefix("STANDIN ") },
            runs: runsNow.merging(runs) { $0 - $1 },
            scans: scansNow.merging(scans) { now, then in
                IdleCost.Scans(
                    sequential: now.sequential - then.sequential, indexed: now.indexed - then.indexed)
            }, stored: (stored, try await self.stored()))
    }

    private func runs() async throws -> [String: Int] {
        let rows = try await store.rows("SELECT source_name, lease_generation FROM tables WHERE lease_owner IS NULL")
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", $0[1].flatMap { Int($0) } ?? 0) })
    }

    /// A session's counts are added up when it ends.
    private func scans() async throws -> [String: IdleCost.Scans] {
        try await until("the end of all sessions at the source") {
            let others = try await source.run(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            return others.firstValue == "0"
        }
        let rows = try await source.run(
            "SELECT relname, coalesce(seq_scan, 0), coalesce(idx_scan, 0) FROM pg_stat_user_tables"
        ).rows
        return Dictionary(
            uniqueKeysWithValues: rows.map { row in
                let counts = row.dropFirst().map { $0.flatMap { Int($0) } ?? 0 }
                return (row[0] ?? "", IdleCost.Scans(sequential: counts[0], indexed: counts[1]))
            })
    }

    /// The history's rows, and how many the store's other tables have that could grow.
    private func stored() async throws -> [[String?]] {
        try await store.rows("SELECT id, table_id, result, rows FROM table_copies ORDER BY id")
            + store.rows(
                """
                SELECT (SELECT count(*) FROM repaired_values), (SELECT count(*) FROM source_memories),
                    (SELECT count(*) FROM kept_secrets), (SELECT count(*) FROM workers), (SELECT count(*) FROM tables)
                """)
    }
}

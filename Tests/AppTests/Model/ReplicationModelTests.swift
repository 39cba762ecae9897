import Foundation
import Replication
import SourcePostgres
import TestServers
import Testing

/// Random writers against random runs, on real servers: whatever was committed is in the replica, once.
///
/// `MODEL_SEEDS` says how many seeds (20), `MODEL_FIRST_SEED` with which to begin (1); `scripts/soak` sets both.
@Suite(.serialized) struct ReplicationModelTests {
    private static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["MODEL_FIRST_SEED"].flatMap { UInt64($0) } ?? 1
        let count = environment["MODEL_SEEDS"].flatMap { UInt64($0) } ?? 20
        return Array(first..<first + count)
    }()

    /// Tables that one comparison by the judge takes.
    private static let comparedAtOnce = 20

    @Test func `random writers and random runs end with equal rows`() async throws {
        let started = ContinuousClock.now
        for group in stride(from: 0, to: Self.seeds.count, by: Self.comparedAtOnce) {
            let seeds = Array(Self.seeds[group..<min(group + Self.comparedAtOnce, Self.seeds.count)])
            try await TestDatabase.with { database in
                try await TestReplica.with { replica in
                    for seed in seeds { try await play(ModelPlan(seed: seed), database, replica) }
                    try await withTemporaryFolder { folder in
                        try await Judge.expectEqual(
                            database, replica, tables: seeds.map { ModelPlan(seed: $0).table }, folder)
                    }
                }
            }
        }
        print("model: \(Self.seeds.count) seeds from \(Self.seeds.first ?? 0), \(ContinuousClock.now - started)")
    }

    private func play(_ plan: ModelPlan, _ database: TestDatabase, _ replica: TestReplica) async throws {
        try await database.run(plan.createTable)
        let writers = try await ModelWriters(plan, database)
        let runs = ModelRuns(plan, try await mapping(plan, database, replica), database, replica)
        do {
            try await drive(plan, writers, runs)
        } catch {
            await writers.abandon()
            throw error
        }
        let rows = "SELECT id, updated_at::text, v FROM"
        let expected = try await database.run("SET TimeZone TO 'UTC'; \(rows) \(plan.table) ORDER BY id").rows
        let found = try await replica.rows("\(rows) \(replica.schema).\(plan.table) ORDER BY id")
        #expect(Self.plain(found) == Self.plain(expected), "\(plan)")
        let figures = await (runs.runs, runs.kills, runs.rows)
        print("model: \(plan): \(figures.0) runs, \(figures.1) killed, \(figures.2) rows read, \(expected.count) there")
    }

    /// Both servers write offsets in their own way.
    private static func plain(_ rows: [[String?]]) -> [[String?]] {
        rows.map { $0.map { $0?.replacing(/\+00(:00)?$/, with: "") } }
    }

    /// - Throws: What a run throws that was not killed.
    private func drive(_ plan: ModelPlan, _ writers: ModelWriters, _ runs: ModelRuns) async throws {
        var generator = SeededGenerator(seed: plan.seed &* 104_729)
        for _ in 0..<plan.rounds {
            try await writers.work(0...8)
            guard Int.random(in: 0..<4, using: &generator) > 0 else { continue }
            let killAt =
                Int.random(in: 0..<3, using: &generator) == 0 ? Int.random(in: 0..<14, using: &generator) : nil
            // Writers that outran a small row limit would never let a pass end.
            let turns = FaultPlan(killAt: 3)
            try await runs.run(killAt: killAt, sweeps: plan.hasBackdated && Bool.random(using: &generator)) {
                do { try turns.reach("work") } catch { return }
                try await writers.work(0...2)
            }
        }
        try await writers.finish()
        // The first may only end the pass of a run that was killed. Rows below the floor are the sweep's.
        for _ in 0..<2 { #expect(try await runs.run(sweeps: plan.hasBackdated), "\(plan)") }
    }

    private func mapping(
        _ plan: ModelPlan, _ database: TestDatabase, _ replica: TestReplica
    ) async throws -> TableMapping {
        let source = try await PostgresSource.connect(to: database.endpoint)
        let found = try await source.describe(TableName(schema: "public", name: plan.table))
        await source.close()
        return TableMapping(
            jobName: "model", source: found.name, destination: TableName(schema: replica.schema, name: plan.table),
            mode: plan.mode, primaryKey: ["id"], updatedKey: plan.mode == .updateAndInsert ? "updated_at" : nil,
            columns: found.columns.map {
                ColumnMapping(source: $0, destinationName: $0.name, destinationType: $0.replicaType)
            })
    }

    /// The test of the test: the cursor that remembers only the highest value must fail it.
    @Test func `a naive cursor loses rows under the same writers`() async throws {
        var losers: [UInt64] = []
        let seeds = Self.seeds.prefix(20).filter { !ModelPlan(seed: $0).hasBackdated }
        try await TestDatabase.with { database in
            for seed in seeds {
                let plan = ModelPlan(seed: seed)
                try await database.run(plan.createTable)
                let writers = try await ModelWriters(plan, database)
                var replica: [String: [String?]] = [:]
                do {
                    try await followNaively(plan, writers, database, &replica)
                } catch {
                    await writers.abandon()
                    throw error
                }
                let rows = try await database.run("SELECT id, updated_at::text, v FROM \(plan.table)").rows
                if rows.contains(where: { replica[$0[0] ?? ""] != $0 }) { losers.append(seed) }
            }
        }
        print("model: a naive cursor loses rows in \(losers.count) of \(seeds.count) seeds: \(losers)")
        #expect(losers.count * 2 > seeds.count, "the model is too kind")
    }

    private func followNaively(
        _ plan: ModelPlan, _ writers: ModelWriters, _ database: TestDatabase, _ replica: inout [String: [String?]]
    ) async throws {
        let column = plan.mode == .insertOnly ? "id" : "updated_at"
        var highest: String?
        for round in 0...plan.rounds {
            if round == plan.rounds { try await writers.finish() } else { try await writers.work(0...8) }
            let condition = highest.map { "WHERE \(column) > '\($0)'" } ?? ""
            let rows = try await database.run(
                "SELECT id, updated_at::text, v, \(column) AS place FROM \(plan.table) \(condition) ORDER BY place"
            ).rows
            for row in rows { replica[row[0] ?? ""] = Array(row.prefix(3)) }
            highest = rows.last { $0[3] != nil }?[3] ?? highest
        }
    }
}

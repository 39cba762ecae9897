import Foundation
import Replication
import TestServers
import Testing

/// Random writers against random runs, on real servers: whatever was committed is in the replica, once.
///
/// `MODEL_SEEDS` says how many seeds (20), `MODEL_FIRST_SEED` with which to begin (1); `scripts/soak` sets both.
@Suite struct ReplicationModelTests {
    private static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["MODEL_FIRST_SEED"].flatMap { UInt64($0) } ?? 1
        let count = environment["MODEL_SEEDS"].flatMap { UInt64($0) } ?? 20
        return Array(first..<first + count)
    }()

    /// Tables that one comparison by the judge takes.
    private static let comparedAtOnce = 20

    @Test(arguments: SourceServerKind.tested)
    func `random writers and random runs end with equal rows`(_ kind: SourceServerKind) async throws {
        let started = ContinuousClock.now
        for group in stride(from: 0, to: Self.seeds.count, by: Self.comparedAtOnce) {
            let seeds = Array(Self.seeds[group..<min(group + Self.comparedAtOnce, Self.seeds.count)])
            try await SourceServer.with(kind) { server in
                try await TestReplica.with { replica in
                    for seed in seeds { try await play(ModelPlan(seed: seed), server, replica) }
                    try await withTemporaryFolder { folder in
                        try await Judge.expectEqual(
                            server.url, replica, tables: seeds.map { ModelPlan(seed: $0).table }, folder)
                    }
                }
            }
        }
        print(
            "model: \(kind): \(Self.seeds.count) seeds from \(Self.seeds.first ?? 0), \(ContinuousClock.now - started)")
    }

    private func play(_ plan: ModelPlan, _ server: SourceServer, _ replica: TestReplica) async throws {
        try await server.create(plan)
        let writers = try await server.writers(plan)
        let runs = ModelRuns(plan, try await mapping(plan, server, replica), server, replica)
        do {
            try await drive(plan, writers, runs)
        } catch {
            await writers.abandon()
            throw error
        }
        let expected = try await server.rows(plan.table)
        let found = try await replica.rows(
            "SELECT id, updated_at::text, v FROM \(replica.schema).\(plan.table) ORDER BY id")
        #expect(SourceServer.plain(found) == SourceServer.plain(expected), "\(server.kind): \(plan)")
        let figures = await (runs.runs, runs.kills, runs.rows)
        print(
            "model: \(server.kind): \(plan): \(figures.0) runs, \(figures.1) killed, \(figures.2) rows read, \(expected.count) there"
        )
    }

    /// - Throws: What a run throws that was not killed.
    private func drive(_ plan: ModelPlan, _ writers: any ModelWriting, _ runs: ModelRuns) async throws {
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
        _ plan: ModelPlan, _ server: SourceServer, _ replica: TestReplica
    ) async throws -> TableMapping {
        let source = try await server.source()
        let found = try await source.describe(TableName(schema: server.schema, name: plan.table))
        await source.close()
        return TableMapping(
            jobName: "model", source: found.name, destination: TableName(schema: replica.schema, name: plan.table),
            mode: plan.mode, primaryKey: ["id"], updatedKey: plan.mode == .updateAndInsert ? "updated_at" : nil,
            columns: found.columns.map {
                ColumnMapping(source: $0, destinationName: $0.name, destinationType: $0.replicaType)
            })
    }

    /// The test of the test: the cursor that remembers only the highest value must fail it.
    @Test(arguments: SourceServerKind.tested)
    func `a naive cursor loses rows under the same writers`(_ kind: SourceServerKind) async throws {
        var losers: [UInt64] = []
        let seeds = Self.seeds.prefix(20).filter { !ModelPlan(seed: $0).hasBackdated }
        try await SourceServer.with(kind) { server in
            for seed in seeds {
                let plan = ModelPlan(seed: seed)
                try await server.create(plan)
                let writers = try await server.writers(plan)
                var replica: [String: [String?]] = [:]
                do {
                    try await followNaively(plan, writers, server, &replica)
                } catch {
                    await writers.abandon()
                    throw error
                }
                let rows = try await server.run("SELECT id, updated_at, v FROM \(plan.table)")
                if rows.contains(where: { replica[$0[0] ?? ""] != $0 }) { losers.append(seed) }
            }
        }
        print("model: \(kind): a naive cursor loses rows in \(losers.count) of \(seeds.count) seeds: \(losers)")
        #expect(losers.count * 2 > seeds.count, "the model is too kind")
    }

    private func followNaively(
        _ plan: ModelPlan, _ writers: any ModelWriting, _ server: SourceServer, _ replica: inout [String: [String?]]
    ) async throws {
        let column = plan.mode == .insertOnly ? "id" : "updated_at"
        var highest: String?
        for round in 0...plan.rounds {
            if round == plan.rounds { try await writers.finish() } else { try await writers.work(0...8) }
            let condition = highest.map { "WHERE \(column) > '\($0)'" } ?? ""
            let rows = try await server.run(
                "SELECT id, updated_at, v, \(column) AS place FROM \(plan.table) \(condition) ORDER BY place")
            for row in rows { replica[row[0] ?? ""] = Array(row.prefix(3)) }
            highest = rows.last { $0[3] != nil }?[3] ?? highest
        }
    }
}

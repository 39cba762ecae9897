import Foundation
import Replication
import Scheduling
import Testing

@testable import Metadata

/// The scheduler by a virtual clock. `scripts/soak --virtual-hours 24` runs a day of a larger fleet.
@Suite struct VirtualFleetTests {
    private static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    private static var engines: [MetadataEngine] {
        variable("VIRTUAL_ENGINE").flatMap { MetadataEngine(rawValue: $0) }.map { [$0] } ?? MetadataEngine.allCases
    }

    private static func settings() -> VirtualFleet.Settings {
        var settings = VirtualFleet.Settings(
            seed: variable("VIRTUAL_SEED").flatMap { UInt64($0) } ?? 7)
        if let hours = variable("VIRTUAL_HOURS").flatMap({ Double($0) }) {
            settings.duration = hours * 3_600
            settings.tables = variable("VIRTUAL_TABLES").flatMap { Int($0) } ?? 1_000
            settings.workers = variable("VIRTUAL_WORKERS").flatMap { Int($0) } ?? 20
        }
        // Room for the largest job's runs, at a minute's interval and a second or two each.
        settings.slots = max(8, settings.tables / 40)
        return settings
    }

    @Test(arguments: engines)
    func `all tables stay on their beat, no job starves, nothing runs twice`(engine: MetadataEngine) async throws {
        try await MetadataFixture.with(engine) { fixture, store in
            let settings = Self.settings()
            let fleet = VirtualFleet(store: store, clock: fixture.clock, settings: settings)
            try await fleet.fill()
            let before = try await store.bytes(engine)
            try await fleet.run()
            let report = fleet.report
            Self.tell(engine, settings, report, grownBy: try await store.bytes(engine) - before)

            #expect(report.overlaps == 0 && report.slotsExceeded == 0)
            // Runs of a minute and more miss beats, as do those that are lost with their process.
            let beats = settings.duration / (settings.interval / .seconds(1)) * Double(settings.tables)
            #expect(Double(report.claims) > beats * 0.9)
            #expect(report.lateness.percentile(50) < 1)
            #expect(report.lateness.percentile(99) < 30)
            let medians = report.latenessOfJob.values.map { $0.percentile(50) }
            #expect(medians.count == settings.jobs && medians.allSatisfy { $0 < 2 })
            #expect(report.lost > 0)
            // Whatever the tables do, the store stays as small as it was; PostgreSQL keeps what it has once taken.
            if engine == .sqlite { #expect(try await store.bytes(engine) - before < 1 << 20) }
            let copies: Int64? = try await store.read { session in
                try MetadataStatement("SELECT count(*) FROM table_copies WHERE result <> 'running'").number(session)
            }
            // Of a lost run, and of the first one that ended well after it.
            #expect(copies ?? 0 <= 2 * (report.lost + report.yields), "runs without rows leave no record")
        }
    }

    private static func tell(
        _ engine: MetadataEngine, _ settings: VirtualFleet.Settings, _ report: VirtualFleet.Report, grownBy bytes: Int64
    ) {
        func rounded(_ value: Double) -> String { "\((value * 1_000).rounded() / 1_000)" }
        func percentiles(_ values: [Double]) -> String {
            [50, 95, 99, 100].map { "p\($0) \(rounded(values.percentile($0))) s" }.joined(separator: ", ")
        }
        let medians = report.latenessOfJob.values.map { $0.percentile(50) }
        print(
            """
            virtual fleet on \(engine.rawValue): seed \(settings.seed), \(settings.tables) tables, \(settings.workers) workers \
            of \(settings.places), \(settings.slots) slots a job, \(rounded(settings.duration / 3_600)) h
              claims \(report.claims) in \(report.looks) looks, \(rounded(report.claimSeconds * 1_000 / Double(max(report.looks, 1)))) ms each; \
            \(report.lost) runs lost with their process, \(report.yields) turns ended
              claimed after due: \(percentiles(report.lateness)); medians of jobs \(rounded(medians.min() ?? 0)) to \
            \(rounded(medians.max() ?? 0)) s
              between two starts: \(percentiles(report.gaps)); store grown by \(bytes / 1_024) KiB
            """)
    }
}

extension [Double] {
    /// By the nearest rank; 0 of none.
    fileprivate func percentile(_ percent: Int) -> Double {
        guard !isEmpty else { return 0 }
        return sorted()[Swift.min(count - 1, Swift.max(0, (count * percent + 99) / 100 - 1))]
    }
}

extension MetadataStore {
    /// What the store takes up, rows that are no longer needed left out as far as the engine can.
    fileprivate func bytes(_ engine: MetadataEngine) async throws -> Int64 {
        let sql =
            switch engine {
            case .sqlite:
                "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
            case .postgres:
                "SELECT CAST(sum(pg_total_relation_size(oid)) AS bigint) FROM pg_class WHERE relnamespace = 'redshift_loader'::regnamespace AND relkind = 'r'"
            }
        return try await read { try MetadataStatement(sql).number($0) ?? 0 }
    }
}

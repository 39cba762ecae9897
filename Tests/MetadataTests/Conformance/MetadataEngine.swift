import Foundation
import Metadata
import Operations
import Replication
import Scheduling
import Synchronization
import TestServers
import Testing

/// The engines that the conformance suites run on, each suite once an engine: a new engine is a case here.
enum MetadataEngine: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, postgres

    var testDescription: String { rawValue }
}

/// A fresh, migrated store with a clock that stands until it is moved.
struct MetadataFixture: Sendable {
    let engine: MetadataEngine
    let location: MetadataLocation
    let clock: SettableClock
    let liveness = ScriptedLiveness()

    static func with(
        _ engine: MetadataEngine, _ body: (MetadataFixture, MetadataStore) async throws -> Void
    ) async throws {
        let clock = SettableClock()
        func run(_ location: MetadataLocation) async throws {
            let fixture = MetadataFixture(engine: engine, location: location, clock: clock)
            let store = try await fixture.another()
            do {
                try await body(fixture, store)
                await store.close()
            } catch {
                await store.close()
                throw error
            }
        }
        switch engine {
        case .sqlite:
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            try await run(.sqlite(folder.path + "/loader.db"))
        case .postgres:
            try await TestDatabase.with { database in
                try await run(.postgres(PostgresMetadataServer(endpoint: database.endpoint, clock: clock)))
            }
        }
    }

    /// Opens one more instance on the fixture's database, as another process would.
    func another() async throws -> MetadataStore {
        try await MetadataStore.open(location, clock: clock, liveness: liveness)
    }
}

struct TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "redshift-loader-metadata-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func remove() {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("\(path) was left behind: \(error)")
        }
    }
}

final class SettableClock: WallClock {
    private let moment = Mutex(Date(timeIntervalSince1970: 1_800_000_000))

    var now: Date { moment.withLock { $0 } }

    func set(_ date: Date) { moment.withLock { $0 = date } }

    func advance(_ seconds: Double) { moment.withLock { $0 += seconds } }

    func sleep(for duration: Duration) async throws { advance(Double(duration.components.seconds)) }
}

/// Knows dead those that a test killed.
final class ScriptedLiveness: OwnerLiveness {
    private let dead = Mutex<Set<String>>([])

    func kill(_ owner: LeaseOwner) { dead.withLock { _ = $0.insert(owner.id) } }

    func isKnownDead(_ owner: LeaseOwner) -> Bool { dead.withLock { $0.contains(owner.id) } }
}

/// Values that the suites store.
enum Sample {
    static func owner(_ name: String) -> LeaseOwner { LeaseOwner(id: name, host: "host", processID: 1) }

    static func job(_ name: String = "shop", active: Bool = true) -> JobRecord {
        JobRecord(
            name: name, source: .environment(variable: "SHOP_URL"), destination: .sealed(Data([1, 2, 3])),
            active: active, interval: .seconds(60))
    }

    static func mapping(_ name: String, job: String = "shop") -> TableMapping {
        let id = SourceColumn(name: "id", typeName: "bigint", isNullable: false, replicaType: .bigint)
        let price = SourceColumn(
            name: "Preis €", typeName: "numeric(10,2)", isNullable: true,
            replicaType: .decimal(precision: 10, scale: 2), warnings: ["It says \"so\"."])
        return TableMapping(
            jobName: job, source: TableName(schema: "public", name: name),
            destination: TableName(schema: "app", name: name.lowercased()), mode: .updateAndInsert,
            primaryKey: ["id"], updatedKey: "updated_at",
            columns: [
                ColumnMapping(source: id, destinationName: "id", destinationType: .bigint),
                ColumnMapping(
                    source: price, destinationName: "preis €", destinationType: .decimal(precision: 10, scale: 2)),
            ])
    }

    static func checkpoint(batch: Int64, rows: Int = 7) -> Checkpoint {
        Checkpoint(
            stamp: CheckpointStamp(installation: "i", job: "shop", generation: 1, batch: batch),
            state: CheckpointState(
                definition: "d", source: SourceIdentity(system: "s", timeline: "1", database: "db"), horizon: .max,
                caughtUpAsOf: SourceTime(microseconds: 1_800_000_000_000_001), maxUpdatedKey: "2026-11-22 10:00:00+00",
                maxPrimaryKey: ["42"], replicaRows: rows))
    }

    static func failure(_ code: ErrorCode, at: Date) -> RunFailure {
        RunFailure(code: code, what: "what", why: "why", fix: "fix", at: at)
    }
}

extension LeaseStore {
    /// As a worker of the default configuration does, but for the slots of a job.
    func claimDue(by owner: LeaseOwner, for duration: Duration) async throws -> ClaimedTable? {
        try await claimDue(by: owner, for: duration, ClaimTerms(slots: 64))
    }
}

extension MetadataStore {
    /// A job with tables that are due now.
    @discardableResult
    func addShop(tables names: [String], active: Bool = true, dueAt: Date) async throws -> [Scheduling.TableRecord] {
        let job = try await add(Sample.job(active: active))
        var tables: [Scheduling.TableRecord] = []
        for name in names {
            tables.append(
                try await save(TableRecord(jobID: job.id, mapping: Sample.mapping(name), nextRunAt: dueAt)))
        }
        return tables
    }

    func table(_ id: Int64) async throws -> Scheduling.TableRecord? { try await table(id: id) }
}

import Foundation
import Operations
import Replication
import Scheduling
import Testing

/// What discovery proposes beside the mode.
@Suite struct SuggestionTests {
    private let store = MemoryCatalog()

    private func discovery(_ tables: [SourceTable]) -> (Discovery, MemoryConnections) {
        let connections = MemoryConnections(tables: tables)
        return (
            Discovery(store: store, requests: store, connections: connections), connections
        )
    }

    private func found(_ table: SourceTable, mode: SyncMode? = nil) async throws -> DiscoveredTable {
        let (job, _) = await store.fill()
        let (discovery, _) = discovery([table])
        return try #require(try await discovery.survey(job, .all, wishes: Self.wish(mode)).first)
    }

    // MARK: Secrets

    private static func wish(_ mode: SyncMode?) -> TableSettingsChange {
        var wish = TableSettingsChange()
        wish.mode = mode
        return wish
    }

    @Test(arguments: [
        "password", "Password", "user_password", "passwd", "db_pwd", "token", "resetPasswordToken", "API_KEY", "apiKey",
        "access_key", "client_secret", "otp", "password_digest", "password_hash", "remember_digest", "encrypted_ssn",
        "encrypted_password_iv", "crypted_password", "salt", "password_salt", "otp_secret", "perishable_token",
        "backup_codes", "private key",
    ])
    func `text that is named like a secret is left out`(_ name: String) async throws {
        var table = Sample.table("users")
        table.columns.append(Sample.column(name, "text"))
        let found = try await found(table)
        #expect(found.exclusions.map(\.column) == [name])
        #expect(found.exclusions.map(\.reason) == ["it looks like a secret"])
        #expect(found.mapping?.column(name) == nil && found.mapping?.scope.excludedColumns == [name])
        #expect(found.decision == .create)
    }

    @Test(arguments: [
        "note", "passport", "tokens_used", "token_type", "content_hash", "commit_digest", "secretary", "salted_caramel",
        "compass", "key", "keyboard", "api_keys_count", "monkey", "hash", "reset_reason", "password_hint",
    ])
    func `text that is named like anything else is copied`(_ name: String) async throws {
        var table = Sample.table("users")
        table.columns.append(Sample.column(name, "text"))
        #expect(try await found(table).exclusions.isEmpty)
    }

    @Test func `times, truth values and counts are no secrets, whatever their names`() async throws {
        var table = Sample.table("users")
        for (name, type) in [
            ("encrypted_password", ReplicaType.boolean), ("reset_password_token", .timestamptz), ("tokens", .integer),
            ("secret", .date),
        ] {
            table.columns.append(SourceColumn(name: name, typeName: "x", isNullable: true, replicaType: type))
        }
        table.columns.append(SourceColumn(name: "otp", typeName: "integer", isNullable: true, replicaType: .integer))
        #expect(try await found(table).exclusions.map(\.column) == ["otp"])
    }

    @Test func `a key is kept, whatever its name`() async throws {
        var table = Sample.table("sessions")
        table.columns[0] = Sample.column("token", "text", isNullable: false)
        table.uniqueKeys = [.init(columns: ["token"], isPrimary: true)]
        #expect(try await found(table).exclusions.isEmpty)
        table.columns.removeAll { $0.name.hasSuffix("_at") }
        // Read whole, it needs no key.
        let whole = try await found(table)
        #expect(whole.suggestion.mode == .fullSync && whole.exclusions.map(\.column) == ["token"])
        #expect(whole.mapping?.primaryKey == [])
    }

    @Test func `what may not be read is left out, and the rest is set up`() async throws {
        var table = Sample.table("users")
        table.columns[1].isHidden = true
        let found = try await found(table)
        #expect(found.exclusions.map(\.reason) == ["the loader's user has no SELECT on it"])
        #expect(found.mapping?.columns.count == 4)
    }

    // MARK: Intervals

    @Test(
        arguments: [(100, 60, 600), (9_999, 60, 600), (10_000, 60, 3_600), (-1, 60, 3_600), (100, 900, nil)]
            as [(Int, Int, Int?)])
    func `a table that is read whole gets an interval of its own, unless its job's is slower`(
        rows: Int, job seconds: Int, own: Int?
    ) async throws {
        var (job, _) = await store.fill()
        job.interval = .seconds(seconds)
        await store.update(job)
        var table = Sample.table("colours")
        table.uniqueKeys = []
        table.estimatedRows = rows
        let (discovery, _) = discovery([table, Sample.table("orders")])
        let made = try await discovery.create(job, .all)
        #expect(made.map(\.interval) == [own.map { .seconds($0) }, nil])
        #expect(await store.tables(ofJob: job.id).map(\.schedule.interval) == [own.map { .seconds($0) }, nil])
    }

    // MARK: Names

    @Test func `a prefix goes before every replica's name, and two schemas collide without one`() async throws {
        var (job, _) = await store.fill()
        job.destinationPrefix = "CRM_"
        var audit = Sample.table("orders")
        audit.name.schema = "audit"
        let (discovery, connections) = discovery([Sample.table("orders"), audit])
        let error = await #expect(throws: OperationError.self) { try await discovery.create(job, .all) }
        #expect(error?.what == "Tables public.orders and audit.orders would share the replica app.crm_orders")
        #expect(error?.fix.contains("--destination-name") == true)
        #expect(await connections.destination.opened == 0)
        let chosen = try await discovery.create(job, .names(["audit.orders"]))
        #expect(chosen.map(\.decision) == [.skip("not asked for"), .create])
        #expect(await store.tables(ofJob: job.id).map(\.mapping.destination.name) == ["crm_orders"])
    }

    @Test func `a table that goes by another name leaves its own to others`() async throws {
        let (job, _) = await store.fill(tables: ["orders"])
        await store.edit(1) { $0.mapping.destination.name = "orders_public" }
        var audit = Sample.table("orders")
        audit.name.schema = "audit"
        let (discovery, _) = discovery([Sample.table("orders"), audit])
        #expect(try await discovery.create(job, .all).map(\.decision) == [.exists, .create])
    }

    // MARK: Adding by name

    @Test func `a named table is set up in the mode asked for`() async throws {
        let (job, _) = await store.fill()
        let (discovery, _) = discovery([Sample.table("orders"), Sample.table("schema_migrations")])
        let found = try await discovery.create(
            job, .names(["schema_migrations", "public.orders"]), wishes: Self.wish(.fullSync))
        #expect(found.map(\.decision) == [.create, .create])
        #expect(await store.tables(ofJob: job.id).map(\.mapping.mode) == [.fullSync, .fullSync])
        #expect(await store.tables(ofJob: job.id).map(\.schedule.interval) == [.seconds(600), .seconds(600)])
    }

    @Test func `a mode that the table cannot have skips it with the reason`() async throws {
        var table = Sample.table("orders")
        table.uniqueKeys = []
        let found = try await found(table, mode: .updateAndInsert)
        guard case .skip(let reason) = found.decision else {
            Issue.record("\(found.decision)")
            return
        }
        #expect(reason.contains("cannot be an UpdateAndInsertTable") && reason.contains("it has no key"))
    }

    @Test func `a table that exists in another mode is refused with the command that changes it`() async throws {
        let (job, _) = await store.fill(tables: ["orders"])
        let (discovery, connections) = discovery(["orders", "stock", "late"].map { Sample.table($0) })
        let named = TableSelection.names(["stock", "orders"])
        let error = await #expect(throws: OperationError.self) {
            try await discovery.create(job, named, wishes: Self.wish(.fullSync))
        }
        #expect(error?.code == .usage && error?.what == "shop/orders exists in another mode")
        #expect(error?.why == "it is replicated already, as UpdateAndInsertTable, not as FullSyncTable")
        #expect(error?.fix.contains("tables set shop/orders --mode FullSyncTable") == true)
        #expect(await connections.destination.opened == 0)
        // In its own mode, or where it is not named, it is no obstacle.
        let made = try await discovery.create(job, named, wishes: Self.wish(.updateAndInsert))
        #expect(made.map(\.decision) == [.exists, .create, .skip("not asked for")])
        let late = try await discovery.create(job, .names(["late"]), wishes: Self.wish(.fullSync))
        #expect(late.map(\.decision) == [.exists, .exists, .create])
    }

    @Test func `a name that the source does not have is refused with the nearest`() async throws {
        let (job, _) = await store.fill()
        let (discovery, connections) = discovery([Sample.table("orders")])
        let error = await #expect(throws: OperationError.self) { try await discovery.create(job, .names(["ordres"])) }
        #expect(error?.code == .usage && error?.fix.contains("Did you mean orders?") == true)
        #expect(await connections.destination.opened == 0)
    }
}

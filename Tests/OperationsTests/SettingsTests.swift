import Foundation
import Operations
import Replication
import Scheduling
import Testing

/// What `tables set` does beside keys and positions.
@Suite struct SettingsTests {
    private let store = MemoryCatalog()

    private func operations(_ connections: MemoryConnections = MemoryConnections()) -> TableOperations {
        TableOperations(
            store: store, leases: store, requests: store, connections: connections, owner: Sample.owner,
            clock: SleeplessClock(), lookback: SourceTime.second * 600)
    }

    /// A table `orders` that has 5,000 rows in Redshift, unless it is not loaded.
    private func fill(loaded: Bool = true, _ edit: @escaping @Sendable (inout TableMapping) -> Void = { _ in }) async {
        _ = await store.fill(tables: ["orders"])
        await store.edit(1) { table in
            edit(&table.mapping)
            guard loaded else { return }
            table.mirror = Sample.mirror(caughtUp: 5)
            table.mirror?.state.replicaRows = 5_000
        }
    }

    private func set(
        _ connections: MemoryConnections = MemoryConnections(), _ edit: (inout TableSettingsChange) -> Void
    ) async throws -> [String] {
        var change = TableSettingsChange()
        edit(&change)
        return try await operations(connections).set(change, on: "shop/orders")
    }

    private var mapping: TableMapping? { get async { await store.table(1)?.mapping } }

    private static let reread = "All rows are read again with the next run (about 5,000 rows)."

    // MARK: What is copied

    @Test func `an excluded column is read no more, and it is told what becomes of it`() async throws {
        await fill()
        let told = try await set { $0.exclude = ["note", "Größe €"] }
        #expect(
            told == [
                "shop/orders: settings changed.", Self.reread,
                "The replica keeps note, Größe € with what was loaded, and it becomes NULL in each row as that comes again.",
            ])
        #expect(await mapping?.scope.excludedColumns == ["note", "Größe €"])
        #expect(await mapping?.columns.map(\.source.name) == ["id", "updated_at", "modified_at"])
        #expect(try await set { $0.exclude = ["note"] }.isEmpty, "it is excluded already")
    }

    @Test func `an included column comes back from the catalog, at its place`() async throws {
        await fill {
            $0.scope.excludedColumns = ["note"]; $0.columns.removeAll { $0.source.name == "note" }
        }
        let connections = MemoryConnections()
        let told = try await set(connections) { $0.include = ["note"] }
        #expect(told.count == 3 && told[1] == Self.reread)
        #expect(told[2].contains("Where the replica lacks note") && told[2].contains("--recreate"))
        #expect(await mapping == Sample.mapping("orders"))
        #expect(await connections.source.closings == 1)
    }

    @Test func `a column that was added at the source can be included`() async throws {
        await fill()
        var described = Sample.table("orders")
        described.columns.insert(Sample.column("Rabatt", "text"), at: 1)
        let connections = MemoryConnections(source: MemorySource(described: described))
        _ = try await set(connections) { $0.include = ["Rabatt"] }
        #expect(await mapping?.columns.map(\.destinationName).prefix(3) == ["id", "rabatt", "note"])
    }

    @Test func `a hashed column takes 64 bytes of text and comes back as it was`() async throws {
        await fill(loaded: false)
        #expect(try await set { $0.hash = ["note"] } == ["shop/orders: settings changed."])
        #expect(await mapping?.column("note")?.treatment == .hashed)
        #expect(await mapping?.column("note")?.destinationType == .varchar(bytes: 64))
        _ = try await set { $0.unhash = ["note"] }
        #expect(await mapping == Sample.mapping("orders"))
    }

    @Test func `a filter is checked at the source before it is stored, and only when it changes`() async throws {
        await fill()
        let connections = MemoryConnections(refusedFilter: "id >")
        #expect(try await set(connections) { $0.filter = .value("id > 5") }.last == Self.reread)
        await #expect(throws: OperationError.self) { try await set(connections) { $0.filter = .value("id >") } }
        #expect(await mapping?.scope.filter == "id > 5")
        _ = try await set(connections) { $0.badValues = .fail }
        _ = try await set(connections) { $0.filter = .standard }
        #expect(await mapping?.scope.filter == nil)
        #expect(connections.checked.withLock { $0 } == ["id > 5", "id >"])
    }

    // MARK: The replica

    @Test func `types, layout and policies are set and taken back`() async throws {
        await fill(loaded: false)
        _ = try await set {
            $0.types = ["note": .value(.varchar(bytes: 99))]
            $0.distributionKey = .value("Größe €")
            $0.sortKey = .value(["updated_at", "id"])
            $0.badValues = .fail
            $0.refresh = .replace
        }
        #expect(await mapping?.column("note")?.destinationType == .varchar(bytes: 99))
        #expect(await mapping?.layout == ReplicaLayout(distributionKey: "größe €", sortKey: ["updated_at", "id"]))
        #expect(await mapping?.badValues == .fail)
        #expect(await mapping?.refresh == .replace)
        _ = try await set {
            $0.types = ["note": .standard]
            $0.distributionKey = .standard
            $0.sortKey = .standard
            $0.badValues = .repair
            $0.refresh = .swap
        }
        #expect(await mapping == Sample.mapping("orders"))
    }

    struct Consequence: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout TableSettingsChange) -> Void
        /// What the last sentence holds.
        var words: [String]
    }

    static let consequences = [
        Consequence(
            testDescription: "a narrower text", change: { $0.types = ["note": .value(.varchar(bytes: 10))] },
            words: ["note stays VARCHAR(65535) as it is, not VARCHAR(10)", "tables resync shop/orders --recreate"]),
        Consequence(
            testDescription: "another type",
            change: { $0.types = ["Größe €": .value(.decimal(precision: 22, scale: 2))] },
            words: ["Größe € is to be DECIMAL(22,2), it is BIGINT", "--recreate"]),
        Consequence(
            testDescription: "a hash of a number", change: { $0.hash = ["Größe €"] },
            words: ["Größe € is to be VARCHAR(64), it is BIGINT", "--recreate"]),
        Consequence(
            testDescription: "a hash of text", change: { $0.hash = ["note"] }, words: ["All rows are read again"]),
        Consequence(
            testDescription: "a sort key", change: { $0.sortKey = .value([]) },
            words: [
                "Distribution and sorting are chosen when a table is made", "Where the replica has others",
                "--recreate",
            ]),
        Consequence(testDescription: "a policy", change: { $0.badValues = .fail }, words: ["settings changed."]),
        Consequence(
            testDescription: "an interval", change: { $0.interval = .value(.seconds(5)) }, words: ["settings changed."]),
        Consequence(
            testDescription: "another mode", change: { $0.mode = .fullSync }, words: ["All rows are read again"]),
    ]

    @Test(arguments: consequences) func `what a change means for a loaded table is told`(_ given: Consequence)
        async throws
    {
        await fill()
        let told = try await set(MemoryConnections(), given.change)
        for words in given.words { #expect(told.last?.contains(words) == true, "\(told)") }
    }

    @Test func `what is taken back before a run has met it means nothing`() async throws {
        await fill()
        await store.edit(1) { $0.mirror?.state.definition = $0.mapping.definition }
        let changes: [(there: (inout TableSettingsChange) -> Void, back: (inout TableSettingsChange) -> Void)] = [
            ({ $0.filter = .value("id > 5") }, { $0.filter = .standard }),
            (
                { $0.types = ["Größe €": .value(.decimal(precision: 25, scale: 2))] },
                { $0.types = ["Größe €": .standard] }
            ),
            ({ $0.exclude = ["note"] }, { $0.include = ["note"] }),
        ]
        for (there, back) in changes {
            #expect(try await set(MemoryConnections(), there).contains(Self.reread))
            #expect(try await set(MemoryConnections(), back) == ["shop/orders: settings changed."])
        }
        #expect(await mapping == Sample.mapping("orders"))
        // Widths are no part of what makes rows void, and are told all the same.
        let narrower = try await set { $0.types = ["note": .value(.varchar(bytes: 10))] }
        #expect(narrower.last?.contains("note stays VARCHAR(65535) as it is") == true, "\(narrower)")
    }

    @Test(arguments: [(ReplicaCount.missing, false), (.rows(0), true), (.tooMany, true)])
    func `a table that was never loaded need not be made anew where it was not made`(
        there: ReplicaCount, isTold: Bool
    ) async throws {
        await fill(loaded: false)
        let told = try await set(MemoryConnections(replicaCount: there)) { $0.distributionKey = .value("id") }
        #expect(told.count == (isTold ? 2 : 1), "\(told)")
        #expect(told.last?.contains("--recreate") == isTold)
        #expect(await mapping?.layout.distributionKey == "id")
    }

    @Test func `the default type is the one that the column has at the source by now`() async throws {
        await fill()
        var described = Sample.table("orders")
        described.columns[4] = SourceColumn(
            name: "Größe €", typeName: "numeric(12,2)", isNullable: false,
            replicaType: .decimal(precision: 12, scale: 2))
        let connections = MemoryConnections(source: MemorySource(described: described))
        let told = try await set(connections) { $0.types = ["Größe €": .standard] }
        #expect(await mapping?.column("Größe €")?.source.typeName == "numeric(12,2)")
        #expect(await mapping?.column("Größe €")?.destinationType == .decimal(precision: 12, scale: 2))
        #expect(told[1] == "Größe € is numeric(12,2) at the source now; it was integer.")
        #expect(told[2] == Self.reread && told[3].contains("tables resync shop/orders --recreate"))
        #expect(try await set(connections) { $0.types = ["Größe €": .standard] }.isEmpty, "it was taken over")
        #expect(await connections.source.closings == 2)
    }

    @Test func `a hashed column takes the present type over and stays hashed`() async throws {
        await fill {
            $0.columns[1].treatment = .hashed
            $0.columns[1].destinationType = .varchar(bytes: 64)
        }
        var described = Sample.table("orders")
        described.columns[1] = Sample.column("note", "integer")
        _ = try await set(MemoryConnections(source: MemorySource(described: described))) {
            $0.types = ["note": .standard]
        }
        #expect(await mapping?.column("note")?.source.typeName == "integer")
        #expect(await mapping?.column("note")?.treatment == .hashed)
        #expect(await mapping?.column("note")?.destinationType == .varchar(bytes: 64))
    }

    @Test func `a column that is gone at the source has no default type`() async {
        await fill()
        var described = Sample.table("orders")
        described.columns.removeAll { $0.name == "note" }
        let error = await #expect(throws: OperationError.self) {
            try await set(MemoryConnections(source: MemorySource(described: described))) {
                $0.types = ["note": .standard]
            }
        }
        #expect(error?.code == .usage && error?.fix == "Leave it out: --exclude note.")
        #expect(await store.saves == 0)
    }

    @Test func `a key that may be NULL by now is refused when its type is taken over`() async {
        await fill()
        var described = Sample.table("orders")
        described.columns[0].isNullable = true
        let error = await #expect(throws: OperationError.self) {
            try await set(MemoryConnections(source: MemorySource(described: described))) {
                $0.types = ["id": .standard]
            }
        }
        #expect(error?.what == "id cannot be part of a key")
    }

    @Test func `a wider text needs nothing: the column is widened when a value needs it`() async throws {
        await fill { $0.columns[1].destinationType = .varchar(bytes: 10) }
        #expect(
            try await set { $0.types = ["note": .value(.varchar(bytes: 20))] } == ["shop/orders: settings changed."])
    }

    @Test func `another name means a new replica, whose position the next run looks for there`() async throws {
        await fill()
        await store.edit(1) { $0.lease.generation = 4 }
        let told = try await set { $0.destinationName = "Orders_2" }
        #expect(
            told == [
                "shop/orders: settings changed.", Self.reread,
                "It is loaded into app.orders_2; app.orders stays as it is and is no longer kept up.",
            ])
        #expect(await mapping?.destination.description == "app.orders_2")
        let ending = try #require(await store.endings.first?.ending)
        #expect(!ending.isClean && ending.voidsMirror)
        #expect(await store.table(1)?.mirror == nil)
    }

    @Test func `a name that another table of the job has is refused`() async throws {
        await fill()
        _ = await store.save(TableRecord(jobID: 1, mapping: Sample.mapping("stock"), nextRunAt: Sample.now))
        let error = await #expect(throws: OperationError.self) { try await set { $0.destinationName = "STOCK" } }
        #expect(error?.code == .badInput)
        #expect(await mapping?.destination.name == "orders")
        #expect(await store.endings.isEmpty)
    }

    @Test func `a renamed replica needs the lease`() async throws {
        await fill()
        await store.hold(1)
        let error = await #expect(throws: OperationError.self) { try await set { $0.destinationName = "x" } }
        #expect(error?.code == .busy)
        #expect(await mapping?.destination.name == "orders")
    }

    // MARK: Schedule

    @Test func `a schedule is set value by value, and taken back`() async throws {
        await fill()
        let window = try #require(DailyWindow("22:00-06:00"))
        _ = try await set {
            $0.interval = .value(.seconds(600))
            $0.window = .value(window)
            $0.scanBack = .value(.zero)
        }
        _ = try await set {
            $0.freshnessTarget = .value(.seconds(900))
            $0.rowLimit = .value(5)
            $0.chunkSize = .value(6)
            $0.allowsScan = true
        }
        #expect(
            await store.table(1)?.schedule
                == TableSchedule(
                    interval: .seconds(600), window: DailyWindow("22:00-06:00"), freshnessTarget: .seconds(900),
                    rowLimit: 5, chunkSize: 6, scanBack: .zero, allowsScan: true))
        _ = try await set {
            $0.interval = .standard
            $0.window = .standard
            $0.freshnessTarget = .standard
            $0.rowLimit = .standard
            $0.chunkSize = .standard
            $0.scanBack = .standard
            $0.allowsScan = false
        }
        #expect(await store.table(1)?.schedule == TableSchedule())
    }

    @Test func `a shorter interval brings the next run forward`() async throws {
        await fill()
        await store.edit(1) { $0.nextRunAt = Sample.now + 86_400 }
        _ = try await set { $0.interval = .value(.seconds(30)) }
        #expect(await store.table(1)?.nextRunAt == Sample.now + 30)
    }

    static let outOfRange: [@Sendable (inout TableSettingsChange) -> Void] = [
        { $0.interval = .value(.milliseconds(10)) }, { $0.freshnessTarget = .value(.zero) },
        { $0.rowLimit = .value(0) }, { $0.chunkSize = .value(1_000_001) }, { $0.scanBack = .value(.seconds(-1)) },
    ]

    @Test(arguments: outOfRange.indices) func `a value out of range is refused`(_ index: Int) async {
        await fill()
        let error = await #expect(throws: OperationError.self) {
            try await set(MemoryConnections(), Self.outOfRange[index])
        }
        #expect(error?.code == .usage)
        #expect(await store.saves == 0)
    }
}

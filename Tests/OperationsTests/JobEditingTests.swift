import Foundation
import Operations
import Replication
import Scheduling
import Testing

@Suite struct JobEditingTests {
    private let store = MemoryCatalog()

    private func edit(_ make: (inout JobChange) -> Void) async throws -> (job: JobRecord, sentences: [String]) {
        var change = JobChange()
        make(&change)
        return try await JobEditing(store: store).edit("shop", change)
    }

    @Test func `what is given changes, and the rest stays`() async throws {
        let (before, _) = await store.fill(job: "shop")
        let (after, sentences) = try await edit {
            $0.sourceSchemas = ["public", "audit"]
            $0.destinationPrefix = "crm_"
            $0.interval = .seconds(300)
        }
        var expected = before
        expected.sourceSchemas = ["public", "audit"]
        expected.destinationPrefix = "crm_"
        expected.interval = .seconds(300)
        #expect(after == expected && sentences.isEmpty)
        #expect(await store.jobs() == [expected])
        #expect(try await edit { $0.interval = .seconds(300) }.sentences.isEmpty)
    }

    @Test func `for tables that exist it is told what holds`() async throws {
        _ = await store.fill(job: "shop", tables: ["orders"])
        let (_, sentences) = try await edit {
            $0.sourceSchemas = ["audit"]
            $0.destinationSchema = "other"
            $0.source = .environment(variable: "NEW")
        }
        #expect(
            sentences == [
                "Replicas that exist keep their schema and names; the change holds for tables that are added.",
                "A source that is another server is noticed: rows of the last 24 hours are read again there.",
                "Tables of schemas that are no longer looked at stay: shop/orders.",
            ])
        #expect(await store.table(1)?.mapping.destination.schema == "app")
        #expect(await store.doubted.isEmpty, "runs may go on")
    }

    @Test func `another destination waits for no run, and the next runs ask it where they stand`() async throws {
        _ = await store.fill(job: "shop", tables: ["orders", "stock"])
        let (_, sentences) = try await edit { $0.destination = .environment(variable: "NEW") }
        #expect(sentences == ["Where the new destination does not have the replicas, all rows are loaded there."])
        #expect(await store.doubted == [1])
    }

    @Test func `while a table is being synced its job's destination stays`() async throws {
        let (before, _) = await store.fill(job: "shop", tables: ["orders", "stock"])
        await store.hold(2)
        let error = await #expect(throws: OperationError.self) {
            try await edit { $0.destination = .environment(variable: "NEW") }
        }
        #expect(error?.code == .busy && error?.what == "shop/stock is being synced")
        #expect(await store.jobs() == [before])
        #expect(await store.doubted.isEmpty)
    }

    @Test func `session settings change one by one, and go back to what holds without them`() async throws {
        _ = await store.fill(job: "shop", tables: ["orders"])
        let (first, sentences) = try await edit {
            $0.queryGroup = .value("loads")
            $0.slotCount = .value(2)
        }
        #expect(first.destinationSession == DestinationSession(queryGroup: "loads", slotCount: 2))
        #expect(
            sentences == [
                "Runs that begin from now on work with the changed session settings.",
                "Where its queue in Redshift has fewer than 2 slots, a statement fails.",
            ])
        let (second, _) = try await edit {
            $0.statementTimeout = .value(.seconds(300))
            $0.slotCount = .standard
        }
        let both = DestinationSession(queryGroup: "loads", statementTimeout: .seconds(300))
        #expect(second.destinationSession == both)
        #expect(await store.jobs().map(\.destinationSession) == [both])
        let (third, said) = try await edit {
            $0.queryGroup = .standard
            $0.statementTimeout = .standard
        }
        #expect(third.destinationSession == DestinationSession())
        #expect(said == ["Runs that begin from now on work with the changed session settings."])
        #expect(await store.doubted.isEmpty, "runs may go on")
    }

    static let refusals: [@Sendable (inout JobChange) -> Void] = [
        { $0.sourceSchemas = [] }, { $0.sourceSchemas = ["a", "a"] }, { $0.sourceSchemas = [""] },
        { $0.interval = .zero }, { $0.destinationSchema = "" }, { $0.destinationPrefix = "a\\b" },
        { $0.destinationPrefix = String(repeating: "x", count: 128) },
        { $0.queryGroup = .value("") }, { $0.slotCount = .value(0) }, { $0.statementTimeout = .value(.zero) },
    ]

    @Test(arguments: refusals.indices) func `what a job cannot be is refused`(_ index: Int) async {
        let (before, _) = await store.fill(job: "shop", tables: ["orders"])
        let error = await #expect(throws: OperationError.self) { try await edit(Self.refusals[index]) }
        #expect(error?.code == .usage)
        #expect(await store.jobs() == [before])
    }
}

import Operations
import Scheduling
import Testing

@Suite struct CatalogTests {
    private let store = MemoryCatalog()
    private var catalog: Catalog { Catalog(store: store) }

    private func fill() async {
        _ = await store.fill(job: "shop", tables: ["orders", "order_lines", "customers", "a/b", "we*rd"])
        _ = await store.fill(job: "warehouse", tables: ["orders"])
    }

    @Test func `a job is found by its name, and the nearest is offered for another`() async throws {
        await fill()
        #expect(try await catalog.job("warehouse").id == 2)
        let error = await #expect(throws: OperationError.self) { try await catalog.job("warehose") }
        #expect(error?.code == .usage && error?.code.exitStatus == 64)
        #expect(error?.what == "There is no job named warehose")
        #expect(error?.fix == "Did you mean warehouse? List them: redshift-loader jobs list.")
        let far = await #expect(throws: OperationError.self) { try await catalog.job("zzzzzz") }
        #expect(far?.fix == "List them: redshift-loader jobs list.")
    }

    @Test(arguments: [
        ("shop", ["a/b", "customers", "order_lines", "orders", "we*rd"]), ("shop/orders", ["orders"]),
        ("shop/order*", ["order_lines", "orders"]), ("shop/order?", ["orders"]), ("shop/a/b", ["a/b"]),
        ("shop/we*rd", ["we*rd"]), ("shop/*", ["a/b", "customers", "order_lines", "orders", "we*rd"]),
        ("warehouse/orders", ["orders"]), ("shop/public.orders", ["orders"]),
        ("shop/public.o*", ["order_lines", "orders"]),
    ])
    func `tables are found by job and name or pattern`(selector: String, names: [String]) async throws {
        await fill()
        let (job, tables) = try await catalog.tables(selector)
        #expect(tables.map(\.mapping.source.name) == names)
        #expect(Set(tables.map(\.jobID)) == [job.id] && selector.hasPrefix(job.name))
    }

    @Test func `a table that is not there is refused with the nearest one`() async throws {
        await fill()
        let error = await #expect(throws: OperationError.self) { try await catalog.tables("shop/custmers") }
        #expect(error?.what == "There is no table named custmers")
        #expect(error?.fix == "Did you mean customers? List them: redshift-loader tables list shop.")
        let job = await #expect(throws: OperationError.self) { try await catalog.tables("shup/orders") }
        #expect(job?.fix.contains("Did you mean shop?") == true)
        await #expect(throws: OperationError.self) { try await catalog.tables("") }
        await #expect(throws: OperationError.self) { try await catalog.tables("/orders") }
        await #expect(throws: OperationError.self) { try await catalog.tables("shop/x*") }
    }

    @Test func `one name in two schemas is told apart by them`() async throws {
        await fill()
        await store.edit(3) { $0.mapping.source = .init(schema: "audit", name: "orders") }
        let error = await #expect(throws: OperationError.self) { try await catalog.table("shop/orders") }
        #expect(error?.fix.contains("audit.orders") == true && error?.fix.contains("public.orders") == true)
        #expect(try await catalog.table("shop/audit.orders").table.id == 3)
    }

    @Test func `one table is one table`() async throws {
        await fill()
        #expect(try await catalog.table("shop/orders").table.id == 1)
        let none = await #expect(throws: OperationError.self) { try await catalog.table("shop") }
        #expect(none?.what == "shop names no table")
        let several = await #expect(throws: OperationError.self) { try await catalog.table("shop/order*") }
        #expect(several?.what == "shop/order* names 2 tables" && several?.fix == "Name one of: order_lines, orders.")
    }
}

import Foundation
import Replication
import Scheduling
import Testing

@testable import Operations

@Suite struct StatusReportTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var state: TableState
        var disabled = false
        var active = true
        var running = false
        var expired = false
        var failure: ErrorCode?
        var failures = 0
        /// Seconds since the last pass that reached the end; nil before one.
        var behind: Double?
        /// A first load has begun.
        var begun = true
    }

    static let cases = [
        Case(
            testDescription: "disabled wins over all", state: .disabled, disabled: true, active: false,
            failure: .valueBad),
        Case(testDescription: "disabled while it runs", state: .disabled, disabled: true, running: true, behind: 1),
        Case(testDescription: "its job is paused", state: .paused, active: false, behind: 1),
        Case(testDescription: "paused before its first run", state: .paused, active: false, begun: false),
        Case(testDescription: "paused and far behind", state: .paused, active: false, behind: 1e6),
        Case(testDescription: "a permanent failure", state: .failed, failure: .valueLong, failures: 1, behind: 10),
        Case(testDescription: "a permanent failure in the first load", state: .failed, failure: .config, failures: 1),
        Case(
            testDescription: "a transient failure", state: .retrying, failure: .sourceUnreachable, failures: 1,
            behind: 10),
        Case(testDescription: "the last retry", state: .retrying, failure: .s3Unreachable, failures: 5, behind: 10),
        Case(testDescription: "retries used up", state: .failed, failure: .s3Unreachable, failures: 6, behind: 10),
        Case(
            testDescription: "tried again after a failure", state: .retrying, running: true, failure: .locked,
            failures: 1),
        Case(testDescription: "first load under way", state: .initial, running: true),
        Case(testDescription: "first load begun, between two runs", state: .initial),
        Case(testDescription: "first run claimed", state: .initial, running: true, begun: false),
        Case(testDescription: "first load in a job not active", state: .initial, active: false, running: true),
        Case(testDescription: "a run in progress", state: .syncing, running: true, behind: 10),
        Case(testDescription: "a run in progress, late", state: .syncing, running: true, behind: 1_000),
        Case(
            testDescription: "a run on request in a job not active", state: .syncing, active: false, running: true,
            behind: 10),
        Case(testDescription: "its worker vanished", state: .onTime, running: true, expired: true, behind: 10),
        Case(testDescription: "never ran", state: .new, begun: false),
        Case(testDescription: "exactly at the target", state: .onTime, behind: 300),
        Case(testDescription: "a second over the target", state: .late, behind: 301),
        Case(testDescription: "just caught up", state: .onTime, behind: 0),
        Case(testDescription: "a clock ahead of ours", state: .onTime, behind: -5),
    ]

    private static func status(_ given: Case) -> TableStatus {
        let lease = TableLease(
            owner: given.running ? "worker" : nil, generation: 1,
            expiresAt: given.running ? Sample.now + (given.expired ? -1 : 30) : nil)
        let table = TableRecord(
            id: 1, jobID: 1, mapping: Sample.mapping("orders"), disabled: given.disabled, nextRunAt: Sample.now,
            lease: lease, mirror: given.begun ? Sample.mirror(caughtUp: given.behind) : nil,
            consecutiveFailures: given.failures, failure: given.failure.map(Sample.failure))
        return TableStatus(job: Sample.job(active: given.active), table: table, now: Sample.now)
    }

    @Test(arguments: cases) func `the first state that fits is a table's`(_ given: Case) {
        let status = Self.status(given)
        #expect(status.state == given.state)
        #expect(status.behindSeconds == given.behind.map { max(0, $0) })
        #expect(!status.state.label.isEmpty)
    }

    @Test func `a paused job raises no alarm, whatever its tables last met`() {
        let given = Case(
            testDescription: "", state: .paused, active: false, failure: .sourceUnreachable, failures: 1, behind: 9)
        #expect(Self.status(given).state == .paused)
    }

    @Test(arguments: [(1, 300), (60, 300), (61, 305), (3600, 18_000)])
    func `the target is five intervals, and at least five minutes`(interval: Int, target: Double) {
        var job = Sample.job()
        job.interval = .seconds(interval)
        let table = TableRecord(jobID: 1, mapping: Sample.mapping("t"), nextRunAt: Sample.now)
        #expect(TableStatus(job: job, table: table, now: Sample.now).targetSeconds == target)
    }

    @Test func `a table's own interval and target count, not its job's`() {
        var table = TableRecord(jobID: 1, mapping: Sample.mapping("t"), nextRunAt: Sample.now)
        table.schedule.interval = .seconds(3600)
        #expect(TableStatus(job: Sample.job(), table: table, now: Sample.now).targetSeconds == 18_000)
        table.schedule.freshnessTarget = .seconds(30)
        #expect(TableStatus(job: Sample.job(), table: table, now: Sample.now).targetSeconds == 30)
    }

    @Test(arguments: cases) func `a report is bad when something needs attention`(_ given: Case) {
        let report = StatusReport(tables: [Self.status(given)], generatedAt: Sample.now)
        // A table that is late counts as late while it syncs, too.
        let isLate = given.state == .syncing && (given.behind ?? 0) > 300
        #expect(report.isBad == ([.failed, .retrying, .late].contains(given.state) || isLate))
    }

    @Test func `every state has its place in a job's badge`() {
        #expect(Set(TableState.worstFirst) == Set(TableState.allCases))
        #expect(TableState.worstFirst.count == TableState.allCases.count)
        #expect(TableState.worstFirst.first == .failed)
    }

    @Test func `a report has all tables, a job's, or the chosen ones`() async throws {
        let store = MemoryCatalog()
        _ = await store.fill(job: "shop", tables: ["orders", "customers"])
        _ = await store.fill(job: "warehouse", tables: ["stock"], active: false)
        func names(_ selector: String?) async throws -> [String] {
            try await StatusReport.make(store: store, selector: selector).tables
                .map { "\($0.job.name)/\($0.table.mapping.source.name) \($0.state.rawValue)" }.sorted()
        }
        #expect(try await names(nil) == ["shop/customers new", "shop/orders new", "warehouse/stock paused"])
        #expect(try await names("shop") == ["shop/customers new", "shop/orders new"])
        #expect(try await names("shop/ord*") == ["shop/orders new"])
        await #expect(throws: OperationError.self) { try await names("shop/none") }
    }
}

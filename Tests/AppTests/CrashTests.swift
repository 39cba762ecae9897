import Foundation
import Synchronization
import TestServers
import Testing

/// A run broken at each message that it sends, in each way; the next run must leave the source's rows, once each, and
/// nothing else.
@Suite(.timeLimit(.minutes(40))) struct CrashTests {
    private static let table = """
        CREATE TABLE t (id int PRIMARY KEY, note text, amount numeric(12,2), seen timestamptz,
            updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON t (updated_at);
        INSERT INTO t SELECT i, 'first ' || i, i / 7.0, '2026-01-01'::timestamptz + i * interval '1 minute'
        FROM generate_series(1, 230) i
        """
    private static let change = """
        DELETE FROM t WHERE id > 230;
        UPDATE t SET note = 'changed ' || id || ' ' || clock_timestamp(), updated_at = now() WHERE id % 6 = 0;
        INSERT INTO t (id, note) SELECT i, 'new ' || clock_timestamp() FROM generate_series(231, 260) i
        """

    static let journeys =
        [
            CrashJourney(
                testDescription: "first load through S3", letter: "F", skipping: CrashStep.merging, schema: [table],
                environment: ["IMPORT_ROW_LIMIT": "100"]),
            CrashJourney(
                testDescription: "changes through S3", letter: "C", sides: [.s3, .destination], schema: [table],
                environment: ["IMPORT_ROW_LIMIT": "50"],
                startsLoaded: true, change: [change]),
            CrashJourney(
                testDescription: "changes by INSERT", letter: "I", sides: [.destination],
                skipping: CrashStep.everywhere, schema: [table],
                environment: ["IMPORT_ROW_LIMIT": "50", "COPY_VIA_S3": "false"], startsLoaded: true, change: [change]),
            CrashJourney(
                testDescription: "swap of a FullSyncTable", letter: "S", sides: [.s3, .destination],
                skipping: CrashStep.everywhere, schema: [table],
                commands: [["tables", "set", "job/t", "--mode", "FullSyncTable"]], startsLoaded: true, change: [change],
                tables: ["t", "t__loader_old"]),
        ]
        + MySQLServerKind.tested.flatMap { server in
            [
                CrashJourney(
                    testDescription: "first load from \(server.rawValue)", letter: "M", sides: [.source],
                    server: .mysql(server), schema: mysqlTable, environment: ["IMPORT_ROW_LIMIT": "100"],
                    meetsEveryMessage: server == .mariadb),
                CrashJourney(
                    testDescription: "changes from \(server.rawValue)", letter: server == .mariadb ? "N" : "Y",
                    sides: server == .mariadb ? CrashSide.allCases : [.source], server: .mysql(server),
                    schema: mysqlTable,
                    // Each pass sweeps, however soon after the last one.
                    environment: ["IMPORT_ROW_LIMIT": "50", "SWEEP_INTERVAL": "1ms"], startsLoaded: true,
                    change: mysqlChange, meetsEveryMessage: false),
            ]
        }

    private static let mysqlTable = [
        """
        CREATE TABLE t (id INT PRIMARY KEY, note VARCHAR(80), amount DECIMAL(12,2), seen TIMESTAMP(6) NULL,
            updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), INDEX (updated_at))
        """,
        """
        INSERT INTO t (id, note, amount, seen) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 230)
        SELECT i, CONCAT('first ', i), i / 7.0, TIMESTAMP'2026-01-01 00:00:00' + INTERVAL i MINUTE FROM n
        """,
    ]
    /// Of the last rows some are stamped as if long ago: those are the sweep's.
    private static let mysqlChange = [
        "DELETE FROM t WHERE id > 230",
        """
        UPDATE t SET note = CONCAT('changed ', id, ' ', UTC_TIMESTAMP(6)), updated_at = CURRENT_TIMESTAMP(6) WHERE id % 6 = 0
        """,
        """
        INSERT INTO t (id, note, updated_at) WITH RECURSIVE n AS (
        SELECT 231 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 260)
        SELECT i, CONCAT('new ', UTC_TIMESTAMP(6)),
        IF(i % 5 = 0, CURRENT_TIMESTAMP(6) - INTERVAL 3 DAY, CURRENT_TIMESTAMP(6)) FROM n
        """,
    ]

    @Test(arguments: journeys)
    func `broken at any step and run again, the rows are the source's`(_ journey: CrashJourney) async throws {
        let started = ContinuousClock.now
        let queue = ScenarioQueue()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<journey.lanes {
                group.addTask {
                    try await CrashLane.with(journey) { lane in
                        try await lane.reset()
                        let fine = try await lane.sync()
                        #expect(fine.status == 0, "\(fine.everything)")
                        #expect(try await lane.problems() == [], "without any fault")
                        let measured = lane.proxies.mapValues(\.messages)
                        queue.fill(CrashPlan.scenarios(measured, of: journey))
                        while let scenario = queue.next() {
                            queue.note(try await lane.run(scenario, measured: measured))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let all = queue.outcomes
        let report = CrashReport(journey: journey, outcomes: all)
        print(report.text, "\(all.count) runs broken in \(ContinuousClock.now - started)")
        for difference in try CrashTable.documented().differences(from: all, of: journey) {
            Issue.record("docs/faithful.md: \(difference)")
        }
        for outcome in all where !outcome.problems.isEmpty {
            let scenario = outcome.scenario
            Issue.record(
                "\(journey.testDescription): \(scenario.side) \(scenario.step) \(scenario.turn), \(scenario.fault.rawValue): \(outcome.problems.joined(separator: "; "))"
            )
        }
    }
}

/// The scenarios, taken by several lanes.
private final class ScenarioQueue: Sendable {
    private let waiting = Mutex<[CrashScenario]?>(nil)
    private let done = Mutex<[CrashOutcome]>([])

    var outcomes: [CrashOutcome] { done.withLock { $0 } }
    func note(_ outcome: CrashOutcome) { done.withLock { $0.append(outcome) } }

    /// The first lane's measure counts.
    func fill(_ scenarios: [CrashScenario]) {
        waiting.withLock { if $0 == nil { $0 = scenarios } }
    }

    func next() -> CrashScenario? {
        waiting.withLock { $0?.popLast() }
    }
}

/// Steps × faults → outcomes, in the rows of docs/faithful.md.
struct CrashReport: Sendable {
    var journey: CrashJourney
    var outcomes: [CrashOutcome]

    var text: String {
        var lines = ["", "\(journey.testDescription):"]
        for side in CrashSide.allCases {
            let mine = outcomes.filter { $0.scenario.side == side }
            for step in Set(mine.compactMap(\.step)).sorted() {
                let cells = FaultProxy.Fault.allCases.map { fault in
                    let met = mine.filter { $0.step == step && $0.scenario.fault == fault }
                    let bad = met.filter { !$0.problems.isEmpty }.count
                    let endings = Set(met.map(\.ending)).sorted().joined(separator: " or ")
                    return met.isEmpty ? "–" : endings + (bad > 0 ? " \(bad) WRONG" : "")
                }
                let row = [side.rawValue, step, journey.letter] + cells
                lines.append("| " + row.joined(separator: " | ") + " |")
            }
            let missed = mine.filter { $0.step == nil }.count
            if missed > 0 { lines.append("| \(side.rawValue): not reached | \(missed) |") }
        }
        return lines.joined(separator: "\n")
    }
}

import Foundation
import TestServers

/// One way to break one run.
struct CrashScenario: Sendable {
    var side: CrashSide
    /// What the message does.
    var step: String
    /// Which of the messages of this kind, counted around where there are fewer.
    var turn: Int
    var fault: FaultProxy.Fault

    func isMeant(_ message: String) -> Bool { CrashStep.name(of: message, on: side) == step }

    /// How many messages of this kind pass before the one that is broken.
    /// - Parameter messages: What a run without a fault sends.
    func passes(in messages: [String]) -> Int {
        turn % max(1, messages.count(where: isMeant))
    }
}

/// What became of it.
struct CrashOutcome: Sendable {
    var scenario: CrashScenario
    /// The step that was met; nil where the broken run did not come to it.
    var step: String?
    /// How the broken run ended.
    var ending: String
    /// Empty when the next run left everything right.
    var problems: [String]
}

extension CrashLane {
    /// Breaks one run, runs again, and looks.
    /// - Parameter measured: What each connection carries in this lane without a fault.
    func run(_ scenario: CrashScenario, measured: [CrashSide: [String]]) async throws -> CrashOutcome {
        let passes = scenario.passes(in: measured[scenario.side] ?? [])
        let outcome = try await run(scenario, after: passes)
        // This run had fewer messages of the kind, as where a transaction elsewhere no longer pins the horizon.
        guard outcome.step == nil, outcome.problems.isEmpty, passes > 0 else { return outcome }
        return try await run(scenario, after: 0)
    }

    private func run(_ scenario: CrashScenario, after passes: Int) async throws -> CrashOutcome {
        try await reset()
        guard let proxy = proxies[scenario.side] else { throw MissingServer(variable: "a proxy") }
        proxy.arm(scenario.fault, after: passes, of: scenario.isMeant)
        let stopped = proxy.stopped()
        let program = try loader.start(["sync", "job", "--wait"])
        async let killing: Void = {
            for await _ in stopped { program.send(SIGKILL) }
        }()
        let broken = try await program.finish()
        proxy.endWaiting()
        await killing
        let met = proxy.hit.map { CrashStep.name(of: $0, on: scenario.side) }
        proxy.reset()
        let again = try await sync()
        var problems = try await problems()
        if again.status != 0 { problems.append("the next run failed: \(again.everything)") }
        if !problems.isEmpty { problems.append("the broken run said: \(broken.everything)") }
        return CrashOutcome(
            scenario: scenario, step: met, ending: Self.ending(of: broken), problems: problems)
    }

    private static func ending(of result: ProgramResult) -> String {
        switch result.status {
        case 0: "went on"
        case 128 + SIGKILL: "killed"
        default: result.everything.firstMatch(of: /\((E_[A-Z0-9_]+)\)/).map { String($0.1) } ?? "exit \(result.status)"
        }
    }
}

/// Kinds of messages, as the documentation's table names them.
enum CrashStep {
    /// What every run does at the destination.
    static let everywhere: Set<String> = ["sign-in", "sign-off", "SET"]

    /// What a first load does only where a transaction of another test makes the sweep after it read rows again.
    static let merging = Set(["CREATE", "INSERT", "DELETE", "DROP"].map { "\($0) staging table" })

    static func name(of message: String, on side: CrashSide) -> String {
        switch (message, side) {
        case ("startup", _), ("password", _): "sign-in"
        case ("goodbye", _): "sign-off"
        case (_, .s3): request(message)
        case (_, .source): reading(message)
        case (_, .destination): writing(message)
        }
    }

    private static func request(_ line: String) -> String {
        if line.hasPrefix("PUT") { return "PUT" }
        if line.contains("?delete") { return "DELETE" }
        return line.contains("list-type") ? "LIST" : String(line.prefix { $0 != " " })
    }

    private static func reading(_ statement: String) -> String {
        if statement.hasPrefix("COPY") { return "COPY of the rows" }
        if statement.contains("pg_snapshot_xmin(pg_current_snapshot())") { return "horizon" }
        if statement.contains("pg_stat_activity") { return "clock and sessions" }
        if statement.contains("pg_prepared_xacts") { return "prepared transactions" }
        let word = firstWord(statement)
        if statement.hasPrefix("SELECT n, ") { return "measuring the batch" }
        if let name = readingMySQL(statement) { return name }
        return ["SELECT", "WITH"].contains(word) ? "catalog" : word
    }

    private static func readingMySQL(_ statement: String) -> String? {
        let activity = ["SELECT UTC_TIMESTAMP", "SHOW ", "SELECT MIN(start)"]
        if activity.contains(where: statement.hasPrefix) { return "clock and sessions" }
        if statement.hasPrefix("START TRANSACTION") { return "BEGIN" }
        if statement.contains("BIT_XOR(") { return "checksum of a range" }
        guard statement.hasPrefix("SELECT"), statement.contains(" AS t") else { return nil }
        let isMeasure = statement.hasPrefix("SELECT COUNT(*) FROM (") || statement.contains(" ORDER BY ")
        return isMeasure ? "measuring the batch" : "SELECT of the rows"
    }

    private static func writing(_ statement: String) -> String {
        let word = firstWord(statement)
        if statement.contains("loader_stage_"), word != "COPY" { return "\(word) staging table" }
        if statement.contains("checkpoint_"), !statement.contains("svv_") { return "\(word) checkpoint" }
        if statement.contains("__loader_") { return "\(word) of the swap" }
        if word == "SELECT" { return "catalog" }
        return word
    }

    private static func firstWord(_ statement: String) -> String {
        String(statement.prefix { !$0.isWhitespace }).uppercased()
    }
}

/// Which scenarios there are: every step, and every kind of step under every fault.
enum CrashPlan {
    /// - Parameter messages: What each connection carried in a run without fault.
    static func scenarios(_ messages: [CrashSide: [String]], of journey: CrashJourney) -> [CrashScenario] {
        journey.sides.flatMap { side in
            let names = (messages[side] ?? []).map { CrashStep.name(of: $0, on: side) }
            return Set(names).subtracting(journey.skipping).sorted().flatMap { name in
                // A kind with many steps gives each its turn; one with few gives each several faults.
                let faults = FaultProxy.Fault.allCases
                let messages = journey.meetsEveryMessage ? names.count { $0 == name } : 0
                return (0..<max(messages, faults.count)).map { turn in
                    CrashScenario(side: side, step: name, turn: turn, fault: faults[turn % faults.count])
                }
            }
        }
    }
}

import TestServers

/// Sessions that write one table in random transactions.
protocol ModelWriting: Sendable {
    /// Some steps, in the midst of a pass or between two.
    func work(_ steps: ClosedRange<Int>) async throws

    /// Ends every transaction; nothing is written after this.
    func finish() async throws

    /// Drops what a failed test leaves.
    func abandon() async
}

/// The model's table on each server.
extension SourceServer {
    func create(_ plan: ModelPlan) async throws {
        if kind == .postgres { try await run(plan.createTable) }
        for statement in kind == .postgres ? [] : plan.createMySQLTable { try await run(statement) }
    }

    func writers(_ plan: ModelPlan) async throws -> any ModelWriting {
        if let mysql { return try await MySQLModelWriters(plan, mysql) }
        guard let postgres else { throw MissingServer(variable: "a server") }
        return try await ModelWriters(plan, postgres)
    }

    /// Rows in the order of their keys: key, stamp in UTC, version.
    func rows(_ table: String) async throws -> [[String?]] {
        if kind == .postgres {
            return try await run("SET TimeZone TO 'UTC'; SELECT id, updated_at::text, v FROM \(table) ORDER BY id")
        }
        return try await run("SELECT id, updated_at, v FROM \(table) ORDER BY id")
    }
}

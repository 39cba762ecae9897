/// What a connection is told before its first statement, and when a limit changes.
enum SessionStatements {
    static let timezone = "SET timezone TO 'UTC'"

    static func queryGroup(_ name: String) -> String { "SET query_group TO \(RedshiftText.literal(name))" }

    static func statementTimeout(_ timeout: Duration) -> String {
        "SET statement_timeout TO \(Int(timeout / .milliseconds(1)))"
    }

    static func slotCount(_ slots: Int) -> String { "SET wlm_query_slot_count TO \(slots)" }
}

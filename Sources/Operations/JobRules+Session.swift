import Replication

extension JobRules {
    /// Slots that Redshift takes. https://docs.aws.amazon.com/redshift/latest/dg/r_wlm_query_slot_count.html
    static let slotCounts = 1...50
    static let statementTimeouts = Duration.seconds(1)...Duration.seconds(86_400)
    private static let queryGroupCharacters = 1...128

    /// - Throws: `OperationError` `usage` for the first thing that is wrong.
    static func check(_ session: DestinationSession) throws {
        if let group = session.queryGroup { try checkQueryGroup(group) }
        if let timeout = session.statementTimeout, !statementTimeouts.contains(timeout) {
            throw OperationError(
                .usage, what: "A statement timeout of \(timeout) cannot be used", why: "it is to be 1s to 24h",
                fix: "For example: --statement-timeout 5m; none leaves it to STATEMENT_TIMEOUT.")
        }
        if let slots = session.slotCount, !slotCounts.contains(slots) {
            throw OperationError(
                .usage, what: "A statement cannot take \(slots) slots of a queue",
                why: "Redshift takes \(slotCounts.lowerBound) to \(slotCounts.upperBound)",
                fix: "For example: --wlm-query-slot-count 2; none leaves it to Redshift.")
        }
    }

    private static func checkQueryGroup(_ group: String) throws {
        // `default` would mean none to Redshift, and both mean none to the options.
        let isWord = !["none", "default"].contains(group.lowercased())
        let isPrintable = group.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
        guard queryGroupCharacters.contains(group.count), isPrintable, isWord, !group.allSatisfy(\.isWhitespace) else {
            throw OperationError(
                .usage, what: "The query group cannot be used",
                why: "it has 1 to 128 printable characters, and is not called none or default",
                fix: "For example: --query-group loads; none takes the setting away.")
        }
    }
}

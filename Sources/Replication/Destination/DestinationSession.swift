/// What a job asks of its sessions at the destination, so that its statements go to the queue that is meant for them and
/// end when they should. nil leaves a setting to the loader or the server.
package struct DestinationSession: Sendable, Hashable {
    /// Label that queues route by; `redshift-loader` where nil. System views show its first 15 or 30 characters.
    /// https://docs.aws.amazon.com/redshift/latest/dg/r_query_group.html
    package var queryGroup: String?
    /// Longest statement, planning and waiting in a queue included; `STATEMENT_TIMEOUT` where nil. Redshift counts
    /// milliseconds, and a queue's own limit wins where it is lower.
    /// https://docs.aws.amazon.com/redshift/latest/dg/r_statement_timeout.html
    package var statementTimeout: Duration?
    /// 1...50 slots of a queue for each statement, which get their memory; 1 where nil. For manual queues of a
    /// provisioned cluster alone, and a statement that asks for more than its queue has fails.
    /// https://docs.aws.amazon.com/redshift/latest/dg/r_wlm_query_slot_count.html
    package var slotCount: Int?

    package init(queryGroup: String? = nil, statementTimeout: Duration? = nil, slotCount: Int? = nil) {
        self.queryGroup = queryGroup
        self.statementTimeout = statementTimeout
        self.slotCount = slotCount
    }
}

import PostgresClient
import Replication

extension RedshiftSettings {
    /// Longest statement of an ordinary kind: the job's own limit, or `STATEMENT_TIMEOUT`.
    var sessionTimeout: Duration { session.statementTimeout ?? statementTimeout }
}

extension RedshiftDestination {
    /// A connection that works as the job asks.
    /// - Throws: `PostgresError`; `CancellationError`.
    func openSession() async throws -> PostgresConnection {
        let connection = try await PostgresConnection.connect(to: settings.endpoint)
        try await connection.execute(SessionStatements.timezone)
        try await connection.execute(SessionStatements.queryGroup(settings.session.queryGroup ?? "redshift-loader"))
        try await connection.execute(SessionStatements.statementTimeout(settings.sessionTimeout))
        if let slots = settings.session.slotCount { try await take(slots, on: connection) }
        return connection
    }

    /// Slots make loads faster, not right: a server that has none to give, such as Serverless, is used without.
    private func take(_ slots: Int, on connection: PostgresConnection) async throws {
        do {
            try await connection.execute(SessionStatements.slotCount(slots))
        } catch let error as PostgresError where !error.isRetryable {
            logger.notice(
                "wlm_query_slot_count \(slots) is not taken by the destination, going on without: \(error.why)")
        }
    }
}

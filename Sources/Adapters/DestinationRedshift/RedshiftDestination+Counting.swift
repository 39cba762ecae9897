import PostgresClient
import Replication

/// Rows of a replica, as far as they could be counted.
package enum CountedRows: Sendable, Hashable {
    case rows(Int)
    /// Counting took longer than allowed.
    case tooMany
    /// There is no such table, or it may not be seen.
    case missing
}

extension RedshiftDestination {
    /// Counts a replica's rows for people who are about to change something.
    package func count(_ mapping: TableMapping, within limit: Duration) async throws -> CountedRows {
        let table = mapping.destination
        guard try await !run(ReplicaStatements.columns(of: table), table).rows.isEmpty else { return .missing }
        try await run(SessionStatements.statementTimeout(limit), table)
        do {
            let rows = try await number(ReplicaStatements.count(table), table)
            try await run(SessionStatements.statementTimeout(settings.sessionTimeout), table)
            return .rows(rows)
        } catch let error as ReplicationError where error.code == .destinationLocked {
            try await run(SessionStatements.statementTimeout(settings.sessionTimeout), table)
            return .tooMany
        }
    }
}

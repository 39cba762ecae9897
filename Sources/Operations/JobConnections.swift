import Replication
import Scheduling

/// One line of a connection test.
package struct NamedCheck: Sendable, Hashable {
    package enum Outcome: String, Sendable {
        case pass, warn, fail
    }

    package var name: String
    package var outcome: Outcome
    /// A plain sentence, with what to do where it is not a pass.
    package var message: String

    package init(_ name: String, _ outcome: Outcome, _ message: String) {
        self.name = name
        self.outcome = outcome
        self.message = message
    }
}

/// Rows of a replica, as far as they could be counted.
package enum ReplicaCount: Sendable, Hashable {
    case rows(Int)
    /// Counting took too long.
    case tooMany
    /// There is no replica.
    case missing
}

/// Questions about single tables that operations ask before they change something.
package protocol TableInspection: Sendable {
    /// Has the source parse the mapping's filter, without reading a row.
    /// - Throws: `OperationError` `usage` with the source's words where it does not parse.
    func checkFilter(_ job: JobRecord, _ mapping: TableMapping) async throws

    /// Rows at the source that the mapping copies.
    /// - Parameter floor: Only those not below it.
    /// - Returns: nil where counting takes more than 5 s.
    func sourceRows(of job: JobRecord, _ mapping: TableMapping, from floor: CursorFloor?) async throws -> Int?

    /// Rows of the replica, counted for 5 s at most.
    func replicaRows(of job: JobRecord, _ mapping: TableMapping) async throws -> ReplicaCount
}

/// The outside world of a job, for operations that look at it; the composition knows the adapters.
package protocol JobConnections: TableInspection {
    /// All tables of the job's source schemas, schema by schema.
    func discover(_ job: JobRecord) async throws -> [SourceTable]
    func source(of job: JobRecord) async throws -> any TableSource
    func destination(of job: JobRecord) async throws -> any ReplicaDestination
    /// Tries source, destination and staging, and says of each how it went. Throws nothing: a failure is a check.
    func check(_ job: JobRecord) async -> [NamedCheck]
    /// Sentences about parts of the connection strings that were ignored.
    func notices(_ job: JobRecord) throws -> [String]
}

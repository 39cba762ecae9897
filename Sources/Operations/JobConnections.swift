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

/// The outside world of a job, for operations that look at it; the composition knows the adapters.
package protocol JobConnections: Sendable {
    /// All tables of the job's source schema.
    func discover(_ job: JobRecord) async throws -> [SourceTable]
    func source(of job: JobRecord) async throws -> any TableSource
    func destination(of job: JobRecord) async throws -> any ReplicaDestination
    /// Tries source, destination and staging, and says of each how it went. Throws nothing: a failure is a check.
    func check(_ job: JobRecord) async -> [NamedCheck]
    /// Sentences about parts of the connection strings that were ignored.
    func notices(_ job: JobRecord) throws -> [String]
}

import Foundation
import Replication

/// How a connection string is found: by the name of an environment variable, read anew for each connection so that a
/// rotated one goes on working, or stored under encryption.
package enum ConnectionReference: Sendable, Hashable, Codable {
    case environment(variable: String)
    /// As the store's encryption made it; opened only where a connection is made.
    case sealed(Data)
}

/// A job as the store holds it: a source, a destination, and how often its tables are due.
package struct JobRecord: Sendable, Hashable, Identifiable {
    package var id: Int64
    package var name: String
    package var source: ConnectionReference
    package var destination: ConnectionReference
    /// Schemas of the source's tables, at least one.
    package var sourceSchemas: [String]
    package var destinationSchema: String
    /// Put before the names of replicas that are made from now on.
    package var destinationPrefix: String
    /// False until someone sets it: workers leave its tables alone, but for those asked for.
    package var active: Bool
    package var interval: Duration
    /// What its sessions at the destination are told.
    package var destinationSession: DestinationSession

    package init(
        id: Int64 = 0, name: String, source: ConnectionReference, destination: ConnectionReference,
        sourceSchemas: [String] = ["public"], destinationSchema: String = "public", destinationPrefix: String = "",
        active: Bool = false, interval: Duration = .seconds(60),
        destinationSession: DestinationSession = DestinationSession()
    ) {
        self.id = id
        self.name = name
        self.source = source
        self.destination = destination
        self.sourceSchemas = sourceSchemas
        self.destinationSchema = destinationSchema
        self.destinationPrefix = destinationPrefix
        self.active = active
        self.interval = interval
        self.destinationSession = destinationSession
    }
}

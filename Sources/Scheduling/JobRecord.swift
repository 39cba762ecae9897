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
    package var sourceSchema: String
    package var destinationSchema: String
    /// False until someone sets it: workers leave its tables alone, but for those asked for.
    package var active: Bool
    package var interval: Duration

    package init(
        id: Int64 = 0, name: String, source: ConnectionReference, destination: ConnectionReference,
        sourceSchema: String = "public", destinationSchema: String = "public", active: Bool = false,
        interval: Duration = .seconds(60)
    ) {
        self.id = id
        self.name = name
        self.source = source
        self.destination = destination
        self.sourceSchema = sourceSchema
        self.destinationSchema = destinationSchema
        self.active = active
        self.interval = interval
    }
}

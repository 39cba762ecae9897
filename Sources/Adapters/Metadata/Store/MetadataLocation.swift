import PostgresClient
import Scheduling

/// Where the metadata store is.
package enum MetadataLocation: Sendable {
    /// A file's path.
    case sqlite(String)
    case postgres(PostgresMetadataServer)

    /// For people; never a password.
    package var displayName: String {
        switch self {
        case .sqlite(let path): path
        case .postgres(let server): "postgres://\(server.endpoint.displayName)"
        }
    }
}

/// A PostgreSQL server with the store, and how it is used.
package struct PostgresMetadataServer: Sendable {
    package var endpoint: PostgresEndpoint
    /// Connections of this process at most, beside the one that listens.
    package var connections: Int
    /// In place of the server's clock, for simulations.
    package var clock: (any WallClock)?

    package init(endpoint: PostgresEndpoint, connections: Int = 4, clock: (any WallClock)? = nil) {
        self.endpoint = endpoint
        self.connections = connections
        self.clock = clock
    }
}

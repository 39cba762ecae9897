import AsyncHTTPClient
import Logging
import PostgresClient

/// What all sessions share.
struct ServerContext: Sendable {
    let settings: StandInSettings
    let backing: BackingServer
    /// The internal superuser's connection: passwords, load errors, cancels.
    let admin: PostgresConnection
    let registry = SessionRegistry()
    let faults = FaultBoard()
    let log = StatementLog()
    let http: HTTPClient
    let logger: Logger
}

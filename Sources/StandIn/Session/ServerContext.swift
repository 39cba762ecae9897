import AsyncHTTPClient
import Logging
import PostgresClient

/// What all sessions share.
struct ServerContext: Sendable {
    let settings: StandInSettings
    let backing: BackingServer
    /// The internal superuser's connection: passwords, load errors, cancels.
    let admin: PostgresConnection
    /// The number of SUPER in the PostgreSQL behind.
    let superType: UInt32
    let lateViews: LateViewNames
    let longNames: LongNames
    let registry = SessionRegistry()
    let faults = FaultBoard()
    let serial = SerialBoard()
    let log = StatementLog()
    let http: HTTPClient
    let logger: Logger
}

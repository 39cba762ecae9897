import MySQLClient
import PostgresClient
import Replication
import SourceMySQL
import SourcePostgres

/// A job's source as commands look at it, whichever server that is.
protocol JobSource: TableSource {
    /// All tables of a schema.
    func tables(inSchema schema: String) async throws -> [SourceTable]

    /// The server's name with its version, and what its user may see: the answers of `jobs test`.
    func probe() async throws -> (version: String, isStandby: Bool, clock: SourceTime)

    /// Rows at or above a floor.
    /// - Returns: nil where counting takes longer than `limit`.
    func count(_ mapping: TableMapping, from floor: CursorFloor?, within limit: Duration) async throws -> Int?

    /// - Throws: `ReplicationError` `E_CONFIG` with the server's words where the mapping's filter is no condition.
    func checkFilter(of mapping: TableMapping) async throws
}

extension PostgresSource: JobSource {}
extension MySQLSource: JobSource {}

/// Where a job reads.
enum SourceEndpoint: Sendable {
    case postgres(PostgresEndpoint)
    case mysql(MySQLEndpoint)

    /// - Parameter certificates: PEM text of trusted authorities, unless the connection string names its own.
    static func parse(
        _ url: String, connectTimeout: Duration, certificates: String?
    ) throws -> (endpoint: SourceEndpoint, notices: [String]) {
        guard isMySQL(url) else {
            var (endpoint, notices) = try PostgresEndpoint.parse(url)
            if !url.contains("connect_timeout=") { endpoint.connectTimeout = connectTimeout }
            if let certificates, endpoint.tls.rootCertificate == .system {
                endpoint.tls.rootCertificate = .pem(certificates)
            }
            return (.postgres(endpoint), notices)
        }
        var (endpoint, notices) = try MySQLEndpoint.parse(url)
        if !url.contains("connect_timeout=") { endpoint.connectTimeout = connectTimeout }
        if let certificates, endpoint.tls.rootCertificate == .system {
            endpoint.tls.rootCertificate = .pem(certificates)
        }
        return (.mysql(endpoint), notices)
    }

    static func isMySQL(_ url: String) -> Bool {
        let scheme = url.prefix { $0 != ":" }.lowercased()
        return scheme.hasPrefix("mysql") || scheme == "mariadb"
    }

    /// The schema that is meant where none is named: a MySQL server has databases in their place, and the connection
    /// string names one.
    func schema(_ named: String) -> String {
        if case .mysql(let endpoint) = self, named == Self.defaultSchema { return endpoint.database }
        return named
    }

    static let defaultSchema = "public"
}

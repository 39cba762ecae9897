/// A password that prints as `***`, so that no log line, error or dump can carry it.
package struct PostgresPassword: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    let value: String

    package init(_ value: String) {
        self.value = value
    }

    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// How a connection is encrypted and whom it believes.
package struct PostgresTLS: Sendable, Hashable {
    /// libpq's `sslmode` values that the product offers.
    package enum Mode: String, Sendable, CaseIterable {
        case disable
        case prefer
        case require
        case verifyCA = "verify-ca"
        case verifyFull = "verify-full"
    }

    /// Where the certificates of trusted authorities come from.
    package enum RootCertificate: Sendable, Hashable {
        /// The machine's CA bundle.
        case system
        /// A PEM file.
        case path(String)
        /// PEM text, as a configuration variable carries it.
        case pem(String)
    }

    package var mode: Mode
    package var rootCertificate: RootCertificate

    package init(mode: Mode, rootCertificate: RootCertificate = .system) {
        self.mode = mode
        self.rootCertificate = rootCertificate
    }
}

/// Everything needed to reach one PostgreSQL-speaking server: PostgreSQL itself, Redshift, or the stand-in.
package struct PostgresEndpoint: Sendable {
    package var host: String
    package var port: Int
    package var user: String
    package var password: PostgresPassword
    package var database: String
    package var tls: PostgresTLS
    /// Shown in `pg_stat_activity`.
    package var applicationName = "redshift-loader"
    /// Bounds TCP connect, TLS and sign-in together.
    package var connectTimeout: Duration = .seconds(10)

    package init(
        host: String, port: Int, user: String, password: String, database: String,
        tls: PostgresTLS = .init(mode: .prefer)
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = PostgresPassword(password)
        self.database = database
        self.tls = tls
    }

    /// Host, port and database: what may be shown to people.
    package var displayName: String { "\(host):\(port)/\(database)" }

    /// A host on this machine, where an unverified or missing TLS layer is acceptable.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.") || host.hasPrefix("/")
    }
}

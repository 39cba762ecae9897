/// A password that prints as `***`, so that no log line, error or dump can carry it.
package struct MySQLPassword: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    let value: String

    package init(_ value: String) {
        self.value = value
    }

    package var description: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// How a connection is encrypted and whom it believes.
package struct MySQLTLS: Sendable, Hashable {
    /// The words that PostgreSQL's connection strings use too. MySQL's own are read by `MySQLEndpoint.parse`.
    ///
    /// From `require` on, a server that offers no TLS is refused before anything but its greeting was exchanged.
    package enum Mode: String, Sendable, CaseIterable {
        case disable
        /// TLS where the server offers it and the handshake succeeds, else none. Nothing is checked.
        case prefer
        /// TLS, whoever answers; with a certificate given by path or text it is checked as by `verifyCA`.
        case require
        /// The certificate's signature is checked, its name is not. Connector/C from 3.4 on has no such check: with it
        /// the name is checked too.
        case verifyCA = "verify-ca"
        /// Signature and name, or IP address, are checked.
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

/// Everything needed to reach one MySQL or MariaDB server.
package struct MySQLEndpoint: Sendable {
    /// A name, an address, or the path of a Unix socket, over which TLS has no use and is never spoken.
    package var host: String
    package var port: Int
    package var user: String
    package var password: MySQLPassword
    /// Empty: none is chosen at sign-in.
    package var database: String
    package var tls: MySQLTLS
    /// Bounds TCP connect, TLS and sign-in together.
    package var connectTimeout: Duration = .seconds(10)
    /// How long one answer, or one more piece of a streamed one, may keep the connection waiting; nil: forever. Rounded
    /// up to seconds, which is what Connector/C counts in.
    package var readTimeout: Duration?

    package init(
        host: String, port: Int = 3306, user: String, password: String, database: String,
        tls: MySQLTLS = .init(mode: .prefer)
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = MySQLPassword(password)
        self.database = database
        self.tls = tls
    }

    /// Host, port and database: what may be shown to people.
    package var displayName: String { isUnixSocket ? "\(host) (\(database))" : "\(host):\(port)/\(database)" }

    /// A host on this machine, where an unverified or missing TLS layer is acceptable.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.") || isUnixSocket
    }

    var isUnixSocket: Bool { host.hasPrefix("/") }
}

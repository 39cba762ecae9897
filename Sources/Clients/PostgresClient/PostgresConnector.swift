import CLibPQ
import Foundation
import Glibc

/// A connection that has signed in, on its way into its actor.
struct OpenedConnection {
    let handle: PostgresHandle
    let notices: PostgresNoticeBox
}

/// Opens connections on a given executor: the connecting calls block too.
actor PostgresConnector {
    private let executor: BlockingExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(executor: BlockingExecutor) {
        self.executor = executor
    }

    /// Connects with one deadline over all addresses of the host; libpq's own `connect_timeout` starts anew for each.
    func open(_ endpoint: PostgresEndpoint) throws -> sending OpenedConnection {
        do {
            return try start(endpoint)
        } catch let error as PostgresError where error.code == .tls {
            throw error.naming(issuer: issuer(of: endpoint))
        }
    }

    private func start(_ endpoint: PostgresEndpoint) throws -> sending OpenedConnection {
        let certificate = try TemporaryCertificate(endpoint.tls)
        defer { certificate?.remove() }
        let parameters = Self.parameters(endpoint, rootCertificate: certificate?.path)
        let pointer = Self.withCStrings(parameters.map(\.0), parameters.map(\.1)) { names, values in
            PQconnectStartParams(names, values, 0)
        }
        guard let pointer else { throw PostgresError.connecting(to: endpoint, message: "out of memory") }
        let handle = PostgresHandle(pointer)
        try Self.poll(pointer, endpoint: endpoint) { false }
        let notices = PostgresNoticeBox()
        // The box outlives every call: it is owned by the same actor as the handle, and is released after it.
        PQsetNoticeReceiver(
            pointer,
            { context, result in
                guard let context, let result else { return }
                let box = Unmanaged<PostgresNoticeBox>.fromOpaque(context).takeUnretainedValue()
                box.append(PostgresConnection.notice(of: result))
            }, Unmanaged.passUnretained(notices).toOpaque())
        return OpenedConnection(handle: handle, notices: notices)
    }

    /// Connects without checking the certificate, up to the end of the TLS handshake and before anything secret is
    /// sent, to read who issued it.
    private func issuer(of endpoint: PostgresEndpoint) -> String? {
        var unchecked = endpoint
        unchecked.tls = PostgresTLS(mode: .require)
        unchecked.password = PostgresPassword("")
        let parameters = Self.parameters(unchecked, rootCertificate: nil)
        let pointer = Self.withCStrings(parameters.map(\.0), parameters.map(\.1)) { names, values in
            PQconnectStartParams(names, values, 0)
        }
        guard let pointer else { return nil }
        let handle = PostgresHandle(pointer)
        var issuer: String?
        do {
            try Self.poll(handle.pointer, endpoint: unchecked) {
                // The certificate comes in the middle of the handshake.
                issuer = ServerCertificate.issuer(of: handle.pointer)
                return issuer != nil
            }
        } catch {
            return issuer
        }
        return issuer
    }

    /// - Parameter isEnough: Asked after each step; true ends the connecting early.
    private static func poll(
        _ connection: OpaquePointer, endpoint: PostgresEndpoint, until isEnough: () -> Bool
    ) throws {
        // A name that does not resolve fails here already, however long the resolver took.
        guard PQstatus(connection) != CONNECTION_BAD else {
            throw PostgresError.connecting(to: endpoint, message: String(cString: PQerrorMessage(connection)))
        }
        let clock = ContinuousClock()
        let deadline = clock.now + endpoint.connectTimeout
        var status = PGRES_POLLING_WRITING
        while status != PGRES_POLLING_OK, !isEnough() {
            guard status != PGRES_POLLING_FAILED else {
                throw PostgresError.connecting(to: endpoint, message: String(cString: PQerrorMessage(connection)))
            }
            try Task.checkCancellation()
            let remaining = deadline - clock.now
            guard remaining > .zero else {
                throw PostgresError.connecting(to: endpoint, message: "timeout expired")
            }
            // Short waits, so that a cancelled task leaves within a quarter of a second.
            let wait = Int32(min(250, max(1, remaining / .milliseconds(1))))
            let events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT
            var descriptor = pollfd(fd: PQsocket(connection), events: Int16(events), revents: 0)
            if Glibc.poll(&descriptor, 1, wait) > 0 { status = PQconnectPoll(connection) }
        }
    }

    private static func parameters(_ endpoint: PostgresEndpoint, rootCertificate: String?) -> [(String, String)] {
        var parameters = [
            ("host", endpoint.host), ("port", String(endpoint.port)), ("user", endpoint.user),
            ("password", endpoint.password.value), ("dbname", endpoint.database),
            ("application_name", endpoint.applicationName), ("client_encoding", "UTF8"),
            ("sslmode", endpoint.tls.mode.rawValue), ("gssencmode", "disable"),
            // A peer that vanished without a word is noticed after about a minute.
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "60000"),
        ]
        if let rootCertificate { parameters.append(("sslrootcert", rootCertificate)) }
        return parameters
    }

    private static func withCStrings<Result>(
        _ names: [String], _ values: [String],
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        let nameCopies = names.map { strdup($0) }
        let valueCopies = values.map { strdup($0) }
        defer { (nameCopies + valueCopies).forEach { free($0) } }
        let namePointers = nameCopies.map { UnsafePointer($0) } + [nil]
        let valuePointers = valueCopies.map { UnsafePointer($0) } + [nil]
        return namePointers.withUnsafeBufferPointer { first in
            valuePointers.withUnsafeBufferPointer { second in
                guard let names = first.baseAddress, let values = second.baseAddress else {
                    preconditionFailure("the arrays end with nil, so they are never empty")
                }
                return body(names, values)
            }
        }
    }
}

/// The CA file that libpq reads: libpq takes no PEM text, and before release 16 has no word for the system's bundle.
struct TemporaryCertificate {
    let path: String
    private let isOurs: Bool

    /// Where Debian, Red Hat, Alpine and macOS keep their bundle.
    private static let systemBundles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    ]

    /// nil for modes that check nothing: given any file, libpq checks against it whatever the mode.
    init?(_ tls: PostgresTLS) throws {
        switch tls.rootCertificate {
        case .path(let file):
            path = file
            isOurs = false
        case .pem(let text):
            path =
                FileManager.default.temporaryDirectory
                .appendingPathComponent("loader-ca-\(UUID().uuidString).pem").path
            isOurs = true
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        case .system where tls.mode != .verifyCA && tls.mode != .verifyFull:
            return nil
        case .system:
            guard let bundle = Self.systemBundles.first(where: FileManager.default.isReadableFile) else { return nil }
            path = bundle
            isOurs = false
        }
    }

    func remove() {
        guard isOurs else { return }
        // Nothing secret is left behind if this fails: certificates of authorities are public.
        unlink(path)
    }
}

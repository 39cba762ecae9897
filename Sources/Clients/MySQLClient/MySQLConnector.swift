import CMariaDB
import Foundation
import Glibc

/// Opens connections on a given executor: the connecting calls block too.
actor MySQLConnector {
    private let executor: BlockingExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(executor: BlockingExecutor) {
        self.executor = executor
    }

    func open(_ endpoint: MySQLEndpoint) async throws -> MySQLHandle {
        let deadline = ConnectGuard(timeout: endpoint.connectTimeout)
        return try await withTaskCancellationHandler {
            do {
                try Task.checkCancellation()
                return try Self.open(endpoint, until: deadline)
            } catch {
                try Task.checkCancellation()
                throw error
            }
        } onCancel: {
            deadline.abort()
        }
    }

    /// Blocks until the sign-in is done, at most until the deadline.
    static func open(_ endpoint: MySQLEndpoint, until deadline: ConnectGuard) throws -> MySQLHandle {
        guard endpoint.tls.mode == .prefer, !endpoint.isUnixSocket else {
            return try attempt(endpoint, until: deadline)
        }
        do {
            return try attempt(endpoint, until: deadline)
        } catch let error as MySQLError where error.code == .tls {
            var plain = endpoint
            plain.tls.mode = .disable
            return try attempt(plain, until: deadline)
        }
    }

    private static func attempt(_ endpoint: MySQLEndpoint, until deadline: ConnectGuard) throws -> MySQLHandle {
        guard isLibraryReady, let pointer = mysql_init(nil) else { throw outOfMemory(endpoint) }
        var isKept = false
        defer { if !isKept { mysql_close(pointer) } }
        let certificate = try TemporaryCertificate(endpoint)
        defer { certificate?.remove() }
        setOptions(of: pointer, endpoint, certificate: certificate?.path)
        var attempt = ConnectionAttempt(endpoint: endpoint, pointer: pointer, deadline: deadline)
        try attempt.run()
        guard let socket = MySQLSocket(duplicating: mysql_get_socket(pointer)) else { throw outOfMemory(endpoint) }
        keepAlive(mysql_get_socket(pointer))
        isKept = true
        return MySQLHandle(pointer, socket: socket)
    }

    private static func outOfMemory(_ endpoint: MySQLEndpoint) -> MySQLError {
        .connecting(to: endpoint, errno: 0, sqlState: "", message: "out of memory or of file descriptors")
    }

    /// Once a process, before any other call. It also makes the process ignore SIGPIPE, which a write of TLS to a broken
    /// connection raises. Threads need nothing of their own: Connector/C keeps nothing by thread.
    private static let isLibraryReady = mysql_server_init(0, nil, nil) == 0

    // MARK: Options

    /// Bytes of stack for the steps of the connecting, which loads plugins and resolves names.
    private static let stackBytes = 1 << 20
    /// The largest row or statement, Connector/C's own limit.
    private static let packetBytes: UInt = 1 << 30

    private static func setOptions(
        of pointer: UnsafeMutablePointer<MYSQL>, _ endpoint: MySQLEndpoint, certificate: String?
    ) {
        let mode = endpoint.isUnixSocket ? .disable : endpoint.tls.mode
        let encrypts = mode != .disable
        // From 3.4 on, a certificate is checked wholly or not at all.
        let checksNames = mode == .verifyFull || (certificate != nil && mysql_get_client_version() >= 30400)
        set(pointer, MYSQL_OPT_SSL_ENFORCE, CChar(encrypts ? 1 : 0))
        set(pointer, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, CChar(checksNames ? 1 : 0))
        if let certificate { mysql_options(pointer, MYSQL_OPT_SSL_CA, certificate) }
        // Else `localhost` would mean a Unix socket.
        let socketProtocol = endpoint.isUnixSocket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP
        set(pointer, MYSQL_OPT_PROTOCOL, UInt32(socketProtocol.rawValue))
        set(pointer, MYSQL_OPT_CONNECT_TIMEOUT, wholeSeconds(endpoint.connectTimeout))
        if let readTimeout = endpoint.readTimeout {
            set(pointer, MYSQL_OPT_READ_TIMEOUT, wholeSeconds(readTimeout))
        }
        // A server that takes nothing for a minute takes nothing any more.
        set(pointer, MYSQL_OPT_WRITE_TIMEOUT, UInt32(60))
        // A server must not be able to ask for this machine's files.
        set(pointer, MYSQL_OPT_LOCAL_INFILE, UInt32(0))
        set(pointer, MYSQL_OPT_MAX_ALLOWED_PACKET, packetBytes)
        set(pointer, MYSQL_OPT_NONBLOCK, stackBytes)
        mysql_options(pointer, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        mysql_options4(pointer, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "redshift-loader")
    }

    private static func set<Value: BitwiseCopyable>(
        _ pointer: UnsafeMutablePointer<MYSQL>, _ option: mysql_option, _ value: Value
    ) {
        // Connector/C copies the value.
        withUnsafePointer(to: value) { _ = mysql_options(pointer, option, $0) }
    }

    private static func wholeSeconds(_ duration: Duration) -> UInt32 {
        UInt32(clamping: max(1, Int64((duration / .seconds(1)).rounded(.up))))
    }

    /// A peer that vanished without a word is noticed after about a minute.
    private static func keepAlive(_ descriptor: Int32) {
        let milliseconds: Int32 = 60_000
        let settings: [(Int32, Int32, Int32)] = [
            (SOL_SOCKET, SO_KEEPALIVE, 1), (Int32(IPPROTO_TCP), TCP_KEEPIDLE, 30),
            (Int32(IPPROTO_TCP), TCP_KEEPINTVL, 10), (Int32(IPPROTO_TCP), TCP_KEEPCNT, 3),
            (Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, milliseconds),
        ]
        for (level, name, value) in settings {
            var value = value
            setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}

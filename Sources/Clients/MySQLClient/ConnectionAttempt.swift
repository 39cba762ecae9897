import CMariaDB
import Dispatch
import Foundation
import Glibc

/// One try to sign in, in the steps that Connector/C offers: between them the deadline and the server's greeting are
/// looked at.
///
/// TLS handshakes run within one step; breaking the socket off bounds them.
struct ConnectionAttempt {
    let endpoint: MySQLEndpoint
    let pointer: UnsafeMutablePointer<MYSQL>
    let deadline: ConnectGuard
    /// What the greeting said; nil before it came.
    private var refusal: MySQLError?
    private var wasGreeted = false

    init(endpoint: MySQLEndpoint, pointer: UnsafeMutablePointer<MYSQL>, deadline: ConnectGuard) {
        self.endpoint = endpoint
        self.pointer = pointer
        self.deadline = deadline
    }

    mutating func run() throws {
        let watchdog = DispatchWorkItem { [deadline] in deadline.abort() }
        let rest = max(0, (deadline.deadline - .now) / .nanoseconds(1))
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(rest)), execute: watchdog)
        defer {
            watchdog.cancel()
            deadline.follow(nil)
        }
        let isConnected = connect()
        if let refusal { throw refusal }
        guard isConnected else {
            if deadline.isOver { throw MySQLError.tooSlow(endpoint) }
            throw MySQLError.connecting(
                to: endpoint, errno: mysql_errno(pointer), sqlState: String(cString: mysql_sqlstate(pointer)),
                message: String(cString: mysql_error(pointer)))
        }
        // The greeting was read already; this stays true whatever a later Connector/C makes of it.
        guard !demandsTLS || mysql_get_ssl_cipher(pointer) != nil else { throw offersNoTLS }
        // Servers may be told to ignore the character set of the handshake.
        guard mysql_set_character_set(pointer, "utf8mb4") == 0 else {
            throw MySQLError.connecting(
                to: endpoint, errno: mysql_errno(pointer), sqlState: String(cString: mysql_sqlstate(pointer)),
                message: String(cString: mysql_error(pointer)))
        }
    }

    private var demandsTLS: Bool {
        !endpoint.isUnixSocket && endpoint.tls.mode != .disable && endpoint.tls.mode != .prefer
    }

    private var offersNoTLS: MySQLError { .untrusted(endpoint, why: "the server offers no TLS") }

    // MARK: Steps

    /// Connector/C keeps the pointers until the last step.
    private mutating func connect() -> Bool {
        let (endpoint, pointer) = (endpoint, pointer)
        let isSocket = endpoint.isUnixSocket
        return endpoint.host.withCString { host in
            endpoint.user.withCString { user in
                endpoint.password.value.withCString { password in
                    endpoint.database.withCString { database in
                        steps { connected in
                            mysql_real_connect_start(
                                &connected, pointer, isSocket ? nil : host, user, password,
                                endpoint.database.isEmpty ? nil : database, UInt32(endpoint.port),
                                isSocket ? host : nil, UInt(CLIENT_MULTI_RESULTS))
                        }
                    }
                }
            }
        }
    }

    private mutating func steps(_ start: (inout UnsafeMutablePointer<MYSQL>?) -> Int32) -> Bool {
        var connected: UnsafeMutablePointer<MYSQL>?
        var status = start(&connected)
        while status != 0 {
            let descriptor = mysql_get_socket(pointer)
            // Each address of the host has a socket of its own, which first waits to be writable.
            if status & MYSQL_WAIT_WRITE != 0, !wasGreeted {
                deadline.follow(MySQLSocket(duplicating: descriptor))
            }
            var (events, isBroken) = wait(for: status, descriptor)
            // A look at a broken socket would take its error away from Connector/C.
            if events & MYSQL_WAIT_WRITE != 0, !isBroken, !wasGreeted, !endpoint.isUnixSocket {
                events = awaitGreeting(descriptor, thenReport: events)
            }
            status = mysql_real_connect_cont(&connected, pointer, events)
        }
        return connected != nil
    }

    /// - Returns: What happened, as Connector/C's bits; its timeout bit when there is no more time. And whether the
    ///   socket has an error.
    private func wait(for status: Int32, _ descriptor: Int32) -> (events: Int32, isBroken: Bool) {
        var events: Int16 = 0
        if status & MYSQL_WAIT_READ != 0 { events |= Int16(POLLIN) }
        if status & MYSQL_WAIT_WRITE != 0 { events |= Int16(POLLOUT) }
        while !deadline.isOver {
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            // Short waits, so that a cancelled task leaves within a quarter of a second.
            guard poll(&entry, 1, 250) > 0 else { continue }
            var happened: Int32 = 0
            let isBroken = Int32(entry.revents) & (POLLERR | POLLHUP | POLLNVAL) != 0
            if Int32(entry.revents) & POLLIN != 0 { happened |= MYSQL_WAIT_READ }
            if Int32(entry.revents) & POLLOUT != 0 { happened |= MYSQL_WAIT_WRITE }
            if isBroken { happened |= status & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE) }
            return (happened, isBroken)
        }
        return (MYSQL_WAIT_TIMEOUT, false)
    }

    /// Reads the greeting of a connected socket ahead of Connector/C, which begins to read it in its next step.
    ///
    /// On a server that must not be talked to further, the socket is broken off and `refusal` says why.
    private mutating func awaitGreeting(_ descriptor: Int32, thenReport events: Int32) -> Int32 {
        while true {
            guard wait(for: MYSQL_WAIT_READ, descriptor).events != MYSQL_WAIT_TIMEOUT else { return MYSQL_WAIT_TIMEOUT }
            switch MySQLGreeting.peek(descriptor) {
            case .incomplete:
                // The rest of a packet that is on its way does not change what poll says.
                poll(nil, 0, 2)
                continue
            case .none: break
            case .foreign: refusal = .foreign(endpoint)
            case .greeting(let greeting):
                wasGreeted = true
                if demandsTLS, !greeting.offersTLS { refusal = offersNoTLS }
            }
            if refusal != nil { shutdown(descriptor, Int32(SHUT_RDWR)) }
            return events
        }
    }
}

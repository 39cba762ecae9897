import CMariaDB
import Glibc
import Synchronization

/// A descriptor of our own for a connection's TCP socket, so that any thread can break the connection off at any time:
/// Connector/C closes its descriptor when it likes, and the number may then belong to another file.
final class MySQLSocket: Sendable {
    private let descriptor: Int32

    /// nil when there are no free descriptors.
    init?(duplicating original: Int32) {
        descriptor = fcntl(original, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        close(descriptor)
    }

    /// Ends both directions: a blocked read of the connection returns at once, with an error.
    func breakOff() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}

/// Owns a `MYSQL` and the unbuffered result that may be open on it, and closes both.
///
/// `@unchecked Sendable` is safe because only the connection's actor, on its own executor, touches the pointers; the
/// last reference may die on any thread, where nothing else can be using them.
final class MySQLHandle: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<MYSQL>
    let socket: MySQLSocket
    /// The rows that were asked for and not read to their end.
    var openResult: UnsafeMutablePointer<MYSQL_RES>?

    init(_ pointer: UnsafeMutablePointer<MYSQL>, socket: MySQLSocket) {
        self.pointer = pointer
        self.socket = socket
    }

    deinit {
        if let openResult {
            // Freeing a result reads it to its end first: there must be nothing to read.
            socket.breakOff()
            mysql_free_result(openResult)
        }
        mysql_close(pointer)
        // The server must see the end now, not when the last thread that may cancel lets go of the socket.
        socket.breakOff()
    }

    var errno: UInt32 { mysql_errno(pointer) }
    var sqlState: String { String(cString: mysql_sqlstate(pointer)) }
    var message: String { String(cString: mysql_error(pointer)) }
}

/// What may end a connection attempt from outside: its deadline, or a cancelled task.
final class ConnectGuard: Sendable {
    private struct State {
        var isAborted = false
        var socket: MySQLSocket?
    }
    private let state = Mutex(State())
    let deadline: ContinuousClock.Instant

    init(timeout: Duration) {
        deadline = .now + timeout
    }

    var isOver: Bool { state.withLock { $0.isAborted } || ContinuousClock.now >= deadline }

    /// The socket of the address that is being tried now.
    func follow(_ socket: MySQLSocket?) {
        state.withLock { state in
            state.socket = socket
            if state.isAborted { socket?.breakOff() }
        }
    }

    /// Breaks off what is waiting for the server, in calls of Connector/C too.
    func abort() {
        state.withLock { state in
            state.isAborted = true
            state.socket?.breakOff()
        }
    }
}

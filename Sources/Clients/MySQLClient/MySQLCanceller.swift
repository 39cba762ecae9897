import CMariaDB
import Dispatch
import Foundation
import Synchronization

/// Ends the statement of a connection from any thread, by `KILL QUERY` over a second, short connection.
final class MySQLCanceller: Sendable {
    private struct State {
        /// Counts the calls on the connection; odd while one runs.
        var turn = 0
        var wasRequested = false
    }

    private static let queue = DispatchQueue(label: "mysql.cancel", attributes: .concurrent)
    /// A statement that had not reached the server when it was cancelled is hit by a later request.
    private static let pause = 0.5

    private let endpoint: MySQLEndpoint
    private let connectionID: UInt
    private let socket: MySQLSocket
    private let state = Mutex(State())

    init(endpoint: MySQLEndpoint, connectionID: UInt, socket: MySQLSocket) {
        var killer = endpoint
        killer.database = ""
        killer.readTimeout = endpoint.connectTimeout
        self.endpoint = killer
        self.connectionID = connectionID
        self.socket = socket
    }

    // MARK: The connection's calls

    func callBegins() {
        state.withLock {
            $0.turn += 1
            $0.wasRequested = false
        }
    }

    func callEnds() {
        state.withLock { $0.turn += 1 }
    }

    /// Whether the call at hand was asked to end.
    var wasRequested: Bool { state.withLock(\.wasRequested) }

    // MARK: Ending them

    /// One request; returns at once.
    func request() {
        state.withLock { $0.wasRequested = true }
        Self.queue.async { [self] in
            // Nobody is left to tell: the statement goes on, and its caller sees that.
            do { try kill() } catch {}
        }
    }

    /// Requests until the call at hand has ended; after `connectTimeout`, or when no second connection can be had, the
    /// connection itself is broken off. Returns at once.
    func insist() {
        let turn = state.withLock { state in
            state.wasRequested = true
            return state.turn
        }
        let end = ContinuousClock.now + endpoint.connectTimeout
        Self.queue.async { [self] in press(turn, until: end) }
    }

    private func press(_ turn: Int, until end: ContinuousClock.Instant) {
        guard state.withLock({ $0.turn == turn }), turn % 2 == 1 else { return }
        do {
            guard ContinuousClock.now < end else { return socket.breakOff() }
            try kill()
            Self.queue.asyncAfter(deadline: .now() + Self.pause) { [self] in press(turn, until: end) }
        } catch {
            if state.withLock({ $0.turn == turn }) { socket.breakOff() }
        }
    }

    /// Blocks until the server has taken the request; its effect comes a moment later.
    func kill() throws {
        let handle = try MySQLConnector.open(endpoint, until: ConnectGuard(timeout: endpoint.connectTimeout))
        let statement = "KILL QUERY \(connectionID)"
        // 1094: the connection has ended by itself, which is as good.
        guard mysql_query(handle.pointer, statement) != 0, handle.errno != 1094 else { return }
        throw MySQLError.statement(
            endpoint: endpoint.displayName, errno: handle.errno, sqlState: handle.sqlState, message: handle.message)
    }
}

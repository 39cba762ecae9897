import CLibPQ
import Glibc

extension PostgresConnection {
    /// Runs `body` on the connection's thread: its statements follow each other without leaving it.
    ///
    /// A transaction that `body` leaves open stays open. Cancelling the calling task cancels the statement at hand at
    /// the server and leaves the connection unusable, as does a passed limit; either ends the wait for a server that
    /// says nothing more.
    /// - Parameter limit: For all statements of `body` together.
    /// - Throws: What `body` throws; `CancellationError`; `PostgresError` with `.timeout` when the limit has passed.
    @discardableResult
    package func withSession<Value: Sendable>(
        limit: Duration = .seconds(30), _ body: @Sendable (PostgresSession) throws -> Value
    ) async throws -> Value {
        // A task cancelled when the last answer was here already may have sent a request that is still on its way.
        defer { if Task.isCancelled { isCancelled = true } }
        return try await cancellable { connection in
            let wire = SessionWire(connection, endpoint: self.endpoint, limit: limit)
            PQsetnonblocking(connection, 1)
            defer { self.leave(wire, connection) }
            let value = try body(PostgresSession(wire: wire, kept: self.kept))
            if let ending = wire.ending { throw ending }
            return value
        }
    }

    private func leave(_ wire: SessionWire, _ connection: OpaquePointer) {
        guard wire.ending != nil else {
            PQsetnonblocking(connection, 0)
            return
        }
        // It stays non-blocking: closing it must not wait for a silent server either.
        isCancelled = true
        if !Task.isCancelled { requestCancel() }
    }

    /// Waits until the socket has something to read, for at most a quarter of a second: callers look in between whether
    /// their task was cancelled.
    static func waitForSocket(
        of connection: OpaquePointer, alsoForSending: Bool = false, until deadline: ContinuousClock.Instant
    ) {
        let left: Duration = deadline - ContinuousClock.now
        let milliseconds: Double = left / .milliseconds(1)
        let events = alsoForSending ? POLLIN | POLLOUT : POLLIN
        var descriptor = pollfd(fd: PQsocket(connection), events: Int16(events), revents: 0)
        _ = Glibc.poll(&descriptor, 1, Int32(min(250, max(1, milliseconds))))
    }
}

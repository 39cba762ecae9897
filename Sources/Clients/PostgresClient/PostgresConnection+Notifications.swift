import CLibPQ

/// What a session that LISTENs is told by a NOTIFY.
package struct PostgresNotification: Sendable, Hashable {
    package var channel: String
    /// Empty when the NOTIFY had none.
    package var payload: String
    /// Of the server's process that sent it.
    package var processID: Int32

    package init(channel: String, payload: String, processID: Int32) {
        self.channel = channel
        self.payload = payload
        self.processID = processID
    }
}

extension PostgresConnection {
    /// Waits for a NOTIFY on a channel that the session LISTENs to; those that came with earlier answers come first.
    ///
    /// The connection does nothing else meanwhile, closing included. A cancelled task leaves within a quarter of a
    /// second, and the connection is then usable for closing only.
    /// - Returns: nil when `timeout` has passed.
    /// - Throws: `PostgresError` with `.connectionLost`; `CancellationError`.
    package func nextNotification(within timeout: Duration) async throws -> PostgresNotification? {
        let deadline = ContinuousClock.now + timeout
        return try await cancellable { connection -> PostgresNotification? in
            while true {
                let isOpen = PQconsumeInput(connection) == 1
                if let notification = Self.takeNotification(connection) { return notification }
                guard isOpen else { throw self.lost() }
                try Task.checkCancellation()
                guard ContinuousClock.now < deadline else { return nil }
                Self.waitForSocket(of: connection, until: deadline)
            }
        }
    }

    private static func takeNotification(_ connection: OpaquePointer) -> PostgresNotification? {
        guard let found = PQnotifies(connection) else { return nil }
        defer { PQfreemem(found) }
        return PostgresNotification(
            channel: String(cString: found.pointee.relname), payload: String(cString: found.pointee.extra),
            processID: found.pointee.be_pid)
    }
}

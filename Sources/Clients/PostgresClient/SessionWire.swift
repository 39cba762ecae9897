import CLibPQ

/// Sends statements and waits for their answers without blocking in libpq, so that a cancelled task or a passed limit
/// leaves within a quarter of a second even when the server has gone silent.
///
/// The connection is in libpq's non-blocking mode (https://www.postgresql.org/docs/current/libpq-async.html).
final class SessionWire {
    private let connection: OpaquePointer
    private let endpoint: PostgresEndpoint
    private let limit: Duration
    private let deadline: ContinuousClock.Instant
    /// Why no statement can follow: an answer was given up, and what is left of it would be taken for the next one's.
    private(set) var ending: (any Error)?

    init(_ connection: OpaquePointer, endpoint: PostgresEndpoint, limit: Duration) {
        self.connection = connection
        self.endpoint = endpoint
        self.limit = limit
        deadline = ContinuousClock.now + limit
    }

    /// Whether no transaction is open, not even a failed one.
    var isIdle: Bool { PQtransactionStatus(connection) == PQTRANS_IDLE }

    /// - Parameter send: One of libpq's `PQsend…`, which answer 1 or 0.
    /// - Returns: The answer to the last statement sent.
    func answer(to send: (OpaquePointer) -> Int32) throws -> PostgresResult {
        if let ending { throw ending }
        try checkTime()
        guard send(connection) == 1 else {
            // On an open connection libpq refuses only what it cannot send: a stream is unfinished, or values too many.
            let error = PostgresConnection.lost(connection, endpoint: endpoint)
            throw PQstatus(connection) == CONNECTION_OK ? PostgresConnection.misuse(error.why) : end(error)
        }
        var answer: PostgresResult?
        var failure: PostgresError?
        while let result = try nextResult() {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                answer = PostgresConnection.read(result)
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                throw end(PostgresConnection.misuse("a session cannot COPY"))
            default:
                failure =
                    failure ?? PostgresConnection.error(of: result, endpoint: endpoint)
                    ?? PostgresConnection.lost(connection, endpoint: endpoint)
            }
        }
        if let failure {
            // The server says only that the statement was cancelled, not that the task was.
            throw Task.isCancelled ? end(CancellationError()) : failure
        }
        guard let answer else { throw end(PostgresConnection.lost(connection, endpoint: endpoint)) }
        return answer
    }

    /// - Returns: nil when the answers to what was sent are complete.
    private func nextResult() throws -> OpaquePointer? {
        var unsent = PQflush(connection)
        while unsent != 0 || PQisBusy(connection) == 1 {
            guard unsent >= 0 else { throw end(PostgresConnection.lost(connection, endpoint: endpoint)) }
            try checkTime()
            PostgresConnection.waitForSocket(of: connection, alsoForSending: unsent == 1, until: deadline)
            // Also after a wait in vain: TLS may hold bytes that the socket has delivered already.
            guard PQconsumeInput(connection) == 1 else {
                throw end(PostgresConnection.lost(connection, endpoint: endpoint))
            }
            unsent = PQflush(connection)
        }
        return PQgetResult(connection)
    }

    private func checkTime() throws {
        if Task.isCancelled { throw end(CancellationError()) }
        guard ContinuousClock.now < deadline else {
            throw end(
                PostgresError(
                    code: .timeout, what: "\(endpoint.displayName) did not answer within \(limit)",
                    why: "a statement waits for a lock, is slow, or the server has gone silent",
                    fix: "It is tried again on a new connection; if this repeats, look at the server's load and locks.")
            )
        }
    }

    private func end(_ error: any Error) -> any Error {
        ending = error
        return error
    }
}

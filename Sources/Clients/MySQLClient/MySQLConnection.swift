import CMariaDB
import Foundation

/// One connection to a MySQL or MariaDB server, over MariaDB Connector/C and the text protocol, in utf8mb4.
///
/// The actor runs on a thread of its own, so that blocking calls never hold up the shared pool. Cancelling the calling
/// task ends the statement at the server, throws `CancellationError` and leaves the connection unusable: a late
/// request could otherwise hit the next statement.
package actor MySQLConnection {
    private let executor: BlockingExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let endpoint: MySQLEndpoint
    /// The server's number of this connection, as `KILL` takes it.
    package nonisolated let connectionID: UInt
    /// For example `10.11.6-MariaDB` or `8.4.3`.
    package nonisolated let serverVersion: String
    /// Name of the cipher; nil without TLS.
    package nonisolated let cipher: String?
    private nonisolated let canceller: MySQLCanceller
    private var handle: MySQLHandle?
    private var isCancelled = false
    private var isLost = false
    private var callBegan = ContinuousClock.now
    var stream = MySQLStreamState.none

    private init(endpoint: MySQLEndpoint, executor: BlockingExecutor, handle: MySQLHandle) {
        self.endpoint = endpoint
        self.executor = executor
        self.handle = handle
        connectionID = mysql_thread_id(handle.pointer)
        let version = mysql_get_server_info(handle.pointer).map { String(cString: $0) } ?? ""
        // What MariaDB says to replicas that know nothing of versions above 9.
        serverVersion = version.hasPrefix("5.5.5-") ? String(version.dropFirst(6)) : version
        cipher = mysql_get_ssl_cipher(handle.pointer).map { String(cString: $0) }
        canceller = MySQLCanceller(endpoint: endpoint, connectionID: connectionID, socket: handle.socket)
    }

    /// Opens a connection within `endpoint.connectTimeout`.
    /// - Throws: `MySQLError`, classified; `CancellationError`.
    package static func connect(to endpoint: MySQLEndpoint) async throws -> MySQLConnection {
        let executor = BlockingExecutor(label: "mysql.\(endpoint.host)")
        let handle = try await MySQLConnector(executor: executor).open(endpoint)
        return MySQLConnection(endpoint: endpoint, executor: executor, handle: handle)
    }

    // MARK: Whole answers

    /// Runs one statement and returns its answer, held in memory; of a procedure's answers the last.
    /// - Throws: `MySQLError`; `CancellationError`.
    @discardableResult
    package func execute(_ sql: String) async throws -> MySQLResult {
        try await cancellable { handle in
            try self.send(sql, handle)
            var answer = try self.storedAnswer(handle)
            while mysql_more_results(handle.pointer) != 0 {
                guard mysql_next_result(handle.pointer) <= 0 else { throw self.failure(handle) }
                let next = try self.storedAnswer(handle)
                // A procedure ends with an answer without rows.
                if !next.columns.isEmpty || answer.columns.isEmpty { answer = next }
            }
            return answer
        }
    }

    func send(_ sql: String, _ handle: MySQLHandle) throws {
        guard handle.openResult == nil else { throw misuse("the rows of the statement before were not read") }
        stream = .none
        let failed = sql.withCString { mysql_real_query(handle.pointer, $0, UInt(sql.utf8.count)) }
        guard failed == 0 else { throw failure(handle) }
    }

    private func storedAnswer(_ handle: MySQLHandle) throws -> MySQLResult {
        guard let result = mysql_store_result(handle.pointer) else {
            guard handle.errno == 0 else { throw failure(handle) }
            return MySQLResult(columns: [], rows: [], affectedRows: mysql_affected_rows(handle.pointer))
        }
        defer { mysql_free_result(result) }
        return Self.read(result)
    }

    // MARK: State

    /// Whether statements can still be sent.
    package var isUsable: Bool { handle != nil && !isCancelled && !isLost }

    /// Asks the server to end the statement at hand; unlike a cancelled task this leaves the connection usable.
    package nonisolated func requestCancel() {
        canceller.request()
    }

    /// Closes the connection; a transaction at hand is rolled back by the server. Closing twice is fine.
    package func close() {
        handle = nil
        stream = .none
    }

    // MARK: Helpers

    /// Runs `body` with the connection's handle; a cancelled task reaches the server.
    func cancellable<Value: Sendable>(_ body: (MySQLHandle) throws -> Value) async throws -> Value {
        guard let handle, isUsable else { throw lost() }
        return try await withTaskCancellationHandler {
            canceller.callBegins()
            callBegan = .now
            defer { canceller.callEnds() }
            do {
                try Task.checkCancellation()
                let value = try body(handle)
                // MySQL answers an interrupted SLEEP, for one, without an error.
                try Task.checkCancellation()
                return value
            } catch {
                guard Task.isCancelled else { throw error }
                isCancelled = true
                throw CancellationError()
            }
        } onCancel: { [canceller] in
            canceller.insist()
        }
    }

    /// Ends the statement whose rows are streaming, from a second connection; blocks.
    func killQuery() throws {
        try canceller.kill()
    }

    /// The error of the call before, and whether the connection survived it.
    func failure(_ handle: MySQLHandle) -> MySQLError {
        var error = MySQLError.statement(
            endpoint: endpoint.displayName, errno: handle.errno, sqlState: handle.sqlState, message: handle.message)
        // Where a connection is killed in the midst of a statement, the server may first call it interrupted.
        if error.code == .cancelled, error.errno == 1317, !canceller.wasRequested, mysql_ping(handle.pointer) != 0 {
            error = MySQLError.statement(
                endpoint: endpoint.displayName, errno: 2013, sqlState: "HY000",
                message: "it was ended by the server: \(error.why)")
        }
        guard error.code == .connectionLost else { return error }
        isLost = true
        // Connector/C has no number for it.
        if let limit = endpoint.readTimeout, .now - callBegan >= limit {
            error.code = .timeout
            error.what = "\(endpoint.displayName) did not answer within \(limit)"
        }
        return error
    }

    /// Nothing can be sent any more: the state of the stream is not known.
    func abandon() {
        isLost = true
        handle?.socket.breakOff()
    }

    func misuse(_ why: String) -> MySQLError {
        MySQLError(code: .misuse, what: "A statement was used wrongly", why: why, fix: "Report this as a bug.")
    }

    private func lost() -> MySQLError {
        MySQLError(
            code: .connectionLost, what: "The connection to \(endpoint.displayName) is lost",
            why: isCancelled ? "its statement was cancelled" : "it was closed",
            fix: "The connection is opened again with the next try.")
    }
}

import CLibPQ
import Foundation

/// One connection to a PostgreSQL-speaking server, over libpq: streams and whole answers by the simple query protocol,
/// bound values by `withSession`.
///
/// The actor runs on a thread of its own, so that blocking calls never hold up the shared pool. Cancelling the calling
/// task cancels the statement at the server, throws `CancellationError` and leaves the connection unusable: a late
/// cancel request could otherwise hit the next statement.
package actor PostgresConnection {
    private let executor: BlockingExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let endpoint: PostgresEndpoint
    private var handle: PostgresHandle?
    private nonisolated let canceller: PostgresCanceller?
    private let notices: PostgresNoticeBox
    let kept = KeptStatements()
    /// Whether an answer was given up: nothing more may be sent.
    var isCancelled = false

    private init(endpoint: PostgresEndpoint, executor: BlockingExecutor, opened: sending OpenedConnection) {
        self.endpoint = endpoint
        self.executor = executor
        handle = opened.handle
        notices = opened.notices
        canceller = PostgresCanceller(opened.handle.pointer)
    }

    /// Opens a connection within `endpoint.connectTimeout`.
    /// - Throws: `PostgresError`, classified; `CancellationError`.
    package static func connect(to endpoint: PostgresEndpoint) async throws -> PostgresConnection {
        let executor = BlockingExecutor(label: "postgres.\(endpoint.host)")
        let opened = try await PostgresConnector(executor: executor).open(endpoint)
        return PostgresConnection(endpoint: endpoint, executor: executor, opened: opened)
    }

    // MARK: Whole answers

    /// Runs one string of statements and returns the last one's answer, held in memory.
    /// - Throws: `PostgresError`; `CancellationError`.
    @discardableResult
    package func execute(_ sql: String) async throws -> PostgresResult {
        try await cancellable { connection in
            guard let result = PQexec(connection, sql) else { throw self.lost() }
            defer { PQclear(result) }
            try self.check(result)
            return Self.read(result)
        }
    }

    // MARK: Streams

    /// Starts a query whose rows `nextQueryEvent` delivers one portion at a time.
    package func beginQuery(_ sql: String) async throws {
        try await cancellable { connection in
            guard PQsendQuery(connection, sql) == 1 else { throw self.lost() }
            PQsetSingleRowMode(connection)
        }
    }

    /// The next portion of a started query: columns, then rows up to about `maximumBytes`, then the command tag.
    /// - Returns: nil when the answer is complete and the connection is ready.
    package func nextQueryEvent(maximumBytes: Int) async throws -> PostgresQueryEvent? {
        try await cancellable { connection in
            if let waiting = self.pending {
                self.pending = nil
                return waiting
            }
            return try self.readEvent(connection, maximumBytes: maximumBytes)
        }
    }

    /// An event that was read past, because columns and first row arrive together.
    private var pending: PostgresQueryEvent?
    /// Whether the columns of the statement at hand were delivered.
    private var columnsSent = false

    private func readEvent(_ connection: OpaquePointer, maximumBytes: Int) throws -> PostgresQueryEvent? {
        var rows: [[[UInt8]?]] = []
        var bytes = 0
        while true {
            guard let result = PQgetResult(connection) else {
                columnsSent = false
                return rows.isEmpty ? nil : .rows(rows)
            }
            defer { PQclear(result) }
            try check(result, drain: true)
            let status = PQresultStatus(result)
            if status == PGRES_SINGLE_TUPLE {
                if !columnsSent {
                    columnsSent = true
                    pending = .rows([Self.rawRow(result, 0)])
                    return .columns(Self.columns(result))
                }
                let row = Self.rawRow(result, 0)
                bytes += row.reduce(0) { $0 + ($1?.count ?? 0) + 8 }
                rows.append(row)
                if bytes >= maximumBytes { return .rows(rows) }
                continue
            }
            let completed = PostgresQueryEvent.completed(tag: String(cString: PQcmdStatus(result)))
            if status == PGRES_TUPLES_OK, !columnsSent {
                pending = completed
                return .columns(Self.columns(result))
            }
            columnsSent = false
            if rows.isEmpty { return completed }
            pending = completed
            return .rows(rows)
        }
    }

    // MARK: COPY

    /// Starts a `COPY … TO STDOUT`.
    package func beginCopyOut(_ sql: String) async throws {
        try await cancellable { connection in try self.beginCopy(connection, sql, expecting: PGRES_COPY_OUT) }
    }

    /// Whole rows of the running COPY, about `maximumBytes` of them; nil at its successful end.
    ///
    /// The server sends one message a row, so row ends need no look at the bytes. Nothing is read ahead: a slow caller
    /// slows the server.
    package func nextCopyChunk(maximumBytes: Int) async throws -> PostgresCopyChunk? {
        try await cancellable { connection in
            var chunk = PostgresCopyChunk(bytes: [], rows: 0, longestRowBytes: 0)
            guard !self.copyFinished else { return nil }
            chunk.bytes.reserveCapacity(maximumBytes + maximumBytes / 16)
            while chunk.bytes.count < maximumBytes {
                var row: UnsafeMutablePointer<CChar>?
                let length = Int(PQgetCopyData(connection, &row, 0))
                if length == -1 {
                    try self.finishCopy(connection)
                    break
                }
                guard length >= 0, let row else { throw self.lost() }
                UnsafeRawPointer(row).withMemoryRebound(to: UInt8.self, capacity: length) {
                    chunk.bytes.append(contentsOf: UnsafeBufferPointer(start: $0, count: length))
                }
                PQfreemem(row)
                chunk.rows += 1
                chunk.longestRowBytes = max(chunk.longestRowBytes, length)
            }
            return chunk.rows == 0 ? nil : chunk
        }
    }

    private var copyFinished = true
    private var copyTag = ""

    private func beginCopy(_ connection: OpaquePointer, _ sql: String, expecting: ExecStatusType) throws {
        guard let result = PQexec(connection, sql) else { throw lost() }
        defer { PQclear(result) }
        try check(result)
        guard PQresultStatus(result) == expecting else {
            throw Self.misuse("the statement was not a COPY in the expected direction")
        }
        copyFinished = false
    }

    /// Reads the results behind the last row: an error after the last row, such as a cancel, shows only here.
    private func finishCopy(_ connection: OpaquePointer) throws {
        var failure: (any Error)?
        while let result = PQgetResult(connection) {
            do { try check(result) } catch { failure = failure ?? error }
            copyTag = String(cString: PQcmdStatus(result))
            PQclear(result)
        }
        copyFinished = true
        if let failure { throw failure }
    }

    /// Starts a `COPY … FROM STDIN`.
    package func beginCopyIn(_ sql: String) async throws {
        try await cancellable { connection in try self.beginCopy(connection, sql, expecting: PGRES_COPY_IN) }
    }

    /// Sends bytes of the running COPY; they need not end at a row's end.
    package func sendCopyData(_ bytes: [UInt8]) async throws {
        try await cancellable { connection in
            let sent = bytes.withUnsafeBytes { buffer in
                PQputCopyData(
                    connection, buffer.bindMemory(to: CChar.self).baseAddress, Int32(buffer.count))
            }
            guard sent == 1 else { throw self.lost() }
        }
    }

    /// Ends the running COPY.
    /// - Returns: The rows that the server counted.
    package func endCopyIn() async throws -> Int {
        try await cancellable { connection in
            guard PQputCopyEnd(connection, nil) == 1 else { throw self.lost() }
            try self.finishCopy(connection)
            return self.copyTag.split(separator: " ").last.flatMap { Int($0) } ?? 0
        }
    }

    /// Aborts the running COPY; the error with which the server answers is expected and dropped.
    package func failCopyIn(reason: String) async throws {
        try await cancellable { connection in
            guard PQputCopyEnd(connection, reason) == 1 else { throw self.lost() }
            do { try self.finishCopy(connection) } catch is PostgresError {}
        }
    }

    // MARK: State

    /// Notices since the last call, oldest first, at most 200.
    package func takeNotices() -> [PostgresNotice] { notices.take() }

    /// The server's view of the transaction at hand.
    package var transactionStatus: PostgresTransactionStatus {
        guard let handle else { return .unknown }
        switch PQtransactionStatus(handle.pointer) {
        case PQTRANS_IDLE: return .idle
        case PQTRANS_ACTIVE: return .active
        case PQTRANS_INTRANS: return .inTransaction
        case PQTRANS_INERROR: return .inFailedTransaction
        default: return .unknown
        }
    }

    /// Whether statements can still be sent.
    package var isUsable: Bool {
        guard let handle, !isCancelled else { return false }
        return PQstatus(handle.pointer) == CONNECTION_OK
    }

    /// A value that the server reported at sign-in, for example `server_version`.
    package func parameterStatus(_ name: String) -> String? {
        handle.flatMap { PQparameterStatus($0.pointer, name) }.map { String(cString: $0) }
    }

    /// Asks the server to cancel the statement at hand; unlike a cancelled task this leaves the connection usable.
    package nonisolated func requestCancel() {
        canceller?.cancel()
    }

    /// Closes the connection; a transaction at hand is rolled back by the server. Closing twice is fine.
    package func close() {
        handle = nil
    }

    // MARK: Helpers

    func cancellable<Value: Sendable>(
        _ body: (OpaquePointer) throws -> Value
    ) async throws -> Value {
        guard let handle, !isCancelled else { throw lost() }
        return try await withTaskCancellationHandler {
            do {
                try Task.checkCancellation()
                return try body(handle.pointer)
            } catch {
                guard Task.isCancelled else { throw error }
                isCancelled = true
                throw CancellationError()
            }
        } onCancel: { [canceller] in
            canceller?.cancel()
        }
    }

    func lost() -> PostgresError { Self.lost(handle?.pointer, endpoint: endpoint) }

    /// - Parameter drain: Read the results behind a failed one, so that the connection is ready afterwards.
    private func check(_ result: OpaquePointer, drain: Bool = false) throws {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE, PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_EMPTY_QUERY:
            return
        default:
            let error = Self.error(of: result, endpoint: endpoint) ?? lost()
            if drain, let handle {
                while let next = PQgetResult(handle.pointer) { PQclear(next) }
                columnsSent = false
            }
            throw error
        }
    }
}

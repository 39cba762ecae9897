import Foundation
import NIOCore
import PostgresClient

/// One signed-in client: its backing connection, its transaction, its small memory.
actor Session {
    typealias Outbound = NIOAsyncChannelOutboundWriter<ByteBuffer>

    /// Thrown to close the client's connection without a word: faults do that.
    struct Dropped: Error {}

    /// Answers are handed to the network in pieces of about this size.
    static let flushBytes = 64 * 1024

    let server: ServerContext
    let outbound: Outbound
    let connection: PostgresConnection
    let pid: Int32
    let user: String
    var messages: BackendMessages
    var appearance: Appearance
    /// A transaction that this stand-in opened around a message of several statements.
    var isImplicit = false
    /// The client waits in vain until it goes away.
    private(set) var isHeld = false
    var kept: [String: String] = [:]
    var extended = ExtendedState()
    var reply = RowReply()
    var lastCopyCount: Int64 = 0
    var lastCopyID: Int64 = -1

    init(server: ServerContext, outbound: Outbound, connection: PostgresConnection, pid: Int32, user: String) {
        self.server = server
        self.outbound = outbound
        self.connection = connection
        self.pid = pid
        self.user = user
        appearance = Appearance(superType: server.superType)
        messages = BackendMessages(appearance)
    }

    /// Serves the client until it leaves.
    func run(_ incoming: AsyncStream<FrontendMessage>.Iterator) async throws {
        var incoming = incoming
        var skipsToSync = false
        while let message = await incoming.next(isolation: self) {
            if isHeld { continue }
            switch message {
            case .query(let bytes): try await query(bytes)
            case .tooLong(let bytes, let isExtended):
                if skipsToSync { continue }
                try await fail(.tooLarge(bytes))
                if isExtended { skipsToSync = true } else { try await ready() }
            case .extended(let message):
                if !skipsToSync { skipsToSync = try await !succeeds { try await self.perform(message) } }
            case .sync:
                skipsToSync = false
                try await sync()
            case .terminate: return
            case .flush: try await flush()
            case .unknown(let type):
                messages.error(
                    StandInError("08P01", "unexpected message type \(type)", endsSession: true), severity: "FATAL")
                try await flush()
                return
            default: break
            }
        }
    }

    /// One simple-query message with any number of statements.
    private func query(_ bytes: [UInt8]) async throws {
        extended.statements[""] = nil
        extended.portals[""] = nil
        _ = try await succeeds { try await self.runStatements(bytes) }
        if !isHeld { try await ready() }
    }

    private func runStatements(_ bytes: [UInt8]) async throws {
        guard bytes.count <= FrontendDecoder.statementLimitBytes else { throw StandInError.tooLarge(bytes.count) }
        let sql = try Tokenizer.read(bytes)
        try await noteNames(sql)
        let ranges = sql.statements()
        if ranges.isEmpty { messages.emptyQuery() }
        for (index, range) in ranges.enumerated() {
            await server.log.add(session: pid, SecretMask.mask(sql, range))
            await server.registry.beginStatement(pid: pid)
            let plan = try Rewriter.plan(sql, range, expressionContext)
            try await prepareReferences(sql, range)
            try await underFaults(plan, sql, range) {
                try await self.perform(plan, isSeveral: ranges.count > 1, isLast: index == ranges.count - 1)
            }
            if isHeld { return }
        }
        if isImplicit { try await endImplicit() }
    }

    /// What a rewritten expression must carry of this session.
    var expressionContext: ExpressionContext {
        ExpressionContext(lastCopyCount: lastCopyCount, lastCopyID: lastCopyID)
    }

    /// Runs `body`; an error that is the client's to know is sent to it.
    /// - Returns: false after an error.
    private func succeeds(_ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            return true
        } catch let error as PostgresError {
            try await fail(serialError(StandInError(backing: error)))
        } catch let error as StandInError {
            try await fail(error)
        }
        return false
    }

    /// Sends an error; a transaction at hand is failed by it, whoever noticed it.
    func fail(_ error: StandInError) async throws {
        await endSerial(committed: false)
        if isImplicit {
            isImplicit = false
            try await ignoringRefusal { try await self.connection.execute("ROLLBACK") }
        } else if await connection.transactionStatus == .inTransaction {
            // The one way to make PostgreSQL see an error that it did not make.
            try await ignoringRefusal { try await self.connection.execute("standin_refused") }
        }
        _ = await connection.takeNotices()
        messages.error(error, severity: error.endsSession ? "FATAL" : "ERROR")
        if error.endsSession {
            try await flush()
            throw Dropped()
        }
    }

    private func ignoringRefusal(_ body: () async throws -> Void) async throws {
        do { try await body() } catch is PostgresError {}
    }

    func endImplicit() async throws {
        isImplicit = false
        try await connection.execute("COMMIT")
        await endSerial(committed: true)
    }

    func ready() async throws {
        let status = await connection.transactionStatus
        if status == .unknown {
            messages.error(
                StandInError("57P01", "terminating connection due to administrator command", endsSession: true),
                severity: "FATAL")
            try await flush()
            throw Dropped()
        }
        messages.readyForQuery(status)
        try await flush()
    }

    func flush() async throws {
        guard messages.buffer.readableBytes > 0 else { return }
        let full = messages
        messages = BackendMessages(appearance)
        try await outbound.write(full.buffer)
    }

    func hold() {
        isHeld = true
        messages = BackendMessages(appearance)
    }

    /// The client's end of the connection is gone: a statement inside a transaction is stopped, since it will be rolled
    /// back anyway; one outside runs to its end, as a COPY does in Redshift.
    func clientLeft() async {
        hasLeft = true
        guard isImplicit || isInTransactionBlock else { return }
        await server.registry.cancel(pid: pid)
        connection.requestCancel()
    }

    private(set) var hasLeft = false
    /// This transaction's number in the serial order; nil before its snapshot and under SNAPSHOT.
    var serialID: Int?
    /// The identifiers of the statement that runs, while faults are armed.
    var statementNames: Set<String> = []

    /// Set while a statement of an explicit transaction runs.
    var isInTransactionBlock = false
}

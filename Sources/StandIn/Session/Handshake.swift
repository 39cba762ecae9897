import NIOCore
import PostgresClient

/// The start of a connection: refusals of encryption, sign-in, first status messages.
struct Handshake {
    let server: ServerContext
    let outbound: Session.Outbound

    /// Start parameters that Redshift refuses. https://github.com/sqlalchemy/sqlalchemy/issues/5698 and others
    private static let refused: Set<String> = ["standard_conforming_strings", "intervalstyle", "server_version_num"]

    /// - Returns: nil when there is nothing to serve: a cancel request, or a client that left.
    func run(_ incoming: inout AsyncStream<FrontendMessage>.Iterator) async throws -> Session? {
        while let message = await incoming.next() {
            switch message {
            case .sslRequest, .gssRequest: try await outbound.write(ByteBuffer(bytes: [UInt8(ascii: "N")]))
            case .cancelRequest(let pid, let secret):
                if await server.registry.cancel(pid: pid, secret: secret) {
                    try await server.admin.execute("SELECT pg_cancel_backend(\(pid))")
                }
                return nil
            case .startup(let parameters):
                do {
                    return try await signIn(parameters, &incoming)
                } catch let error as StandInError {
                    try await refuse(error)
                } catch let error as PostgresError {
                    try await refuse(StandInError(backing: error))
                }
                return nil
            default: return nil
            }
        }
        return nil
    }

    private func refuse(_ error: StandInError) async throws {
        var messages = BackendMessages()
        messages.error(error, severity: "FATAL")
        try await outbound.write(messages.buffer)
    }

    private func signIn(
        _ parameters: [String: String], _ incoming: inout AsyncStream<FrontendMessage>.Iterator
    ) async throws -> Session? {
        let user = parameters["user"] ?? ""
        guard try await isRight(user, &incoming) else {
            throw StandInError("28000", "password authentication failed for user \"\(user)\"")
        }
        let database = parameters["database"] ?? user
        guard database == BackingServer.database else {
            throw StandInError("3D000", "database \"\(database)\" does not exist")
        }
        let settings = try settings(parameters)
        let connection = try await PostgresConnection.connect(to: server.backing.endpoint(user: user))
        for statement in settings { try await connection.execute(statement) }
        let pid = try await connection.execute("SELECT pg_backend_pid()").firstValue.flatMap { Int32($0) } ?? 0
        let secret = Int32.random(in: .min ... .max)
        await server.registry.add(pid: pid, secret: secret)
        var messages = BackendMessages()
        messages.authenticationOK()
        messages.parameterStatus("server_version", "8.0.2")
        messages.parameterStatus("server_encoding", "UNICODE")
        messages.parameterStatus("client_encoding", "UNICODE")
        messages.parameterStatus("DateStyle", "ISO, MDY")
        messages.parameterStatus("integer_datetimes", "on")
        messages.parameterStatus("is_superuser", user == StandInSettings.owner ? "on" : "off")
        messages.parameterStatus("session_authorization", user)
        if parameters["client_protocol_version"] != nil {
            // The base protocol: no extended metadata, decimals and dates as text.
            messages.parameterStatus("server_protocol_version", "0")
        }
        messages.backendKeyData(pid: pid, secret: secret)
        messages.readyForQuery(.idle)
        try await outbound.write(messages.buffer)
        return Session(server: server, outbound: outbound, connection: connection, pid: pid, user: user)
    }

    /// Asks for the password and checks it against PostgreSQL's own store.
    private func isRight(_ user: String, _ incoming: inout AsyncStream<FrontendMessage>.Iterator) async throws -> Bool {
        let salt = (0..<4).map { _ in UInt8.random(in: 0...255) }
        var messages = BackendMessages()
        messages.authenticationMD5(salt: salt)
        try await outbound.write(messages.buffer)
        guard case .password(let answer)? = await incoming.next() else { return false }
        guard user != BackingServer.internalUser else { return false }
        let stored = try await server.admin.execute(
            "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolcanlogin AND rolname = \(Literal.quote(user))")
        guard let verifier = stored.firstValue else { return false }
        return PasswordCheck.accepts(answer: answer, verifier: verifier, salt: salt)
    }

    /// Statements for the start parameters that set something.
    private func settings(_ parameters: [String: String]) throws(StandInError) -> [String] {
        var statements: [String] = []
        for (name, value) in parameters {
            let folded = ASCII.fold(name)
            if Self.refused.contains(folded) {
                throw StandInError("42704", "unrecognized configuration parameter \"\(name)\"")
            }
            if ["datestyle", "timezone", "extra_float_digits", "search_path", "statement_timeout"].contains(folded) {
                statements.append("SET \(folded) TO \(Literal.quote(value))")
            }
            if folded == "options", !value.isEmpty {
                statements += try options(value)
            }
        }
        return statements
    }

    /// `-c name=value …`
    private func options(_ text: String) throws(StandInError) -> [String] {
        var statements: [String] = []
        for part in text.replacing("-c", with: " ").split(separator: " ") {
            let halves = part.split(separator: "=", maxSplits: 1)
            let name = ASCII.fold(String(halves[0]))
            guard halves.count == 2, Rewriter.passed.contains(name) || Rewriter.kept[name] != nil else {
                throw StandInError("42704", "unrecognized configuration parameter \"\(name)\"")
            }
            if Rewriter.passed.contains(name) {
                statements.append("SET \(name) TO \(Literal.quote(String(halves[1])))")
            }
        }
        return statements
    }
}

import Foundation

extension PostgresError {
    /// Names the cause of a failed statement by its SQLSTATE (manual, appendix A) and, for Redshift's `XX000`, by the
    /// texts that its documentation and its users give for conflicts and for S3.
    static func statement(
        endpoint: String, sqlState: String?, message: String, detail: String?, hint: String?, position: Int?
    ) -> PostgresError {
        let (code, fix) = classify(sqlState: sqlState, message: message, detail: detail ?? "")
        // Messages of these classes quote the value that was refused.
        let isAboutValue = [.dataRejected, .uniqueViolation, .foreignKeyViolation].contains(code)
        let why = isAboutValue ? "a value does not fit (SQLSTATE \(sqlState ?? "unknown"))" : message
        return PostgresError(
            code: code, what: "\(endpoint) refused a statement", why: why, fix: fix, sqlState: sqlState,
            serverMessage: message, detail: detail, hint: hint, position: position)
    }

    private static func classify(sqlState: String?, message: String, detail: String) -> (Code, String) {
        guard let state = sqlState else {
            return (.connectionLost, "The connection is opened again; if this repeats, look at the server's log.")
        }
        switch state {
        case "42501": return (.permission, "Grant the missing right to the user of the connection string.")
        case "42P01", "3F000": return (.undefinedTable, "Check that the table exists and is visible to this user.")
        case "42703": return (.undefinedColumn, "Run discovery again: the table's columns have changed.")
        case "42704", "42883": return (.undefinedObject, "Check the server's version.")
        case "0A000": return (.featureNotSupported, "Check the server's version.")
        case "23505": return (.uniqueViolation, "Look for the row that has this key already.")
        case "23503": return (.foreignKeyViolation, "Look for the row that is referred to, or that still refers.")
        case "40001" where message.contains("conflict with recovery"):
            return (.recoveryConflict, "It is tried again with fewer rows.")
        case "40001", "40P01": return (.serialization, "It is tried again.")
        case "55P03": return (.lockNotAvailable, "It is tried again when the other session has finished.")
        case "57014": return (.cancelled, "Raise STATEMENT_TIMEOUT, or make the statement cheaper with an index.")
        case "53300": return (.tooManyConnections, "Raise the server's connection limit, or lower the loader's.")
        case "53100": return (.diskFull, "Free space on the server.")
        case "57P01", "57P02", "57P03": return (.connectionLost, "The connection is opened again.")
        case "28000", "28P01": return (.authentication, "Check user and password.")
        case "3D000": return (.missingDatabase, "Check the database name in the connection string.")
        default: break
        }
        if state.hasPrefix("08") { return (.connectionLost, "The connection is opened again.") }
        if state.hasPrefix("42") { return (.syntax, "Report this statement: the loader made it.") }
        if state.hasPrefix("22") || state.hasPrefix("23") {
            return (.dataRejected, "Look at the named column of the table.")
        }
        if isConflict(message, detail) { return (.serialization, "It is tried again.") }
        if isPassingStorageTrouble(message) { return (.storageUnavailable, "It is tried again.") }
        return (.server, "Look at the server's log.")
    }

    /// Redshift reports serializable conflicts as 1023, tables that came or went after the snapshot as 1018, and other
    /// races by these sentences, all under XX000.
    private static func isConflict(_ message: String, _ detail: String) -> Bool {
        message.hasPrefix("1023") || detail.contains("Serializable isolation violation")
            || (message.hasPrefix("1018") && detail.contains("Relation does not exist"))
            || ["conflict with concurrent transaction", "deadlock detected", "could not serialize access"].contains(
                where: message.contains)
    }

    /// COPY reports S3's answers as `S3ServiceException:…,Status 503,Error SlowDown`; a 4xx does not pass by itself.
    private static func isPassingStorageTrouble(_ message: String) -> Bool {
        if message.hasPrefix("S3CurlException") { return true }
        guard message.contains("S3ServiceException") else { return false }
        return ["Status 5", "Status 429", "SlowDown", "RequestTimeout", "InternalError"].contains(
            where: message.contains)
    }

    /// Names the cause of a connection that could not be made, from libpq's text: there is no SQLSTATE before sign-in
    /// except inside that text.
    static func connecting(to endpoint: PostgresEndpoint, message: String) -> PostgresError {
        let text = message.trimmingCharacters(in: .whitespacesAndNewlines)
        // Quoted are names of hosts, users and databases, which say nothing about the cause.
        let lower = text.lowercased().replacing(/"[^"]*"/, with: "\"\"")
        func error(_ code: Code, _ what: String, _ fix: String, why: String? = nil) -> PostgresError {
            PostgresError(code: code, what: what, why: why ?? lastSentence(of: text), fix: fix)
        }
        if lower.contains("password authentication failed") || lower.contains("no password supplied")
            || lower.contains("authentication failed")
        {
            return error(
                .authentication, "\(endpoint.displayName) refused the sign-in of user \(endpoint.user)",
                "Check user and password in the connection string; a rotated password needs the new string.")
        }
        if lower.contains("role \"\" does not exist") {
            return error(
                .authentication, "\(endpoint.displayName) has no user named \(endpoint.user)",
                "Check the user in the connection string.")
        }
        if lower.contains("does not exist"), lower.contains("database") {
            return error(
                .missingDatabase, "\(endpoint.host):\(endpoint.port) has no database named \(endpoint.database)",
                "Correct the database name at the end of the connection string.")
        }
        if lower.contains("invalid response to ssl negotiation") || lower.contains("expected authentication request") {
            return error(
                .unreachable, "\(endpoint.host):\(endpoint.port) does not speak PostgreSQL",
                "Check host and port: something else listens there.")
        }
        if lower.contains("no pg_hba.conf entry") {
            return error(
                .authentication, "\(endpoint.displayName) does not let this machine sign in as \(endpoint.user)",
                "Add a line to the server's pg_hba.conf, or use another user.")
        }
        if lower.contains("could not translate host name") || lower.contains("name or service not known") {
            return error(
                .unreachable, "The host name \(endpoint.host) is not known",
                "Correct the host in the connection string.",
                why: "the name does not resolve")
        }
        if lower.contains("certificate") || lower.contains("ssl") || lower.contains("tls") {
            return error(
                .tls, "No trusted TLS connection to \(endpoint.displayName)",
                "Give the authority's certificate by ?sslrootcert=FILE, or as text in SOURCE_CA_PEM or "
                    + "DESTINATION_CA_PEM; ?sslmode=require encrypts without checking who answers.")
        }
        if lower.contains("timeout expired") || lower.contains("timed out") {
            return error(
                .timeout, "\(endpoint.displayName) did not answer within \(endpoint.connectTimeout)",
                "Check host and port, and that a firewall or security group lets this machine in.",
                why: "nothing came back")
        }
        if lower.contains("too many") || lower.contains("remaining connection slots") {
            return error(
                .tooManyConnections, "\(endpoint.displayName) has no free connection",
                "Raise the server's connection limit, or lower the loader's.")
        }
        if lower.contains("starting up") || lower.contains("shutting down") || lower.contains("recovery mode") {
            return error(.connectionLost, "\(endpoint.displayName) is starting or stopping", "It is tried again.")
        }
        return error(
            .unreachable, "\(endpoint.displayName) cannot be reached",
            "Check host and port, and that the server is running.")
    }

    /// Adds who signed the certificate that was not trusted.
    func naming(issuer: String?) -> PostgresError {
        guard let issuer else { return self }
        var error = self
        error.why += " (the server's certificate was issued by \(issuer))"
        return error
    }

    private static func lastSentence(of text: String) -> String {
        // The last line may be libpq's question whether the server is running.
        let lines = text.split(separator: "\n").map(String.init)
        let line = lines.last { $0.contains("failed: ") } ?? lines.last ?? text
        guard let range = line.range(of: "failed: ", options: .backwards) else { return line }
        return String(line[range.upperBound...]).replacing("FATAL:  ", with: "")
    }
}

import Foundation

extension MySQLEndpoint {
    /// Parameters that mean something to Rails' connection pool or to other drivers, and nothing here.
    private static let ignoredParameters: Set<String> = [
        "pool", "encoding", "charset", "collation", "reconnect", "checkout_timeout", "adapter", "prepared_statements",
        "idle_timeout", "variables", "flags", "write_timeout", "sslverify",
    ]

    /// The spellings of Rails, of MySQL's own URIs and of PostgreSQL's, in lower case with `_` for `-`.
    private static let modes: [String: MySQLTLS.Mode] = [
        "disable": .disable, "disabled": .disable, "allow": .prefer, "prefer": .prefer, "preferred": .prefer,
        "require": .require, "required": .require, "verify_ca": .verifyCA, "verify_full": .verifyFull,
        "verify_identity": .verifyFull,
    ]

    /// Reads `mysql://`, `mysql2://` and `mariadb://` connection strings.
    ///
    /// Without a TLS mode: `verify-full` for remote hosts, `prefer` on loopback. The default port is 3306. `?socket=PATH`
    /// takes the place of the host. Percent-encoding is decoded in user, password and database.
    /// - Returns: The endpoint, and one sentence for each parameter that was ignored.
    /// - Throws: `MySQLError` with code `malformedURL`; its text never repeats the string, which holds a password.
    package static func parse(
        _ url: String
    ) throws(MySQLError) -> (endpoint: MySQLEndpoint, notices: [String]) {
        let trimmed = url.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let schemeEnd = trimmed.range(of: "://") else { throw malformed("it has no scheme such as mysql://") }
        let scheme = trimmed[..<schemeEnd.lowerBound].lowercased()
        guard ["mysql", "mysql2", "mariadb"].contains(scheme) else {
            throw malformed("its scheme is not mysql://, mysql2:// or mariadb://")
        }
        var rest = trimmed[schemeEnd.upperBound...]
        var query: Substring = ""
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        var path: Substring = ""
        if let slash = rest.firstIndex(of: "/") {
            path = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        }
        // The last @ ends the credentials: people paste passwords with an unescaped @.
        var credentials: Substring = ""
        if let at = rest.lastIndex(of: "@") {
            credentials = rest[..<at]
            rest = rest[rest.index(after: at)...]
        }
        let (host, port) = try hostAndPort(rest)
        let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = decoded(parts.first ?? "")
        guard !user.isEmpty else { throw malformed("it names no user") }
        guard !path.isEmpty else { throw malformed("it names no database after the host") }
        var endpoint = MySQLEndpoint(
            host: host, port: port, user: user, password: parts.count > 1 ? decoded(parts[1]) : "",
            database: decoded(path))
        let (notices, mode) = try endpoint.apply(query: query)
        // Only now is the host known: a parameter may have named a socket.
        endpoint.tls.mode = mode ?? (endpoint.isLoopback ? .prefer : .verifyFull)
        return (endpoint, notices)
    }

    private mutating func apply(query: Substring) throws(MySQLError) -> (notices: [String], mode: MySQLTLS.Mode?) {
        var notices: [String] = []
        var chosen: MySQLTLS.Mode?
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].lowercased().replacing("-", with: "_")
            let value = parts.count > 1 ? Self.decoded(parts[1]) : ""
            switch name {
            case "sslmode", "ssl_mode":
                guard let mode = Self.modes[value.lowercased().replacing("-", with: "_")] else {
                    throw Self.malformed(
                        "its \(name) is not one of "
                            + MySQLTLS.Mode.allCases.map(\.rawValue).joined(separator: ", "))
                }
                chosen = mode
            case "sslca", "ssl_ca", "sslrootcert":
                tls.rootCertificate = value == "system" ? .system : .path(value)
            case "connect_timeout": connectTimeout = try Self.seconds(value, of: name)
            case "read_timeout": readTimeout = try Self.seconds(value, of: name)
            case "socket":
                guard value.hasPrefix("/") else { throw Self.malformed("its socket is not a full path") }
                host = value
            case _ where Self.ignoredParameters.contains(name):
                notices.append("the connection string's parameter '\(name)' has no meaning here and is ignored")
            case _ where name.contains(where: { !$0.isASCII || !($0.isLetter || $0.isNumber || $0 == "_") }):
                // It may be a piece of a password with an unescaped question mark.
                notices.append("a parameter of the connection string has an impossible name and is ignored")
            default:
                notices.append("the connection string's parameter '\(name)' is not known and is ignored")
            }
        }
        return (notices, chosen)
    }

    private static func seconds(_ text: String, of name: String) throws(MySQLError) -> Duration {
        guard let seconds = Int(text), (1...1_000_000).contains(seconds) else {
            throw malformed("its \(name) is not a number of seconds above 0")
        }
        return .seconds(seconds)
    }

    private static func hostAndPort(_ text: Substring) throws(MySQLError) -> (host: String, port: Int) {
        var host = text
        var port = 3306
        let bracketEnd = text.hasPrefix("[") ? text.firstIndex(of: "]") : nil
        guard bracketEnd != nil || !text.hasPrefix("[") else { throw malformed("its IPv6 address has no ]") }
        if let colon = text.lastIndex(of: ":"), bracketEnd.map({ colon > $0 }) ?? true {
            guard let number = Int(text[text.index(after: colon)...]), (1...65535).contains(number) else {
                throw malformed("its port is not a number from 1 to 65535")
            }
            port = number
            host = text[..<colon]
        }
        if let bracketEnd { host = text[text.index(after: text.startIndex)..<bracketEnd] }
        guard !host.isEmpty else { throw malformed("it names no host") }
        return (decoded(host), port)
    }

    private static func decoded(_ text: some StringProtocol) -> String {
        String(text).removingPercentEncoding ?? String(text)
    }

    private static func malformed(_ why: String) -> MySQLError {
        MySQLError(
            code: .malformedURL, what: "The connection string cannot be read", why: why,
            fix: "Write it as mysql://user:password@host:3306/database, "
                + "with special characters in the password percent-encoded.")
    }
}

import Foundation

extension PostgresEndpoint {
    /// Parameters of the predecessor's connection strings that meant its Ruby connection pool.
    private static let ignoredParameters: Set<String> = [
        "pool", "encoding", "reconnect", "checkout_timeout", "adapter",
    ]

    /// Reads `postgres://`, `postgresql://` and `redshift://` connection strings.
    ///
    /// Without `sslmode`: `verify-full` for remote hosts, `prefer` on loopback. The default port is 5432, for
    /// `redshift://` 5439. Percent-encoding is decoded in user, password and database.
    /// - Returns: The endpoint, and one sentence for each parameter that was ignored.
    /// - Throws: `PostgresError` with code `malformedURL`; its text never repeats the string, which holds a password.
    package static func parse(
        _ url: String
    ) throws(PostgresError) -> (endpoint: PostgresEndpoint, notices: [String]) {
        let trimmed = url.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let schemeEnd = trimmed.range(of: "://") else { throw malformed("it has no scheme such as postgres://") }
        let scheme = trimmed[..<schemeEnd.lowerBound].lowercased()
        guard ["postgres", "postgresql", "redshift"].contains(scheme) else {
            throw malformed("its scheme is not postgres://, postgresql:// or redshift://")
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
        let (host, port) = try hostAndPort(rest, defaultPort: scheme == "redshift" ? 5439 : 5432)
        let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let user = decoded(parts.first ?? "")
        guard !user.isEmpty else { throw malformed("it names no user") }
        guard !path.isEmpty else { throw malformed("it names no database after the host") }
        var endpoint = PostgresEndpoint(
            host: host, port: port, user: user, password: parts.count > 1 ? decoded(parts[1]) : "",
            database: decoded(path))
        let (notices, mode) = try endpoint.apply(query: query)
        // Only now is the host known: a parameter may have named another one.
        endpoint.tls.mode = mode ?? (endpoint.isLoopback ? .prefer : .verifyFull)
        return (endpoint, notices)
    }

    private mutating func apply(query: Substring) throws(PostgresError) -> (notices: [String], mode: PostgresTLS.Mode?)
    {
        var notices: [String] = []
        var chosen: PostgresTLS.Mode?
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].lowercased()
            let value = parts.count > 1 ? Self.decoded(parts[1]) : ""
            switch name {
            case "sslmode":
                guard let mode = PostgresTLS.Mode(rawValue: value == "allow" ? "prefer" : value) else {
                    throw Self.malformed(
                        "its sslmode is not one of "
                            + PostgresTLS.Mode.allCases.map(\.rawValue).joined(separator: ", "))
                }
                chosen = mode
            case "sslrootcert":
                tls.rootCertificate = value == "system" ? .system : .path(value)
            case "connect_timeout":
                guard let seconds = Int(value), seconds > 0 else {
                    throw Self.malformed("its connect_timeout is not a number of seconds above 0")
                }
                connectTimeout = .seconds(seconds)
            case "host": host = value
            case "application_name": applicationName = value
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

    private static func hostAndPort(
        _ text: Substring, defaultPort: Int
    ) throws(PostgresError) -> (host: String, port: Int) {
        var host = text
        var port = defaultPort
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

    private static func malformed(_ why: String) -> PostgresError {
        PostgresError(
            code: .malformedURL, what: "The connection string cannot be read", why: why,
            fix: "Write it as postgres://user:password@host:5432/database, "
                + "with special characters in the password percent-encoded.")
    }
}

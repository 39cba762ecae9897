import Foundation

extension MySQLError {
    /// Names the cause of a failed statement by the number that the server or Connector/C gave it.
    ///
    /// Numbers from MySQL's "Server Error Message Reference" and MariaDB's "Error Code Reference".
    static func statement(
        endpoint: String, errno: UInt32, sqlState: String, message: String
    ) -> MySQLError {
        let (code, fix) = classify(errno: errno, sqlState: sqlState)
        let number = "error \(errno), SQLSTATE \(sqlState)"
        let why =
            switch code {
            // Messages of these classes quote values or pieces of the statement.
            case .dataRejected: "a value does not fit (\(number))"
            case .syntax: "it cannot be parsed (\(number))"
            default: message.isEmpty ? number : message
            }
        let isLost = code == .connectionLost
        return MySQLError(
            code: code, what: isLost ? "The connection to \(endpoint) is lost" : "\(endpoint) refused a statement",
            why: why, fix: fix, errno: errno, sqlState: sqlState, serverMessage: message)
    }

    private static func classify(errno: UInt32, sqlState: String) -> (Code, String) {
        switch errno {
        case 1044, 1045, 1141, 1142, 1143, 1227, 1370, 1698:
            return (.permission, "Grant the missing right to the user of the connection string.")
        case 1049: return (.missingDatabase, "Check the database name in the connection string.")
        case 1051, 1109, 1146, 1347, 1932:
            return (.undefinedTable, "Check that the table exists and is visible to this user.")
        case 1054: return (.undefinedColumn, "Run discovery again: the table's columns have changed.")
        case 1115, 1128, 1176, 1193, 1273, 1286, 1305, 1630:
            return (.undefinedObject, "Check the server's version.")
        case 1064, 1065, 1149: return (.syntax, "Report this statement: the loader made it.")
        case 1020, 1205, 1213, 1412, 1614, 3058, 3572: return (.serialization, "It is tried again.")
        case 1028, 1317, 1969, 3024:
            return (.cancelled, "Raise STATEMENT_TIMEOUT, or make the statement cheaper with an index.")
        case 1040, 1203, 1226:
            return (.tooManyConnections, "Raise the server's or the user's connection limit, or lower the loader's.")
        case 1021, 1114, 3: return (.diskFull, "Free space on the server.")
        case 1053, 1077...1079, 1080, 1152, 1154...1161, 1184, 1927, 2002...2004, 2006, 2013, 2026, 2027, 2055, 3168,
            3169, 4031, 5013, 5014:
            return (.connectionLost, "The connection is opened again with the next try.")
        case 2014, 2030...2036, 2051, 2052, 2054, 2056: return (.misuse, "Report this as a bug.")
        case 2020, 1153: return (.server, "Raise max_allowed_packet on the server: a row is larger than that.")
        case 1048, 1264, 1265, 1292, 1364, 1365, 1366, 1406, 1411, 1690, 3140, 3141:
            return (.dataRejected, "Look at the named column of the table.")
        default: break
        }
        switch sqlState.prefix(2) {
        case "08": return (.connectionLost, "The connection is opened again with the next try.")
        case "22", "23": return (.dataRejected, "Look at the named column of the table.")
        default: break
        }
        if sqlState == "40001" { return (.serialization, "It is tried again.") }
        return (.server, "Look at the server's log.")
    }

    /// Names the cause of a connection that could not be made.
    /// - Parameter errno: 0 where Connector/C gave none.
    static func connecting(
        to endpoint: MySQLEndpoint, errno: UInt32, sqlState: String, message: String
    ) -> MySQLError {
        var error = cause(endpoint, errno, message)
        error.errno = errno == 0 ? nil : errno
        error.sqlState = errno == 0 ? nil : sqlState
        error.serverMessage = message
        return error
    }

    private static func cause(_ endpoint: MySQLEndpoint, _ errno: UInt32, _ message: String) -> MySQLError {
        let name = endpoint.displayName
        func error(_ code: Code, _ what: String, _ fix: String, why: String? = nil) -> MySQLError {
            MySQLError(code: code, what: what, why: why ?? message, fix: fix)
        }
        switch errno {
        case 1045, 1698, 1251, 1524, 1820, 1862, 3118, 3878, 4151:
            // MariaDB names no reason where it wants TLS.
            let plain = endpoint.tls.mode == .disable ? " It may take encrypted connections only." : ""
            return error(
                .authentication, "\(name) refused the sign-in of user \(endpoint.user)",
                "Check user and password in the connection string, and that the account is neither locked nor "
                    + "expired; a rotated password needs the new string.\(plain)")
        case 1130:
            return error(
                .authentication, "\(name) does not let this machine sign in",
                "Make the user for this machine's address, for example 'name'@'%'.")
        case 2058...2061, 5010, 5012: return error(.authentication, unusable(endpoint), pluginAdvice(message))
        case 1049:
            return error(
                .missingDatabase, "\(endpoint.host):\(endpoint.port) has no database named \(endpoint.database)",
                "Correct the database name at the end of the connection string.")
        case 1044:
            return error(
                .permission, "\(name) does not open the database \(endpoint.database) to user \(endpoint.user)",
                "Correct the database name at the end of the connection string, or grant the user a right in it.")
        case 1040, 1203, 1226:
            return error(
                .tooManyConnections, "\(name) has no free connection",
                "Raise the server's or the user's connection limit, or lower the loader's.")
        case 1129:
            return error(
                .unreachable, "\(name) has blocked this machine after many broken connections",
                "Run FLUSH HOSTS on the server, or TRUNCATE performance_schema.host_cache.")
        case 1053, 3169:
            return error(.connectionLost, "\(name) is starting or stopping", "It is tried again.")
        case 3159:
            return error(
                .tls, "\(name) takes encrypted connections only", "Remove sslmode=disable from the connection string.")
        case 2026: return untrusted(endpoint, why: message)
        case 2005:
            return error(
                .unreachable, "The host name \(endpoint.host) is not known",
                "Correct the host in the connection string.", why: "the name does not resolve")
        case 1043, 2007, 2012, 2027, 2047: return foreign(endpoint)
        default:
            return error(
                .unreachable, "\(name) cannot be reached", "Check host and port, and that the server is running.",
                why: message.isEmpty ? "the connection broke off" : message)
        }
    }

    private static func unusable(_ endpoint: MySQLEndpoint) -> String {
        "\(endpoint.displayName) wants a way to sign in as \(endpoint.user) that this machine cannot use"
    }

    /// caching_sha2_password needs its plugin file always, and RSA where there is no TLS: builds of Connector/C with
    /// GnuTLS lack that.
    private static func pluginAdvice(_ message: String) -> String {
        message.contains("RSA") || message.contains("GnuTLS")
            ? "Use TLS, for example ?sslmode=verify-full: without it this library cannot encrypt the password."
            : "Install Connector/C's plugins (Debian: libmariadb3, Alpine: mariadb-connector-c) or set "
                + "MARIADB_PLUGIN_DIR to their folder; or give the user another authentication plugin."
    }

    /// A TLS handshake that failed, or that the server does not offer.
    static func untrusted(_ endpoint: MySQLEndpoint, why: String) -> MySQLError {
        MySQLError(
            code: .tls, what: "No trusted TLS connection to \(endpoint.displayName)", why: why,
            fix: "Give the authority's certificate by ?sslca=FILE, or as text in SOURCE_CA_PEM; ?sslmode=require "
                + "encrypts without checking who answers.")
    }

    static func foreign(_ endpoint: MySQLEndpoint) -> MySQLError {
        MySQLError(
            code: .unreachable, what: "\(endpoint.host):\(endpoint.port) does not speak MySQL",
            why: "its greeting is not one of the MySQL protocol",
            fix: "Check host and port: something else listens there.")
    }

    static func tooSlow(_ endpoint: MySQLEndpoint) -> MySQLError {
        MySQLError(
            code: .timeout, what: "\(endpoint.displayName) did not answer within \(endpoint.connectTimeout)",
            why: "nothing came back",
            fix: "Check host and port, and that a firewall or security group lets this machine in.")
    }
}

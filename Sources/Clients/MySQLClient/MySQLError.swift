/// What went wrong between this process and a MySQL or MariaDB server, classified where it was born.
///
/// The texts never hold a password or a row's value; `serverMessage` may quote a value, so callers show it only for
/// codes that cannot carry rows.
package struct MySQLError: Error, Sendable, CustomStringConvertible {
    /// The closed set of causes that callers tell apart.
    ///
    /// `serialization`: a deadlock, a lock waited for in vain, or a table that changed under its snapshot. `cancelled`:
    /// the statement was ended by KILL QUERY or by a limit on its time.
    package enum Code: String, Sendable {
        case malformedURL, unreachable, timeout, tls, authentication, missingDatabase, permission
        case undefinedTable, undefinedColumn, undefinedObject, syntax
        case dataRejected, serialization, cancelled, tooManyConnections, diskFull
        case connectionLost, misuse, server
    }

    package var code: Code
    package var what: String
    package var why: String
    package var fix: String
    /// The server's error number (manual, "Server Error Message Reference"), or Connector/C's: 2000 to 2999 and 5000
    /// to 5099 (its errmsg.h); nil when neither gave one.
    package var errno: UInt32?
    /// Five characters; `HY000` for what has no class of its own.
    package var sqlState: String?
    package var serverMessage: String?

    package init(
        code: Code, what: String, why: String, fix: String, errno: UInt32? = nil, sqlState: String? = nil,
        serverMessage: String? = nil
    ) {
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
        self.errno = errno
        self.sqlState = sqlState
        self.serverMessage = serverMessage
    }

    /// Whether the same statement may succeed when it is sent again, on a new connection where this one is lost.
    package var isRetryable: Bool {
        switch code {
        case .unreachable, .timeout, .serialization, .tooManyConnections, .connectionLost: true
        default: false
        }
    }

    package var description: String { "\(what): \(why). \(fix)" }
}

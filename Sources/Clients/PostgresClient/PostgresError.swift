/// What went wrong between this process and a PostgreSQL-speaking server, classified where it was born.
///
/// The texts never hold a password or a row's value; `serverMessage` may quote a value, so callers show it only for
/// codes that cannot carry rows.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// The closed set of causes that callers tell apart.
    ///
    /// `recoveryConflict`: a standby ended a read that held up its replay. `storageUnavailable`: Redshift could not read
    /// from S3, for a reason that passes.
    package enum Code: String, Sendable {
        case malformedURL, unreachable, timeout, tls, authentication, missingDatabase, permission
        case undefinedTable, undefinedColumn, undefinedObject, syntax, featureNotSupported
        case dataRejected, uniqueViolation, foreignKeyViolation
        case serialization, recoveryConflict, storageUnavailable, lockNotAvailable, cancelled,
            tooManyConnections, diskFull
        case connectionLost, misuse, server
    }

    package var code: Code
    package var what: String
    package var why: String
    package var fix: String
    /// Five characters, as in the appendix "PostgreSQL Error Codes" of the manual; nil when no server answered.
    package var sqlState: String?
    package var serverMessage: String?
    package var detail: String?
    package var hint: String?
    /// One-based character position in the statement.
    package var position: Int?

    package init(
        code: Code, what: String, why: String, fix: String, sqlState: String? = nil, serverMessage: String? = nil,
        detail: String? = nil, hint: String? = nil, position: Int? = nil
    ) {
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
        self.sqlState = sqlState
        self.serverMessage = serverMessage
        self.detail = detail
        self.hint = hint
        self.position = position
    }

    /// Whether the same statement may succeed when it is sent again, on a new connection where this one is lost.
    package var isRetryable: Bool {
        switch code {
        case .unreachable, .timeout, .serialization, .recoveryConflict, .storageUnavailable, .lockNotAvailable,
            .tooManyConnections, .connectionLost:
            true
        default: false
        }
    }

    package var description: String { "\(what): \(why). \(fix)" }
}

/// A message that a server sent beside its answer.
package struct PostgresNotice: Sendable {
    package var severity: String
    package var sqlState: String?
    package var message: String
    package var detail: String?
    package var hint: String?
}

/// The codes that people see and documentation explains; each is transient or permanent here and nowhere else.
package enum ErrorCode: String, Sendable, Codable, CaseIterable {
    case config = "E_CONFIG"
    case sourceUnreachable = "E_SRC_UNREACHABLE"
    case sourceAuthentication = "E_SRC_AUTH"
    case sourcePermission = "E_SRC_PERMISSION"
    case sourceTableGone = "E_SRC_TABLE_GONE"
    case sourceTimeout = "E_SRC_TIMEOUT"
    case sourceConflict = "E_SRC_CONFLICT"
    case sourceScan = "E_SRC_SCAN"
    case keyMissing = "E_KEY_MISSING"
    case destinationUnreachable = "E_DST_UNREACHABLE"
    case destinationAuthentication = "E_DST_AUTH"
    case destinationPermission = "E_DST_PERMISSION"
    case destinationDiskFull = "E_DST_DISK_FULL"
    case destinationLocked = "E_DST_LOCKED"
    case schemaMismatch = "E_SCHEMA_MISMATCH"
    case valueLong = "E_VALUE_LONG"
    case valueBad = "E_VALUE_BAD"
    case s3Access = "E_S3_ACCESS"
    case s3Region = "E_S3_REGION"
    case s3Unreachable = "E_S3_UNREACHABLE"
    case copyRejected = "E_COPY_REJECTED"
    case locked = "E_LOCKED"
    case interrupted = "E_INTERRUPTED"
    case secretKey = "E_SECRET_KEY"
    case `internal` = "E_INTERNAL"

    /// Whether trying again by itself may succeed; the others need a person.
    package var isTransient: Bool {
        switch self {
        case .sourceUnreachable, .sourceTimeout, .sourceConflict, .destinationUnreachable, .destinationLocked,
            .s3Unreachable, .locked,
            .interrupted:
            true
        default: false
        }
    }
}

/// Why a table could not be moved: what happened, why, and what to do. Never a secret, never a row's value.
package struct ReplicationError: Error, Sendable, CustomStringConvertible {
    package var code: ErrorCode
    package var what: String
    package var why: String
    package var fix: String
    package var underlying: (any Error)?

    package init(
        _ code: ErrorCode, what: String, why: String, fix: String, underlying: (any Error)? = nil
    ) {
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
        self.underlying = underlying
    }

    package var isRetryable: Bool { code.isTransient }
    package var description: String { "\(what): \(why). \(fix) (\(code.rawValue))" }
}

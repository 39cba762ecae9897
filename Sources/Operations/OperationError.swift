import Replication

/// Why an operation was refused; its exit status follows sysexits.
package struct OperationError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case usage, badInput, unavailable, busy, notPermitted, configuration, secretKey

        /// The process's exit status for it.
        package var exitStatus: Int32 {
            switch self {
            case .usage: 64
            case .badInput: 65
            case .unavailable: 69
            case .busy: 75
            case .notPermitted: 77
            case .configuration, .secretKey: 78
            }
        }
    }

    package var code: Code
    package var what: String
    package var why: String
    package var fix: String
    package var underlying: (any Error)?

    package init(_ code: Code, what: String, why: String, fix: String, underlying: (any Error)? = nil) {
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
        self.underlying = underlying
    }

    package var isRetryable: Bool { code == .unavailable || code == .busy }
    package var description: String { "\(what): \(why). \(fix)" }
}

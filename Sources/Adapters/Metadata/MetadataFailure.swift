import Foundation
import GRDB
import Operations

/// Sentences for what can be wrong with a metadata store, classified by SQLite's result code or errno.
enum MetadataFailure {
    static let tableGone = OperationError(
        .badInput, what: "The table is not in the metadata store", why: "it was removed in the meantime",
        fix: "See what there is with: redshift-loader tables list")

    static let jobGone = OperationError(
        .badInput, what: "The job is not in the metadata store", why: "it was removed in the meantime",
        fix: "See what there is with: redshift-loader jobs list")

    /// - Returns: The version.
    /// - Throws: `OperationError` for a schema that a newer version of this program made.
    static func refusingNewer(_ version: Int, known: Int) throws -> Int {
        guard version > known else { return version }
        throw OperationError(
            .configuration, what: "The metadata store was made by a newer version of redshift-loader",
            why: "its schema has version \(version), this program knows \(known)",
            fix: "Run the newer version, or restore the backup made before it.")
    }

    /// Turns SQLite's errors into `OperationError`; all others pass.
    static func sentence(for error: any Error, path: String) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let what = "The metadata store \(path) cannot be used"
        let (code, why, fix): (OperationError.Code, String, String) =
            switch error.resultCode {
            case .SQLITE_NOTADB, .SQLITE_CORRUPT:
                (
                    .configuration, "the file is not a SQLite database, or it is damaged",
                    "Point DATABASE_URL at the right file, or restore it from a backup."
                )
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                (
                    .busy, "another process held it for more than 10 s",
                    "Try again; if it goes on, look for a process that keeps the file open, such as a backup."
                )
            case .SQLITE_FULL:
                (.unavailable, "the disk is full", "Free some space; nothing is lost.")
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
                (
                    .notPermitted, "this user may not write the file or its folder",
                    "Give the user that runs redshift-loader write access to both."
                )
            case .SQLITE_CANTOPEN:
                (
                    .configuration, "the file cannot be opened",
                    "Check the path in DATABASE_URL, and that this user may write its folder."
                )
            case .SQLITE_IOERR:
                (.unavailable, "reading or writing the file failed", "Check the disk that it lies on.")
            default:
                (
                    .unavailable, "SQLite refused a statement (code \(error.extendedResultCode.rawValue))",
                    "Run `redshift-loader migrate`; if it stays so, report it as a bug."
                )
            }
        return OperationError(code, what: what, why: why, fix: fix, underlying: error)
    }

    /// - Parameter number: errno, right after the call that failed.
    static func file(_ what: String, errno number: Int32) -> OperationError {
        switch number {
        case EACCES, EPERM, EROFS:
            OperationError(
                .notPermitted, what: what, why: "this user may not write there, or the file system is read-only",
                fix: "Give the user that runs redshift-loader write access, or choose another path in DATABASE_URL.")
        case ENOSPC, EDQUOT:
            OperationError(.unavailable, what: what, why: "the disk is full", fix: "Free some space; nothing is lost.")
        case ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG:
            OperationError(
                .configuration, what: what, why: "the path does not lead to a file in a folder",
                fix: "Check the path in DATABASE_URL.")
        default:
            OperationError(
                .unavailable, what: what, why: "the system refused it (error \(number))",
                fix: "Check the disk and the path in DATABASE_URL.")
        }
    }
}

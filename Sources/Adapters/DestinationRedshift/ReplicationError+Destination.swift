import PostgresClient
import Replication

extension ReplicationError {
    /// A client's error in the words of a destination, with `secrets` struck out of what the server said.
    init(destination error: PostgresError, table: TableName? = nil, secrets: [String] = []) {
        let subject = table.map { "Writing \($0)" } ?? "The destination"
        let why = secrets.reduce(error.why) { $0.replacing($1, with: "***") }
        switch error.code {
        case .unreachable, .timeout, .connectionLost, .tooManyConnections:
            self.init(.destinationUnreachable, what: error.what, why: why, fix: error.fix)
        case .authentication, .missingDatabase, .tls:
            self.init(.destinationAuthentication, what: error.what, why: why, fix: error.fix)
        case .malformedURL:
            self.init(.config, what: error.what, why: why, fix: error.fix)
        case .permission:
            self.init(
                .destinationPermission, what: "\(subject) is not allowed", why: why,
                fix: table.map {
                    "Run at the destination: GRANT USAGE, CREATE ON SCHEMA \(PostgresSQL.identifier($0.schema)) TO the "
                        + "loader's user, and make it owner of tables that exist already."
                } ?? error.fix)
        case .undefinedTable:
            self.init(
                .schemaMismatch, what: "\(subject) found no such table", why: why,
                fix: "It was dropped meanwhile: the next run makes it anew, and loads all rows.")
        case .diskFull:
            self.init(.destinationDiskFull, what: "The destination is full", why: why, fix: error.fix)
        case .serialization:
            self.init(
                .destinationLocked, what: "\(subject) met another session's transaction", why: why, fix: error.fix)
        case .storageUnavailable:
            self.init(.s3Unreachable, what: "Redshift could not read the staged files", why: why, fix: error.fix)
        case .lockNotAvailable, .cancelled:
            self.init(.destinationLocked, what: "\(subject) had to wait for another session", why: why, fix: error.fix)
        default:
            self.init(.copyRejected, what: "\(subject) failed", why: why, fix: error.fix)
        }
    }

    /// The checkpoint is not the one that this run read: another run has written since.
    static func overtaken(_ table: TableName, found: CheckpointStamp?) -> ReplicationError {
        let who = found.map { "job \($0.job), generation \($0.generation), batch \($0.batch)" } ?? "none"
        return ReplicationError(
            .locked, what: "The checkpoint of \(table) was moved by another run", why: "it now says \(who)",
            fix: "Nothing was loaded; the next run reads the checkpoint again.")
    }

    /// The row that Redshift refused, in words; its value is not repeated.
    static func rejected(_ load: LoadErrorDetail, table: TableName) -> ReplicationError {
        // Reasons quote the value behind a comma: "Invalid digit, Value 'a', Pos 0".
        let reason = load.reason.split(separator: ",").first.map(String.init) ?? load.reason
        let column = load.column.isEmpty ? "A column" : "Column \"\(load.column)\""
        if load.isTooLong, load.length.trimmingPrefix("0") == "65535" {
            return ReplicationError(
                .valueLong, what: "\(column) of \(table) has a value over 65,535 bytes",
                why: "Redshift holds no longer text",
                fix: "Shorten the value at the source. Nothing is lost: the table waits at its position.")
        }
        if load.isTooLong {
            return ReplicationError(
                .valueLong,
                what: "\(column) of \(table) is \(load.type)(\(load.length)) in Redshift and a value is longer",
                why: "\(reason) (code \(load.code), line \(load.line) of the staged file)",
                fix: "Widen the column in Redshift: ALTER TABLE … ALTER COLUMN … TYPE VARCHAR(n). Nothing is lost: the "
                    + "table waits at its position.")
        }
        return ReplicationError(
            .valueBad, what: "\(column) of \(table) does not take a value",
            why: "\(reason) (code \(load.code), type \(load.type), line \(load.line) of the staged file)",
            fix: "Correct the value at the source, or the column's type in Redshift. Nothing is lost: the table waits "
                + "at its position.")
    }
}

/// What the load-error tables say of the first refused row.
struct LoadErrorDetail: Sendable, Hashable {
    var column: String
    var type: String
    var length: String
    var code: Int
    var reason: String
    var line: String

    /// Code 1204 says "out of range for the type" of numbers as well.
    var isTooLong: Bool {
        code == 1204 && ["char", "varchar", "character", "varbyte"].contains { type.lowercased().hasPrefix($0) }
    }
}

import PostgresClient
import Replication

extension ReplicationError {
    /// A client's error in the words of a source.
    init(source error: PostgresError, table: TableName? = nil) {
        let subject = table.map { "Reading \($0)" } ?? "The source"
        switch error.code {
        case .unreachable, .connectionLost, .tooManyConnections:
            self.init(.sourceUnreachable, what: error.what, why: error.why, fix: error.fix, underlying: error)
        case .timeout:
            self.init(.sourceUnreachable, what: error.what, why: error.why, fix: error.fix, underlying: error)
        case .authentication, .missingDatabase, .tls:
            self.init(.sourceAuthentication, what: error.what, why: error.why, fix: error.fix, underlying: error)
        case .malformedURL:
            self.init(.config, what: error.what, why: error.why, fix: error.fix, underlying: error)
        case .permission:
            self.init(
                .sourcePermission, what: "\(subject) is not allowed", why: error.why,
                fix: table.map {
                    "Run at the source: GRANT SELECT ON \(PostgresSQL.identifier($0.schema))."
                        + "\(PostgresSQL.identifier($0.name)) TO the loader's user."
                } ?? error.fix, underlying: error)
        case .undefinedTable:
            self.init(
                .sourceTableGone, what: "\(subject) found no such table", why: error.why,
                fix: "Restore it, or disable the table: redshift-loader tables disable.", underlying: error)
        case .undefinedColumn:
            self.init(
                .schemaMismatch, what: "\(subject) misses a column", why: error.why,
                fix: "Undo the change at the source, or set the table up anew.", underlying: error)
        case .cancelled, .lockNotAvailable:
            self.init(
                .sourceTimeout, what: "\(subject) took too long", why: error.why,
                fix: "Lower IMPORT_ROW_LIMIT, raise STATEMENT_TIMEOUT, or add an index on the updated key.",
                underlying: error)
        case .serialization:
            // A standby cancels reads that hold up its replay (40001): the batch is read again.
            self.init(
                .sourceTimeout, what: "\(subject) was interrupted", why: error.why, fix: error.fix, underlying: error)
        default:
            self.init(.internal, what: "\(subject) failed", why: error.why, fix: error.fix, underlying: error)
        }
    }
}

/// Runs `body` and puts a client's error into the words of a source; others, cancellation included, pass.
@discardableResult
func asSource<Value>(
    _ table: TableName? = nil, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
) async throws -> Value {
    do {
        return try await body()
    } catch let error as PostgresError {
        throw ReplicationError(source: error, table: table)
    }
}

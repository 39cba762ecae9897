import MySQLClient
import Replication

extension ReplicationError {
    /// A client's error in the words of a source.
    init(mysql error: MySQLError, table: TableName? = nil) {
        let subject = table.map { "Reading \($0)" } ?? "The source"
        switch error.code {
        case .unreachable, .connectionLost, .tooManyConnections, .timeout:
            self.init(.sourceUnreachable, what: error.what, why: error.why, fix: error.fix, underlying: error)
        case .authentication, .missingDatabase, .tls:
            self.init(.sourceAuthentication, what: error.what, why: error.why, fix: error.fix, underlying: error)
        case .malformedURL:
            self.init(.config, what: error.what, why: error.why, fix: error.fix, underlying: error)
        case .permission:
            self.init(
                .sourcePermission, what: "\(subject) is not allowed", why: error.why,
                fix: table.map {
                    "Run at the source: GRANT SELECT ON \(MySQLSQL.identifier($0.schema)).\(MySQLSQL.identifier($0.name)) "
                        + "TO the loader's user."
                } ?? error.fix, underlying: error)
        case .undefinedTable:
            self.init(
                .sourceTableGone, what: "\(subject) found no such table", why: error.why,
                fix: "Restore it, or disable the table: redshift-loader tables disable.", underlying: error)
        case .undefinedColumn:
            self.init(
                .schemaMismatch, what: "\(subject) misses a column", why: error.why,
                fix: "Undo the change at the source, or set the table up anew.", underlying: error)
        case .cancelled:
            self.init(
                .sourceTimeout, what: "\(subject) took too long", why: error.why,
                fix: "Lower IMPORT_ROW_LIMIT, raise STATEMENT_TIMEOUT, or add an index on the updated key.",
                underlying: error)
        case .serialization:
            self.init(
                .sourceTimeout, what: "\(subject) was interrupted", why: error.why, fix: error.fix, underlying: error)
        default:
            self.init(.internal, what: "\(subject) failed", why: error.why, fix: error.fix, underlying: error)
        }
    }

    /// A client's error in the words of one table's source: where it has a filter that failed on a row, in those.
    init(mysql error: MySQLError, reading mapping: TableMapping) {
        let set = "redshift-loader tables set \(mapping.label)"
        // 21: a subquery with several rows.
        if mapping.scope.filter != nil, let state = error.sqlState, ["21", "22"].contains(state.prefix(2)) {
            self.init(
                .config, what: "The filter of \(mapping.source) failed on a row",
                why: "the server could not compute it (\(error.errno.map(String.init) ?? "no number"))",
                fix:
                    "Change it so that it can be computed for every row: \(set) --where 'CONDITION'; or copy all rows: "
                    + "--no-where.", underlying: error)
            return
        }
        self.init(mysql: error, table: mapping.source)
        switch error.code {
        case .undefinedTable: fix = "Restore it, or disable the table: redshift-loader tables disable \(mapping.label)."
        case .undefinedColumn where mapping.scope.filter != nil:
            fix = "Undo the change at the source, or change the filter: \(set) --where 'CONDITION', or --no-where."
        case .undefinedColumn: fix = "Undo the change at the source; the next run says what else can be done."
        default: break
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
    } catch let error as MySQLError {
        throw ReplicationError(mysql: error, table: table)
    }
}

/// As `asSource` of a table, where its mapping is at hand: it knows the filter.
@discardableResult
func asSource<Value>(
    reading mapping: TableMapping, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
) async throws -> Value {
    do {
        return try await body()
    } catch let error as MySQLError {
        throw ReplicationError(mysql: error, reading: mapping)
    }
}

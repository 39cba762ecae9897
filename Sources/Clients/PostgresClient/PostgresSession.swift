import CLibPQ

/// What a body that runs on the connection's own thread may do; valid only during `withSession`.
///
/// After a cancelled task, a passed limit or a lost connection every further statement throws the same error.
package struct PostgresSession {
    private let wire: SessionWire
    private let kept: KeptStatements

    init(wire: SessionWire, kept: KeptStatements) {
        self.wire = wire
        self.kept = kept
    }

    /// Runs one statement with its values bound as `$1`… and reads the whole answer.
    /// - Parameter isKept: Prepare it once a connection and run it by name from then on. Of a connection's statements
    ///   the first 500 are kept; further ones run unprepared.
    /// - Throws: `PostgresError`; `CancellationError`.
    @discardableResult
    package func execute(
        _ sql: String, _ parameters: [PostgresParameter] = [], isKept: Bool = false
    ) throws -> PostgresResult {
        let bound = BoundParameters(parameters)
        guard isKept, let name = try keptName(of: sql, bound.types) else {
            return try wire.answer { connection in
                bound.withValues {
                    PQsendQueryParams(
                        connection, sql, bound.count, bound.types, $0, bound.lengths, bound.formats, 0)
                }
            }
        }
        do {
            return try executeKept(name, bound)
        } catch let error as PostgresError where error.sqlState == "26000" {
            // A pooler's DISCARD ALL forgets all of them at once.
            kept.forgetAll()
            // In a transaction this error has failed it: only the caller can begin it again.
            guard wire.isIdle, let name = try keptName(of: sql, bound.types) else { throw error }
            return try executeKept(name, bound)
        } catch let error as PostgresError where error.sqlState == "0A000" {
            // The answer has other columns than when it was prepared: a newer version has changed a table.
            kept.forgetAll()
            throw error
        }
    }

    /// Runs a string of several statements without values.
    /// - Returns: The last one's answer.
    /// - Throws: `PostgresError`; `CancellationError`.
    @discardableResult
    package func executeScript(_ sql: String) throws -> PostgresResult {
        try wire.answer { connection in PQsendQuery(connection, sql) }
    }

    private func executeKept(_ name: String, _ bound: BoundParameters) throws -> PostgresResult {
        try wire.answer { connection in
            bound.withValues {
                PQsendQueryPrepared(connection, name, bound.count, $0, bound.lengths, bound.formats, 0)
            }
        }
    }

    /// Prepares the statement unless the server knows it already.
    /// - Returns: nil when no more statements are kept.
    private func keptName(of sql: String, _ types: [UInt32]) throws -> String? {
        let key = KeptStatements.Key(sql: sql, types: types)
        if let name = kept.name(of: key) { return name }
        guard let name = kept.freshName() else { return nil }
        _ = try wire.answer { connection in PQsendPrepare(connection, name, sql, Int32(types.count), types) }
        kept.insert(key, as: name)
        return name
    }
}

/// The statements that one connection has prepared, by name.
final class KeptStatements {
    /// The same text with other types is another statement.
    struct Key: Hashable {
        var sql: String
        var types: [UInt32]
    }

    /// The server holds a plan for each, in memory that it does not give back.
    private static let limit = 500

    /// Behind a pooler many connections share a server's session: a name that another has given would run that one's
    /// statement.
    private let prefix = "kept_" + String(UInt64.random(in: .min ... .max), radix: 36) + "_"
    private var names: [Key: String] = [:]
    private var given = 0

    func name(of key: Key) -> String? { names[key] }

    /// - Returns: nil at the limit.
    func freshName() -> String? {
        guard names.count < Self.limit else { return nil }
        given += 1
        return prefix + String(given)
    }

    func insert(_ key: Key, as name: String) {
        names[key] = name
    }

    func forgetAll() {
        names = [:]
    }
}

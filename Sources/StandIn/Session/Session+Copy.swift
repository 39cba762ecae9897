import PostgresClient

/// COPY from S3.
extension Session {
    func copy(_ statement: CopyStatement) async throws {
        let target = try await copyTarget(statement)
        let queryID = try await server.admin.execute("SELECT nextval('pg_catalog.standin_query_id')").firstValue
        let id = queryID.flatMap { Int64($0) } ?? 0
        let source = CopySource(
            statement: statement, settings: server.settings, http: server.http, logger: server.logger)
        let objects = try await source.objects()
        let (pid, registry) = (pid, server.registry)
        let load = CopyLoad(source: source, objects: objects, columns: target.columns, connection: connection) { rows in
            if await registry.isCancelled(pid: pid) {
                throw StandInError("57014", "Query (\(id)) canceled on user's request")
            }
            try await self.meetCopyFault(statement, rows: rows, isAtEnd: false)
        }
        let names = target.columns.map { Identifier.quote($0.name) }.joined(separator: ", ")
        try await connection.beginCopyIn(
            "\(WriteLock.take(statement.table)); COPY \(statement.table.sql) (\(names)) FROM STDIN")
        do {
            let outcome = try await load.run()
            lastCopyID = id
            if !outcome.errors.isEmpty {
                try await CopyErrorLog(admin: server.admin).add(
                    outcome.errors, user: user, table: target.oid, session: pid, query: id)
            }
            if outcome.isFailed { throw StandInError.loadFailed(statement.table) }
            try await meetCopyFault(statement, rows: outcome.rows, isAtEnd: true)
            _ = try await connection.endCopyIn()
            try await noteSerial(.copying(statement))
            loaded(statement, rows: statement.options.noLoad ? 0 : outcome.rows)
        } catch {
            // A server that has failed by itself has ended the COPY already.
            if await connection.transactionStatus == .active { try await connection.failCopyIn(reason: "load ended") }
            throw error
        }
    }

    private func loaded(_ statement: CopyStatement, rows: Int) {
        lastCopyCount = Int64(rows)
        messages.notice(
            severity: "INFO",
            "Load into table '\(statement.table.name)' completed, \(rows) record(s) loaded successfully.")
        messages.commandComplete("COPY")
    }

    private struct Target {
        var oid: Int
        var columns: [CopyTargetColumn]
    }

    /// The table's columns in file order; reads the catalog as the client's user.
    private func copyTarget(_ statement: CopyStatement) async throws -> Target {
        let result = try await connection.execute(CopyStatements.describe(statement.table))
        guard let first = result.rows.first else {
            throw StandInError("42P01", "relation \"\(statement.table.display)\" does not exist")
        }
        guard first[1] == "r" else {
            throw StandInError("42809", "COPY needs a table; \"\(statement.table.display)\" is none")
        }
        var known: [CopyTargetColumn] = []
        for row in result.rows {
            guard let name = row[2], let type = row[3] else { continue }
            guard
                let rule = FieldRule(
                    typeName: type, typeModifier: row[4].flatMap { Int($0) } ?? -1,
                    varbyteBytes: row[6].flatMap { Int($0) }, notNull: row[5] == "t")
            else { throw StandInError.notImitated("COPY into a column of type \(type)") }
            known.append(CopyTargetColumn(name: name, rule: rule))
        }
        let oid = first[0].flatMap { Int($0) } ?? 0
        if statement.columns.isEmpty { return Target(oid: oid, columns: known) }
        guard Set(statement.columns).count == statement.columns.count else {
            throw StandInError("42701", "a column is named twice in COPY's list")
        }
        let chosen = try statement.columns.map { name in
            guard let column = known.first(where: { $0.name == name }) else {
                throw StandInError(
                    "42703", "column \"\(name)\" of relation \"\(statement.table.display)\" does not exist")
            }
            return column
        }
        return Target(oid: oid, columns: chosen)
    }
}

extension StandInError {
    static func loadFailed(_ table: RelationName) -> StandInError {
        StandInError(
            "XX000", "Load into table '\(table.name)' failed.  Check 'stl_load_errors' system table for details.")
    }
}

/// The catalog reads and writes of COPY.
enum CopyStatements {
    static func describe(_ table: RelationName) -> String {
        """
        SELECT c.oid, c.relkind, a.attname, t.typname, a.atttypmod, a.attnotnull, n.varbyte_bytes
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_catalog.standin_column_notes n ON n.relid = c.oid AND n.attnum = a.attnum
        WHERE c.oid = \(Literal.quote(table.sql))::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """
    }

    static func addError(_ error: LoadError, user: String, table: Int, session: Int32, query: Int64) -> String {
        func text(_ value: String) -> String { Literal.quote(value.replacing("\0", with: "")) }
        return """
            INSERT INTO pg_catalog.standin_load_errors VALUES (\(text(user)), 0, \(table), now() AT TIME ZONE 'UTC',
            \(session), \(query), \(text(error.file)), \(error.line), \(text(error.column)),
            \(text(error.rule?.typeName ?? "")), \(text(error.rule?.lengthText ?? "")), \(error.position),
            \(text(error.rawLine)), \(text(error.rawField)), \(error.failure.code), \(text(error.failure.reason)))
            """
    }
}

/// Load errors are written by the internal user, so that they survive the client's rollback.
struct CopyErrorLog: Sendable {
    let admin: PostgresConnection

    func add(_ errors: [LoadError], user: String, table: Int, session: Int32, query: Int64) async throws {
        for error in errors.prefix(1_000) {
            try await admin.execute(
                CopyStatements.addError(error, user: user, table: table, session: session, query: query))
        }
    }
}

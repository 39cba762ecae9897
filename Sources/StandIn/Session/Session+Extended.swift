import Foundation
import PostgresClient

/// The extended query protocol. The PostgreSQL behind is spoken to in simple queries: bound values become literals, and
/// what a statement returns is asked of it without running it.
extension Session {
    func perform(_ message: ExtendedMessage) async throws {
        switch message {
        case .parse(let name, let bytes, let types): try await parse(name, bytes, types)
        case .bind(let binding): try await bind(binding)
        case .describeStatement(let name): try await describe(try findStatement(name))
        case .describePortal(let name):
            let portal = try findPortal(name)
            try await describeColumns(portal.plan, formats: portal.formats)
        case .execute(let name, let limit): try await execute(name, limit: limit)
        case .closeStatement(let name):
            extended.statements[name] = nil
            messages.closeComplete()
        case .closePortal(let name):
            if let cursor = extended.portals.removeValue(forKey: name)?.cursor,
                await connection.transactionStatus == .inTransaction
            {
                try await connection.execute("CLOSE \(cursor)")
            }
            messages.closeComplete()
        }
    }

    private func parse(_ name: String, _ bytes: [UInt8], _ types: [UInt32]) async throws {
        guard name.isEmpty || extended.statements[name] == nil else {
            throw StandInError("42P05", "prepared statement \"\(name)\" already exists")
        }
        var prepared = try PreparedStatement(bytes: bytes, declaredTypes: types)
        try await noteNames(prepared.sql)
        if let plan = try makePlan(prepared, .kept) {
            try await refuseInFailedTransaction(plan)
            if let text = plan.describable, prepared.takesParameters {
                try await prepareReferences(prepared.sql, prepared.range)
                try await infer(&prepared, text)
            }
        }
        extended.statements[name] = prepared
        messages.parseComplete()
    }

    /// Lets the PostgreSQL behind check the statement and name its parameters' types.
    private func infer(_ prepared: inout PreparedStatement, _ text: String) async throws {
        let declared = try prepared.declaredTypes.map { try PreparedStatement.name(of: $0) ?? "unknown" }
        let list = declared.isEmpty ? "" : " (\(declared.joined(separator: ", ")))"
        let answer = try await connection.execute(
            """
            PREPARE standin_parse\(list) AS \(text);
            SELECT array_to_string(parameter_types::oid[], ','), array_to_string(parameter_types, ',')
            FROM pg_catalog.pg_prepared_statements WHERE name = 'standin_parse'
            """)
        try await connection.execute("DEALLOCATE standin_parse")
        guard let row = answer.rows.first else { return }
        prepared.types = (row[0] ?? "").split(separator: ",").compactMap { UInt32($0) }
        prepared.typeNames = (row[1] ?? "").split(separator: ",").map(String.init)
    }

    private func makePlan(_ prepared: PreparedStatement, _ parameters: ExpressionContext.Parameters)
        throws(StandInError) -> StatementPlan?
    {
        guard let range = prepared.range else { return nil }
        var context = expressionContext
        context.parameters = parameters
        return try Rewriter.plan(prepared.sql, range, context)
    }

    private func findStatement(_ name: String) throws(StandInError) -> PreparedStatement {
        guard let found = extended.statements[name] else {
            throw StandInError("26000", "prepared statement \"\(name)\" does not exist")
        }
        return found
    }

    private func findPortal(_ name: String) throws(StandInError) -> Portal {
        guard let found = extended.portals[name] else {
            throw StandInError("34000", "portal \"\(name)\" does not exist")
        }
        return found
    }

    private func bind(_ binding: ExtendedMessage.Binding) async throws {
        let prepared = try findStatement(binding.statement)
        let plan = try makePlan(prepared, .values(try prepared.literals(binding)))
        if let plan { try await refuseInFailedTransaction(plan) }
        extended.portals[binding.portal] = Portal(plan: plan, statement: prepared, formats: binding.resultFormats)
        messages.bindComplete()
    }

    // MARK: Describe

    private func describe(_ prepared: PreparedStatement) async throws {
        messages.parameterDescription(prepared.types.isEmpty ? prepared.declaredTypes : prepared.types)
        try await describeColumns(try makePlan(prepared, .values(prepared.placeholders)), formats: [])
    }

    private func describeColumns(_ plan: StatementPlan?, formats: [Int16]) async throws {
        guard let plan, let columns = try await columns(of: plan) else { return messages.noData() }
        messages.rowDescription(columns, formats: formats)
    }

    /// The columns that a plan answers with; nil when it answers with a tag alone.
    private func columns(of plan: StatementPlan) async throws -> [PostgresColumn]? {
        func named(_ names: String...) -> [PostgresColumn] {
            names.map { PostgresColumn(name: $0, typeOID: BackendMessages.TypeOID.varchar) }
        }
        switch plan.action {
        case .rows(let sql):
            try await refuseInFailedTransaction(plan)
            if sql.hasPrefix("EXPLAIN ") { return named("QUERY PLAN") }
            if sql.hasPrefix("SHOW ") { return named(String(sql.dropFirst(5))) }
            guard plan.describable != nil else { return try await columnsOfCursor(sql) }
            return try await connection.execute("SELECT * FROM (\(sql)) standin_described LIMIT 0").columns
        case .showKeptParameter(let name): return named(name)
        case .control(.showLog): return named("session", "statement")
        case .control(.showFaults): return named("number", "fault", "state")
        default: return nil
        }
    }

    /// `FETCH … FROM name`: the columns of the cursor's own query.
    private func columnsOfCursor(_ sql: String) async throws -> [PostgresColumn]? {
        guard let name = sql.split(whereSeparator: { $0 == " " || $0 == "\"" }).last else { return nil }
        let known = try await connection.execute(
            "SELECT statement FROM pg_catalog.pg_cursors WHERE name = \(Literal.quote(String(name)))")
        guard let text = known.firstValue, let start = text.range(of: " CURSOR FOR ") else { return nil }
        let query = text[start.upperBound...]
        return try await connection.execute("SELECT * FROM (\(query)) standin_described LIMIT 0").columns
    }

    // MARK: Execute

    private func execute(_ name: String, limit: Int) async throws {
        let portal = try findPortal(name)
        guard let plan = portal.plan, let range = portal.statement.range else { return messages.emptyQuery() }
        if let cursor = portal.cursor { return try await fetch(cursor, limit, portal) }
        await server.log.add(session: pid, SecretMask.mask(portal.statement.sql, range))
        await server.registry.beginStatement(pid: pid)
        try await prepareReferences(portal.statement.sql, range)
        reply = RowReply(describes: false, formats: portal.formats)
        defer { reply = RowReply() }
        try await underFaults(plan, portal.statement.sql, range) {
            if limit > 0, case .rows(let sql) = plan.action, plan.describable != nil {
                return try await self.suspend(name, portal, sql, limit)
            }
            try await self.perform(plan, isSeveral: plan.refusedInTransaction == nil, isLast: false)
        }
    }

    /// A portal that delivers its rows in portions stands on a cursor behind.
    private func suspend(_ name: String, _ portal: Portal, _ sql: String, _ limit: Int) async throws {
        if await connection.transactionStatus == .idle {
            try await connection.execute("BEGIN")
            isImplicit = true
        }
        extended.cursorCount += 1
        let cursor = "standin_portal_\(extended.cursorCount)"
        try await connection.execute("DECLARE \(cursor) NO SCROLL CURSOR FOR \(sql)")
        extended.portals[name]?.cursor = cursor
        try await fetch(cursor, limit, portal)
    }

    private func fetch(_ cursor: String, _ limit: Int, _ portal: Portal) async throws {
        reply = RowReply(describes: false, formats: portal.formats)
        defer { reply = RowReply() }
        let portion = limit > 0 ? "FORWARD \(limit)" : "ALL"
        let rows = try await stream("FETCH \(portion) FROM \(cursor)", completes: false)
        if limit > 0, rows == limit { messages.portalSuspended() } else { messages.commandComplete("SELECT") }
    }

    /// Sync: what ran since the last one is one transaction, and portals do not outlive it.
    func sync() async throws {
        if isImplicit {
            do {
                try await endImplicit()
            } catch let error as PostgresError {
                try await fail(StandInError(backing: error))
            }
        }
        if await connection.transactionStatus == .idle { extended.portals = [:] }
        try await ready()
    }
}

extension StatementPlan {
    /// The one backing statement that reads or writes rows, if that is all there is to it.
    var describable: String? {
        switch action {
        case .rows(let sql):
            sql.hasPrefix("(") || ["SELECT", "WITH"].contains(where: sql.prefix(6).uppercased().hasPrefix) ? sql : nil
        case .command(let texts, tag: _): texts.count == 1 && !isSelectInto ? texts[0] : nil
        default: nil
        }
    }
}

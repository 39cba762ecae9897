import PostgresClient

/// What a statement names and has to be seen to before it runs.
extension Session {
    /// Statements that read what they name.
    private static let reading: Set<String> = [
        "select", "with", "insert", "update", "delete", "merge", "explain", "declare", "create",
    ]

    /// Brings the columns of late-binding views that a statement names up to date.
    func prepareReferences(_ sql: SQLText, _ range: Range<Int>?) async throws {
        guard let range, await !server.lateViews.isEmpty else { return }
        let names = await server.lateViews.names
        if range.contains(where: { sql.isWord($0, "rename") }) { await server.lateViews.noteRename(sql, range) }
        guard let first = sql.word(range.lowerBound),
            Self.reading.contains(first) || sql.isSymbol(range.lowerBound, "("),
            !(first == "create" && range.prefix(5).contains { sql.isWord($0, "view") }),
            await connection.transactionStatus != .inFailedTransaction
        else { return }
        var seen: Set<String> = []
        for index in range {
            guard let name = Self.name(sql, index), names.contains(name) else { continue }
            let schema = sql.isSymbol(index - 1, ".") ? Self.name(sql, index - 2) : nil
            let relation = RelationName(schema: schema, name: name).sql
            guard seen.insert(relation).inserted else { continue }
            try await connection.execute(
                "SELECT pg_catalog.standin_late_resolve(to_regclass(\(Literal.quote(relation))))")
        }
    }

    private static func name(_ sql: SQLText, _ index: Int) -> String? {
        guard sql.tokens.indices.contains(index) else { return nil }
        switch sql.tokens[index].kind {
        case .word: return sql.word(index).map(Identifier.backing)
        case .quoted: return Identifier.backing(ASCII.fold(Identifier.unquote(sql.text(index))))
        default: return nil
        }
    }
}

/// The names of views WITH NO SCHEMA BINDING, in whatever schema: so that a statement without one costs nothing.
actor LateViewNames {
    private(set) var names: Set<String> = []
    var isEmpty: Bool { names.isEmpty }

    init(_ admin: PostgresConnection) async throws {
        let known = try await admin.execute(
            """
            SELECT c.relname FROM pg_catalog.standin_late_views v JOIN pg_catalog.pg_class c ON c.oid = v.relid
            """)
        names = Set(known.rows.compactMap { $0[0] })
    }

    func add(_ name: String) { names.insert(name) }

    /// `… RENAME TO name`, whatever it renames.
    func noteRename(_ sql: SQLText, _ range: Range<Int>) {
        var reader = StatementReader(sql, max(range.lowerBound, range.upperBound - 1)..<range.upperBound)
        if let name = try? reader.name() { names.insert(name) }
    }
}

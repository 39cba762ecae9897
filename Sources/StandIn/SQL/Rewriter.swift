/// Decides what a statement is and what the PostgreSQL behind is asked for it. Pure: text in, plan out.
///
/// What no case names is refused, so nothing that Redshift lacks passes by accident.
struct Rewriter {
    let sql: SQLText
    let range: Range<Int>
    let context: ExpressionContext

    static func plan(_ sql: SQLText, _ range: Range<Int>, _ context: ExpressionContext = .init())
        throws(StandInError) -> StatementPlan
    {
        try Rewriter(sql: sql, range: range, context: context).plan()
    }

    /// Statements that Redshift lacks and answers with a syntax error or 0A000.
    private static let refused: Set<String> = [
        "savepoint", "release", "listen", "notify", "unlisten", "discard", "do", "cluster", "reindex", "checkpoint",
        "load", "import", "security", "reassign", "refresh", "table", "values", "move",
    ]
    /// Statements that Redshift has and this stand-in has not (yet).
    private static let notImitated: Set<String> = [
        "unload", "call", "prepare", "execute", "deallocate", "undrop", "use",
    ]

    private func plan() throws(StandInError) -> StatementPlan {
        var reader = StatementReader(sql, range)
        if reader.isNextSymbol("(") { return .rows(try queryText(range)) }
        guard let word = reader.word() else { throw reader.unexpected() }
        reader.advance()
        switch word {
        case "select", "with": return try query(word, reader)
        case "insert": return try insert(reader)
        case "update": return try update(reader)
        case "delete": return try delete(reader)
        case "merge": return try merge(reader)
        case "truncate": return try truncate(reader)
        case "begin", "start", "commit", "end", "rollback", "abort": return try transaction(word, reader)
        case "set", "reset", "show": return try parameter(word, reader)
        case "create": return try create(reader)
        case "drop": return try drop(reader)
        case "alter": return try alter(reader)
        case "comment": return try comment(reader)
        case "grant", "revoke": return try grant(word, reader)
        case "copy": return StatementPlan(action: .copy(try CopyStatement.read(&reader)))
        case "lock": return try lock(reader)
        case "analyze", "analyse": return try analyze(reader)
        case "vacuum": return try vacuum(reader)
        case "explain": return try explain(reader)
        case "cancel": return try cancel(reader)
        case "declare", "fetch", "close": return try cursor(word, reader)
        case "standin": return try control(reader)
        case _ where Self.notImitated.contains(word): throw .notImitated(word.uppercased())
        case _ where Self.refused.contains(word): throw .syntax(near: word.uppercased())
        default: throw .syntax(near: sql.text(range.lowerBound))
        }
    }

    /// Rewritten text of a query or expression.
    func queryText(_ range: Range<Int>, writesRows: Bool = false) throws(StandInError) -> String {
        var context = context
        context.writesRows = writesRows
        return try ExpressionRules.rewrite(sql, range, context)
    }

    private func transaction(_ word: String, _ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        if word == "start" {
            try reader.expect("transaction")
        } else {
            _ = reader.take("work") || reader.take("transaction")
        }
        if word == "begin" || word == "start" {
            while reader.take("isolation", "level") {
                guard
                    reader.take("serializable") || reader.take("read", "committed")
                        || reader.take("read", "uncommitted")
                        || reader.take("repeatable", "read") || reader.take("snapshot")
                else { throw reader.unexpected() }
                _ = reader.takeSymbol(",")
            }
            if reader.take("read") {
                guard reader.take("only") || reader.take("write") else { throw reader.unexpected() }
            }
            try reader.expectEnd()
            return StatementPlan(action: .begin)
        }
        if reader.isNext("to") { throw .unsupported("ROLLBACK TO SAVEPOINT") }
        try reader.expectEnd()
        return StatementPlan(action: word == "commit" || word == "end" ? .commit : .rollback)
    }

    private func cursor(_ word: String, _ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        guard word == "declare" else {
            if word == "close" {
                let name = try reader.name()
                try reader.expectEnd()
                return .command("CLOSE \(Identifier.quote(name))")
            }
            return .rows(try queryText(range))
        }
        let name = try reader.name()
        try reader.expect("cursor", "for")
        return .command("DECLARE \(Identifier.quote(name)) CURSOR FOR \(try queryText(reader.rest))")
    }

    private func explain(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        if reader.isNextSymbol("(") { throw reader.unexpected() }
        let verbose = reader.take("verbose") ? "VERBOSE " : ""
        let inner = try Rewriter.plan(sql, reader.rest, context)
        switch inner.action {
        case .rows(let text): return .rows("EXPLAIN \(verbose)\(text)")
        case .command(let texts, tag: _) where texts.count == 1 && !reader.isNext("create"):
            return .rows("EXPLAIN \(verbose)\(texts[0])")
        default: throw reader.unexpected()
        }
    }

    private func cancel(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        let pid = try reader.integer()
        if reader.kind() == .string { reader.advance() }
        try reader.expectEnd()
        return .command("SELECT pg_cancel_backend(\(pid))", tag: "CANCEL")
    }

    private func control(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        let control: ControlStatement
        if reader.take("await", "fault") {
            control = .awaitFault
        } else if reader.take("clear", "faults") {
            control = .clearFaults
        } else if reader.take("clear", "log") {
            control = .clearLog
        } else if reader.take("log") {
            control = .showLog
        } else if reader.take("faults") {
            control = .showFaults
        } else {
            try reader.expect("fault")
            let text = reader.source(reader.rest)
            return StatementPlan(action: .control(.armFault(try FaultReader.read(&reader), text: text)))
        }
        try reader.expectEnd()
        return StatementPlan(action: .control(control))
    }
}

/// CREATE, DROP and ALTER.
extension Rewriter {
    func create(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        let orReplace = reader.take("or", "replace")
        if reader.take("view") { return try createView(reader, orReplace: orReplace) }
        guard !orReplace else { throw .notImitated("CREATE OR REPLACE of anything but a view") }
        _ = reader.take("local")
        let isTemporary = reader.take("temporary") || reader.take("temp")
        if reader.take("table") { return try createTable(reader, isTemporary: isTemporary) }
        guard !isTemporary else { throw reader.unexpected() }
        if reader.take("schema") { return try createSchema(reader) }
        if reader.take("user") { return try createUser(reader, verb: "CREATE") }
        if reader.take("group") { return try createGroup(reader, isRole: false) }
        if reader.take("role") { return try createGroup(reader, isRole: true) }
        for word: StaticString in [
            "database", "procedure", "function", "materialized", "external", "library", "datashare", "model",
        ]
        where reader.isNext(word) {
            throw .notImitated("CREATE \(sql.text(reader.index).uppercased())")
        }
        throw reader.unexpected()
    }

    private func createTable(_ start: StatementReader, isTemporary: Bool) throws(StandInError) -> StatementPlan {
        var reader = start
        let ifNotExists = reader.take("if", "not", "exists")
        if reader.kind() == .word, let word = reader.word(), ReservedWords.redshift.contains(word) {
            throw reader.unexpected()
        }
        let table = try reader.relation()
        if let plan = try createTableAs(reader, table: table, isTemporary: isTemporary) {
            guard !ifNotExists else { throw .syntax(near: "not") }
            return plan
        }
        var parser = TableDefinitionParser(reader, table: table, context: context)
        parser.definition.isTemporary = isTemporary
        parser.definition.ifNotExists = ifNotExists
        return try TableStatements.create(try parser.read())
    }

    /// `name [(columns)] [attributes] AS query`; nil when it is a definition.
    private func createTableAs(_ start: StatementReader, table: RelationName, isTemporary: Bool) throws(StandInError)
        -> StatementPlan?
    {
        var depth = 0
        let marker = start.rest.first { index in
            if sql.isSymbol(index, "(") { depth += 1 }
            if sql.isSymbol(index, ")") { depth -= 1 }
            return depth == 0 && sql.isWord(index, "as")
        }
        guard let marker else { return nil }
        var head = StatementReader(sql, start.index..<marker)
        let columns = head.isNextSymbol("(") ? try head.nameList() : []
        var parser = TableDefinitionParser(head, table: table, context: context)
        try parser.readAttributes()
        try parser.reader.expectEnd()
        return try TableStatements.createAs(
            table, columns: columns, style: parser.definition.style,
            query: try queryText(marker + 1..<range.upperBound, writesRows: true), isTemporary: isTemporary)
    }

    private func createView(_ start: StatementReader, orReplace: Bool) throws(StandInError) -> StatementPlan {
        var reader = start
        let view = try reader.relation()
        let columns = reader.isNextSymbol("(") ? try reader.nameList() : []
        try reader.expect("as")
        var end = range.upperBound
        if end - 4 > reader.index, sql.isWord(end - 4, "with"), sql.isWord(end - 3, "no"),
            sql.isWord(end - 2, "schema"),
            sql.isWord(end - 1, "binding")
        {
            end -= 4
        }
        let isLate = end < range.upperBound
        let names = columns.isEmpty ? "" : " (" + columns.map(Identifier.quote).joined(separator: ", ") + ")"
        let query = try queryText(reader.index..<end)
        if isLate {
            try LateViewRules.check(sql, reader.index..<end)
            let shown = reader.source(range)
            let arguments = [view.name, names, query, shown].map(Literal.quote).joined(separator: ", ")
            var plan = StatementPlan.command(
                "SELECT pg_catalog.standin_late_create(\(view.schema.map(Literal.quote) ?? "NULL"), \(arguments), "
                    + "\(orReplace))",
                tag: "CREATE VIEW")
            plan.lateView = view.name
            return plan
        }
        let create = "CREATE \(orReplace ? "OR REPLACE " : "")VIEW \(view.sql)\(names) AS \(query)"
        guard orReplace else { return .command(create, tag: "CREATE VIEW") }
        return .command(
            "SELECT pg_catalog.standin_late_forget(to_regclass(\(Literal.quote(view.sql))))", create, tag: "CREATE VIEW"
        )
    }

    private func createSchema(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        var text = "CREATE SCHEMA" + (reader.take("if", "not", "exists") ? " IF NOT EXISTS" : "")
        if !reader.isNext("authorization") { text += " " + Identifier.quote(try reader.name()) }
        if reader.take("authorization") { text += " AUTHORIZATION " + Identifier.quote(try reader.name()) }
        if reader.take("quota") {
            if !reader.take("unlimited") {
                _ = try reader.integer()
                guard reader.take("mb") || reader.take("gb") || reader.take("tb") else { throw reader.unexpected() }
            }
        }
        try reader.expectEnd()
        return .command(text)
    }

    func drop(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        let kind: String
        if reader.take("table") {
            kind = "TABLE"
        } else if reader.take("view") {
            kind = "VIEW"
        } else if reader.take("schema") {
            kind = "SCHEMA"
        } else if reader.isNext("user") || reader.isNext("group") || reader.isNext("role") {
            kind = sql.text(reader.index).uppercased()
            reader.advance()
        } else {
            throw reader.unexpected()
        }
        let isRole = ["USER", "GROUP", "ROLE"].contains(kind)
        var text = "DROP \(isRole ? "ROLE" : kind) " + (reader.take("if", "exists") ? "IF EXISTS " : "")
        var names: [String] = []
        repeat { names.append(try reader.relation().sql) } while reader.takeSymbol(",")
        text += names.joined(separator: ", ")
        if reader.take("cascade") { text += " CASCADE" }
        _ = reader.take("restrict")
        _ = isRole && reader.take("force")
        try reader.expectEnd()
        return .command(text, tag: "DROP \(kind)")
    }

    func alter(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        if reader.take("table") { return try alterTable(reader) }
        if reader.take("user") { return try createUser(reader, verb: "ALTER") }
        if reader.take("group") { return try alterGroup(reader) }
        if reader.isNext("schema") {
            reader.advance()
            let name = Identifier.quote(try reader.name())
            if reader.take("rename", "to") {
                return .command("ALTER SCHEMA \(name) RENAME TO \(Identifier.quote(try reader.name()))")
            }
            if reader.take("owner", "to") {
                return .command("ALTER SCHEMA \(name) OWNER TO \(Identifier.quote(try reader.name()))")
            }
            throw .notImitated("ALTER SCHEMA … QUOTA")
        }
        if reader.take("default", "privileges") {
            let to = reader.rest.last { sql.isWord($0, "to") || sql.isWord($0, "from") }
            guard let to else { throw .syntax(near: "") }
            let access = try access(range, namesFrom: to)
            return StatementPlan(action: .command(access.checks + [access.text], tag: nil))
        }
        throw reader.unexpected()
    }
}

/// ALTER TABLE: one action a statement. https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html
extension Rewriter {
    func alterTable(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        let table = try reader.relation()
        let head = "ALTER TABLE \(table.sql)"
        if reader.take("rename", "to") {
            let name = try reader.name()
            try reader.expectEnd()
            guard !name.hasPrefix("#") else {
                throw StandInError("42602", "a permanent table cannot be renamed to a temporary name")
            }
            return .command("\(head) RENAME TO \(Identifier.quote(name))", tag: "ALTER TABLE")
        }
        if reader.take("rename") {
            _ = reader.take("column")
            let old = try reader.name()
            try reader.expect("to")
            let new = try reader.name()
            try reader.expectEnd()
            return .command("\(head) RENAME COLUMN \(Identifier.quote(old)) TO \(Identifier.quote(new))")
        }
        if reader.take("owner", "to") {
            let owner = try reader.name()
            try reader.expectEnd()
            return .command("\(head) OWNER TO \(Identifier.quote(owner))")
        }
        if reader.take("add") { return try addToTable(reader, table, head) }
        if reader.take("drop") { return try dropFromTable(reader, table, head) }
        if reader.take("alter") { return try alterPart(reader, table, head) }
        if reader.take("append") { return try append(reader, to: table) }
        throw reader.unexpected()
    }

    private func addToTable(_ start: StatementReader, _ table: RelationName, _ head: String) throws(StandInError)
        -> StatementPlan
    {
        var reader = start
        if reader.isNext("constraint") || reader.isNext("primary") || reader.isNext("unique")
            || reader.isNext("foreign")
        {
            var definition = TableDefinition(table: table)
            (definition.primaryKey, definition.otherKeys) = try reader.readTableConstraint()
            try reader.expectEnd()
            return .command(TableStatements.remember(definition), tag: "ALTER TABLE")
        }
        _ = reader.take("column")
        if reader.isNext("if") { throw reader.unexpected() }
        var parser = TableDefinitionParser(reader, table: table, context: context)
        let column = try parser.readColumn()
        try parser.reader.expectEnd()
        guard parser.definition.primaryKey.isEmpty, parser.definition.style.isEmpty, column.identity == nil else {
            throw StandInError("0A000", "ALTER TABLE ADD COLUMN takes no key, identity or sort attribute")
        }
        guard !column.notNull || column.defaultText != nil else {
            throw StandInError(
                "0A000", "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression")
        }
        var definition = TableDefinition(table: table)
        definition.columns = [column]
        return .command(
            "\(head) ADD COLUMN \(column.sql)", TableStatements.remember(definition), tag: "ALTER TABLE")
    }

    private func dropFromTable(_ start: StatementReader, _ table: RelationName, _ head: String) throws(StandInError)
        -> StatementPlan
    {
        var reader = start
        if reader.take("constraint") {
            _ = try reader.name()
            _ = reader.take("cascade") || reader.take("restrict")
            try reader.expectEnd()
            return .command(
                "SELECT pg_catalog.standin_forget_key(\(TableStatements.literal(table)))", tag: "ALTER TABLE")
        }
        _ = reader.take("column")
        if reader.isNext("if") { throw reader.unexpected() }
        let column = try reader.name()
        let cascade = reader.take("cascade")
        if !cascade { _ = reader.take("restrict") }
        try reader.expectEnd()
        return .command(
            "SELECT pg_catalog.standin_check_drop(\(TableStatements.literal(table)), \(Literal.quote(column)))",
            "\(head) DROP COLUMN \(Identifier.quote(column))\(cascade ? " CASCADE" : "")", tag: "ALTER TABLE")
    }

    private func alterPart(_ start: StatementReader, _ table: RelationName, _ head: String) throws(StandInError)
        -> StatementPlan
    {
        var reader = start
        guard reader.take("column") else { return try alterStyle(reader) }
        let column = try reader.name()
        if reader.isNext("encode") { return try alterEncodings(reader, table, first: column) }
        if reader.isNext("set") || reader.isNext("drop") {
            let what = reader.isNext("not", ahead: 1) ? "SET NOT NULL" : "SET/DROP DEFAULT"
            throw StandInError("0A000", "ALTER COLUMN \(what) is not supported")
        }
        try reader.expect("type")
        let type = try ColumnTypeParser.read(&reader, place: .column)
        if reader.isNext("using") {
            throw StandInError("0A000", "ALTER TABLE ALTER COLUMN does not support USING expression")
        }
        try reader.expectEnd()
        guard type.isVarchar else {
            throw StandInError("0A000", "ALTER COLUMN TYPE is supported for VARCHAR sizes only")
        }
        let size = type.postgres.filter(\.isNumber)
        var plan = StatementPlan.command(
            "SELECT pg_catalog.standin_check_widen(\(TableStatements.literal(table)), \(Literal.quote(column)), \(size))",
            "\(head) ALTER COLUMN \(Identifier.quote(column)) TYPE \(type.postgres)", tag: "ALTER TABLE")
        plan.refusedInTransaction = "ALTER TABLE ALTER COLUMN"
        return plan
    }

    /// `ALTER COLUMN c ENCODE e [, ALTER COLUMN …]`: the one action that may be given several times.
    private func alterEncodings(_ start: StatementReader, _ table: RelationName, first: String) throws(StandInError)
        -> StatementPlan
    {
        var reader = start
        var column = first
        var texts: [String] = []
        while true {
            try reader.expect("encode")
            let encoding = Literal.quote(try reader.readEncoding())
            texts.append(
                "SELECT pg_catalog.standin_note_encoding("
                    + "\(TableStatements.literal(table)), \(Literal.quote(column)), \(encoding))")
            guard reader.takeSymbol(",") else { break }
            try reader.expect("alter", "column")
            column = try reader.name()
        }
        try reader.expectEnd()
        return StatementPlan(action: .command(texts, tag: "ALTER TABLE"))
    }

    /// `APPEND FROM source [IGNOREEXTRA | FILLTARGET]`, which commits by itself.
    /// https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE_APPEND.html
    private func append(_ start: StatementReader, to table: RelationName) throws(StandInError) -> StatementPlan {
        var reader = start
        try reader.expect("from")
        let source = try reader.relation()
        let ignoresExtra = reader.take("ignoreextra")
        let fillsTarget = !ignoresExtra && reader.take("filltarget")
        try reader.expectEnd()
        var plan = StatementPlan.command(
            "SELECT pg_catalog.standin_append(\(TableStatements.literal(table)), \(TableStatements.literal(source)), "
                + "\(ignoresExtra), \(fillsTarget))", tag: "ALTER TABLE APPEND")
        plan.refusedInTransaction = "ALTER TABLE APPEND"
        return plan
    }

    /// Distribution, sort and encoding changes: checked for form, without effect.
    private func alterStyle(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        guard let word = start.word(),
            ["distkey", "diststyle", "sortkey", "compound", "encode"].contains(word)
        else { throw start.unexpected() }
        return .command("SELECT 1", tag: "ALTER TABLE")
    }
}

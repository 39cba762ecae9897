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
        if reader.isNext("append") { throw .notImitated("ALTER TABLE … APPEND") }
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
            definition.primaryKey = try reader.readTableConstraint()
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
        if reader.take("encode") {
            _ = try reader.readEncoding()
            return .command("SELECT 1", tag: "ALTER TABLE")
        }
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
        var plan = StatementPlan.command(
            "SELECT pg_catalog.standin_check_widen(\(TableStatements.literal(table)), \(Literal.quote(column)))",
            "\(head) ALTER COLUMN \(Identifier.quote(column)) TYPE \(type.postgres)", tag: "ALTER TABLE")
        plan.refusedInTransaction = "ALTER TABLE ALTER COLUMN"
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

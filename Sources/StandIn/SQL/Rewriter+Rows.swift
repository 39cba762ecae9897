/// Statements that read and write rows.
extension Rewriter {
    func query(_ word: String, _ reader: StatementReader) throws(StandInError) -> StatementPlan {
        guard word == "with" else {
            let hasInto = topLevelWords(reader.rest).contains { $0.word == "into" }
            let text = try queryText(range, writesRows: hasInto)
            guard hasInto else { return .rows(text) }
            var plan = StatementPlan.command(text)
            plan.isSelectInto = true
            return plan
        }
        try refuseWritingCTEs(reader.rest)
        let main = topLevelWords(reader.rest).first {
            ["select", "insert", "update", "delete", "merge"].contains($0.word)
        }
        guard let main else { throw .syntax(near: "") }
        switch main.word {
        case "select": return .rows(try queryText(range))
        case "delete":
            var inner = StatementReader(sql, main.index + 1..<range.upperBound)
            let prefix = try queryText(range.lowerBound..<main.index)
            return try deletePlan(&inner, prefix: prefix + " ")
        case "update":
            var target = StatementReader(sql, main.index + 1..<range.upperBound)
            return .writing(try target.relation(), try queryText(range, writesRows: true))
        default: throw .syntax(near: main.word)
        }
    }

    /// Words outside of all parentheses.
    private func topLevelWords(_ range: Range<Int>) -> [(index: Int, word: String)] {
        var depth = 0
        var words: [(index: Int, word: String)] = []
        for index in range {
            if sql.isSymbol(index, "(") { depth += 1 }
            if sql.isSymbol(index, ")") { depth -= 1 }
            if depth == 0, let word = sql.word(index) { words.append((index, word)) }
        }
        return words
    }

    private func refuseWritingCTEs(_ range: Range<Int>) throws(StandInError) {
        for index in range where sql.isWord(index, "as") && sql.isSymbol(index + 1, "(") {
            if let word = sql.word(index + 2), ["insert", "update", "delete", "merge"].contains(word) {
                throw .syntax(near: word)
            }
        }
    }

    func insert(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        try reader.expect("into")
        let table = try reader.relation()
        let columns = reader.index
        if reader.isNextSymbol("("), !reader.isNext("select", ahead: 1), !reader.isNextSymbol("(", ahead: 1) {
            _ = try reader.nameList()
        }
        guard
            reader.isNext("values") || reader.isNext("select") || reader.isNext("with") || reader.isNext("default")
                || reader.isNextSymbol("(")
        else { throw reader.unexpected() }
        if reader.isNext("with") { try refuseWritingCTEs(reader.rest) }
        try checkRowSizes(reader.rest)
        return .writing(
            table, reads: false,
            "INSERT INTO \(table.sql) " + (try queryText(columns..<range.upperBound, writesRows: true)))
    }

    /// The longest row that Redshift takes. https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html
    private static let rowLimitBytes = 4 << 20

    /// Rows of VALUES by the bytes of their text literals.
    private func checkRowSizes(_ values: Range<Int>) throws(StandInError) {
        guard let last = values.last, sql.isWord(values.lowerBound, "values"),
            Int(sql.tokens[last].end - sql.tokens[values.lowerBound].start) > Self.rowLimitBytes
        else { return }
        var (depth, bytes) = (0, 0)
        for index in values {
            if sql.isSymbol(index, "(") {
                depth += 1
                if depth == 1 { bytes = 0 }
            }
            if sql.isSymbol(index, ")") { depth -= 1 }
            guard sql.tokens[index].kind == .string else { continue }
            bytes += Literal.value(of: sql.text(index)).utf8.count
            guard bytes <= Self.rowLimitBytes else {
                throw .compute("The row is larger than the limit of 4 MB", context: "INSERT")
            }
        }
    }

    func update(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        if reader.isNext("only") { throw reader.unexpected() }
        let table = try reader.relation()
        return .writing(table, "UPDATE \(table.sql) " + (try queryText(reader.rest, writesRows: true)))
    }

    func delete(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        return try deletePlan(&reader)
    }

    /// `[FROM] table [USING …] [WHERE …]`: an alias on the target is Redshift's syntax error.
    private func deletePlan(_ reader: inout StatementReader, prefix: String = "") throws(StandInError) -> StatementPlan
    {
        _ = reader.take("from")
        let table = try reader.relation()
        guard reader.isAtEnd || reader.isNext("using") || reader.isNext("where") else {
            throw StandInError(
                "42601",
                "syntax error at or near \"\(sql.text(reader.index))\" in context \"DELETE FROM \(table.display)\"")
        }
        return .writing(table, prefix + "DELETE FROM \(table.sql) " + (try queryText(reader.rest, writesRows: true)))
    }

    func truncate(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        _ = reader.take("table")
        let table = try reader.relation()
        try reader.expectEnd()
        var plan = StatementPlan.command("TRUNCATE TABLE \(table.sql)", tag: "TRUNCATE TABLE")
        plan.commitsAfter = true
        return plan
    }

    /// Both WHEN clauses once, in order, without conditions; no alias on the target.
    func merge(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        try reader.expect("into")
        let table = try reader.relation()
        guard reader.isNext("using") else { throw reader.unexpected() }
        guard !reader.isNextSymbol("(", ahead: 1) else { throw .unsupported("A subquery as MERGE source") }
        let whens = topLevelWords(reader.rest).filter { $0.word == "when" && !isInsideCase($0.index) }
        if whens.isEmpty, sql.isWord(range.upperBound - 1, "duplicates"), sql.isWord(range.upperBound - 2, "remove") {
            return try mergeDuplicates(reader, into: table)
        }
        guard whens.count == 2 else {
            throw StandInError("42601", "MERGE needs one WHEN MATCHED and one WHEN NOT MATCHED clause")
        }
        var first = StatementReader(sql, whens[0].index..<range.upperBound)
        try first.expect("when", "matched", "then")
        guard first.isNext("update") || first.isNext("delete") else { throw first.unexpected() }
        var second = StatementReader(sql, whens[1].index..<range.upperBound)
        try second.expect("when", "not", "matched", "then", "insert")
        return .writing(table, "MERGE INTO \(table.sql) " + (try queryText(reader.rest, writesRows: true)))
    }

    /// `USING s [[AS] a] ON condition REMOVE DUPLICATES`: rows that match give way to the source's, each of those once.
    private func mergeDuplicates(_ start: StatementReader, into table: RelationName) throws(StandInError)
        -> StatementPlan
    {
        var reader = start
        try reader.expect("using")
        let source = try reader.relation()
        var alias = ""
        if !reader.isNext("on") {
            _ = reader.take("as")
            alias = " AS " + Identifier.quote(try reader.name())
        }
        try reader.expect("on")
        guard reader.index < range.upperBound - 2 else { throw reader.unexpected() }
        let condition = try queryText(reader.index..<range.upperBound - 2, writesRows: true)
        return .writing(
            table, "DELETE FROM \(table.sql) USING \(source.sql)\(alias) WHERE \(condition)",
            "INSERT INTO \(table.sql) SELECT DISTINCT * FROM \(source.sql)")
    }

    private func isInsideCase(_ index: Int) -> Bool {
        var depth = 0
        for at in range.lowerBound..<index {
            if sql.isWord(at, "case") { depth += 1 }
            if sql.isWord(at, "end") { depth -= 1 }
        }
        return depth > 0
    }

    func lock(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        _ = reader.take("table")
        var tables: [String] = []
        repeat { tables.append(try reader.relation().sql) } while reader.takeSymbol(",")
        try reader.expectEnd()
        var plan = StatementPlan.command(
            "LOCK TABLE \(tables.joined(separator: ", ")) IN ACCESS EXCLUSIVE MODE", tag: "LOCK TABLE")
        plan.wrapsItself = true
        return plan
    }

    func analyze(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        _ = reader.take("verbose")
        if reader.isAtEnd { return .command("ANALYZE") }
        let table = try reader.relation()
        var columns = ""
        if reader.isNextSymbol("(") {
            columns = " (" + (try reader.nameList()).map(Identifier.quote).joined(separator: ", ") + ")"
        }
        _ = reader.take("predicate", "columns") || reader.take("all", "columns")
        try reader.expectEnd()
        return .command("ANALYZE \(table.sql)\(columns)")
    }

    func vacuum(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        _ =
            reader.take("full") || reader.take("sort", "only") || reader.take("delete", "only")
            || reader.take("reindex")
            || reader.take("recluster")
        var target = ""
        if !reader.isAtEnd {
            target = " " + (try reader.relation().sql)
            if reader.take("to") {
                _ = try reader.integer()
                try reader.expect("percent")
            }
            _ = reader.take("boost")
        }
        try reader.expectEnd()
        var plan = StatementPlan.command("VACUUM\(target)")
        plan.refusedInTransaction = "VACUUM"
        return plan
    }
}

/// What a session knows that a rewritten expression must carry.
struct ExpressionContext: Sendable, Equatable {
    var lastCopyCount: Int64 = 0
    var lastCopyID: Int64 = -1
    /// The statement writes rows, so leader-only functions are refused.
    var writesRows = false
    var parameters = Parameters.refused
    /// Catalog tables are read, in which long names have a short form.
    var namesCatalog = false

    /// What becomes of `$1`.
    enum Parameters: Sendable, Equatable {
        /// A simple query has none.
        case refused
        /// It stays, for a statement that is only checked.
        case kept
        /// The literals that take their place.
        case values([String])
    }

    /// Parameters are counted in 16 bits with a sign. https://github.com/aws/amazon-redshift-python-driver/issues/165
    static let parameterLimit = 32_767
}

/// The rules for the inside of queries: folds names, refuses what Redshift lacks, rewrites what PostgreSQL lacks.
struct ExpressionRules {
    private let sql: SQLText
    private let range: Range<Int>
    private var context: ExpressionContext
    private var edits: SQLEdits

    /// The text of `range`, for the PostgreSQL behind.
    static func rewrite(_ sql: SQLText, _ range: Range<Int>, _ context: ExpressionContext) throws(StandInError)
        -> String
    {
        var rules = ExpressionRules(sql: sql, range: range, context: context, edits: SQLEdits(sql))
        rules.context.namesCatalog = range.contains { sql.namesCatalog($0) }
        for index in range { try rules.visit(index) }
        return rules.edits.apply(to: range)
    }

    private mutating func visit(_ index: Int) throws(StandInError) {
        switch sql.tokens[index].kind {
        case .word: try visitWord(index)
        case .quoted: try visitQuoted(index)
        case .hashName:
            edits.replace(index..<index + 1, with: Identifier.quote(Identifier.backing(ASCII.fold(sql.text(index)))))
        case .prefixedString:
            let prefix = sql.text(index).prefix { $0 != "'" && $0 != "\"" }.lowercased()
            throw StandInError("42704", "type \"\(prefix)\" does not exist")
        case .parameter: try visitParameter(index)
        case .dollarString: throw .syntax(near: "$$")
        case .symbol where sql.isCast(index): try visitCast(typeAt: index + 1)
        case .string where context.namesCatalog: visitCatalogLiteral(index)
        case .string, .number, .symbol: break
        }
    }

    private mutating func visitParameter(_ index: Int) throws(StandInError) {
        let text = sql.text(index)
        guard let number = Int(text.dropFirst()) else { throw .syntax(near: text) }
        switch context.parameters {
        case .refused: throw StandInError("42P02", "there is no parameter \(text)")
        case .kept:
            guard (1...ExpressionContext.parameterLimit).contains(number) else { throw .noParameter(number) }
        case .values(let literals):
            guard literals.indices.contains(number - 1) else { throw .noParameter(number) }
            edits.replace(index..<index + 1, with: literals[number - 1])
        }
    }

    private mutating func visitQuoted(_ index: Int) throws(StandInError) {
        let text = sql.text(index)
        let name = Identifier.unquote(text)
        try Identifier.check(name)
        let folded = Identifier.backing(ASCII.fold(name))
        if folded != name { edits.replace(index..<index + 1, with: Identifier.quote(folded)) }
    }

    private func isName(_ index: Int) -> Bool { sql.isSymbol(index - 1, ".") }
    private func isCall(_ index: Int) -> Bool { index + 1 < range.upperBound && sql.isSymbol(index + 1, "(") }
    private func isEmptyCall(_ index: Int) -> Bool { isCall(index) && sql.isSymbol(index + 2, ")") }

    private mutating func visitWord(_ index: Int) throws(StandInError) {
        let length = sql.tokens[index].end - sql.tokens[index].start
        guard length <= 32 else {
            if length > Identifier.backingLimitBytes {
                edits.replace(
                    index..<index + 1, with: Identifier.quote(Identifier.backing(ASCII.fold(sql.text(index)))))
            }
            return
        }
        guard let word = sql.word(index) else { return }
        if word == "information_schema", sql.isSymbol(index + 1, "."), let view = sql.word(index + 2),
            ["columns", "tables", "schemata"].contains(view)
        {
            edits.replace(index..<index + 3, with: "pg_catalog.standin_\(view)")
            return
        }
        if isName(index), !sql.isWord(index - 2, "pg_catalog") { return }
        if isCall(index) { try visitCall(word, index) } else { try visitBare(word, index) }
    }

    private mutating func visitCall(_ word: String, _ index: Int) throws(StandInError) {
        if ReservedWords.refusedFunctions.contains(word) {
            throw StandInError("42883", "function \(word) does not exist or is not supported in Redshift")
        }
        switch word {
        case _ where context.writesRows && ReservedWords.leaderOnlyFunctions.contains(word): throw .leaderOnly
        case "decode": try visitDecode(index)
        case "version" where isEmptyCall(index): edits.insert("''", after: index + 1)
        case "pg_last_copy_count" where isEmptyCall(index):
            edits.insert(String(context.lastCopyCount), after: index + 1)
        case "pg_last_copy_id" where isEmptyCall(index): edits.insert(String(context.lastCopyID), after: index + 1)
        case "pg_get_viewdef": edits.insert("' '::\"char\", ", after: index + 1)
        case "nvl": edits.replace(index..<index + 1, with: "coalesce")
        case "dateadd", "datediff", "date_diff", "date_add":
            if sql.tokens.indices.contains(index + 2), sql.tokens[index + 2].kind == .word, sql.isSymbol(index + 3, ",")
            {
                edits.replace(index + 2..<index + 3, with: "'\(sql.word(index + 2) ?? "")'")
            }
        case "cast": try visitCastCall(index)
        case "lateral", "on", "from", "conflict", "returning": try visitBare(word, index)
        case "filter" where sql.isSymbol(index - 1, ")"): throw .syntax(near: "(")
        case "values": try visitValues(index)
        case "listagg": try visitListagg(index)
        default: break
        }
    }

    private mutating func visitBare(_ word: String, _ index: Int) throws(StandInError) {
        switch word {
        case "returning": throw .syntax(near: "returning")
        case "conflict" where sql.isWord(index - 1, "on"): throw .syntax(near: "on")
        case "from"
        where sql.isWord(index - 1, "distinct") && (sql.isWord(index - 2, "is") || sql.isWord(index - 2, "not")):
            throw .syntax(near: "distinct")
        case "on" where sql.isWord(index - 1, "distinct"): throw .unsupported("SELECT DISTINCT ON")
        case "lateral": throw .unsupported("LATERAL")
        case "current_timestamp" where context.writesRows: throw .leaderOnly
        case "sysdate": edits.replace(index..<index + 1, with: "sysdate()")
        case "minus": edits.replace(index..<index + 1, with: "except")
        case "top"
        where sql.isWord(index - 1, "select") && sql.tokens.indices.contains(index + 1)
            && sql.tokens[index + 1].kind == .number:
            visitTop(index)
        default: break
        }
    }

    /// `FROM (VALUES …)`: a table constant, which Redshift lacks. INSERT's VALUES never follows `(`.
    private func visitValues(_ index: Int) throws(StandInError) {
        if index > range.lowerBound, sql.isSymbol(index - 1, "(") { throw .syntax(near: "values") }
    }

    private mutating func visitCast(typeAt index: Int) throws(StandInError) {
        var reader = StatementReader(sql, index..<range.upperBound)
        if sql.isWord(index, "pg_catalog"), sql.isSymbol(index + 1, ".") { reader.advance(2) }
        guard reader.kind() == .word else { return }
        let start = reader.index
        let type = try ColumnTypeParser.read(&reader, place: .cast)
        edits.replace(start..<reader.index, with: type.postgres)
    }

    /// `CAST ( expression AS type )`
    private mutating func visitCastCall(_ index: Int) throws(StandInError) {
        let close = try StatementReader(sql, range).closing(after: index + 1) - 1
        var depth = 0
        for at in index + 1..<close {
            if sql.isSymbol(at, "(") { depth += 1 }
            if sql.isSymbol(at, ")") { depth -= 1 }
            if depth == 1, sql.isWord(at, "as") { return try visitCast(typeAt: at + 1) }
        }
    }

    /// With two arguments it would be PostgreSQL's function of that name, which Redshift lacks.
    private mutating func visitDecode(_ index: Int) throws(StandInError) {
        let close = try StatementReader(sql, range).closing(after: index + 1) - 1
        var depth = 0
        let commas = (index + 1..<close).filter { at in
            if sql.isSymbol(at, "(") { depth += 1 }
            if sql.isSymbol(at, ")") { depth -= 1 }
            return depth == 1 && sql.isSymbol(at, ",")
        }
        guard commas.count >= 2 else { throw StandInError("42883", "function decode does not exist") }
        // The first argument is repeated with each comparison.
        let value = try Self.rewrite(sql, index + 2..<commas[0], context)
        edits.replace(index..<commas[0] + 1, with: "(case when (\(value)) is not distinct from ")
        for (number, comma) in commas.dropFirst().enumerated() {
            if number.isMultiple(of: 2) {
                edits.replace(comma..<comma + 1, with: " then ")
            } else {
                let isDefault = number == commas.count - 2
                edits.replace(
                    comma..<comma + 1, with: isDefault ? " else " : " when (\(value)) is not distinct from ")
            }
        }
        edits.replace(close..<close + 1, with: " end)")
    }

    /// A long name that is looked for in the catalog.
    private mutating func visitCatalogLiteral(_ index: Int) {
        let token = sql.tokens[index]
        guard (Identifier.backingLimitBytes + 3...Identifier.limitBytes + 2).contains(Int(token.end - token.start))
        else { return }
        edits.replace(
            index..<index + 1, with: Literal.quote(Identifier.backing(Literal.value(of: sql.text(index)))))
    }

    /// `SELECT TOP n …` becomes `SELECT … LIMIT n` at the end of its query.
    private mutating func visitTop(_ index: Int) {
        var depth = 0
        var end = index
        while end < range.upperBound {
            if sql.isSymbol(end, "(") { depth += 1 }
            if sql.isSymbol(end, ")") {
                depth -= 1
                if depth < 0 { break }
            }
            end += 1
        }
        edits.replace(index..<index + 2, with: "")
        edits.insert(" limit \(sql.text(index + 1))", after: end - 1)
    }

    /// `LISTAGG(x, d) WITHIN GROUP (ORDER BY o)` becomes PostgreSQL's aggregate with the order inside.
    private mutating func visitListagg(_ index: Int) throws(StandInError) {
        let reader = StatementReader(sql, range)
        let close = try reader.closing(after: index + 1) - 1
        var depth = 0
        let hasDelimiter = (index + 1..<close).contains { at in
            if sql.isSymbol(at, "(") { depth += 1 }
            if sql.isSymbol(at, ")") { depth -= 1 }
            return depth == 1 && sql.isSymbol(at, ",")
        }
        edits.replace(index..<index + 1, with: "listagg(string_agg")
        var order = ""
        var end = close
        if sql.isWord(close + 1, "within"), sql.isWord(close + 2, "group"), sql.isSymbol(close + 3, "(") {
            let orderEnd = try reader.closing(after: close + 3)
            order = " " + reader.source(close + 4..<orderEnd - 1)
            edits.replace(close + 1..<orderEnd, with: "")
            end = orderEnd - 1
        }
        edits.insert(")", after: end)
        edits.insert((hasDelimiter ? "" : ", ''") + order, before: close)
    }
}

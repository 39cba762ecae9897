/// What Redshift demands of a view WITH NO SCHEMA BINDING: every table and view in it is named with its schema.
/// https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html
struct LateViewRules {
    private let sql: SQLText
    private let range: Range<Int>
    /// Names of common table expressions, which have no schema.
    private let local: Set<String>

    static func check(_ sql: SQLText, _ range: Range<Int>) throws(StandInError) {
        try LateViewRules(sql: sql, range: range).check()
    }

    private init(sql: SQLText, range: Range<Int>) {
        self.sql = sql
        self.range = range
        var names: Set<String> = []
        for index in range where sql.isWord(index, "as") && sql.isSymbol(index + 1, "(") {
            var at = index - 1
            if sql.isSymbol(at, ")") {
                while at > range.lowerBound, !sql.isSymbol(at, "(") { at -= 1 }
                at -= 1
            }
            names.insert(Self.name(sql, at))
        }
        local = names
    }

    private static func name(_ sql: SQLText, _ index: Int) -> String {
        sql.word(index) ?? ASCII.fold(Identifier.unquote(sql.text(index)))
    }

    /// Words that end a FROM list.
    private static let ending: Set<String> = [
        "where", "group", "having", "order", "limit", "union", "except", "minus", "intersect", "qualify", "select",
        "with",
    ]
    /// Functions with a FROM of their own.
    private static let functions: Set<String> = ["extract", "trim", "substring", "position", "overlay"]

    private func check() throws(StandInError) {
        // For each open parenthesis: whether a FROM list is being read inside.
        var lists = [false]
        for index in range {
            if sql.isSymbol(index, "(") { lists.append(false) }
            if sql.isSymbol(index, ")"), lists.count > 1 { lists.removeLast() }
            let depth = lists.count - 1
            if let word = sql.word(index), !sql.isSymbol(index - 1, ".") {
                if word == "from", !isFunctions(index) { lists[depth] = true }
                if Self.ending.contains(word) { lists[depth] = false }
            }
            let opens = sql.isWord(index, "from") || sql.isWord(index, "join") || sql.isSymbol(index, ",")
            if lists[depth], opens { try checkRelation(index + 1) }
        }
    }

    private func isFunctions(_ index: Int) -> Bool {
        var depth = 0
        var at = index - 1
        while at >= range.lowerBound {
            if sql.isSymbol(at, ")") { depth += 1 }
            if sql.isSymbol(at, "(") {
                depth -= 1
                if depth < 0 { return sql.word(at - 1).map(Self.functions.contains) ?? false }
            }
            at -= 1
        }
        return false
    }

    private func checkRelation(_ index: Int) throws(StandInError) {
        guard index < range.upperBound, !sql.isSymbol(index, "("), !sql.isSymbol(index + 1, "."),
            !sql.isSymbol(index + 1, "("), !local.contains(Self.name(sql, index))
        else { return }
        throw StandInError(
            "0A000",
            "All the relation names inside should be qualified when creating views with no schema binding.")
    }
}

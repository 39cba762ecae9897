/// Users, groups, grants and comments.
extension Rewriter {
    /// `GRANT … TO [GROUP|ROLE] x`: PostgreSQL has one kind of role.
    func grant(_ word: String, _ start: StatementReader) throws(StandInError) -> StatementPlan {
        let words = Array(start.rest)
        guard let to = words.last(where: { sql.isWord($0, "to") || sql.isWord($0, "from") }) else {
            throw .syntax(near: "")
        }
        return .command(try accessText(range, namesFrom: to), tag: word.uppercased())
    }

    /// Text without the words GROUP, ROLE and USER behind `namesFrom`.
    func accessText(_ range: Range<Int>, namesFrom: Int) throws(StandInError) -> String {
        var head = try queryText(range.lowerBound..<namesFrom + 1)
        var names = StatementReader(sql, namesFrom + 1..<range.upperBound)
        while !names.isAtEnd {
            if names.isNext("group") || names.isNext("role") || names.isNext("user") {
                names.advance()
            } else {
                head += " " + (try queryText(names.index..<names.index + 1))
                names.advance()
            }
        }
        return head
    }

    func comment(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        try reader.expect("on")
        if reader.isNext("constraint") || reader.isNext("database") { return .command("SELECT 1", tag: "COMMENT") }
        guard reader.isNext("table") || reader.isNext("column") || reader.isNext("view") else {
            throw reader.unexpected()
        }
        return .command(try queryText(range))
    }

    /// `CREATE USER name [WITH] PASSWORD … [CREATEUSER] …`
    func createUser(_ start: StatementReader, verb: String) throws(StandInError) -> StatementPlan {
        var reader = start
        let name = Identifier.quote(try reader.name())
        if verb == "ALTER", reader.take("rename", "to") {
            return .command("ALTER ROLE \(name) RENAME TO \(Identifier.quote(try reader.name()))", tag: "ALTER USER")
        }
        if verb == "ALTER", reader.take("set") || reader.take("reset") { throw .notImitated("ALTER USER … SET") }
        _ = reader.take("with")
        var options = verb == "CREATE" ? " LOGIN" : ""
        var groups: [String] = []
        while !reader.isAtEnd {
            if reader.take("password") {
                if reader.take("disable") {
                    options += " PASSWORD NULL"
                } else {
                    guard reader.kind() == .string else { throw reader.unexpected() }
                    options += " PASSWORD " + sql.text(reader.index)
                    reader.advance()
                }
            } else if reader.take("createuser") {
                options += " SUPERUSER"
            } else if reader.take("nocreateuser") {
                options += " NOSUPERUSER"
            } else if reader.take("createdb") {
                options += " CREATEDB"
            } else if reader.take("in", "group") {
                repeat { groups.append(Identifier.quote(try reader.name())) } while reader.takeSymbol(",")
            } else if reader.take("valid", "until") {
                options += " VALID UNTIL " + sql.text(reader.index)
                reader.advance()
            } else if reader.take("connection", "limit") {
                options += reader.take("unlimited") ? "" : " CONNECTION LIMIT \(try reader.integer())"
            } else if reader.take("syslog", "access") {
                reader.advance()
            } else if reader.take("nocreatedb") {
                options += " NOCREATEDB"
            } else {
                throw reader.unexpected()
            }
        }
        let grants = groups.map { "GRANT \($0) TO \(name)" }
        return StatementPlan(
            action: .command(["\(verb) ROLE \(name)\(options)"] + grants, tag: "\(verb) USER"))
    }

    func createGroup(_ start: StatementReader, isRole: Bool) throws(StandInError) -> StatementPlan {
        var reader = start
        let name = Identifier.quote(try reader.name())
        var texts = ["CREATE ROLE \(name)"]
        if !isRole, reader.take("with") || !reader.isAtEnd {
            try reader.expect("user")
            repeat {
                texts.append("GRANT \(name) TO \(Identifier.quote(try reader.name()))")
            } while reader.takeSymbol(",")
        }
        try reader.expectEnd()
        return StatementPlan(action: .command(texts, tag: isRole ? "CREATE ROLE" : "CREATE GROUP"))
    }

    /// `ALTER GROUP g ADD USER u` is a grant behind.
    func alterGroup(_ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        let group = Identifier.quote(try reader.name())
        let adds = reader.take("add", "user")
        guard adds || reader.take("drop", "user") else { throw reader.unexpected() }
        var texts: [String] = []
        repeat {
            let user = Identifier.quote(try reader.name())
            texts.append(adds ? "GRANT \(group) TO \(user)" : "REVOKE \(group) FROM \(user)")
        } while reader.takeSymbol(",")
        try reader.expectEnd()
        return StatementPlan(action: .command(texts, tag: "ALTER GROUP"))
    }
}

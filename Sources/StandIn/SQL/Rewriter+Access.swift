/// Users, groups, grants and comments.
extension Rewriter {
    /// `GRANT … TO [GROUP|ROLE] x`: PostgreSQL has one kind of role, so the kind is checked before.
    func grant(_ word: String, _ start: StatementReader) throws(StandInError) -> StatementPlan {
        let words = Array(start.rest)
        guard let to = words.last(where: { sql.isWord($0, "to") || sql.isWord($0, "from") }) else {
            throw .syntax(near: "")
        }
        let isOfRoles = !words.contains { sql.isWord($0, "on") }
        let access = try access(range, namesFrom: to, isOfRoles: isOfRoles)
        return StatementPlan(action: .command(access.checks + [access.text], tag: word.uppercased()))
    }

    /// Text without the words GROUP, ROLE and USER behind `namesFrom` (and before it, where roles are granted), and
    /// what must hold before it runs.
    func access(_ range: Range<Int>, namesFrom: Int, isOfRoles: Bool = false) throws(StandInError)
        -> (text: String, checks: [String])
    {
        var head = isOfRoles ? "" : try queryText(range.lowerBound..<namesFrom + 1)
        var checks: [String] = []
        for index in range.lowerBound..<namesFrom + 1 where isOfRoles && !sql.isWord(index, "role") {
            head += (head.isEmpty ? "" : " ") + (try queryText(index..<index + 1))
        }
        var names = StatementReader(sql, namesFrom + 1..<range.upperBound)
        var isName = true
        while !names.isAtEnd {
            var kind = "user"
            for word: StaticString in ["group", "role", "user"] where names.isNext(word) {
                kind = "\(word)"
                names.advance()
                break
            }
            if names.isNext("with") || names.isNext("cascade") || names.isNext("restrict") { isName = false }
            if isName, !names.isNextSymbol(","), !names.isNext("public"), !names.isNext("current_user") {
                let name = Literal.quote(try names.peekName())
                checks.append("SELECT pg_catalog.standin_check_identity(\(name), '\(kind)')")
            }
            head += " " + (try queryText(names.index..<names.index + 1))
            names.advance()
        }
        return (head, checks)
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
        let kind = isRole ? "role" : "group"
        let noted = Identifier.unquote(name)
        texts.append("SELECT pg_catalog.standin_note_identity(\(Literal.quote(noted)), '\(kind)')")
        return StatementPlan(action: .command(texts, tag: "CREATE \(kind.uppercased())"))
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

import PostgresClient

/// Names of 64 to 127 bytes, which Redshift takes and PostgreSQL cuts: behind the stand-in they have a short form
/// (`Identifier.backing`), and everything that goes to the client shows the long one.
actor LongNames {
    private let admin: PostgresConnection
    /// Long names by their short forms.
    private(set) var byShort: [String: String]

    /// Reads the names of earlier runs.
    init(_ admin: PostgresConnection) async throws {
        self.admin = admin
        let known = try await admin.execute("SELECT short, long FROM pg_catalog.standin_names")
        byShort = Dictionary(
            known.rows.compactMap { row in row[0].flatMap { short in row[1].map { (short, $0) } } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Remembers the long names of a statement for good, whatever becomes of its transaction.
    func note(_ sql: SQLText) async throws {
        for index in sql.tokens.indices
        where sql.tokens[index].end - sql.tokens[index].start > Identifier.backingLimitBytes {
            let text = sql.text(index)
            let name: String
            switch sql.tokens[index].kind {
            case .word, .hashName: name = Identifier.cut(ASCII.fold(text))
            case .quoted: name = Identifier.cut(ASCII.fold(Identifier.unquote(text)))
            default: continue
            }
            let short = Identifier.backing(name)
            guard short != name, byShort[short] == nil else { continue }
            byShort[short] = name
            try await admin.execute(
                """
                INSERT INTO pg_catalog.standin_names VALUES (\(Literal.quote(short)), \(Literal.quote(name)))
                ON CONFLICT DO NOTHING
                """)
        }
    }
}

extension Session {
    /// To be called with each statement before it is planned.
    func noteNames(_ sql: SQLText) async throws {
        try await server.longNames.note(sql)
        let names = await server.longNames.byShort
        guard names.count != appearance.longNames.count else { return }
        appearance.longNames = names
        messages.appearance = appearance
    }
}

/// How values and names of the PostgreSQL behind look to the client.
struct Appearance: Sendable {
    /// The number that the PostgreSQL behind gave to SUPER; 0 while no rows are sent.
    var superType: UInt32 = 0
    var longNames: [String: String] = [:]

    /// - Returns: The long form of a name, or the name itself.
    func name(_ name: String) -> String { longNames[name] ?? name }

    /// The long form of a whole value that is a short name.
    func longName(_ value: [UInt8]) -> [UInt8]? {
        guard !longNames.isEmpty, Identifier.looksShortened(value) else { return nil }
        return longNames[String(decoding: value, as: UTF8.self)].map { Array($0.utf8) }
    }

    /// Text with its short names replaced, for messages.
    func text(_ text: String) -> String {
        guard !longNames.isEmpty, text.utf8.contains(Identifier.mark) else { return text }
        return longNames.reduce(text) { $0.replacing($1.key, with: $1.value) }
    }

    /// Type numbers as Redshift's drivers know them.
    func redshiftType(_ type: UInt32) -> UInt32 {
        switch type {
        case superType: type == 0 ? type : BackendMessages.TypeOID.redshiftSuper
        case BackendMessages.TypeOID.bytea: BackendMessages.TypeOID.redshiftVarbyte
        default: type
        }
    }

    /// A value as Redshift shows it: VARBYTE without PostgreSQL's `\x`, SUPER as JSON, names in full.
    func shown(_ value: [UInt8], _ type: UInt32) -> ArraySlice<UInt8> {
        switch type {
        case BackendMessages.TypeOID.bytea: return value.dropFirst(2)
        case superType where type != 0:
            return value.first == SuperText.documentMark ? value.dropFirst() : SuperText.quoted(value)[...]
        default: return (longName(value) ?? value)[...]
        }
    }
}

/// A parsed CREATE TABLE: what PostgreSQL is given and what only the shadow catalog remembers.
struct TableDefinition: Sendable, Equatable {
    struct ColumnDefinition: Sendable, Equatable {
        var name: String
        var type: ColumnType
        /// Rewritten expression text.
        var defaultText: String?
        /// Seed and step.
        var identity: (seed: Int, step: Int, byDefault: Bool)?
        var notNull = false
        var encoding: String?

        static func == (left: Self, right: Self) -> Bool {
            left.name == right.name && left.type == right.type && left.defaultText == right.defaultText
                && left.notNull == right.notNull && left.encoding == right.encoding
                && left.identity?.seed == right.identity?.seed && left.identity?.step == right.identity?.step
        }

        /// PostgreSQL's column definition.
        var sql: String {
            var text = "\(Identifier.quote(name)) \(type.postgres)"
            if let defaultText { text += " DEFAULT \(defaultText)" }
            if let identity {
                text += " GENERATED \(identity.byDefault ? "BY DEFAULT" : "ALWAYS") AS IDENTITY"
                text += " (START WITH \(identity.seed) INCREMENT BY \(identity.step))"
            }
            return text + (notNull ? " NOT NULL" : "") + type.limit(of: Identifier.quote(name))
        }
    }

    var table: RelationName
    var isTemporary = false
    var ifNotExists = false
    var columns: [ColumnDefinition] = []
    var likes: [(parent: RelationName, withDefaults: Bool)] = []
    var style = TableStyle()
    var primaryKey: [String] = []
    /// Columns of UNIQUE and FOREIGN KEY.
    var otherKeys: [String] = []

    static func == (left: Self, right: Self) -> Bool {
        left.table == right.table && left.columns == right.columns && left.style == right.style
            && left.primaryKey == right.primaryKey && left.isTemporary == right.isTemporary
            && left.likes.map(\.parent) == right.likes.map(\.parent)
    }
}

/// Distribution and sort attributes, which have no effect behind but are remembered and checked.
struct TableStyle: Sendable, Equatable {
    var distStyle: String?
    var distKey: String?
    var sortKeys: [String] = []
    var isInterleaved = false
    var isEmpty = true
}

/// Reads what follows CREATE [TEMP] TABLE. https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html
struct TableDefinitionParser {
    static let columnLimit = 1_600
    static let encodings: Set<String> = [
        "raw", "az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16", "mostly32", "runlength",
        "text255",
        "text32k", "zstd", "auto",
    ]

    var reader: StatementReader
    let context: ExpressionContext
    var definition: TableDefinition

    init(_ reader: StatementReader, table: RelationName, context: ExpressionContext) {
        self.reader = reader
        self.context = context
        definition = TableDefinition(table: table)
    }

    /// The whole of `( … ) attributes`.
    mutating func read() throws(StandInError) -> TableDefinition {
        try reader.expectSymbol("(")
        repeat { try readElement() } while reader.takeSymbol(",")
        try reader.expectSymbol(")")
        try readAttributes()
        try reader.expectEnd()
        try check()
        return definition
    }

    private mutating func readElement() throws(StandInError) {
        if reader.take("like") {
            let parent = try reader.relation()
            let withDefaults = reader.take("including", "defaults")
            if !withDefaults { _ = reader.take("excluding", "defaults") }
            definition.likes.append((parent, withDefaults))
        } else if reader.isNext("constraint") || reader.isNext("primary") || reader.isNext("unique")
            || reader.isNext("foreign")
        {
            let keys = try reader.readTableConstraint()
            definition.primaryKey += keys.primary
            definition.otherKeys += keys.other
        } else if reader.isNext("check") || reader.isNext("exclude") {
            throw reader.unexpected()
        } else {
            definition.columns.append(try readColumn())
        }
    }

    /// One column; also ALTER TABLE ADD COLUMN.
    mutating func readColumn() throws(StandInError) -> TableDefinition.ColumnDefinition {
        if reader.kind() == .word, let word = reader.word(), ReservedWords.redshift.contains(word) {
            throw reader.unexpected()
        }
        let name = try reader.name()
        guard !Identifier.systemColumns.contains(name) else {
            throw StandInError("42701", "column name \"\(name)\" conflicts with a system column name")
        }
        var column = TableDefinition.ColumnDefinition(
            name: name, type: try ColumnTypeParser.read(&reader, place: .column))
        while try readColumnAttribute(&column) {}
        return column
    }

    private mutating func readColumnAttribute(_ column: inout TableDefinition.ColumnDefinition) throws(StandInError)
        -> Bool
    {
        if reader.take("default") {
            column.defaultText = try readDefault()
        } else if reader.take("identity") {
            column.identity = try readIdentity(byDefault: false)
            column.notNull = true
        } else if reader.take("generated", "by", "default", "as", "identity") {
            column.identity = try readIdentity(byDefault: true)
            column.notNull = true
        } else if reader.take("encode") {
            column.encoding = try reader.readEncoding()
        } else if reader.take("distkey") {
            try setDistKey(column.name)
        } else if reader.take("sortkey") {
            definition.style.sortKeys.append(column.name)
            definition.style.isEmpty = false
        } else if reader.take("collate") {
            guard reader.take("case_sensitive") || reader.take("case_insensitive") else { throw reader.unexpected() }
        } else if reader.take("not", "null") {
            column.notNull = true
        } else if reader.take("unique") {
            // A planner's hint in Redshift, never enforced.
            definition.otherKeys.append(column.name)
        } else if reader.take("null") {
            // What a column is anyway.
        } else if reader.take("primary", "key") {
            column.notNull = true
            definition.primaryKey.append(column.name)
        } else if reader.take("references") {
            definition.otherKeys.append(column.name)
            _ = try reader.relation()
            if reader.isNextSymbol("(") { _ = try reader.nameList() }
        } else {
            return false
        }
        return true
    }

    private mutating func readIdentity(byDefault: Bool) throws(StandInError) -> (seed: Int, step: Int, byDefault: Bool)
    {
        try reader.expectSymbol("(")
        let seed = try reader.integer()
        try reader.expectSymbol(",")
        let step = try reader.integer()
        try reader.expectSymbol(")")
        return (seed, step, byDefault)
    }

    /// An expression ends where the next column attribute, comma or parenthesis begins.
    private mutating func readDefault() throws(StandInError) -> String {
        let start = reader.index
        var depth = 0
        let stops: Set<String> = [
            "identity", "generated", "encode", "distkey", "sortkey", "collate", "not", "null", "unique", "primary",
            "references", "default",
        ]
        while !reader.isAtEnd {
            if depth == 0, reader.isNextSymbol(",") || reader.isNextSymbol(")") { break }
            if depth == 0, reader.index > start, let word = reader.word(), stops.contains(word) { break }
            if reader.isNextSymbol("(") { depth += 1 }
            if reader.isNextSymbol(")") { depth -= 1 }
            reader.advance()
        }
        guard reader.index > start else { throw reader.unexpected() }
        return try ExpressionRules.rewrite(reader.sql, start..<reader.index, context)
    }

    private mutating func setDistKey(_ column: String) throws(StandInError) {
        guard definition.style.distKey == nil else {
            throw StandInError("42601", "multiple distribution keys are not allowed")
        }
        definition.style.distKey = column
        definition.style.isEmpty = false
    }

    /// `DISTSTYLE … DISTKEY(…) SORTKEY(…) BACKUP … ENCODE AUTO`, in any order.
    mutating func readAttributes() throws(StandInError) {
        while true {
            if reader.take("backup") {
                guard reader.take("yes") || reader.take("no") else { throw reader.unexpected() }
                definition.style.isEmpty = false
            } else if reader.take("diststyle") {
                guard let word = reader.word(), ["auto", "even", "key", "all"].contains(word) else {
                    throw reader.unexpected()
                }
                reader.advance()
                definition.style.distStyle = word
                definition.style.isEmpty = false
            } else if reader.take("distkey") {
                let names = try reader.nameList()
                guard names.count == 1 else {
                    throw StandInError("42601", "only one distribution key column is allowed")
                }
                try setDistKey(names[0])
            } else if reader.take("sortkey", "auto") || reader.take("encode", "auto") {
                definition.style.isEmpty = false
            } else if reader.isNext("compound") || reader.isNext("interleaved") || reader.isNext("sortkey") {
                definition.style.isInterleaved = reader.take("interleaved")
                if !definition.style.isInterleaved { _ = reader.take("compound") }
                try reader.expect("sortkey")
                definition.style.sortKeys = try reader.nameList()
                definition.style.isEmpty = false
            } else {
                return
            }
        }
    }

    private func check() throws(StandInError) {
        let style = definition.style
        guard definition.columns.count <= Self.columnLimit else {
            throw StandInError("54011", "tables can have at most \(Self.columnLimit) columns")
        }
        if style.distKey != nil, let kind = style.distStyle, kind != "key" {
            throw StandInError("42P16", "DISTSTYLE must be KEY when DISTKEY is given")
        }
        if style.distStyle == "key", style.distKey == nil {
            throw StandInError("42P16", "DISTSTYLE KEY needs a DISTKEY")
        }
        guard style.sortKeys.count <= (style.isInterleaved ? 8 : 400) else {
            throw StandInError("54011", "too many sort key columns")
        }
        if !definition.likes.isEmpty {
            guard style.isEmpty else {
                throw StandInError(
                    "42601", "LIKE takes distribution, sort and backup from its table; they cannot be given")
            }
            return
        }
        guard !definition.columns.isEmpty else { throw StandInError("42601", "a table needs a column") }
        for key in style.sortKeys + (style.distKey.map { [$0] } ?? []) {
            guard let column = definition.columns.first(where: { $0.name == key }) else {
                throw StandInError("42703", "column \"\(key)\" named in key does not exist")
            }
            guard column.type.canBeKey else {
                throw StandInError(
                    "0A000", "Column \"\(key)\" cannot be a distribution or sort key: its type does not allow it")
            }
        }
        for key in definition.primaryKey where !definition.columns.contains(where: { $0.name == key }) {
            throw StandInError("42703", "column \"\(key)\" named in key does not exist")
        }
    }
}

extension StatementReader {
    mutating func readEncoding() throws(StandInError) -> String {
        guard let word = word(), TableDefinitionParser.encodings.contains(word) else { throw unexpected() }
        advance()
        return word
    }

    /// `[CONSTRAINT n] PRIMARY KEY (…) | UNIQUE (…) | FOREIGN KEY (…) REFERENCES …`; the columns of each.
    mutating func readTableConstraint() throws(StandInError) -> (primary: [String], other: [String]) {
        if take("constraint") { _ = try name() }
        if take("primary", "key") { return (try nameList(), []) }
        if take("unique") { return ([], try nameList()) }
        try expect("foreign", "key")
        let columns = try nameList()
        try expect("references")
        _ = try relation()
        if isNextSymbol("(") { _ = try nameList() }
        return ([], columns)
    }
}

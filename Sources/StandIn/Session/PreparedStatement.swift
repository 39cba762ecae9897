/// A statement of the extended query protocol, as Parse left it.
struct PreparedStatement: Sendable {
    let sql: SQLText
    /// nil for an empty statement.
    let range: Range<Int>?
    /// Type numbers that the client fixed; 0 and 705 leave one open.
    let declaredTypes: [UInt32]
    /// What the PostgreSQL behind made of all parameters, with its names for them; empty where it was not asked.
    var types: [UInt32] = []
    var typeNames: [String] = []

    /// Statements that take parameters; in all others `$1` is a syntax error, COPY and DDL included.
    private static let parametrised: Set<String> = ["select", "with", "insert", "update", "delete", "merge"]

    /// - Throws: `StandInError` for text that cannot be read, for several statements, for parameters where Redshift
    ///   takes none, and for type numbers that it does not know.
    init(bytes: [UInt8], declaredTypes: [UInt32]) throws(StandInError) {
        guard bytes.count <= FrontendDecoder.statementLimitBytes else { throw .tooLarge(bytes.count) }
        sql = try Tokenizer.read(bytes)
        let ranges = sql.statements()
        guard ranges.count <= 1 else {
            throw StandInError("42601", "cannot insert multiple commands into a prepared statement")
        }
        range = ranges.first
        self.declaredTypes = declaredTypes
        for type in declaredTypes { _ = try Self.name(of: type) }
        guard let range, !takesParameters else { return }
        if let parameter = range.first(where: { sql.tokens[$0].kind == .parameter }) {
            throw .syntax(near: sql.text(parameter))
        }
    }

    /// Whether it reads or writes rows, so that the PostgreSQL behind can be asked about it.
    var takesParameters: Bool {
        guard let range else { return false }
        return sql.isSymbol(range.lowerBound, "(")
            || sql.word(range.lowerBound).map(Self.parametrised.contains) ?? false
    }

    /// A cast for a type number; nil for those that leave the type open.
    static func name(of type: UInt32) throws(StandInError) -> String? {
        switch type {
        case 0, 705, .max: return nil
        case 16: return "boolean"
        case 18: return "\"char\""
        case 19: return "name"
        case 20: return "bigint"
        case 21: return "smallint"
        case 23: return "integer"
        case 25: return "text"
        case 26: return "oid"
        case 114, 4000: return "super"
        case 700: return "real"
        case 701: return "double precision"
        case 1042: return "bpchar"
        case 1043: return "varchar"
        case 1082: return "date"
        case 1083: return "time"
        case 1114: return "timestamp"
        case 1184: return "timestamptz"
        case 1186, 1188, 1190: return "interval"
        case 1266: return "timetz"
        case 1700: return "numeric"
        case 6551: return "varbyte"
        default: throw StandInError("42704", "type with OID \(type) does not exist")
        }
    }

    /// The bound values as literals.
    func literals(_ binding: ExtendedMessage.Binding) throws(StandInError) -> [String] {
        guard binding.values.count <= ExpressionContext.parameterLimit else {
            throw .noParameter(ExpressionContext.parameterLimit + 1)
        }
        let wanted = max(types.count, declaredTypes.count)
        guard binding.values.count == wanted || types.isEmpty else {
            throw StandInError(
                "08P01",
                "bind message supplies \(binding.values.count) parameters, but prepared statement requires \(wanted)")
        }
        var literals: [String] = []
        for (index, value) in binding.values.enumerated() {
            let type = index < declaredTypes.count ? declaredTypes[index] : 0
            let cast = try Self.name(of: type).map { "::" + $0 } ?? ""
            guard let value else {
                literals.append("NULL" + cast)
                continue
            }
            let text =
                binding.isBinary(index)
                ? try BinaryValue.decode(value, type: type) : String(decoding: value, as: UTF8.self)
            guard !text.utf8.contains(0), UTF8Check.isValid(value) || binding.isBinary(index) else {
                throw StandInError("22021", "invalid byte sequence for encoding \"UNICODE\"")
            }
            literals.append(Literal.quote(text) + cast)
        }
        return literals
    }

    /// NULLs of the right types, for asking what columns come back.
    var placeholders: [String] {
        (0..<max(typeNames.count, declaredTypes.count)).map { index in
            "NULL" + (index < typeNames.count ? "::" + typeNames[index] : "")
        }
    }
}

/// A statement with its values, ready to be executed.
struct Portal: Sendable {
    let plan: StatementPlan?
    let statement: PreparedStatement
    let formats: [Int16]
    /// The backing cursor of a portal that was suspended.
    var cursor: String?
}

/// Prepared statements and portals of a session.
struct ExtendedState: Sendable {
    var statements: [String: PreparedStatement] = [:]
    var portals: [String: Portal] = [:]
    /// Makes cursor names unique.
    var cursorCount = 0
}

/// How rows are sent.
struct RowReply: Sendable {
    /// Execute sends rows without their description.
    var describes = true
    /// None means text, one stands for all columns.
    var formats: [Int16] = []
}

/// A cursor over one statement's tokens, with the small vocabulary of a recursive-descent parser.
struct StatementReader {
    let sql: SQLText
    private(set) var index: Int
    let end: Int

    init(_ sql: SQLText, _ range: Range<Int>) {
        self.sql = sql
        index = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { index >= end }
    var rest: Range<Int> { index..<end }

    func isNext(_ word: StaticString, ahead: Int = 0) -> Bool { index + ahead < end && sql.isWord(index + ahead, word) }
    func isNextSymbol(_ symbol: Character, ahead: Int = 0) -> Bool {
        index + ahead < end && sql.isSymbol(index + ahead, symbol)
    }
    func kind(ahead: Int = 0) -> TokenKind? { index + ahead < end ? sql.tokens[index + ahead].kind : nil }
    func word(ahead: Int = 0) -> String? { index + ahead < end ? sql.word(index + ahead) : nil }

    mutating func advance(_ count: Int = 1) { index = min(index + count, end) }
    mutating func move(to place: Int) { index = min(max(place, index), end) }

    /// Takes these words if they all come next.
    mutating func take(_ words: StaticString...) -> Bool {
        for (offset, word) in words.enumerated() where !isNext(word, ahead: offset) { return false }
        index += words.count
        return true
    }

    mutating func takeSymbol(_ symbol: Character) -> Bool {
        guard isNextSymbol(symbol) else { return false }
        index += 1
        return true
    }

    mutating func expect(_ words: StaticString...) throws(StandInError) {
        for word in words {
            guard isNext(word) else { throw unexpected() }
            index += 1
        }
    }

    mutating func expectSymbol(_ symbol: Character) throws(StandInError) {
        guard takeSymbol(symbol) else { throw unexpected() }
    }

    func expectEnd() throws(StandInError) {
        guard isAtEnd else { throw unexpected() }
    }

    /// 42601 at the next token; string literals are not repeated, since they may be secret.
    func unexpected() -> StandInError {
        guard !isAtEnd else { return .syntax(near: "") }
        return kind() == .string ? .syntax(near: "'…'") : .syntax(near: sql.text(index))
    }

    /// One identifier, folded; `#name` keeps its `#`.
    mutating func name() throws(StandInError) -> String {
        guard let kind = kind() else { throw unexpected() }
        let name: String
        switch kind {
        case .word, .hashName: name = ASCII.fold(sql.text(index))
        case .quoted: name = ASCII.fold(Identifier.unquote(sql.text(index)))
        default: throw unexpected()
        }
        try Identifier.check(name)
        index += 1
        return Identifier.backing(name)
    }

    /// The next identifier, left where it is.
    func peekName() throws(StandInError) -> String {
        var ahead = self
        return try ahead.name()
    }

    /// `[schema.]table`
    mutating func relation() throws(StandInError) -> RelationName {
        let first = try name()
        guard takeSymbol(".") else { return RelationName(schema: nil, name: first) }
        let second = try name()
        if takeSymbol(".") { return RelationName(schema: second, name: try name()) }
        return RelationName(schema: first, name: second)
    }

    /// `( name [, …] )`
    mutating func nameList() throws(StandInError) -> [String] {
        try expectSymbol("(")
        var names: [String] = []
        repeat { names.append(try name()) } while takeSymbol(",")
        try expectSymbol(")")
        return names
    }

    mutating func integer() throws(StandInError) -> Int {
        guard kind() == .number, let value = Int(sql.text(index)) else { throw unexpected() }
        index += 1
        return value
    }

    /// The value of a string literal, escapes resolved.
    mutating func string() throws(StandInError) -> String {
        guard kind() == .string else { throw unexpected() }
        let value = Literal.value(of: sql.text(index))
        index += 1
        return value
    }

    /// The place just behind the parenthesis that opens at `place`.
    func closing(after place: Int) throws(StandInError) -> Int {
        var depth = 0
        for at in place..<end {
            if sql.isSymbol(at, "(") { depth += 1 }
            if sql.isSymbol(at, ")") {
                depth -= 1
                if depth == 0 { return at + 1 }
            }
        }
        throw .syntax(near: "")
    }

    /// Source text of a token range, unchanged.
    func source(_ range: Range<Int>) -> String {
        guard !range.isEmpty else { return "" }
        let bytes = sql.bytes[Int(sql.tokens[range.lowerBound].start)..<Int(sql.tokens[range.upperBound - 1].end)]
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A table's or view's name, folded.
struct RelationName: Sendable, Equatable {
    var schema: String?
    var name: String

    var sql: String { (schema.map { Identifier.quote($0) + "." } ?? "") + Identifier.quote(name) }
    var display: String { (schema.map { $0 + "." } ?? "") + name }
    var isHash: Bool { name.hasPrefix("#") }
}

/// Names and their limits.
enum Identifier {
    /// Longer names are cut without a word. https://docs.aws.amazon.com/redshift/latest/dg/r_names.html
    static let limitBytes = 127
    /// What the PostgreSQL behind takes.
    static let backingLimitBytes = 63
    /// Stands between the beginning of a shortened name and its digest.
    static let mark = UInt8(ascii: "~")
    private static let digestDigits = 16
    static let systemColumns: Set<String> = ["oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"]

    static func quote(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    static func unquote(_ text: String) -> String {
        String(text.dropFirst().dropLast()).replacing("\"\"", with: "\"")
    }

    static func check(_ name: String) throws(StandInError) {
        guard !name.isEmpty else { throw StandInError("42601", "zero-length delimited identifier") }
    }

    /// The name as Redshift keeps it: at most 127 bytes, whole characters.
    static func cut(_ name: String) -> String { prefix(name, limitBytes) }

    private static func prefix(_ name: String, _ limit: Int) -> String {
        let bytes = Array(name.utf8)
        guard bytes.count > limit else { return name }
        let end = bytes.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { UTF8Check.boundary($0, limit) } ?? limit
        }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// What stands for a name in the PostgreSQL behind: itself, or its beginning and a digest of the whole.
    static func backing(_ name: String) -> String {
        guard name.utf8.count > backingLimitBytes else { return name }
        let whole = cut(name)
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in whole.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digest = String(hash, radix: 16)
        let zeros = String(repeating: "0", count: digestDigits - digest.count)
        return prefix(whole, 43) + "~" + zeros + digest
    }

    /// Whether bytes have the form of a shortened name.
    static func looksShortened(_ value: [UInt8]) -> Bool {
        value.count > digestDigits && value.count <= backingLimitBytes && value[value.count - digestDigits - 1] == mark
    }
}

/// String literals with Redshift's backslash escapes.
enum Literal {
    /// A literal for the PostgreSQL behind (standard_conforming_strings is off there).
    static func quote(_ text: String) -> String {
        "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "''") + "'"
    }

    /// The value of a literal token, quotes included in `text`.
    static func value(of text: String) -> String {
        var out: [UInt8] = []
        let body = Array(text.utf8.dropFirst().dropLast())
        var index = 0
        while index < body.count {
            let byte = body[index]
            index += 1
            if byte == UInt8(ascii: "'") {
                index += 1
                out.append(byte)
            } else if byte == UInt8(ascii: "\\"), index < body.count {
                index = appendEscape(body, index, to: &out)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func appendEscape(_ body: [UInt8], _ start: Int, to out: inout [UInt8]) -> Int {
        var index = start
        switch body[index] {
        case UInt8(ascii: "n"): out.append(10)
        case UInt8(ascii: "t"): out.append(9)
        case UInt8(ascii: "r"): out.append(13)
        case UInt8(ascii: "b"): out.append(8)
        case UInt8(ascii: "f"): out.append(12)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            var value = 0
            while index < body.count, index < start + 3, (48...55).contains(body[index]) {
                value = value * 8 + Int(body[index] - 48)
                index += 1
            }
            out.append(UInt8(truncatingIfNeeded: value))
            return index
        default: out.append(body[index])
        }
        return index + 1
    }
}

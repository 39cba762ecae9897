/// The lexical kinds that the rewriter tells apart.
enum TokenKind: UInt8, Sendable {
    /// Unquoted identifier or keyword.
    case word
    /// `"…"`, quotes included.
    case quoted
    /// `#name`: Redshift's short form of a temporary table.
    case hashName
    /// `'…'` with backslash escapes, quotes included.
    case string
    /// `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'`, which Redshift does not know.
    case prefixedString
    case number
    /// Punctuation; `::` is one token, everything else one byte.
    case symbol
    /// `$1`
    case parameter
    /// `$$…$$` or `$tag$…$tag$`
    case dollarString
}

/// A piece of a statement: its kind and its bytes' place.
struct Token: Sendable, Equatable {
    var kind: TokenKind
    var start: Int32
    var end: Int32
}

/// Statement text with its tokens; all rewriting is done as edits of the original bytes.
struct SQLText: Sendable {
    let bytes: [UInt8]
    let tokens: [Token]

    /// The bytes of a token as text.
    func text(_ index: Int) -> String {
        guard tokens.indices.contains(index) else { return "" }
        return String(decoding: bytes[Int(tokens[index].start)..<Int(tokens[index].end)], as: UTF8.self)
    }

    /// Whether the token at `index` is this word, in any case and unquoted.
    func isWord(_ index: Int, _ word: StaticString) -> Bool {
        guard index >= 0, index < tokens.count, tokens[index].kind == .word else { return false }
        let start = Int(tokens[index].start)
        guard Int(tokens[index].end) - start == word.utf8CodeUnitCount else { return false }
        for offset in 0..<word.utf8CodeUnitCount where ASCII.lower(bytes[start + offset]) != word.utf8Start[offset] {
            return false
        }
        return true
    }

    /// Whether the token at `index` is this punctuation.
    func isSymbol(_ index: Int, _ symbol: Character) -> Bool {
        guard index >= 0, index < tokens.count, tokens[index].kind == .symbol else { return false }
        return tokens[index].end - tokens[index].start == 1 && bytes[Int(tokens[index].start)] == symbol.asciiValue
    }

    func isCast(_ index: Int) -> Bool {
        guard index >= 0, index < tokens.count, tokens[index].kind == .symbol else { return false }
        return tokens[index].end - tokens[index].start == 2
    }

    /// Lower-cased text of a word, nil for other kinds.
    func word(_ index: Int) -> String? {
        guard index >= 0, index < tokens.count, tokens[index].kind == .word else { return nil }
        let range = Int(tokens[index].start)..<Int(tokens[index].end)
        return String(decoding: bytes[range].lazy.map(ASCII.lower), as: UTF8.self)
    }

    /// Whether the token at `index` is a catalog's name.
    func namesCatalog(_ index: Int) -> Bool {
        guard tokens[index].kind == .word, let word = word(index) else { return false }
        return word == "information_schema" || ["pg_", "svv_", "stv_", "stl_", "sys_"].contains(where: word.hasPrefix)
    }

    /// The statements of this text as token ranges, split at `;`; empty ones are left out.
    func statements() -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        for index in tokens.indices where isSymbol(index, ";") {
            if index > start { ranges.append(start..<index) }
            start = index + 1
        }
        if start < tokens.count { ranges.append(start..<tokens.count) }
        return ranges
    }
}

/// Byte classes; SQL folds ASCII letters only.
enum ASCII {
    static func lower(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte | 32 : byte }
    static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
    static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (byte >= 9 && byte <= 13) }
    static func isNameStart(_ byte: UInt8) -> Bool {
        (byte | 32 >= 97 && byte | 32 <= 122) || byte == 95 || byte >= 128
    }
    static func isNamePart(_ byte: UInt8) -> Bool { isNameStart(byte) || isDigit(byte) || byte == 36 }

    /// Folded as Redshift folds identifiers, quoted or not.
    static func fold(_ text: String) -> String { String(decoding: text.utf8.map(lower), as: UTF8.self) }
}

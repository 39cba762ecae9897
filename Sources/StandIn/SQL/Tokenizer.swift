/// Turns statement bytes into tokens by Redshift's lexical rules: backslash escapes inside `'…'`, nested comments,
/// `#temp` names, no dollar quotes outside procedures (they are recognised, so that they can be refused).
struct Tokenizer {
    private let bytes: [UInt8]
    private var position = 0
    private var tokens: [Token] = []

    /// - Throws: `StandInError` 42601 for text that ends inside a string, a name or a comment; 22021 for bytes that are
    ///   no UTF-8.
    static func read(_ bytes: [UInt8]) throws(StandInError) -> SQLText {
        let bad = bytes.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { UTF8Check.firstInvalid($0, buffer.count) } ?? nil
        }
        guard bad == nil, !bytes.contains(0) else {
            throw StandInError("22021", "invalid byte sequence for encoding \"UNICODE\"")
        }
        var tokenizer = Tokenizer(bytes: bytes)
        try tokenizer.run()
        return SQLText(bytes: bytes, tokens: tokenizer.tokens)
    }

    static func read(_ text: String) throws(StandInError) -> SQLText { try read(Array(text.utf8)) }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func peek(_ offset: Int = 0) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    private mutating func run() throws(StandInError) {
        while position < bytes.count {
            let byte = bytes[position]
            let start = position
            if ASCII.isSpace(byte) {
                position += 1
            } else if byte == UInt8(ascii: "-"), peek(1) == UInt8(ascii: "-") {
                while position < bytes.count, bytes[position] != 10 { position += 1 }
            } else if byte == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                try skipBlockComment()
            } else if byte == UInt8(ascii: "'") {
                try skipString()
                add(.string, from: start)
            } else if byte == UInt8(ascii: "\"") {
                try skipQuoted()
                add(.quoted, from: start)
            } else if ASCII.isNameStart(byte) {
                try readWord(from: start)
            } else if ASCII.isDigit(byte) || (byte == UInt8(ascii: ".") && ASCII.isDigit(peek(1))) {
                skipNumber()
                add(.number, from: start)
            } else if byte == UInt8(ascii: "$") {
                try readDollar(from: start)
            } else if byte == UInt8(ascii: "#"), ASCII.isNameStart(peek(1)), startsName {
                position += 1
                while position < bytes.count, ASCII.isNamePart(bytes[position]) { position += 1 }
                add(.hashName, from: start)
            } else {
                position += byte == UInt8(ascii: ":") && peek(1) == byte ? 2 : 1
                add(.symbol, from: start)
            }
        }
    }

    private mutating func add(_ kind: TokenKind, from start: Int) {
        tokens.append(Token(kind: kind, start: Int32(start), end: Int32(position)))
    }

    /// Where `#` opens a name instead of being an operator: after a keyword, a comma or a parenthesis.
    private var startsName: Bool {
        guard let last = tokens.last else { return false }
        let text = SQLText(bytes: bytes, tokens: [last])
        if last.kind == .symbol { return text.isSymbol(0, ",") || text.isSymbol(0, "(") }
        return text.word(0).map(Self.wordsBeforeTable.contains) ?? false
    }

    private static let wordsBeforeTable: Set<String> = [
        "table", "exists", "into", "from", "join", "update", "delete", "using", "like", "truncate", "analyze", "vacuum",
        "lock", "only", "to", "copy", "view",
    ]

    private mutating func readWord(from start: Int) throws(StandInError) {
        while position < bytes.count, ASCII.isNamePart(bytes[position]) { position += 1 }
        let letter = ASCII.lower(bytes[start])
        let single = position - start == 1
        if single, peek() == UInt8(ascii: "'"), "ebxn".utf8.contains(letter) {
            try skipString()
            return add(.prefixedString, from: start)
        }
        if single, letter == UInt8(ascii: "u"), peek() == UInt8(ascii: "&"),
            peek(1) == UInt8(ascii: "'") || peek(1) == UInt8(ascii: "\"")
        {
            position += 1
            if peek() == UInt8(ascii: "'") { try skipString() } else { try skipQuoted() }
            return add(.prefixedString, from: start)
        }
        add(.word, from: start)
    }

    private mutating func skipString() throws(StandInError) {
        let start = position
        position += 1
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "'"):
                position += 1
                if peek() != UInt8(ascii: "'") { return }
                position += 1
            default: position += 1
            }
        }
        throw unterminated("unterminated quoted string", from: start)
    }

    private mutating func skipQuoted() throws(StandInError) {
        let start = position
        position += 1
        while position < bytes.count {
            position += 1
            if bytes[position - 1] == UInt8(ascii: "\"") {
                if peek() != UInt8(ascii: "\"") { return }
                position += 1
            }
        }
        throw unterminated("unterminated quoted identifier", from: start)
    }

    private mutating func skipBlockComment() throws(StandInError) {
        let start = position
        var depth = 0
        repeat {
            guard position + 1 < bytes.count else { throw unterminated("unterminated /* comment", from: start) }
            if bytes[position] == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                depth += 1
                position += 2
            } else if bytes[position] == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                depth -= 1
                position += 2
            } else {
                position += 1
            }
        } while depth > 0
    }

    private mutating func skipNumber() {
        while position < bytes.count, ASCII.isDigit(bytes[position]) || bytes[position] == UInt8(ascii: ".") {
            position += 1
        }
        guard peek() | 32 == UInt8(ascii: "e") else { return }
        let sign = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-") ? 2 : 1
        guard ASCII.isDigit(peek(sign)) else { return }
        position += sign
        while position < bytes.count, ASCII.isDigit(bytes[position]) { position += 1 }
    }

    private mutating func readDollar(from start: Int) throws(StandInError) {
        position += 1
        if ASCII.isDigit(peek()) {
            while ASCII.isDigit(peek()) { position += 1 }
            return add(.parameter, from: start)
        }
        while ASCII.isNameStart(peek()) || ASCII.isDigit(peek()) { position += 1 }
        guard peek() == UInt8(ascii: "$") else { throw .syntax(near: "$") }
        position += 1
        let tag = Array(bytes[start..<position])
        while position + tag.count <= bytes.count {
            if bytes[position] == tag[0], Array(bytes[position..<position + tag.count]) == tag {
                position += tag.count
                return add(.dollarString, from: start)
            }
            position += 1
        }
        throw unterminated("unterminated dollar-quoted string", from: start)
    }

    private func unterminated(_ what: String, from start: Int) -> StandInError {
        // The rest of the text may hold a secret: only its first bytes' kind is named.
        StandInError("42601", "\(what) at character \(start + 1)")
    }
}

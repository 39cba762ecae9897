/// The small part of XML that S3's answers use, read into a tree. Attributes and namespace prefixes are dropped.
///
/// Written here and not taken from FoundationXML, so that the binary needs no libxml2; a document type (the door for
/// entity bombs) is refused, and depth is bounded.
struct S3XMLElement: Sendable {
    var name: String
    /// All character data directly inside, entities decoded; blanks are kept, since a key may consist of them.
    var text = ""
    var children: [S3XMLElement] = []

    subscript(_ name: String) -> String? { children.first { $0.name == name }?.text }

    func all(_ name: String) -> [S3XMLElement] { children.filter { $0.name == name } }

    /// nil when the bytes are not one well-formed element; a cut-off answer therefore never passes for a short one.
    static func parse(_ bytes: some Collection<UInt8>) -> S3XMLElement? {
        var scanner = S3XMLScanner(bytes: Array(bytes))
        return scanner.document()
    }

    /// Text as character data. Carriage return and tab get number references, because parsers change the raw ones.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\r", "\n", "\t": escaped += "&#\(scalar.value);"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Whether XML 1.0 can carry the text at all: most control characters have no spelling in it.
    static func canCarry(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            let value = scalar.value
            return value >= 0x20 ? value != 0xFFFE && value != 0xFFFF : value == 9 || value == 10 || value == 13
        }
    }
}

/// One pass over the bytes; each step either moves on or gives up with nil.
private struct S3XMLScanner {
    private static let depthLimit = 32

    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() -> S3XMLElement? {
        if starts(with: "\u{FEFF}") { position += 3 }
        guard skipMisc(), let root = element(depth: 0), skipMisc(), position == bytes.count else { return nil }
        return root
    }

    private mutating func element(depth: Int) -> S3XMLElement? {
        guard depth < Self.depthLimit, take("<"), let name = name(), let isEmpty = restOfStartTag() else { return nil }
        var element = S3XMLElement(name: Self.local(name))
        if isEmpty { return element }
        var text: [UInt8] = []
        while position < bytes.count {
            if take("</") {
                guard self.name() == name else { return nil }
                skipBlanks()
                guard take(">"), let decoded = String(validating: text, as: UTF8.self) else { return nil }
                element.text = decoded
                return element
            } else if take("<![CDATA[") {
                guard let end = find("]]>") else { return nil }
                text += bytes[position..<end]
                position = end + 3
            } else if starts(with: "<!--") || starts(with: "<?") {
                guard skipOne() else { return nil }
            } else if starts(with: "<") {
                guard let child = self.element(depth: depth + 1) else { return nil }
                element.children.append(child)
            } else if take("&") {
                guard let character = reference() else { return nil }
                text += Array(String(character).utf8)
            } else {
                text.append(bytes[position])
                position += 1
            }
        }
        return nil
    }

    private mutating func name() -> [UInt8]? {
        let start = position
        while position < bytes.count, !" \t\r\n/>=<&".utf8.contains(bytes[position]) { position += 1 }
        return position > start ? Array(bytes[start..<position]) : nil
    }

    /// Passes the attributes; true after `/>`, false after `>`.
    private mutating func restOfStartTag() -> Bool? {
        while true {
            skipBlanks()
            if take("/>") { return true }
            if take(">") { return false }
            guard name() != nil else { return nil }
            skipBlanks()
            guard take("=") else { return nil }
            skipBlanks()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "'"),
                let end = bytes[(position + 1)...].firstIndex(of: bytes[position])
            else { return nil }
            position = end + 1
        }
    }

    /// After the ampersand: one of the five names or a number.
    private mutating func reference() -> Unicode.Scalar? {
        guard let end = bytes[position...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let body = String(decoding: bytes[position..<end], as: UTF8.self)
        position = end + 1
        switch body {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard body.hasPrefix("#") else { return nil }
            let digits = body.dropFirst()
            let value = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return value.flatMap { Unicode.Scalar($0) }
        }
    }

    /// Blanks, declarations and comments around the root.
    private mutating func skipMisc() -> Bool {
        while true {
            skipBlanks()
            guard starts(with: "<?") || starts(with: "<!--") else { return true }
            guard skipOne() else { return false }
        }
    }

    private mutating func skipOne() -> Bool {
        let end = starts(with: "<?") ? "?>" : "-->"
        guard let found = find(end) else { return false }
        position = found + end.utf8.count
        return true
    }

    private mutating func skipBlanks() {
        while position < bytes.count, " \t\r\n".utf8.contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ text: String) -> Bool {
        guard starts(with: text) else { return false }
        position += text.utf8.count
        return true
    }

    private func starts(with text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

    private func find(_ text: String) -> Int? {
        let wanted = Array(text.utf8)
        guard bytes.count >= wanted.count else { return nil }
        var at = position
        while at + wanted.count <= bytes.count {
            if bytes[at] == wanted[0], bytes[at..<(at + wanted.count)].elementsEqual(wanted) { return at }
            at += 1
        }
        return nil
    }

    private static func local(_ name: [UInt8]) -> String {
        String(decoding: name.split(separator: UInt8(ascii: ":")).last ?? [], as: UTF8.self)
    }
}

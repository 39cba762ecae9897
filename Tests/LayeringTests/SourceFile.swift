import Foundation

/// A source file as the rules look at it.
struct SourceFile: Sendable {
    struct Import: Sendable, Hashable {
        let module: String
        let line: Int
    }

    /// Relative to Sources.
    let path: String
    let lines: [String]
    /// The same lines with comments and the insides of strings blanked out.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        lines = Self.split(text)
        code = Self.split(CodeMask.masked(text))
    }

    /// Every import declaration, with its line.
    var imports: [Import] {
        code.enumerated().filter { $0.element.contains("import") }.flatMap { index, line in
            line.split(separator: ";").compactMap { statement in
                Self.importedModule(String(statement)).map { Import(module: $0, line: index + 1) }
            }
        }
    }

    /// - Returns: `X` of `import X`, `@testable import X`, `package import X`, `import struct X.Y`; nil for other lines.
    static func importedModule(_ statement: String) -> String? {
        let declaration =
            /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|actor|func|var|let|typealias)\s+)?`?(\w+)/
        return statement.firstMatch(of: declaration).map { String($0.1) }
    }

    /// Every Swift file under a folder.
    /// - Throws: When the folder cannot be read.
    static func all(under folder: URL) throws -> [SourceFile] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
        return try paths.sorted().map { path in
            SourceFile(path: path, text: try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8))
        }
    }

    private static func split(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

/// Blanks out comments and the insides of string literals; code within an interpolation stays. Works on bytes: it reads
/// every source file in each test run.
struct CodeMask {
    private let bytes: [UInt8]
    private var place = 0
    private var output: [UInt8] = []

    static func masked(_ text: String) -> String {
        var mask = CodeMask(bytes: Array(text.utf8))
        mask.output.reserveCapacity(mask.bytes.count)
        mask.readCode(untilParenthesis: false)
        return String(decoding: mask.output, as: UTF8.self)
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func readCode(untilParenthesis: Bool) {
        var depth = 0
        while place < bytes.count {
            let byte = bytes[place]
            if byte == Self.slash && isNext("//") {
                while place < bytes.count && bytes[place] != Self.newline { blank() }
            } else if byte == Self.slash && isNext("/*") {
                readBlockComment()
            } else if byte == Self.quote || (byte == Self.hash && hashesBeforeQuote > 0) {
                readString()
            } else {
                keep()
                if byte == Self.openParenthesis { depth += 1 }
                if byte == Self.closeParenthesis {
                    if untilParenthesis && depth == 0 { return }
                    depth -= 1
                }
            }
        }
    }

    /// A single-line literal ends at the line's end at the latest, so that a quote in a regular expression does no
    /// lasting harm.
    private mutating func readString() {
        let hashes = String(repeating: "#", count: hashesBeforeQuote)
        let isLong = isNext(hashes + "\"\"\"")
        let quotes = isLong ? "\"\"\"" : "\""
        keep(hashes.utf8.count + quotes.utf8.count)
        let (end, escape) = (quotes + hashes, "\\" + hashes)
        while place < bytes.count {
            switch bytes[place] {
            case Self.quote where isNext(end):
                keep(end.utf8.count)
                return
            case Self.newline where !isLong:
                return
            case Self.backslash where isNext(escape + "("):
                keep(escape.utf8.count + 1)
                readCode(untilParenthesis: true)
            case Self.backslash where isNext(escape):
                blank(escape.utf8.count + 1)
            default:
                blank()
            }
        }
    }

    private mutating func readBlockComment() {
        var depth = 0
        repeat {
            if isNext("/*") {
                depth += 1
                blank(2)
            } else if isNext("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && place < bytes.count
    }

    /// How many `#` stand here before a quote; 0 when no string literal begins.
    private var hashesBeforeQuote: Int {
        let end = bytes[place...].firstIndex { $0 != Self.hash } ?? bytes.count
        return end < bytes.count && bytes[end] == Self.quote ? end - place : 0
    }

    private func isNext(_ text: String) -> Bool {
        bytes[place...].starts(with: text.utf8)
    }

    private mutating func keep(_ count: Int = 1) {
        output += bytes[place..<min(place + count, bytes.count)]
        place += count
    }

    private mutating func blank(_ count: Int = 1) {
        for byte in bytes[place..<min(place + count, bytes.count)] {
            output.append(byte == Self.newline ? byte : UInt8(ascii: " "))
        }
        place += count
    }

    private static let slash = UInt8(ascii: "/")
    private static let quote = UInt8(ascii: "\"")
    private static let hash = UInt8(ascii: "#")
    private static let newline = UInt8(ascii: "\n")
    private static let backslash = UInt8(ascii: "\\")
    private static let openParenthesis = UInt8(ascii: "(")
    private static let closeParenthesis = UInt8(ascii: ")")
}

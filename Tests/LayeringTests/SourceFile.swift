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
        code.enumerated().flatMap { index, line in
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

/// Blanks out comments and the insides of string literals; code within an interpolation stays.
struct CodeMask {
    private var rest: Substring
    private var output = ""

    static func masked(_ text: String) -> String {
        var mask = CodeMask(rest: text[...])
        mask.readCode(untilParenthesis: false)
        return mask.output
    }

    private init(rest: Substring) {
        self.rest = rest
    }

    private mutating func readCode(untilParenthesis: Bool) {
        var depth = 0
        while let character = rest.first {
            if rest.hasPrefix("//") {
                blank { $0.first == "\n" }
            } else if rest.hasPrefix("/*") {
                readBlockComment()
            } else if let opening = rest.prefixMatch(of: /(#*)("""|")/) {
                rest = rest[opening.range.upperBound...]
                output += opening.0
                readString(hashes: String(opening.1), quotes: String(opening.2))
            } else {
                rest.removeFirst()
                output.append(character)
                if character == "(" { depth += 1 }
                if character == ")" {
                    if untilParenthesis && depth == 0 { return }
                    depth -= 1
                }
            }
        }
    }

    /// A single-line literal ends at the line's end at the latest, so that a quote in a regular expression does no
    /// lasting harm.
    private mutating func readString(hashes: String, quotes: String) {
        while !rest.isEmpty {
            if rest.hasPrefix(quotes + hashes) {
                output += rest.prefix(quotes.count + hashes.count)
                rest.removeFirst(quotes.count + hashes.count)
                return
            }
            if quotes == "\"" && rest.first == "\n" { return }
            if rest.hasPrefix("\\" + hashes + "(") {
                rest.removeFirst(2 + hashes.count)
                output += "\\("
                readCode(untilParenthesis: true)
            } else if rest.hasPrefix("\\" + hashes) {
                blankOne()
                hashes.forEach { _ in blankOne() }
                blankOne()
            } else {
                blankOne()
            }
        }
    }

    private mutating func readBlockComment() {
        var depth = 0
        repeat {
            if rest.hasPrefix("/*") {
                depth += 1
                blankOne()
            } else if rest.hasPrefix("*/") {
                depth -= 1
                blankOne()
            }
            blankOne()
        } while depth > 0 && !rest.isEmpty
    }

    private mutating func blank(until isEnd: (Substring) -> Bool) {
        while !rest.isEmpty && !isEnd(rest) { blankOne() }
    }

    private mutating func blankOne() {
        guard let character = rest.popFirst() else { return }
        output.append(character == "\n" ? "\n" : " ")
    }
}

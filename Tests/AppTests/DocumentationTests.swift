import Foundation
import Replication
import Testing

@testable import App

/// What people are referred to exists: each error code and each variable is documented where the product says.
@Suite struct DocumentationTests {
    @Test(arguments: ErrorCode.allCases)
    func `every error code has its heading in the documentation`(_ code: ErrorCode) throws {
        let headings = try Self.lines(of: "docs/errors.md").filter { $0 == "## \(code.rawValue)" }
        #expect(headings.count == 1, "docs/errors.md needs exactly one line: ## \(code.rawValue)")
    }

    @Test func `the documentation explains no error code that does not exist`() throws {
        let known = Set(ErrorCode.allCases.map(\.rawValue))
        let headings = try Self.lines(of: "docs/errors.md").filter { $0.hasPrefix("## E_") }
        let explained = headings.map { String($0.dropFirst(3)) }
        #expect(Set(explained).subtracting(known).isEmpty)
    }

    @Test(arguments: ConfigurationVariable.all.map(\.name))
    func `every variable is documented with its default`(_ name: String) throws {
        let variable = try #require(ConfigurationVariable.named(name))
        let rows = try Self.lines(of: "docs/configuration.md").filter { $0.hasPrefix("| `\(name)` |") }
        #expect(rows.count == 1, "docs/configuration.md needs exactly one row that starts with: | `\(name)` |")
        if !variable.fallback.isEmpty {
            #expect(rows.first?.contains("| `\(variable.fallback)` |") == true, "the default is \(variable.fallback)")
        }
        let example = try Self.lines(of: ".env.example")
        #expect(example.contains("#\(name)=\(variable.fallback)"), ".env.example needs: #\(name)=\(variable.fallback)")
    }

    @Test func `the example sets nothing by itself`() throws {
        let active = try Self.lines(of: ".env.example").filter { !$0.isEmpty && !$0.hasPrefix("#") }
        #expect(active.isEmpty)
    }

    static let linked = [
        "README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/errors.md", "docs/configuration.md",
        "docs/faithful.md", "docs/standin.md", "docs/performance.md",
    ]

    @Test(arguments: linked)
    func `links between documents lead to files that exist`(_ path: String) throws {
        let document = Self.root.appending(path: path)
        for line in try Self.lines(of: path) {
            for match in line.matches(of: /\]\(([^)#:]+)(?:#[^)]*)?\)/) {
                let target = document.deletingLastPathComponent().appending(path: String(match.1)).standardizedFileURL
                #expect(FileManager.default.fileExists(atPath: target.path), "\(path) links to \(match.1)")
            }
        }
    }

    /// The checkout: this file lies in Tests/AppTests.
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func lines(of path: String) throws -> [String] {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

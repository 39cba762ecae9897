import Foundation
import Testing

@Suite struct LayeringTests {
    /// This file lies in Tests/LayeringTests of the repository.
    private static let sources = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources")
    private let files: [SourceFile]

    init() throws {
        files = try SourceFile.all(under: Self.sources)
    }

    @Test func `every import is one that the file's layer may make`() {
        #expect(files.count > 20)
        #expect(files.flatMap(ImportTable.violations).joined(separator: "\n") == "")
    }

    @Test func `every source file keeps the rules`() {
        #expect(files.flatMap(SourceRules.violations).joined(separator: "\n") == "")
    }
}

@Suite struct ImportTableTests {
    @Test(arguments: [
        ("import Foundation", "Foundation"),
        ("  @testable import Replication", "Replication"),
        ("package import GRDB", "GRDB"),
        ("@preconcurrency public import NIOCore // why", "NIOCore"),
        ("@_spi(Internal) import Crypto", "Crypto"),
        ("import struct Replication.TableName", "Replication"),
        ("private import func Glibc.open", "Glibc"),
    ])
    func `an import is read in every spelling`(line: String, module: String) {
        #expect(SourceFile(path: "App/a.swift", text: line).imports.map(\.module) == [module])
    }

    @Test func `words in comments, strings and other declarations are no imports`() {
        let text = #"""
            // import GRDB
            /* import GRDB /* import GRDB */
            import GRDB */
            let important = "import GRDB"
            let text = """
                import GRDB
                """
            let importer = x; import Crypto
            func importing() {}
            """#
        #expect(SourceFile(path: "App/a.swift", text: text).imports == [.init(module: "Crypto", line: 8)])
    }

    @Test(arguments: [
        ("Replication/a.swift", "import PostgresClient"),
        ("Replication/Table/a.swift", "import Scheduling"),
        ("Clients/S3Client/a.swift", "@testable import Replication"),
        ("Clients/PostgresClient/a.swift", "import struct Crypto.SHA256"),
        ("Adapters/SourcePostgres/a.swift", "package import S3Client"),
        ("Adapters/Metadata/a.swift", "import S3Client"),
        ("Operations/a.swift", "import GRDB"),
        ("WebAdmin/a.swift", "import PostgresClient"),
        ("App/a.swift", "import StandIn"),
        ("StandIn/a.swift", "import Replication"),
        ("Adapters/StagingS3/a.swift", "import FoundationXML"),
        ("Elsewhere/a.swift", "import Foundation"),
        ("Adapters/a.swift", "import Foundation"),
    ])
    func `an import against the table is found`(path: String, line: String) {
        #expect(ImportTable.violations(in: SourceFile(path: path, text: "import Foundation\n" + line)).count == 1)
    }

    @Test(arguments: [
        ("Adapters/Metadata/SQLite/a.swift", "import GRDB"), ("App/a.swift", "import GRDB"),
        ("Clients/S3Client/a.swift", "import FoundationXML"), ("Replication/a.swift", "import Synchronization"),
        ("StandIn/Wire/a.swift", "import NIOCore"), ("Clients/MySQLClient/a.swift", "import CMariaDB"),
    ])
    func `an import within the table passes`(path: String, line: String) {
        #expect(ImportTable.violations(in: SourceFile(path: path, text: line)).isEmpty)
    }
}

@Suite struct SourceRulesTests {
    private func violations(_ text: String, path: String = "Replication/a.swift") -> Int {
        SourceRules.violations(in: SourceFile(path: path, text: text)).count
    }

    @Test(arguments: [
        "let a = try! b()", "let a = \"\\(try! b())\"", "Task { await a() }", "let t = Task<Void, Never> {",
        "Task(priority: .low) {", "_ = Task.detached {",
        "let cleanup = Task { a() }\nawait cleanup.value",
        "// Although cancelled.\nlet cleanup = Task { a() }", "let a = getenv(\"A\")",
        "let a = ProcessInfo.processInfo.environment[\"A\"]", "final class A: @unchecked Sendable {}",
        "// It is safe because I say so.\nfinal class A: @unchecked Sendable {}",
        "/// It is safe because of B.\nstruct B {}\nfinal class A: @unchecked Sendable {}",
    ])
    func `a broken rule is found`(text: String) {
        #expect(violations(text) == 1, "\(text)")
    }

    @Test(arguments: [
        "let a = try b() // not try!", "let a = \"try! Task { getenv\"", "group.addTask { await a() }",
        "await withTaskGroup(of: Void.self) { group in", "let quote = #\"\"\"#; let a = \"\"",
        "// Must run although the task may be cancelled.\nlet cleanup = Task { a() }\nawait cleanup.value",
        "/// It is safe\n/// because of a lock.\n@frozen\nfinal class A: @unchecked Sendable {}",
    ])
    func `a kept rule passes`(text: String) {
        #expect(violations(text) == 0, "\(text)")
    }

    @Test func `the environment may be read where configuration is made, and in the stand-in`() {
        #expect(violations("getenv(name)", path: "App/Configuration/a.swift") == 0)
        #expect(violations("getenv(name)", path: "StandIn/a.swift") == 0)
        #expect(violations("getenv(name)", path: "App/a.swift") == 1)
    }

    @Test func `a file may have 400 lines and no more`() {
        let line = "let a = 1\n"
        #expect(violations(String(repeating: line, count: 400)) == 0)
        #expect(violations(String(repeating: line, count: 401)) == 1)
    }
}

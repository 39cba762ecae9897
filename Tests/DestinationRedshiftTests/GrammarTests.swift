import Foundation
import Replication
import TestServers
import Testing

@testable import DestinationRedshift

/// Redshift's grammar as sqlfluff has it: nothing that the product sends may be outside of it.
@Suite struct GrammarTests {
    private struct Problem: Decodable, CustomStringConvertible {
        var index: Int
        var why: String
        var description: String { "\(index): \(why)" }
    }

    @Test func `every statement for Redshift is Redshift SQL`() async throws {
        let entries = try StatementCatalogue.all()
        let problems = try await Self.problems(in: entries.map(\.sql))
        print("sqlfluff parsed \(entries.count) statements of \(Set(entries.map(\.maker)).count) kinds")
        #expect(entries.count > 1_000)
        for problem in problems.prefix(20) {
            Issue.record("\(entries[problem.index].maker): \(problem.why)\n\(entries[problem.index].sql)")
        }
        #expect(problems.isEmpty)
    }

    /// The test of the test: what Redshift refuses is found, and told apart from what it takes.
    @Test func `statements of other servers are refused by the same parser`() async throws {
        let statements = [
            "SELECT 1", "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING",
            "CREATE TABLE t (a JSONB)", "COPY t FROM STDIN", "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
            "SELECT FROM WHERE",
        ]
        #expect(try await Self.problems(in: statements).map(\.index) == Array(1..<statements.count))
    }

    /// A statement that is added and forgotten here would never be parsed.
    @Test func `every maker of statements is in the catalogue`() throws {
        let makers = Set(try StatementCatalogue.all().map(\.maker))
        let folder = Self.root.appendingPathComponent("Sources/Adapters/DestinationRedshift")
        var declared: Set<String> = []
        for name in [
            "CheckpointStatements", "ReplicaStatements", "SessionStatements", "SwapStatements", "ReplicaGrants",
        ] {
            let text = try String(
                contentsOf: folder.appendingPathComponent(name + ".swift"), encoding: .utf8)
            let owners = text.matches(of: /(?m)^(?:package )?(?:enum|struct) (\w+)/)
            for (index, owner) in owners.enumerated() where owner.1 != "ReadOnlyGrantee" {
                let end = index + 1 < owners.count ? owners[index + 1].range.lowerBound : text.endIndex
                let body = text[owner.range.lowerBound..<end]
                let members = body.matches(of: /(?m)^ {4}(?:static )?(?:func|var|let) (\w+)/)
                declared.formUnion(members.map { "\(owner.1).\($0.1)" })
            }
        }
        // Names, places and texts, not statements.
        let others: Set<String> = [
            "CheckpointTable.preferredSchema", "CheckpointTable.prefix", "CheckpointTable.table",
            "CheckpointTable.name",
            "CheckpointTable.encode", "CheckpointTable.decode", "ReplicaStatements.columnList",
            "SwapStatements.building",
            "SwapStatements.former",
        ]
        #expect(declared.count > 30)
        #expect(declared.subtracting(others).subtracting(makers).sorted() == [])
    }

    // MARK: The parser

    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Parses all of them in one process.
    private static func problems(in statements: [String]) async throws -> [Problem] {
        try await withTemporaryFolder { folder in
            let (input, output) = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
            try JSONEncoder().encode(statements).write(to: input)
            try Data().write(to: output)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: try TestServers.required("TEST_PYTHON"))
            process.arguments = [root.appendingPathComponent("scripts/lib/parse_redshift.py").path]
            process.standardInput = try FileHandle(forReadingFrom: input)
            process.standardOutput = try FileHandle(forWritingTo: output)
            let status = try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Int32, any Error>) in
                process.terminationHandler = { ended.resume(returning: $0.terminationStatus) }
                do { try process.run() } catch { ended.resume(throwing: error) }
            }
            try #require(status == 0)
            return try JSONDecoder().decode([Problem].self, from: Data(contentsOf: output))
        }
    }
}

import Replication
import TestServers
import Testing

@testable import DestinationRedshift

/// Errors of the stand-in's faults in the product's words: what passes by itself, and what needs a person. Each leaves
/// nothing behind, and the same load passes afterwards.
@Suite struct ConflictTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// With `SCHEMA` for the test's own.
        var testDescription: String
        var code: ErrorCode
        var isRetryable: Bool
    }

    static let cases = [
        Case(testDescription: "RAISE 1023 BEFORE INSERT ON SCHEMA", code: .destinationLocked, isRetryable: true),
        Case(testDescription: "RAISE 1023 BEFORE DELETE ON SCHEMA", code: .destinationLocked, isRetryable: true),
        Case(testDescription: "RAISE CONFLICT BEFORE CREATE ON SCHEMA", code: .destinationLocked, isRetryable: true),
        Case(
            testDescription: "RAISE SNAPSHOT CONFLICT BEFORE DELETE ON SCHEMA", code: .destinationLocked,
            isRetryable: true),
        Case(testDescription: "RAISE DEADLOCK BEFORE LOCK ON SCHEMA", code: .destinationLocked, isRetryable: true),
        Case(testDescription: "DROP BEFORE LOCK ON SCHEMA", code: .destinationUnreachable, isRetryable: true),
        Case(testDescription: "DROP DURING DELETE ON SCHEMA", code: .destinationUnreachable, isRetryable: true),
        Case(testDescription: "DROP AFTER INSERT ON SCHEMA", code: .destinationUnreachable, isRetryable: true),
        Case(
            testDescription: "RAISE '53100' 'Disk Full' BEFORE INSERT ON SCHEMA", code: .destinationDiskFull,
            isRetryable: false),
        Case(
            testDescription: "RAISE '42501' 'permission denied' BEFORE INSERT ON SCHEMA",
            code: .destinationPermission, isRetryable: false),
    ]

    @Test(arguments: cases)
    func `a fault of a merge is told for what it is`(_ one: Case) async throws {
        try await Self.expect(one, .merge)
    }

    @Test(arguments: [
        Case(testDescription: "FAIL COPY READ ON SCHEMA", code: .s3Unreachable, isRetryable: true),
        Case(testDescription: "FAIL COPY AFTER 1 ROWS ON SCHEMA", code: .copyRejected, isRetryable: false),
        Case(testDescription: "RAISE 1023 BEFORE COPY ON SCHEMA", code: .destinationLocked, isRetryable: true),
        Case(testDescription: "DROP DURING COPY ON SCHEMA", code: .destinationUnreachable, isRetryable: true),
    ])
    func `a fault of COPY is told for what it is`(_ one: Case) async throws {
        try await Self.expect(one, .append)
    }

    private static func expect(_ one: Case, _ method: LoadMethod) async throws {
        try await Fixture.withReplica(["id": .bigint, "v": .integer]) { fixture, mapping, destination in
            let first = try await fixture.load([["1", "1"]], into: mapping, by: destination, after: nil)
            let schema = fixture.replica.schema
            _ = try await fixture.replica.rows("STANDIN FAULT \(one.testDescription.replacing("SCHEMA", with: schema))")
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([["2", "2"]], into: mapping, by: destination, method, after: first)
            }
            #expect(error?.code == one.code && error?.isRetryable == one.isRetryable, "\(error.debugDescription)")
            #expect(try await fixture.rows(mapping) == [["1", "1"]])
            await destination.close()
            _ = try await fixture.load([["2", "2"]], into: mapping, by: destination, method, after: first)
            #expect(try await fixture.rows(mapping) == [["1", "1"], ["2", "2"]])
        }
    }
}

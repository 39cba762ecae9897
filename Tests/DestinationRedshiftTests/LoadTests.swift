import PostgresClient
import Replication
import TestServers
import Testing

@testable import DestinationRedshift

/// Rows in the replica before and after a load, on the stand-in, through files in S3 and by INSERTs.
@Suite struct LoadTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var columns: KeyValuePairs<String, ReplicaType>
        var key = ["id"]
        var before: [[String?]] = []
        var incoming: [[String?]]
        var after: [[String?]]
    }

    static let merges = [
        Case(
            testDescription: "into an empty replica", columns: ["id": .bigint, "v": .integer],
            incoming: [["1", "10"], ["2", nil]], after: [["1", "10"], ["2", nil]]),
        Case(
            testDescription: "new, changed and untouched rows", columns: ["id": .bigint, "v": .integer],
            before: [["1", "10"], ["2", "20"], ["3", nil]], incoming: [["2", "21"], ["3", "30"], ["4", nil]],
            after: [["1", "10"], ["2", "21"], ["3", "30"], ["4", nil]]),
        Case(
            testDescription: "the same rows again", columns: ["id": .bigint, "v": .integer],
            before: [["1", "10"], ["2", nil]], incoming: [["1", "10"], ["2", nil]], after: [["1", "10"], ["2", nil]]),
        Case(
            testDescription: "a key that lies there twice is mended", columns: ["id": .bigint, "v": .integer],
            before: [["1", "10"], ["1", "11"], ["2", "2"]], incoming: [["1", "12"]], after: [["1", "12"], ["2", "2"]]),
        Case(
            testDescription: "composite keys agree in all parts",
            columns: ["a": .integer, "b": .varchar(bytes: 4), "c": .date, "v": .integer], key: ["b", "a", "c"],
            before: [["1", "x", "2026-01-01", "1"], ["1", "y", "2026-01-01", "2"], ["2", "x", "2026-01-01", "3"]],
            incoming: [["1", "x", "2026-01-01", "9"], ["1", "x", "2026-01-02", "8"]],
            after: [
                ["1", "x", "2026-01-01", "9"], ["1", "x", "2026-01-02", "8"], ["1", "y", "2026-01-01", "2"],
                ["2", "x", "2026-01-01", "3"],
            ]),
        Case(
            testDescription: "text keys that differ by blanks at their end, by case or by accent are different rows",
            columns: ["id": .varchar(bytes: 12), "v": .integer],
            before: [["a", "1"], ["a ", "2"], ["a  ", "3"], ["A", "4"], ["á", "5"], ["", "6"], [" ", "7"]],
            incoming: [["a ", "20"], ["", "60"], ["a\u{301}", "8"]],
            after: [
                ["", "60"], [" ", "7"], ["A", "4"], ["a", "1"], ["a ", "20"], ["a  ", "3"], ["a\u{301}", "8"],
                ["á", "5"],
            ]),
        Case(
            testDescription: "text of every kind", columns: ["id": .integer, "v": .varchar(bytes: 65_535)],
            before: [["1", "old"], ["2", "old"]],
            incoming: [
                ["1", nil], ["2", ""], ["3", "it's \"quoted\""], ["4", #"back\slash \\ \n \N"#],
                ["5", "two\nlines\r\nand\ttab"], ["6", "🚀 日本語 ü e\u{301}"], ["7", ","], ["8", "NULL"],
                ["9", " blank "],
                ["10", String(repeating: "ab,\"\n", count: 13_107)], ["11", #"\."#], ["12", "\""],
            ],
            after: [
                ["1", nil], ["2", ""], ["3", "it's \"quoted\""], ["4", #"back\slash \\ \n \N"#],
                ["5", "two\nlines\r\nand\ttab"], ["6", "🚀 日本語 ü e\u{301}"], ["7", ","], ["8", "NULL"],
                ["9", " blank "],
                ["10", String(repeating: "ab,\"\n", count: 13_107)], ["11", #"\."#], ["12", "\""],
            ]),
        Case(
            testDescription: "numbers to their ends",
            columns: [
                "id": .bigint, "s": .smallint, "d": .decimal(precision: 38, scale: 10),
                "m": .decimal(precision: 10, scale: 2),
                "f": .doublePrecision, "b": .boolean,
            ], before: [["1", "1", "1.0000000000", "1.00", "1", "t"]],
            incoming: [
                [
                    "9223372036854775807", "32767", "9999999999999999999999999999.9999999999", "-99999999.99",
                    "1.5e+300",
                    "f",
                ],
                ["-9223372036854775808", "-32768", "0.0000000001", "0.10", "-0.1", "t"],
                ["1", nil, nil, nil, nil, nil],
            ],
            after: [
                ["-9223372036854775808", "-32768", "0.0000000001", "0.10", "-0.1", "t"],
                ["1", nil, nil, nil, nil, nil],
                [
                    "9223372036854775807", "32767", "9999999999999999999999999999.9999999999", "-99999999.99",
                    "1.5e+300",
                    "f",
                ],
            ]),
        Case(
            testDescription: "times to the microsecond",
            columns: ["id": .integer, "t": .timestamp, "z": .timestamptz, "d": .date, "c": .time],
            before: [["1", "2026-11-22 00:00:00", "2026-11-22 00:00:00+00", "2026-11-22", "00:00:00"]],
            incoming: [
                ["1", "2026-11-22 23:59:59.999999", "2026-11-22 23:59:59.999999+00", "2026-02-28", "23:59:59.999999"],
                ["2", "1969-12-31 00:00:00.000001", "1999-01-01 02:00:00+02", "0001-01-01", "12:00:00"],
                ["3", nil, nil, nil, nil],
            ],
            after: [
                ["1", "2026-11-22 23:59:59.999999", "2026-11-22 23:59:59.999999+00", "2026-02-28", "23:59:59.999999"],
                ["2", "1969-12-31 00:00:00.000001", "1999-01-01 00:00:00+00", "0001-01-01", "12:00:00"],
                ["3", nil, nil, nil, nil],
            ]),
        Case(
            testDescription: "JSON", columns: ["id": .integer, "j": .semistructured],
            before: [["1", "{\"old\":true}"]],
            incoming: [
                ["1", #"{"a":[1,2.5,null,"x\"y","\\"],"ü":"🚀"}"#], ["2", nil], ["3", "null"], ["4", "[]"],
                ["5", "\"text\""],
                ["6", "-0.5"],
            ],
            after: [
                ["1", #"{"a":[1,2.5,null,"x\"y","\\"],"ü":"🚀"}"#], ["2", nil], ["3", "null"], ["4", "[]"],
                ["5", "\"text\""],
                ["6", "-0.5"],
            ]),
    ]

    @Test(arguments: merges, Fixture.Path.allCases)
    func `a merge replaces rows by key and adds the others`(_ given: Case, path: Fixture.Path) async throws {
        try await Fixture.withReplica(given.columns, key: given.key) { fixture, mapping, destination in
            var checkpoint: Checkpoint?
            if !given.before.isEmpty {
                checkpoint = try await fixture.load(
                    given.before, into: mapping, by: destination, .append, path: path, after: nil)
                #expect(try await fixture.rows(mapping) == Fixture.ordered(given.before))
            }
            let merged = try await fixture.load(
                given.incoming, into: mapping, by: destination, path: path, after: checkpoint)
            #expect(try await fixture.rows(mapping) == Fixture.ordered(given.after))
            #expect(merged.state.replicaRows == given.after.count)
            #expect(try await fixture.count(mapping) == given.after.count)
            #expect(try await fixture.storedCheckpoint(mapping) == merged)
            #expect(merged.stamp.batch == (checkpoint == nil ? 1 : 2))
        }
    }

    @Test(arguments: merges, Fixture.Path.allCases)
    func `an append takes the same values`(_ given: Case, path: Fixture.Path) async throws {
        try await Fixture.withReplica(given.columns, key: given.key) { fixture, mapping, destination in
            let first = try await fixture.load(
                given.after, into: mapping, by: destination, .append, path: path, after: nil)
            #expect(try await fixture.rows(mapping) == Fixture.ordered(given.after))
            #expect(first.state.replicaRows == given.after.count)
        }
    }

    @Test(arguments: [StagedCompression.zstd, .gzip], Fixture.methods)
    func `many files go by their manifest, each once`(_ compression: StagedCompression, method: LoadMethod)
        async throws
    {
        try await Fixture.withReplica(["id": .bigint, "v": .varchar(bytes: 2_000)]) { fixture, mapping, destination in
            let rows = Fixture.wideRows(1_000)
            let staged = try await fixture.stage(rows, compression: compression, targetFileBytes: 1)
            #expect(staged.objects?.isManifest == true && staged.objectKeys.count > 5)
            let committed = try await destination.load(
                ReplicaLoad(
                    mapping: mapping, staged: staged, format: Fixture.format, method: method, expected: nil,
                    next: Fixture.checkpoint(after: nil)))
            #expect(committed.state.replicaRows == 1_000)
            #expect(try await fixture.rows(mapping) == Fixture.ordered(rows))
        }
    }

    @Test func `rows are counted exactly over many batches, on one connection and on several`() async throws {
        try await Fixture.with { fixture in
            let mapping = fixture.mapping(["id": .bigint, "v": .integer])
            var destination = fixture.destination()
            _ = try await destination.prepare(mapping)
            var generator = SystemRandomNumberGenerator()
            var expected: [Int: Int] = [:]
            var checkpoint: Checkpoint?
            for batch in 1...8 {
                if batch.isMultiple(of: 3) {
                    await destination.close()
                    destination = fixture.destination()
                }
                let ids = Set((0..<20).map { _ in Int.random(in: 1...40, using: &generator) })
                for id in ids { expected[id] = batch }
                checkpoint = try await fixture.load(
                    ids.map { [String($0), String(batch)] }, into: mapping, by: destination, after: checkpoint)
                #expect(checkpoint?.state.replicaRows == expected.count)
                #expect(checkpoint?.stamp.batch == Int64(batch))
            }
            #expect(
                try await fixture.rows(mapping) == Fixture.ordered(expected.map { [String($0.key), String($0.value)] }))
            await destination.close()
        }
    }

    @Test func `a count of rows that were there before is kept`() async throws {
        try await Fixture.withReplica(["id": .bigint]) { fixture, mapping, destination in
            try await fixture.replica.connection.execute(
                "INSERT INTO \(fixture.replica.schema).items VALUES (1), (2), (3)")
            let first = try await destination.load(
                ReplicaLoad(
                    mapping: mapping, staged: try await fixture.stage([["3"], ["4"]]), format: Fixture.format,
                    method: .merge, expected: nil, next: Fixture.checkpoint(after: nil, replicaRows: 3)))
            #expect(first.state.replicaRows == 4)
            #expect(try await fixture.rows(mapping) == [["1"], ["2"], ["3"], ["4"]])
        }
    }
}

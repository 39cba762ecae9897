import Foundation
import Replication
import TestServers
import Testing

@testable import DestinationRedshift

/// Rows that come by INSERTs in place of files.
@Suite struct InsertTests {
    /// Every type, and rows at its ends.
    static let columns: KeyValuePairs<String, ReplicaType> = [
        "id": .bigint, "s": .smallint, "i": .integer, "r": .real, "f": .doublePrecision, "b": .boolean,
        "d": .decimal(precision: 38, scale: 10), "t": .varchar(bytes: 65_535), "day": .date, "at": .timestamp,
        "z": .timestamptz, "c": .time, "j": .semistructured, "x": .varbyte(bytes: 1_000),
    ]

    static let rows: [[String?]] = [
        [
            "-9223372036854775808", "-32768", "-2147483648", "-0.5", "1.5e+300", "t",
            "9999999999999999999999999999.9999999999", #"it's "here" \ and \n \' $1 {} -- /* ;"#, "0001-01-01",
            "2026-11-22 23:59:59.999999", "2026-11-22 23:59:59.999999+00", "23:59:59.999999",
            #"{"a":[1,"it's \"x\" \\ ü"],"b":null}"#, "00ff5c27",
        ],
        [
            "9223372036854775807", "32767", "2147483647", "1.5e+10", "-2.5e-300", "f", "-0.0000000001",
            "two\nlines\r\nand\ta tab 🚀 e\u{301}", "9999-12-31", "1969-12-31 00:00:00.000001",
            "1999-01-01 00:00:00+00", "00:00:00", "[]", "",
        ],
        [
            "0", "0", "0", "0", "0", "t", "0.0000000000", "", "1970-01-01", "1970-01-01 00:00:00",
            "1970-01-01 00:00:00+00", "12:00:00", "\"\"", "00",
        ],
        ["1", nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil],
        [
            "2", "1", "1", "1", "1", "f", "1.0000000000", "NULL", "2026-02-28", "2026-11-22 12:00:00",
            "2026-11-22 12:00:00+00", "12:00:00", "null", "4e554c4c",
        ],
    ]

    // MARK: On the server

    @Test(arguments: Fixture.methods)
    func `every type's values arrive by INSERTs as they do by files`(method: LoadMethod) async throws {
        try await Fixture.withReplica(Self.columns) { fixture, mapping, destination in
            let byFiles = fixture.mapping(Self.columns, table: "by_files")
            _ = try await destination.prepare(byFiles)
            let inserted = try await fixture.load(
                Self.rows, into: mapping, by: destination, method, path: .inserts, after: nil)
            try await fixture.load(Self.rows, into: byFiles, by: destination, method, after: nil)
            #expect(inserted.state.replicaRows == Self.rows.count)
            let found = try await fixture.rows(mapping)
            let expected = try await fixture.rows(byFiles)
            #expect(found.count == Self.rows.count && expected.count == Self.rows.count)
            for (row, other) in zip(found, expected) { #expect(row == other) }
            // Binary values are shown as their server likes; all others as they were given.
            for (row, given) in zip(found, Fixture.ordered(Self.rows)) { #expect(row.dropLast() == given.dropLast()) }
            let hexadecimal = try await fixture.replica.rows(
                "SELECT TO_HEX(x) FROM \(RedshiftText.table(mapping.destination)) ORDER BY id")
            #expect(hexadecimal == [["00ff5c27"], ["00"], [nil], ["4e554c4c"], [""]])
        }
    }

    /// COPY reads an empty field of any type but text as NULL.
    @Test(arguments: Fixture.methods, Fixture.Path.allCases)
    func `an empty binary value stays empty`(method: LoadMethod, path: Fixture.Path) async throws {
        let columns: KeyValuePairs<String, ReplicaType> = [
            "id": .bigint, "x": .varbyte(bytes: 9), "t": .varchar(bytes: 9), "y": .varbyte(bytes: 9),
        ]
        try await Fixture.withReplica(columns) { fixture, mapping, destination in
            let rows: [[String?]] = [["1", "", "", "00"], ["2", nil, nil, ""], ["3", "ff", "x", nil]]
            let loaded = try await fixture.load(rows, into: mapping, by: destination, method, path: path, after: nil)
            let table = RedshiftText.table(mapping.destination)
            let found = try await fixture.replica.rows("SELECT id, TO_HEX(x), t, TO_HEX(y) FROM \(table) ORDER BY id")
            #expect(found == rows && loaded.state.replicaRows == 3)
            let again = try await fixture.load(
                [["2", "", nil, nil]], into: mapping, by: destination, path: path, after: loaded)
            let changed = try await fixture.replica.rows("SELECT id, TO_HEX(x), t, TO_HEX(y) FROM \(table) ORDER BY id")
            #expect(changed == [rows[0], ["2", "", nil, nil], rows[2]] && again.state.replicaRows == 3)
        }
    }

    @Test(arguments: Fixture.methods)
    func `many rows go in statements of a hundred, each once`(method: LoadMethod) async throws {
        let columns: KeyValuePairs<String, ReplicaType> = ["id": .bigint, "v": .varchar(bytes: 20)]
        let rows = (1...10_001).map { ["\($0)", "it's \($0)"] as [String?] }
        try await Fixture.withReplica(columns, { $0.insertRows = 100 }) { fixture, mapping, destination in
            let loaded = try await fixture.load(
                rows, into: mapping, by: destination, method, path: .inserts, after: nil)
            #expect(loaded.state.replicaRows == 10_001)
            #expect(try await fixture.rows(mapping) == Fixture.ordered(rows))
        }
    }

    /// As many quotes and backslashes as a row of 4 MB holds, each of which takes two bytes in a literal.
    @Test func `a row of nearly 4 MB that doubles by its escapes is taken`() async throws {
        let width = 63
        let names = (1...width).map { "c\($0)" }
        let wide = String(repeating: #"'\"#, count: 32_767)
        let columns = [("id", ReplicaType.bigint)] + names.map { ($0, ReplicaType.varchar(bytes: 65_535)) }
        try await Fixture.with { fixture in
            var mapping = fixture.mapping(["id": .bigint])
            mapping.columns = columns.map { name, type in
                ColumnMapping(
                    source: SourceColumn(name: name, typeName: "any", isNullable: true, replicaType: type),
                    destinationName: name, destinationType: type)
            }
            let destination = fixture.destination()
            _ = try await destination.prepare(mapping)
            let rows = (1...2).map { ["\($0)"] + Array(repeating: wide, count: width) as [String?] }
            try await fixture.load(rows, into: mapping, by: destination, .append, path: .inserts, after: nil)
            #expect(try await fixture.rows(mapping) == rows)
            await destination.close()
        }
    }

    @Test(arguments: [1, -1], Fixture.methods)
    func `INSERTs of more or fewer rows than were read are refused`(difference: Int, method: LoadMethod) async throws {
        try await Fixture.withReplica(["id": .bigint]) { fixture, mapping, destination in
            let first = try await fixture.load([["1"]], into: mapping, by: destination, .append, after: nil)
            var staged = Fixture.kept([["8"], ["9"]])
            staged.rows += difference
            let load = ReplicaLoad(
                mapping: mapping, staged: staged, format: Fixture.format, method: method, expected: first.stamp,
                next: Fixture.checkpoint(after: first))
            let error = await #expect(throws: ReplicationError.self) { try await destination.load(load) }
            #expect(error?.code == .copyRejected)
            #expect(error?.what == "Redshift staged 2 rows of public.Items, \(2 + difference) were read")
            #expect(try await fixture.rows(mapping) == [["1"]])
            #expect(try await fixture.storedCheckpoint(mapping) == first)
        }
    }

    @Test func `a value that is refused in the third statement takes the first two back`() async throws {
        let columns: KeyValuePairs<String, ReplicaType> = ["id": .bigint, "v": .varchar(bytes: 3)]
        try await Fixture.withReplica(columns, { $0.insertRows = 1 }) { fixture, mapping, destination in
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load(
                    [["1", "a"], ["2", "b"], ["3", "canary"]], into: mapping, by: destination, .append, path: .inserts,
                    after: nil)
            }
            #expect(error?.code == .copyRejected && error?.description.contains("canary") == false)
            let rows = try await fixture.rows(mapping)
            #expect(rows.isEmpty)
            #expect(try await fixture.storedCheckpoint(mapping) == nil)
        }
    }

    @Test func `rows that break off load nothing`() async throws {
        struct BrokenOff: Error {}
        try await Fixture.withReplica(["id": .bigint]) { fixture, mapping, destination in
            let staged = StagedBatch(
                content: .rows {
                    let given = RowStream([RowChunk(bytes: Array("1\n2\n".utf8), rows: 2, longestRowBytes: 2)])
                    return RowStream(
                        [],
                        then: RowStream {
                            var iterator = given.makeAsyncIterator()
                            guard let chunk = try await iterator.next() else { throw BrokenOff() }
                            return chunk
                        })
                }, rows: 3, bytes: 6, compressedBytes: 6)
            let load = ReplicaLoad(
                mapping: mapping, staged: staged, format: Fixture.format, method: .append, expected: nil,
                next: Fixture.checkpoint(after: nil))
            await #expect(throws: BrokenOff.self) { try await destination.load(load) }
            #expect(try await fixture.rows(mapping) == [])
            try await fixture.load([["7"]], into: mapping, by: destination, path: .inserts, after: nil)
            #expect(try await fixture.rows(mapping) == [["7"]])
        }
    }
}

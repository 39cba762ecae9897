import PostgresClient
import Replication
import TestServers
import Testing

@testable import DestinationRedshift

/// A `FullSyncTable` takes the place of its former content: by another table, or within the same one.
@Suite struct SwapTests {
    static let columns: KeyValuePairs<String, ReplicaType> = ["id": .bigint, "v": .varchar(bytes: 10)]

    // MARK: Rows

    @Test(arguments: Fixture.Path.allCases)
    func `a swap leaves the new rows, and the former ones for one cycle`(path: Fixture.Path) async throws {
        try await Fixture.withReplica(Self.columns, mode: .fullSync) { fixture, mapping, destination in
            let former = SwapStatements.former(mapping.destination)
            let first = try await fixture.load(
                [["1", "a"], ["2", "b"]], into: mapping, by: destination, .swap, path: path, after: nil)
            #expect(first.state.replicaRows == 2)
            let table = try await fixture.identity(of: mapping.destination)
            let second = try await fixture.load(
                [["3", nil]], into: mapping, by: destination, .swap, path: path, after: first)
            #expect(try await fixture.rows(mapping) == [["3", nil]])
            #expect(try await fixture.rows(mapping, in: former) == [["1", "a"], ["2", "b"]])
            #expect(try await fixture.identity(of: former) == table)

            let third = try await fixture.load([], into: mapping, by: destination, .swap, path: path, after: second)
            #expect(try await fixture.rows(mapping) == [])
            #expect(try await fixture.rows(mapping, in: former) == [["3", nil]])
            #expect(try await fixture.tables() == ["items", former.name])
            #expect(third.state.replicaRows == 0)
            #expect(try await fixture.storedCheckpoint(mapping) == third)
        }
    }

    @Test func `a swapped table has the columns, key and order that its mapping asks for`() async throws {
        try await Fixture.withReplica(Self.columns, mode: .fullSync) { fixture, mapping, destination in
            var wider = mapping
            wider.columns[1].destinationType = .varchar(bytes: 20)
            let narrow = try await destination.prepare(wider).narrowColumns
            #expect(narrow == ["v": 10])
            let first = try await fixture.load(
                [["1", "longer than ten"]], into: wider, by: destination, .swap, after: nil)
            #expect(try await fixture.rows(wider) == [["1", "longer than ten"]])
            #expect(try await destination.prepare(wider) == PreparedReplica(rows: 1))
            #expect(first.state.replicaRows == 1)
        }
    }

    @Test(arguments: Fixture.Path.allCases)
    func `rows that are replaced stay in the same table, under its views and grants`(path: Fixture.Path) async throws {
        try await Fixture.withReplica(Self.columns, mode: .fullSync) { fixture, mapping, destination in
            let schema = fixture.replica.schema
            try await fixture.withGrantees([.user]) { grantees in
                let first = try await fixture.load(
                    [["1", "a"], ["2", "b"]], into: mapping, by: destination, .replace, path: path, after: nil)
                try await fixture.run("CREATE VIEW \(schema).seen AS SELECT id FROM \(schema).items")
                try await fixture.run("GRANT SELECT ON \(schema).items TO \(grantees[0].name)")
                let table = try await fixture.identity(of: mapping.destination)
                let second = try await fixture.load(
                    [["2", "c"]], into: mapping, by: destination, .replace, path: path, after: first)
                #expect(try await fixture.rows(mapping) == [["2", "c"]])
                #expect(try await fixture.identity(of: mapping.destination) == table)
                #expect(try await fixture.replica.rows("SELECT id FROM \(schema).seen") == [["2"]])
                let may = "SELECT has_table_privilege('\(grantees[0].name)', '\(schema).items', 'SELECT')"
                #expect(try await fixture.run(may).firstValue == "t")
                let third = try await fixture.load(
                    [], into: mapping, by: destination, .replace, path: path, after: second)
                #expect(try await fixture.rows(mapping) == [] && third.state.replicaRows == 0)
            }
        }
    }

    // MARK: Readers

    @Test func `a reader that holds the table makes the swap wait for a while only, and nothing has changed`()
        async throws
    {
        let short: (inout RedshiftSettings) -> Void = { $0.swapTimeout = .milliseconds(300) }
        try await Fixture.withReplica(Self.columns, mode: .fullSync, short) { fixture, mapping, destination in
            let first = try await fixture.load([["1", "a"]], into: mapping, by: destination, .swap, after: nil)
            let second = try await fixture.load([["2", "b"]], into: mapping, by: destination, .swap, after: first)
            let table = try await fixture.identity(of: mapping.destination)
            try await fixture.holding("SELECT COUNT(*) FROM \(fixture.replica.schema).items") {
                let error = await #expect(throws: ReplicationError.self) {
                    try await fixture.load([["3", "c"]], into: mapping, by: destination, .swap, after: second)
                }
                #expect(error?.code == .destinationLocked && error?.isRetryable == true)
                #expect(error?.what.contains("\(mapping.destination) is being read") == true)
                #expect(error?.fix.contains("--refresh replace") == true)
                let rows = try await fixture.rows(mapping)
                #expect(rows == [["2", "b"]])
                #expect(try await fixture.identity(of: mapping.destination) == table)
                let former = SwapStatements.former(mapping.destination)
                #expect(try await fixture.rows(mapping, in: former) == [["1", "a"]])
                #expect(try await fixture.tables() == ["items", former.name])
                #expect(try await fixture.storedCheckpoint(mapping) == second)
            }
            // The statements after it wait as long as before.
            #expect(try await destination.run("SHOW statement_timeout", nil).firstValue.map(Self.seconds) == 600)
            try await fixture.load([["3", "c"]], into: mapping, by: destination, .swap, after: second)
            #expect(try await fixture.rows(mapping) == [["3", "c"]])
            #expect(try await destination.run("SHOW statement_timeout", nil).firstValue.map(Self.seconds) == 600)
        }
    }

    @Test func `a swap waits 10 seconds unless told otherwise`() {
        let endpoint = PostgresEndpoint(host: "h", port: 5439, user: "u", password: "", database: "dev")
        let settings = RedshiftSettings(endpoint: endpoint, authorization: { .iamRole("default") })
        #expect(settings.swapTimeout == .seconds(10))
    }

    /// PostgreSQL says `10min`, Redshift milliseconds.
    private static func seconds(_ setting: String) -> Int {
        let number = Int(setting.prefix { $0.isNumber }) ?? 0
        return setting.hasSuffix("min") ? number * 60 : number / 1000
    }

    // MARK: Views

    @Test func `views go on with the new rows, also those on views and those bound late`() async throws {
        try await Fixture.withReplica(Self.columns, mode: .fullSync) { fixture, mapping, destination in
            let schema = fixture.replica.schema
            try await fixture.run("CREATE VIEW \(schema).plain AS SELECT id, v || '!' AS w FROM \(schema).items")
            try await fixture.run(#"CREATE VIEW \#(schema)."odd ""view""" AS SELECT w FROM \#(schema).plain"#)
            try await fixture.run(
                "CREATE VIEW \(schema).late AS SELECT v FROM \(schema).items WITH NO SCHEMA BINDING")
            try await fixture.run(
                "CREATE VIEW \(schema).twice AS SELECT a.v FROM \(schema).items a JOIN \(schema).items b ON a.id = b.id"
            )
            var checkpoint: Checkpoint?
            for round in 1...3 {
                checkpoint = try await fixture.load(
                    [["\(round)", "v\(round)"]], into: mapping, by: destination, .swap, after: checkpoint)
                #expect(
                    try await fixture.replica.rows("SELECT * FROM \(schema).plain") == [["\(round)", "v\(round)!"]])
                #expect(try await fixture.replica.rows(#"SELECT * FROM \#(schema)."odd ""view""""#) == [["v\(round)!"]])
                #expect(try await fixture.replica.rows("SELECT * FROM \(schema).late") == [["v\(round)"]])
                #expect(try await fixture.replica.rows("SELECT * FROM \(schema).twice") == [["v\(round)"]])
            }
        }
    }

    @Test func `a view that cannot be carried over stops the swap by its name, and nothing has changed`() async throws {
        try await Fixture.with { fixture in
            let schema = fixture.replica.schema
            try await fixture.withUser(grants: "USAGE, CREATE") { endpoint in
                let mapping = fixture.mapping(Self.columns, mode: .fullSync)
                let destination = fixture.destination(endpoint: endpoint)
                _ = try await destination.prepare(mapping)
                let first = try await fixture.load([["1", "a"]], into: mapping, by: destination, .swap, after: nil)
                try await fixture.run("CREATE VIEW \(schema).theirs AS SELECT id FROM \(schema).items")
                let error = await #expect(throws: ReplicationError.self) {
                    try await fixture.load([["2", "b"]], into: mapping, by: destination, .swap, after: first)
                }
                #expect(error?.code == .schemaMismatch && error?.isRetryable == false)
                #expect(
                    error?.what
                        == "View \(schema).theirs reads \(mapping.destination) and cannot be carried over by a swap")
                #expect(error?.fix.contains("tables set \(mapping.label) --refresh replace") == true)
                #expect(try await fixture.rows(mapping) == [["1", "a"]])
                #expect(try await fixture.replica.rows("SELECT id FROM \(schema).theirs") == [["1"]])
                #expect(try await fixture.tables() == ["items", SwapStatements.former(mapping.destination).name])
                // What the sentence advises works.
                let second = try await fixture.load(
                    [["2", "b"]], into: mapping, by: destination, .replace, after: first)
                #expect(try await fixture.replica.rows("SELECT id FROM \(schema).theirs") == [["2"]])
                #expect(second.state.replicaRows == 1)
                await destination.close()
            }
        }
    }

    @Test func `what stands on the former table is named, because it cannot be dropped`() async throws {
        try await Fixture.withReplica(Self.columns, mode: .fullSync) { fixture, mapping, destination in
            let schema = fixture.replica.schema
            let first = try await fixture.load([["1", "a"]], into: mapping, by: destination, .swap, after: nil)
            let former = SwapStatements.former(mapping.destination)
            try await fixture.run("CREATE VIEW \(schema).stale AS SELECT id FROM \(schema).\(former.name)")
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([["2", "b"]], into: mapping, by: destination, .swap, after: first)
            }
            #expect(error?.code == .schemaMismatch && error?.what.contains("\(former)") == true)
            #expect(error?.fix.contains("Drop what depends on it") == true)
            #expect(try await fixture.rows(mapping) == [["1", "a"]])
        }
    }
}

import PostgresClient
import Replication
import TestServers
import Testing

@testable import DestinationRedshift

/// A table that was there before the loader: taken, widened, or refused in a sentence of its own.
@Suite struct ComparisonTests {
    /// A table as somebody made it, and what the loader says of it.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var definition: String
        var columns: KeyValuePairs<String, ReplicaType>
        var mode = SyncMode.updateAndInsert
        var what: String
        var why: String
        var fix: String
    }

    static let refusals = [
        Case(
            testDescription: "fewer columns", definition: "id BIGINT, extra INT",
            columns: ["id": .bigint, "Note": .integer, "updated_at": .timestamp],
            what: "lacks columns that public.Items has", why: "note, updated_at",
            fix: #"ADD COLUMN "note" INTEGER; ALTER TABLE "#),
        Case(
            testDescription: "columns that no row could fill", definition: "id BIGINT, must INT NOT NULL, other INT",
            columns: ["id": .bigint], what: "has columns that no row could fill",
            why: "NOT NULL without a default: must", fix: "give them a default"),
        Case(
            testDescription: "columns of its own before a swap", definition: "id BIGINT, mine INT, ours VARCHAR(5)",
            columns: ["id": .bigint], mode: .fullSync, what: "has columns of its own, which a swap would lose",
            why: "mine, ours", fix: "tables set shop/Items --refresh replace"),
        Case(
            testDescription: "other types",
            definition: "id INTEGER, a VARCHAR(20), b DECIMAL(10,2), c TIMESTAMP, d CHAR(8), e REAL",
            columns: [
                "id": .bigint, "a": .integer, "b": .decimal(precision: 12, scale: 4), "c": .timestamptz,
                "d": .varchar(bytes: 8), "e": .doublePrecision,
            ], what: "has columns of other types",
            why: "id is integer, BIGINT is needed; a is character varying(20), INTEGER is needed; "
                + "b is numeric(10,2), DECIMAL(12,4) is needed; c is timestamp without time zone, TIMESTAMPTZ is needed; "
                + "d is character(8), VARCHAR(8) is needed; e is real, DOUBLE PRECISION is needed",
            fix: "tables set shop/Items --column X --type T"),
    ]

    @Test(arguments: refusals) func `a table that cannot be lived with is refused with a remedy`(_ given: Case)
        async throws
    {
        try await Fixture.with { fixture in
            try await fixture.run("CREATE TABLE \(fixture.replica.schema).items (\(given.definition))")
            let mapping = fixture.mapping(given.columns, mode: given.mode)
            let destination = fixture.destination()
            let error = await #expect(throws: ReplicationError.self) { try await destination.prepare(mapping) }
            #expect(error?.code == .schemaMismatch && error?.isRetryable == false)
            #expect(error?.what == "\(mapping.destination) in Redshift \(given.what)")
            #expect(error?.why == given.why)
            #expect(error?.fix.contains(given.fix) == true, "\(error?.fix ?? "")")
            // Nothing was made, a checkpoint neither.
            let tables = try await fixture.replica.rows(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = '\(fixture.replica.schema)'")
            #expect(tables == [["items"]])
            await destination.close()
        }
    }

    @Test func `the advised statements add what is missing`() async throws {
        try await Fixture.with { fixture in
            try await fixture.run("CREATE TABLE \(fixture.replica.schema).items (id BIGINT)")
            let mapping = fixture.mapping([
                "id": .bigint, "odd \"name\"": .varchar(bytes: 7), "amount": .decimal(precision: 10, scale: 2),
            ])
            let destination = fixture.destination()
            let error = await #expect(throws: ReplicationError.self) { try await destination.prepare(mapping) }
            let advice = try #require(error?.fix)
            for match in advice.matches(of: /ALTER TABLE [^;]*;/) { try await fixture.run(String(match.output)) }
            #expect(try await destination.prepare(mapping) == PreparedReplica())
            await destination.close()
        }
    }

    @Test func `wider types and columns of its own are taken, in any order`() async throws {
        try await Fixture.with { fixture in
            try await fixture.run(
                """
                CREATE TABLE \(fixture.replica.schema).items (extra INT, must INT NOT NULL DEFAULT 7, f DOUBLE PRECISION,
                d DECIMAL(14,3), n DECIMAL(12,0), s BIGINT, t VARCHAR(50), id DECIMAL(20,0))
                """)
            let mapping = fixture.mapping([
                "id": .bigint, "s": .smallint, "n": .integer, "d": .decimal(precision: 10, scale: 2), "f": .real,
                "t": .varchar(bytes: 20),
            ])
            let destination = fixture.destination()
            // The width of a wider column is told as well, so that nothing makes it narrower.
            #expect(try await destination.prepare(mapping) == PreparedReplica(narrowColumns: ["t": 50]))
            try await fixture.load(
                [["9223372036854775807", "-1", "2147483647", "99999999.99", "0.5", "text"]], into: mapping,
                by: destination, after: nil)
            #expect(
                try await fixture.replica.rows("SELECT extra, must, id, d FROM \(fixture.replica.schema).items")
                    == [[nil, "7", "9223372036854775807", "99999999.990"]])
            await destination.close()
        }
    }

    @Test func `a table of another owner can be loaded, but not swapped`() async throws {
        try await Fixture.with { fixture in
            let schema = fixture.replica.schema
            try await fixture.withUser(grants: "USAGE, CREATE") { endpoint in
                try await fixture.run("CREATE TABLE \(schema).items (id BIGINT)")
                try await fixture.run("GRANT SELECT, INSERT, DELETE ON \(schema).items TO \(endpoint.user)")
                let destination = fixture.destination(endpoint: endpoint)
                var mapping = fixture.mapping(["id": .bigint], mode: .fullSync)
                let error = await #expect(throws: ReplicationError.self) { try await destination.prepare(mapping) }
                #expect(error?.code == .schemaMismatch)
                #expect(
                    error?.what == "\(mapping.destination) in Redshift belongs to user \(fixture.replica.endpoint.user)"
                )
                #expect(error?.fix.contains(#"ALTER TABLE "\#(schema)"."items" OWNER TO"#) == true)
                mapping.refresh = .replace
                #expect(try await destination.prepare(mapping) == PreparedReplica())
                try await fixture.load([["1"]], into: mapping, by: destination, .replace, after: nil)
                mapping.mode = .updateAndInsert
                #expect(try await destination.prepare(mapping) == PreparedReplica(rows: 1))
                await destination.close()
            }
        }
    }

    // MARK: Width

    @Test(arguments: Fixture.Path.allCases)
    func `a narrow column is found, and made wider before the rows that need it`(path: Fixture.Path) async throws {
        try await Fixture.with { fixture in
            try await fixture.run("CREATE TABLE \(fixture.replica.schema).items (id BIGINT, v VARCHAR(5))")
            let mapping = fixture.mapping(["id": .bigint, "v": .varchar(bytes: 20)])
            let destination = fixture.destination()
            #expect(try await destination.prepare(mapping) == PreparedReplica(rows: 0, narrowColumns: ["v": 5]))
            let first = try await fixture.load(
                [["1", "short"]], into: mapping, by: destination, path: path, after: nil)
            let refused = await #expect(throws: ReplicationError.self) {
                try await fixture.load(
                    [["2", "12 bytes long"]], into: mapping, by: destination, path: path, after: first)
            }
            #expect([.valueLong, .copyRejected].contains(refused?.code))
            try await fixture.load(
                [["2", "12 bytes long"]], into: mapping, by: destination, path: path, widening: ["v": 20], after: first)
            #expect(try await fixture.rows(mapping) == [["1", "short"], ["2", "12 bytes long"]])
            #expect(try await destination.prepare(mapping) == PreparedReplica(rows: 2))
            await destination.close()
        }
    }

    @Test func `a column that cannot be widened is told with the remedy, and nothing was loaded`() async throws {
        try await Fixture.withReplica(["id": .bigint, "v": .varchar(bytes: 5)]) { fixture, mapping, destination in
            let first = try await fixture.load([["1", "short"]], into: mapping, by: destination, after: nil)
            let schema = fixture.replica.schema
            try await fixture.run("CREATE VIEW \(schema).seen AS SELECT v FROM \(schema).items")
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load(
                    [["2", "longer"]], into: mapping, by: destination, widening: ["v": 20], after: first)
            }
            #expect(error?.code == .valueLong && error?.isRetryable == false)
            #expect(error?.what == "Column v of \(mapping.destination) is too narrow and cannot be widened")
            #expect(error?.fix.contains("tables resync shop/Items --recreate") == true)
            #expect(error?.fix.contains("AUTO_TRUNCATE_COLUMNS=true") == true)
            #expect(try await fixture.rows(mapping) == [["1", "short"]])
            #expect(try await fixture.storedCheckpoint(mapping) == first)
        }
    }

    // MARK: Counting

    @Test func `rows are counted, unless there is no table or it takes too long`() async throws {
        try await Fixture.withReplica(["id": .bigint]) { fixture, mapping, destination in
            try await fixture.load([["1"], ["2"]], into: mapping, by: destination, after: nil)
            #expect(try await destination.count(mapping, within: .seconds(20)) == .rows(2))
            let missing = fixture.mapping(["id": .bigint], table: "none")
            #expect(try await destination.count(missing, within: .seconds(20)) == .missing)
            try await fixture.holding("LOCK \(RedshiftText.table(mapping.destination))") {
                let count = try await destination.count(mapping, within: .milliseconds(200))
                #expect(count == .tooMany)
            }
            #expect(try await destination.count(mapping, within: .seconds(20)) == .rows(2))
        }
    }

    // MARK: Dropping

    @Test func `a replica that is dropped goes with what its swaps left and with its position`() async throws {
        try await Fixture.withReplica(["id": .bigint], mode: .fullSync) { fixture, mapping, destination in
            let first = try await fixture.load([["1"]], into: mapping, by: destination, .swap, after: nil)
            try await fixture.run(
                "CREATE TABLE \(RedshiftText.table(SwapStatements.building(mapping.destination))) (a INT)")
            #expect(try await fixture.tables().count == 3)
            try await destination.drop(mapping)
            #expect(try await fixture.tables() == [])
            #expect(try await fixture.storedCheckpoint(mapping) == nil)
            try await destination.drop(mapping)
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([["2"]], into: mapping, by: destination, .swap, after: first)
            }
            #expect(error?.code == .locked)
            #expect(try await destination.prepare(mapping) == PreparedReplica())
            try await fixture.load([["3"]], into: mapping, by: destination, .swap, after: nil)
            #expect(try await fixture.rows(mapping) == [["3"]])
        }
    }

    @Test func `dropping what was never made is no error and makes nothing`() async throws {
        try await Fixture.with { fixture in
            let destination = fixture.destination()
            try await destination.drop(fixture.mapping(["id": .bigint]))
            let tables = try await fixture.replica.rows(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = '\(fixture.replica.schema)'")
            #expect(tables.isEmpty)
            await destination.close()
        }
    }
}

import PostgresClient
import Replication
import TestServers
import Testing

@testable import DestinationRedshift

@Suite struct PrepareTests {
    @Test func `schema, table and checkpoint are made, and making them again changes nothing`() async throws {
        try await Fixture.with { fixture in
            let schema = freshName("made")
            let mapping = Fixture.mapping(
                ["id": .bigint, "note": .varchar(bytes: 12), "updated_at": .timestamp], key: ["id"],
                updated: "updated_at",
                destination: TableName(schema: schema, name: "items"))
            let destination = fixture.destination()
            try await destination.prepare(mapping)
            try await destination.prepare(mapping)
            let again = fixture.destination()
            try await again.prepare(mapping)
            #expect(
                try await fixture.replica.rows(
                    """
                    SELECT column_name, data_type, character_maximum_length, is_nullable FROM information_schema.columns
                    WHERE table_schema = '\(schema)' ORDER BY ordinal_position
                    """) == [
                        ["id", "bigint", nil, "NO"], ["note", "character varying", "12", "YES"],
                        ["updated_at", "timestamp without time zone", nil, "YES"],
                    ])
            #expect(try await destination.columns(of: mapping.destination) == ["id", "note", "updated_at"])
            let checkpoint = CheckpointTable.name(for: mapping.destination)
            let found = try await fixture.replica.rows(
                "SELECT table_schema FROM information_schema.tables WHERE table_name = '\(checkpoint)'")
            #expect(found == [[fixture.replica.schema]])
            #expect(try await again.readCheckpoint(mapping, installation: "any") == nil)
            #expect(try await destination.countRows(mapping) == 0)
            await destination.close()
            await again.close()
            try await fixture.replica.connection.execute("DROP SCHEMA \(schema) CASCADE")
        }
    }

    @Test func `a table that lacks columns is refused, naming them, and nothing is made`() async throws {
        try await Fixture.with { fixture in
            let schema = fixture.replica.schema
            try await fixture.replica.connection.execute("CREATE TABLE \(schema).items (id BIGINT, extra INT)")
            let mapping = fixture.mapping(["id": .bigint, "Note": .integer, "updated_at": .timestamp])
            let destination = fixture.destination()
            let error = await #expect(throws: ReplicationError.self) { try await destination.prepare(mapping) }
            #expect(error?.code == .schemaMismatch && error?.why == "missing: note, updated_at")
            #expect(error?.description.contains("\(schema).items") == true)
            let tables = try await fixture.replica.rows(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = '\(schema)'")
            #expect(tables == [["items"]])
            await destination.close()
        }
    }

    @Test func `a table with more columns than the source's is taken as it is`() async throws {
        try await Fixture.with { fixture in
            let schema = fixture.replica.schema
            try await fixture.replica.connection.execute("CREATE TABLE \(schema).items (extra INT, id BIGINT)")
            let mapping = fixture.mapping(["id": .bigint])
            let destination = fixture.destination()
            try await destination.prepare(mapping)
            _ = try await fixture.load([["7"]], into: mapping, by: destination, after: nil)
            #expect(try await fixture.replica.rows("SELECT extra, id FROM \(schema).items") == [[nil, "7"]])
            await destination.close()
        }
    }

    @Test func `odd names go all the way`() async throws {
        try await Fixture.with { fixture in
            let mapping = fixture.mapping(
                [
                    "Select": .bigint, "with space": .integer, "quote\"s'": .varchar(bytes: 20), "Größe €": .integer,
                    "日本語": .integer, "a.b/c;--": .integer, "%s $1 {}": .integer,
                ], key: ["Select", "quote\"s'"], updated: "with space", table: "Odd \"table\"; drop 'x' ÄÖ".lowercased()
            )
            let destination = fixture.destination()
            try await destination.prepare(mapping)
            let first = try await fixture.load(
                [["1", "2", "a", "3", "4", "5", "6"]], into: mapping, by: destination, appends: true, after: nil)
            let second = try await fixture.load(
                [["1", "9", "a", "9", "9", "9", "9"], ["1", "0", "b", "0", "0", "0", "0"]], into: mapping,
                by: destination,
                after: first)
            #expect(second.state.replicaRows == 2)
            #expect(
                try await fixture.rows(mapping) == [
                    ["1", "0", "b", "0", "0", "0", "0"], ["1", "9", "a", "9", "9", "9", "9"],
                ])
            #expect(try await fixture.storedCheckpoint(mapping) == second)
            await destination.close()
        }
    }

    // MARK: Rights

    @Test func `USAGE and CREATE on the destination schema are enough, and the checkpoint lies there`() async throws {
        try await Fixture.with { fixture in
            let schema = fixture.replica.schema
            try await withUser(fixture, grants: "USAGE, CREATE") { endpoint in
                let mapping = fixture.mapping(["id": .bigint, "v": .varchar(bytes: 5)])
                let destination = fixture.destination(endpoint: endpoint, checkpointSchema: .some(nil))
                try await destination.prepare(mapping)
                let first = try await fixture.load(
                    [["1", "a"]], into: mapping, by: destination, appends: true, after: nil)
                let second = try await fixture.load(
                    [["1", "b"], ["2", "c"]], into: mapping, by: destination, after: first)
                await destination.close()
                let later = fixture.destination(endpoint: endpoint, checkpointSchema: .some(nil))
                #expect(try await later.readCheckpoint(mapping, installation: Fixture.installation) == second)
                await later.close()
                #expect(try await fixture.rows(mapping) == [["1", "b"], ["2", "c"]])
                let checkpoint = CheckpointTable.name(for: mapping.destination)
                let found = try await fixture.replica.rows(
                    "SELECT table_schema FROM information_schema.tables WHERE table_name = '\(checkpoint)'")
                #expect(found == [[schema]])
                try await fixture.replica.connection.execute("DROP TABLE \(schema).items")
                try await fixture.replica.connection.execute("DROP TABLE \(schema).\(checkpoint)")
            }
        }
    }

    @Test func `without CREATE on the schema the GRANT is told`() async throws {
        try await Fixture.with { fixture in
            try await withUser(fixture, grants: "USAGE") { endpoint in
                let destination = fixture.destination(endpoint: endpoint, checkpointSchema: .some(nil))
                let mapping = fixture.mapping(["id": .bigint])
                let error = await #expect(throws: ReplicationError.self) { try await destination.prepare(mapping) }
                #expect(error?.code == .destinationPermission && error?.isRetryable == false)
                #expect(error?.fix.contains("GRANT USAGE, CREATE ON SCHEMA \"\(fixture.replica.schema)\"") == true)
                await destination.close()
                try await fixture.replica.connection.execute("SELECT 1")
            }
        }
    }

    @Test func `the checkpoint's own schema is preferred, and CHECKPOINT_SCHEMA decides where it is set`() async throws
    {
        try await Fixture.with { fixture in
            let mapping = fixture.mapping(["id": .bigint], table: freshName("items"))
            let name = CheckpointTable.name(for: mapping.destination)
            let preferring = fixture.destination(checkpointSchema: .some(nil))
            try await preferring.prepare(mapping)
            let find = "SELECT table_schema FROM information_schema.tables WHERE table_name = '\(name)' ORDER BY 1"
            #expect(try await fixture.replica.rows(find) == [[CheckpointTable.preferredSchema]])
            await preferring.close()

            let other = freshName("checkpoints")
            let told = fixture.destination(checkpointSchema: other)
            try await told.prepare(mapping)
            #expect(try await fixture.replica.rows(find) == [[other], [CheckpointTable.preferredSchema]])
            await told.close()
            try await fixture.replica.connection.execute("DROP SCHEMA \(other) CASCADE")
            try await fixture.replica.connection.execute("DROP TABLE \(CheckpointTable.preferredSchema).\(name)")
        }
    }

    /// A user with those rights on the replica's schema and no others; `body` drops what the user made.
    private func withUser(
        _ fixture: Fixture, grants: String, _ body: (PostgresEndpoint) async throws -> Void
    ) async throws {
        let name = freshName("loader")
        let (connection, schema) = (fixture.replica.connection, fixture.replica.schema)
        // The test of the fallback needs a redshift_loader that this user may not use.
        try await connection.execute("CREATE SCHEMA IF NOT EXISTS \(CheckpointTable.preferredSchema)")
        try await connection.execute("CREATE USER \(name) PASSWORD 'Abcdef123'")
        try await connection.execute("GRANT \(grants) ON SCHEMA \(schema) TO \(name)")
        var endpoint = fixture.replica.endpoint
        endpoint.user = name
        endpoint.password = PostgresPassword("Abcdef123")
        try await body(endpoint)
        try await connection.execute("REVOKE ALL ON SCHEMA \(schema) FROM \(name)")
        try await connection.execute("DROP USER \(name)")
    }
}

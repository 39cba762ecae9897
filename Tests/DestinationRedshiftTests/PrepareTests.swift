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
            _ = try await destination.prepare(mapping)
            _ = try await destination.prepare(mapping)
            let again = fixture.destination()
            _ = try await again.prepare(mapping)
            #expect(
                try await fixture.replica.rows(
                    """
                    SELECT column_name, data_type, character_maximum_length, is_nullable FROM information_schema.columns
                    WHERE table_schema = '\(schema)' ORDER BY ordinal_position
                    """) == [
                        ["id", "bigint", nil, "NO"], ["note", "character varying", "12", "YES"],
                        ["updated_at", "timestamp without time zone", nil, "YES"],
                    ])
            let checkpoint = CheckpointTable.name(for: mapping.destination)
            let found = try await fixture.replica.rows(
                "SELECT table_schema FROM information_schema.tables WHERE table_name = '\(checkpoint)'")
            #expect(found == [[fixture.replica.schema]])
            #expect(try await again.readCheckpoint(mapping, installation: "any") == nil)
            #expect(try await again.prepare(mapping) == PreparedReplica())
            await destination.close()
            await again.close()
            try await fixture.replica.connection.execute("DROP SCHEMA \(schema) CASCADE")
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
            _ = try await destination.prepare(mapping)
            let first = try await fixture.load(
                [["1", "2", "a", "3", "4", "5", "6"]], into: mapping, by: destination, .append, after: nil)
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
            try await fixture.withUser(grants: "USAGE, CREATE") { endpoint in
                let mapping = fixture.mapping(["id": .bigint, "v": .varchar(bytes: 5)])
                let destination = fixture.destination(endpoint: endpoint, checkpointSchema: .some(nil))
                _ = try await destination.prepare(mapping)
                let first = try await fixture.load(
                    [["1", "a"]], into: mapping, by: destination, .append, after: nil)
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
            try await fixture.withUser(grants: "USAGE") { endpoint in
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
            _ = try await preferring.prepare(mapping)
            let find = "SELECT table_schema FROM information_schema.tables WHERE table_name = '\(name)' ORDER BY 1"
            #expect(try await fixture.replica.rows(find) == [[CheckpointTable.preferredSchema]])
            await preferring.close()

            let other = freshName("checkpoints")
            let told = fixture.destination(checkpointSchema: other)
            _ = try await told.prepare(mapping)
            #expect(try await fixture.replica.rows(find) == [[other], [CheckpointTable.preferredSchema]])
            await told.close()
            try await fixture.replica.connection.execute("DROP SCHEMA \(other) CASCADE")
            try await fixture.replica.connection.execute("DROP TABLE \(CheckpointTable.preferredSchema).\(name)")
        }
    }
}

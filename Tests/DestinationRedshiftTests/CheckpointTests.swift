import PostgresClient
import Replication
import TestServers
import Testing

@testable import DestinationRedshift

/// Rows and position move together, and only for a writer that found what it had read.
@Suite struct CheckpointTests {
    /// A replica with one row under a first checkpoint.
    private func withLoaded(
        _ body: (Fixture, TableMapping, RedshiftDestination, Checkpoint) async throws -> Void
    ) async throws {
        try await Fixture.withReplica(["id": .bigint, "v": .varchar(bytes: 3)]) { fixture, mapping, destination in
            let first = try await fixture.load([["1", "a"]], into: mapping, by: destination, .append, after: nil)
            try await body(fixture, mapping, destination, first)
        }
    }

    /// Nothing but the first load is there, and the next one still works.
    private func expectUntouched(
        _ fixture: Fixture, _ mapping: TableMapping, _ destination: RedshiftDestination, _ first: Checkpoint
    ) async throws {
        #expect(try await fixture.rows(mapping) == [["1", "a"]])
        #expect(try await fixture.storedCheckpoint(mapping) == first)
        let next = try await fixture.load([["1", "b"], ["2", "c"]], into: mapping, by: destination, after: first)
        #expect(try await fixture.rows(mapping) == [["1", "b"], ["2", "c"]])
        #expect(next.state.replicaRows == 2)
    }

    // MARK: Reading and writing

    @Test func `there is none before the first, and looking for it makes nothing`() async throws {
        try await Fixture.with { fixture in
            let mapping = fixture.mapping(["id": .bigint])
            let destination = fixture.destination()
            #expect(try await destination.readCheckpoint(mapping, installation: "i") == nil)
            let tables = try await fixture.replica.rows(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = '\(fixture.replica.schema)'")
            #expect(tables.isEmpty)
            await destination.close()
        }
    }

    @Test func `a checkpoint without rows is written, replaced, and read back whole`() async throws {
        try await Fixture.with { fixture in
            let mapping = fixture.mapping(["id": .bigint])
            let destination = fixture.destination()
            var checkpoint = Fixture.checkpoint(after: nil)
            try await destination.writeCheckpoint(checkpoint, expected: nil, mapping: mapping)
            #expect(try await fixture.storedCheckpoint(mapping) == checkpoint)
            let before = checkpoint.stamp
            checkpoint.stamp = CheckpointStamp(
                installation: Fixture.installation, job: "shop", generation: .max, batch: before.batch + 1)
            checkpoint.state = CheckpointStatementTests.fullState
            try await destination.writeCheckpoint(checkpoint, expected: before, mapping: mapping)
            #expect(try await fixture.storedCheckpoint(mapping) == checkpoint)
            let name = CheckpointTable.name(for: mapping.destination)
            let rows = try await fixture.replica.rows(
                "SELECT job, source_name, generation, batch FROM \(fixture.replica.schema).\(name)")
            #expect(rows == [["shop", "public.Items", "9223372036854775807", "2"]])
            await destination.close()
        }
    }

    // MARK: Refusals

    static let wrongStamps: [@Sendable (CheckpointStamp) -> CheckpointStamp?] = [
        { _ in nil },
        { CheckpointStamp(installation: $0.installation, job: $0.job, generation: $0.generation + 1, batch: $0.batch) },
        { CheckpointStamp(installation: $0.installation, job: $0.job, generation: $0.generation, batch: $0.batch - 1) },
        { CheckpointStamp(installation: "other", job: $0.job, generation: $0.generation, batch: $0.batch) },
        { CheckpointStamp(installation: $0.installation, job: "other", generation: $0.generation, batch: $0.batch) },
    ]

    @Test(arguments: wrongStamps.indices, Fixture.methods)
    func `whoever read another stamp is shut out, and nothing has changed`(index: Int, method: LoadMethod) async throws
    {
        try await withLoaded { fixture, mapping, destination, first in
            let expected = Self.wrongStamps[index](first.stamp)
            let staged = try await fixture.stage([["1", "x"], ["9", "x"]])
            let load = ReplicaLoad(
                mapping: mapping, staged: staged, format: Fixture.format, method: method, expected: expected,
                next: Fixture.checkpoint(after: first))
            let error = await #expect(throws: ReplicationError.self) { try await destination.load(load) }
            #expect(error?.code == .locked && error?.isRetryable == true)
            #expect(error?.why == "it now says job shop, generation 1, batch 1")
            let write = await #expect(throws: ReplicationError.self) {
                try await destination.writeCheckpoint(
                    Fixture.checkpoint(after: first), expected: expected, mapping: mapping)
            }
            #expect(write?.code == .locked)
            try await expectUntouched(fixture, mapping, destination, first)
        }
    }

    @Test func `a checkpoint that is gone shuts out who had read it`() async throws {
        try await withLoaded { fixture, mapping, destination, first in
            let name = CheckpointTable.name(for: mapping.destination)
            try await fixture.replica.connection.execute("DELETE FROM \(fixture.replica.schema).\(name)")
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([["2", "x"]], into: mapping, by: destination, after: first)
            }
            #expect(error?.code == .locked && error?.why == "it now says none")
            let rows = try await fixture.rows(mapping)
            #expect(rows == [["1", "a"]])
        }
    }

    @Test func `a replica that was dropped is loaded anew: its checkpoint is void`() async throws {
        try await withLoaded { fixture, mapping, destination, first in
            try await fixture.replica.connection.execute("DROP TABLE \(fixture.replica.schema).items")
            _ = try await destination.prepare(mapping)
            #expect(try await fixture.storedCheckpoint(mapping) == nil)
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([["2", "x"]], into: mapping, by: destination, after: first)
            }
            #expect(error?.code == .locked)
            let again = try await fixture.load([["2", "x"]], into: mapping, by: destination, .append, after: nil)
            #expect(again.state.replicaRows == 1)
            #expect(try await fixture.rows(mapping) == [["2", "x"]])
        }
    }

    @Test func `a replica of another job is refused, naming that job`() async throws {
        try await withLoaded { fixture, mapping, destination, first in
            var other = mapping
            other.jobName = "warehouse"
            let error = await #expect(throws: ReplicationError.self) {
                try await destination.readCheckpoint(other, installation: Fixture.installation)
            }
            #expect(error?.isRetryable == false && error?.description.contains("already belongs to job shop") == true)
            #expect(error?.fix.contains("warehouse") == true)
            try await expectUntouched(fixture, mapping, destination, first)
        }
    }

    @Test func `a replica of another installation is refused, naming the table`() async throws {
        try await withLoaded { fixture, mapping, destination, first in
            let error = await #expect(throws: ReplicationError.self) {
                try await destination.readCheckpoint(mapping, installation: "installation-2")
            }
            #expect(error?.description.contains("\(mapping.destination) belongs to another installation") == true)
            #expect(error?.isRetryable == false)
            try await expectUntouched(fixture, mapping, destination, first)
        }
    }

    @Test func `a checkpoint of another release is refused, and its rows stay`() async throws {
        try await withLoaded { fixture, mapping, destination, first in
            let name = CheckpointTable.name(for: mapping.destination)
            try await fixture.replica.connection.execute("UPDATE \(fixture.replica.schema).\(name) SET state = '{}'")
            for _ in 1...2 {
                let error = await #expect(throws: ReplicationError.self) {
                    try await fixture.load([["2", "x"]], into: mapping, by: destination, after: first)
                }
                #expect(error?.code == .schemaMismatch)
            }
            let rows = try await fixture.rows(mapping)
            #expect(rows == [["1", "a"]])
        }
    }

    // MARK: Together or not at all

    @Test(arguments: Fixture.methods)
    func `a COPY that fails leaves rows and checkpoint as they were`(method: LoadMethod) async throws {
        try await withLoaded { fixture, mapping, destination, first in
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load(
                    [["1", "x"], ["2", "too long"]], into: mapping, by: destination, method, after: first)
            }
            #expect(error?.code == .valueLong)
            try await expectUntouched(fixture, mapping, destination, first)
        }
    }

    @Test(arguments: [1, -1], Fixture.methods)
    func `a load of more or fewer rows than were read is refused`(difference: Int, method: LoadMethod) async throws {
        try await withLoaded { fixture, mapping, destination, first in
            var staged = try await fixture.stage([["1", "x"], ["2", "y"]])
            staged.rows += difference
            let load = ReplicaLoad(
                mapping: mapping, staged: staged, format: Fixture.format, method: method, expected: first.stamp,
                next: Fixture.checkpoint(after: first))
            let error = await #expect(throws: ReplicationError.self) { try await destination.load(load) }
            #expect(error?.code == .copyRejected)
            #expect(error?.what == "Redshift staged 2 rows of public.Items, \(2 + difference) were read")
            try await expectUntouched(fixture, mapping, destination, first)
        }
    }

    @Test func `a missing staged file fails the load`() async throws {
        try await withLoaded { fixture, mapping, destination, first in
            let staged = try await fixture.stage(Fixture.wideRows(300), targetFileBytes: 1)
            try #require(staged.objectKeys.count > 2)
            try await fixture.bucket.client.delete(staged.objectKeys[1])
            let load = ReplicaLoad(
                mapping: mapping, staged: staged, format: Fixture.format, method: .append, expected: first.stamp,
                next: Fixture.checkpoint(after: first))
            await #expect(throws: ReplicationError.self) { try await destination.load(load) }
            try await expectUntouched(fixture, mapping, destination, first)
        }
    }

    @Test func `of two writers at the same position one wins`() async throws {
        try await withLoaded { fixture, mapping, destination, first in
            let rival = fixture.destination()
            let outcomes = await withTaskGroup(of: Result<Checkpoint, any Error>.self) { group in
                for (writer, id) in [(destination, "2"), (rival, "3")] {
                    group.addTask {
                        do {
                            return .success(
                                try await fixture.load([[id, "x"]], into: mapping, by: writer, after: first))
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            await rival.close()
            let failures = outcomes.compactMap { outcome -> ErrorCode? in
                guard case .failure(let error as ReplicationError) = outcome else { return nil }
                return error.code
            }
            #expect(failures.count == 1 && [.locked, .destinationLocked].contains(failures.first))
            let rows = try await fixture.rows(mapping)
            #expect(rows.count == 2)
            let stored = try await fixture.storedCheckpoint(mapping)
            #expect(stored?.stamp.batch == 2 && stored?.state.replicaRows == 2)
        }
    }
}

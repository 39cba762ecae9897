import PostgresClient
import Replication
import Synchronization
import TestServers
import Testing

@testable import DestinationRedshift

/// What is told when something is wrong: the column and the remedy, never a value or a secret.
@Suite struct FailureTests {
    // MARK: Values

    @Test(arguments: ["note", "Kürzel"], Fixture.methods)
    func `a value that is too long names column and width, not itself`(column: String, method: LoadMethod)
        async throws
    {
        try await Fixture.withReplica(["id": .bigint, column: .varchar(bytes: 7)]) { fixture, mapping, destination in
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load(
                    [["1", "ok"], ["2", "canary🚀canary"]], into: mapping, by: destination, method, after: nil)
            }
            #expect(error?.code == .valueLong && error?.isRetryable == false)
            #expect(
                error?.what
                    == "Column \"\(column.lowercased())\" of \(mapping.destination) is varchar(7) in Redshift and a value "
                    + "is longer")
            #expect(error?.why.contains("line 2") == true)
            expectHidden(error, "canary")
        }
    }

    static let badValues: [(ReplicaType, String)] = [
        (.integer, "x4711x"), (.smallint, "4711471"), (.integer, "4711471147114711"), (.bigint, "47114711471147114711"),
        (.boolean, "x4711x"),
        (.doublePrecision, "x4711x"), (.decimal(precision: 6, scale: 2), "471147114711"),
        (.decimal(precision: 6, scale: 2), "x4711x"), (.date, "4711-47-11"), (.date, "x4711x"),
        (.timestamp, "2026-11-22 47:11:00"), (.timestamptz, "x4711x"), (.time, "47:11:4711"),
        (.semistructured, #"{"a": x4711x}"#), (.semistructured, #"{"4711":"#),
    ]

    @Test(arguments: badValues)
    func `a value that a type does not take names the column, not itself`(_ type: ReplicaType, value: String)
        async throws
    {
        try await Fixture.withReplica(["id": .bigint, "payload": type]) { fixture, mapping, destination in
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([["1", nil], ["2", value]], into: mapping, by: destination, after: nil)
            }
            #expect(error?.code == .valueBad)
            #expect(error?.what == "Column \"payload\" of \(mapping.destination) does not take a value")
            expectHidden(error, "4711")
            let rows = try await fixture.rows(mapping)
            #expect(rows.isEmpty)
        }
    }

    @Test func `a key without a value is refused`() async throws {
        try await Fixture.withReplica(["id": .bigint, "v": .integer]) { fixture, mapping, destination in
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([[nil, "1"]], into: mapping, by: destination, .append, after: nil)
            }
            #expect(error?.code == .valueBad && error?.what.contains("\"id\"") == true)
        }
    }

    @Test func `a table that was dropped during the run is told so`() async throws {
        try await Fixture.withReplica(["id": .bigint]) { fixture, mapping, destination in
            try await fixture.replica.connection.execute("DROP TABLE \(fixture.replica.schema).items")
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([["1"]], into: mapping, by: destination, after: nil)
            }
            #expect(error?.code == .locked && error?.fix.contains("dropped") == true)
        }
    }

    // MARK: Secrets

    @Test func `keys that S3 refuses are not repeated`() async throws {
        try await Fixture.with { fixture in
            let mapping = fixture.mapping(["id": .bigint])
            let keys = CopyAuthorization.keys(
                accessKeyID: fixture.bucket.credentials.accessKeyID, secretAccessKey: "canary/secret'\\",
                sessionToken: "canary-token")
            let destination = fixture.destination(authorization: keys)
            _ = try await destination.prepare(mapping)
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([["1"]], into: mapping, by: destination, after: nil)
            }
            #expect(error?.code == .copyRejected)
            expectHidden(error, "canary")
            let rows = try await fixture.rows(mapping)
            #expect(rows.isEmpty)
            await destination.close()
        }
    }

    @Test func `secrets that a server repeats are struck out`() {
        let keys = CopyAuthorization.keys(accessKeyID: "AKIA", secretAccessKey: "canary1", sessionToken: "canary2")
        let refusal = PostgresError(
            code: .syntax, what: "refused", why: "syntax error near 'canary1' or \"canary2\"", fix: "fix",
            serverMessage: "canary1", detail: "canary2")
        expectHidden(
            ReplicationError(destination: refusal, table: TableName(schema: "s", name: "t"), secrets: keys.secrets),
            "canary")
        #expect(CopyAuthorization.iamRole("arn").secrets.isEmpty)
    }

    @Test func `a wrong password is E_DST_AUTH and not repeated`() async throws {
        try await Fixture.with { fixture in
            var endpoint = fixture.replica.endpoint
            endpoint.password = PostgresPassword("canary-password")
            let destination = fixture.destination(endpoint: endpoint)
            let error = await #expect(throws: ReplicationError.self) { try await destination.probe() }
            #expect(error?.code == .destinationAuthentication && error?.isRetryable == false)
            expectHidden(error, "canary")
            let version = try await fixture.replica.rows("SELECT version()")
            #expect(version.count == 1)
        }
    }

    /// - Parameter word: Must show nowhere, not in an underlying error either.
    private func expectHidden(_ error: ReplicationError?, _ word: String) {
        var everything = ""
        dump(error, to: &everything)
        #expect(error != nil && !everything.contains(word), "\(everything)")
    }

    // MARK: Connections

    @Test func `nothing is opened before the first statement`() async throws {
        var endpoint = try TestServers.standIn()
        endpoint.port = 1
        let settings = RedshiftSettings(endpoint: endpoint, authorization: { .iamRole("default") })
        let destination = RedshiftDestination(settings: settings, logger: .init(label: "test"))
        await destination.close()
        let error = await #expect(throws: ReplicationError.self) { try await destination.probe() }
        #expect(error?.code == .destinationUnreachable && error?.isRetryable == true)
        let slices = await #expect(throws: ReplicationError.self) { try await destination.sliceCount() }
        #expect(slices?.code == .destinationUnreachable)
        await destination.close()
    }

    @Test func `a session that the server ended is worth another try, and another one goes on`() async throws {
        try await Fixture.withReplica(["id": .bigint]) { fixture, mapping, destination in
            let first = try await fixture.load([["1"]], into: mapping, by: destination, after: nil)
            _ = try await destination.readCheckpoint(mapping, installation: Fixture.installation)
            let idle = "query LIKE '%\(fixture.replica.schema)%'"
            #expect(try await endSessions(idle, fixture) == 1)
            let error = await #expect(throws: ReplicationError.self) {
                try await fixture.load([["2"]], into: mapping, by: destination, after: first)
            }
            #expect(error?.code == .destinationUnreachable && error?.isRetryable == true)
            let another = fixture.destination()
            _ = try await fixture.load([["2"]], into: mapping, by: another, after: first)
            #expect(try await fixture.rows(mapping) == [["1"], ["2"]])
            await another.close()
        }
    }

    @Test func `a session that ends within the transaction has moved nothing`() async throws {
        try await withWaitingLoad { fixture, load in
            let end = End()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { end.reach() }
                    let error = await #expect(throws: ReplicationError.self) { try await load() }
                    #expect(error?.code == .destinationUnreachable && error?.isRetryable == true)
                }
                group.addTask {
                    do {
                        while try await endSessions(Self.waiting(fixture), fixture) == 0, !end.isReached {}
                    } catch {
                        Issue.record(error)
                    }
                }
            }
        }
    }

    @Test func `a cancelled load rolls back`() async throws {
        try await withWaitingLoad { fixture, load in
            let end = End()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { end.reach() }
                    try await load()
                }
                let find = "SELECT pid FROM pg_stat_activity WHERE \(Self.waiting(fixture))"
                while try await fixture.replica.rows(find).isEmpty, !end.isReached {}
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.next() }
            }
        }
    }

    /// Runs `body` while the checkpoint is locked, with a load that waits for it and must come to nothing; afterwards
    /// the same destination goes on, over a connection of its own where the first could not roll back.
    private func withWaitingLoad(
        _ body: (Fixture, @escaping @Sendable () async throws -> Void) async throws -> Void
    ) async throws {
        try await Fixture.withReplica(["id": .bigint]) { fixture, mapping, destination in
            let first = try await fixture.load([["1"]], into: mapping, by: destination, after: nil)
            let checkpoint = "\(fixture.replica.schema).\(CheckpointTable.name(for: mapping.destination))"
            try await fixture.holding("LOCK \(checkpoint)") {
                try await body(fixture) {
                    try await fixture.load([["2"]], into: mapping, by: destination, after: first)
                }
            }
            #expect(try await fixture.rows(mapping) == [["1"]])
            #expect(try await fixture.storedCheckpoint(mapping) == first)
            try await fixture.load([["2"]], into: mapping, by: destination, after: first)
            #expect(try await fixture.rows(mapping) == [["1"], ["2"]])
        }
    }

    /// Sessions that wait for the checkpoint's lock.
    private static func waiting(_ fixture: Fixture) -> String {
        "query LIKE 'LOCK%\(fixture.replica.schema)%' AND wait_event_type = 'Lock'"
    }

    /// - Parameter condition: On `pg_stat_activity`.
    /// - Returns: How many were ended.
    private func endSessions(_ condition: String, _ fixture: Fixture) async throws -> Int {
        try await fixture.replica.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND \(condition)"
        ).count
    }

    // MARK: The cluster

    @Test func `slices are asked from the cluster, and the version from the server`() async throws {
        try await Fixture.with { fixture in
            let destination = fixture.destination()
            let told = try await fixture.replica.rows("SELECT COUNT(*) FROM stv_slices")
            #expect(try await [[String(destination.sliceCount())]] == told)
            #expect(try await [[String(destination.sliceCount())]] == told)
            #expect(try await destination.probe().contains("Redshift"))
            await destination.close()
        }
    }
}

/// Says that a load is over, so that whoever waits for it to hang does not wait for ever.
private final class End: Sendable {
    private let state = Mutex(false)

    var isReached: Bool { state.withLock { $0 } }

    func reach() { state.withLock { $0 = true } }
}

import Replication
import Testing

@testable import DestinationRedshift

/// What a session at the destination is told. One after the other: a fault waits for statements of one name.
@Suite(.serialized) struct SessionTests {
    @Test func `statements of a session name what they set`() {
        #expect(SessionStatements.timezone == "SET timezone TO 'UTC'")
        #expect(SessionStatements.queryGroup("loads") == "SET query_group TO 'loads'")
        #expect(SessionStatements.queryGroup(#"it's a \ group"#) == #"SET query_group TO 'it''s a \\ group'"#)
        #expect(SessionStatements.statementTimeout(.seconds(10)) == "SET statement_timeout TO 10000")
        #expect(SessionStatements.statementTimeout(.seconds(86_400)) == "SET statement_timeout TO 86400000")
        #expect(SessionStatements.slotCount(50) == "SET wlm_query_slot_count TO 50")
    }

    @Test func `a session is the loader's own unless a job says otherwise`() async throws {
        try await Self.with(DestinationSession()) { _, destination in
            let told = try await Self.told(destination)
            #expect(told == Told(queryGroup: "redshift-loader", timeout: .seconds(600), slots: "1"))
        }
    }

    @Test(arguments: ["loads", "it's \"a\" \\ group", "Größe 日本 🚀", String(repeating: "x", count: 128)])
    func `a session is told what its job asks for`(group: String) async throws {
        let session = DestinationSession(queryGroup: group, statementTimeout: .seconds(90), slotCount: 3)
        try await Self.with(session) { _, destination in
            let told = try await Self.told(destination)
            #expect(told == Told(queryGroup: group, timeout: .seconds(90), slots: "3"))
        }
    }

    @Test func `a job's own timeout holds again after a count and a swap`() async throws {
        let change: (inout RedshiftSettings) -> Void = { $0.session.statementTimeout = .milliseconds(90_500) }
        try await Fixture.withReplica(["id": .bigint], mode: .fullSync, change) { fixture, mapping, destination in
            #expect(try await destination.count(mapping, within: .seconds(5)) == .rows(0))
            #expect(try await Self.told(destination).timeout == .milliseconds(90_500))
            _ = try await fixture.load([["1"]], into: mapping, by: destination, .swap, after: nil)
            #expect(try await Self.told(destination).timeout == .milliseconds(90_500))
        }
    }

    @Test(arguments: ["0A000", "42501", "42704", "22023", "XX000"])
    func `a server that has no slots to give is used without`(state: String) async throws {
        let session = DestinationSession(queryGroup: "loads", statementTimeout: .seconds(90), slotCount: 3)
        try await Self.with(session) { fixture, destination in
            let fault = "RAISE '\(state)' 'not here' BEFORE SET ON wlm_query_slot_count"
            _ = try await fixture.replica.rows("STANDIN FAULT \(fault)")
            let told = try await Self.told(destination)
            #expect(told == Told(queryGroup: "loads", timeout: .seconds(90), slots: "1"))
        }
    }

    @Test func `a connection that is lost meanwhile is an error, and the next one gets its slots`() async throws {
        try await Self.with(DestinationSession(slotCount: 3)) { fixture, destination in
            _ = try await fixture.replica.rows("STANDIN FAULT DROP BEFORE SET ON wlm_query_slot_count")
            let error = await #expect(throws: ReplicationError.self) { try await destination.probe() }
            #expect(error?.code == .destinationUnreachable && error?.isRetryable == true)
            #expect(try await Self.told(destination).slots == "3")
        }
    }

    // MARK: Sessions

    private struct Told: Equatable {
        var queryGroup: String?
        var timeout: Duration?
        var slots: String?
    }

    private static func with(
        _ session: DestinationSession, isolation: isolated (any Actor)? = #isolation,
        _ body: (Fixture, RedshiftDestination) async throws -> Void
    ) async throws {
        try await Fixture.with { fixture in
            let destination = fixture.destination { $0.session = session }
            do {
                try await body(fixture, destination)
                await destination.close()
            } catch {
                await destination.close()
                throw error
            }
        }
    }

    private static func told(_ destination: RedshiftDestination) async throws -> Told {
        Told(
            queryGroup: try await destination.run("SHOW query_group", nil).firstValue,
            timeout: try await destination.run("SHOW statement_timeout", nil).firstValue.flatMap(duration),
            slots: try await destination.run("SHOW wlm_query_slot_count", nil).firstValue)
    }

    /// PostgreSQL says `10min`, Redshift milliseconds.
    private static func duration(_ setting: String) -> Duration? {
        guard let number = Int64(setting.prefix { $0.isNumber }) else { return nil }
        switch setting.drop(while: \.isNumber) {
        case "", "ms": return .milliseconds(number)
        case "s": return .seconds(number)
        case "min": return .seconds(number * 60)
        default: return nil
        }
    }
}

import PostgresClient
import Replication
import SourcePostgres
import Testing
import TestServers

/// A table of five rows that are twelve hours old.
let edgeTable = """
    CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz NOT NULL, v text);
    CREATE INDEX ON t (updated_at);
    INSERT INTO t SELECT i, clock_timestamp() - interval '12 hours', 'old' FROM generate_series(1, 5) i
    """

extension OwnPostgres {
    /// A follower behind its first load of `t`.
    nonisolated func follower(
        mode: SyncMode = .updateAndInsert, rowLimit: Int = 1000, lookback: Int64 = SourceTime.second * 600
    ) async throws -> TableFollower {
        let source = try await PostgresSource.connect(to: endpoint)
        let mapping = try await source.mapping("t", mode: mode)
        let follower = TableFollower(source: source, mapping: mapping, rowLimit: rowLimit, lookback: lookback)
        try await follower.follow()
        return follower
    }

    /// Turns a follower to this server.
    nonisolated func take(over follower: TableFollower) async throws {
        await follower.source.close()
        await follower.turn(to: try await PostgresSource.connect(to: endpoint))
    }

    /// The transaction number of a row's version, in 32 bits.
    nonisolated func xmin(ofRow id: Int) async throws -> UInt64 {
        UInt64(try await run("SELECT xmin FROM t WHERE id = \(id)").firstValue ?? "") ?? 0
    }
}

extension TableFollower {
    /// Ends what a test began; a pass that was left unfinished does not matter any more.
    func close() async { await source.close() }

    /// The third column of the row with an id.
    func value(_ id: Int) -> String? { replica[["\(id)"]]?[2] }

    /// What the replica lacks or holds in another version, as keys; empty when each row of `t` has arrived.
    func missing(from session: PostgresConnection) async throws -> [String] {
        let columns = mapping.columns.map { "t.\"\($0.source.name)\"::text" }.joined(separator: ", ")
        let rows = try await session.execute("SELECT \(columns) FROM t ORDER BY 1").rows
        return rows.filter { replica[[$0[0]]] != $0 }.compactMap { $0[0] }
    }

    /// Keys that only the replica has.
    func extra(beyond session: PostgresConnection) async throws -> [String] {
        let rows = try await session.execute("SELECT t.id::text FROM t").rows
        let present = Set(rows.compactMap { $0[0] })
        return replica.keys.compactMap { $0[0] }.filter { !present.contains($0) }.sorted()
    }
}

/// Each row of `t` has arrived, in its present version.
func expectAllArrived(
    _ follower: TableFollower, _ server: OwnPostgres, extra: [String] = [], _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let session = try await server.session()
    let missing = try await follower.missing(from: session)
    #expect(missing == [], comment, sourceLocation: sourceLocation)
    let found = try await follower.extra(beyond: session)
    #expect(found == extra, comment, sourceLocation: sourceLocation)
    await session.close()
}

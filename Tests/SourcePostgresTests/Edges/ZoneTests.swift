import PostgresClient
import Replication
import Testing
import TestServers

@testable import SourcePostgres

/// Zone-less stamps: what a clock on a wall showed, in a zone that nothing tells, over hours that come twice or never.
@Suite struct ZoneTests {
    /// Sessions' zones from −8 to +13, with and without clock changes.
    static let zones = [
        "America/Los_Angeles", "Etc/GMT+8", "America/New_York", "UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo",
        "Pacific/Auckland", "Etc/GMT-13",
    ]
    /// The clock changes of 2026, in UTC: Berlin's in spring and autumn, Los Angeles' in spring and autumn.
    static let changes = ["2026-03-29 01:00Z", "2026-10-25 01:00Z", "2026-03-08 10:00Z", "2026-11-01 09:00Z"]

    /// Rows stamped each quarter of an hour, from the floor to six hours after it, in a session of each zone.
    @Test(arguments: ["timestamp", "date"])
    func `no row at or above the floor is left out around a clock change`(type: String) async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (id serial PRIMARY KEY, updated_at \(type) NOT NULL, v text)")
            try await withSource(database) { source in
                let mapping = try await source.mapping("t")
                for change in Self.changes {
                    try await database.run("TRUNCATE t")
                    let floor = try #require(
                        try await database.run(
                            "SELECT (extract(epoch FROM timestamptz '\(change)' - interval '3 h') * 1000000)::bigint"
                        )
                        .firstValue.flatMap { Int64($0) })
                    for zone in Self.zones { try await Self.write(database, zone: zone, around: change) }
                    let query = BatchQuery(
                        mapping: mapping, scan: .changes(after: nil), floor: .time(SourceTime(microseconds: floor)),
                        horizon: nil, rowLimit: 100_000)
                    let (_, rows) = try await source.batch(query)
                    let read = Set(rows.compactMap { $0[2] })
                    let all = Set(try await database.run("SELECT v FROM t").rows.compactMap { $0[0] })
                    #expect(all.count == 25 * Self.zones.count)
                    #expect(all.subtracting(read) == [], "clock change at \(change)")
                }
            }
        }
    }

    /// Through passes: the floor goes from hour to hour over the change while a session writes local times.
    @Test(arguments: changes, [1, 2])
    func `passes over a clock change miss none`(change: String, rowLimit: Int) async throws {
        try await TestDatabase.with { database in
            try await database.run("CREATE TABLE t (id serial PRIMARY KEY, updated_at timestamp NOT NULL, v text)")
            try await withSource(database) { source in
                let mapping = try await source.mapping("t")
                let start = try #require(
                    try await database.run(
                        "SELECT (extract(epoch FROM timestamptz '\(change)' - interval '3 h') * 1000000)::bigint"
                    )
                    .firstValue.flatMap { Int64($0) })
                var read: Set<String> = []
                var horizon: UInt64?
                for step in 0..<6 {
                    let floor = SourceTime(microseconds: start) + Int64(step) * SourceTime.hour
                    let next = try await source.startPass(mapping).horizon
                    for zone in Self.zones {
                        try await Self.write(database, zone: zone, around: change, from: step * 4, count: 4)
                    }
                    var position: CursorPosition?
                    while true {
                        let query = BatchQuery(
                            mapping: mapping, scan: .changes(after: position), floor: .time(floor), horizon: horizon,
                            rowLimit: rowLimit * 7)
                        let (extent, rows) = try await source.batch(query)
                        read.formUnion(rows.compactMap { $0[2] })
                        position = extent.last
                        if extent.rows < query.rowLimit { break }
                    }
                    horizon = next
                }
                let all = Set(try await database.run("SELECT v FROM t").rows.compactMap { $0[0] })
                #expect(all.count == 24 * Self.zones.count)
                #expect(all.subtracting(read) == [])
            }
        }
    }

    private static func write(
        _ database: TestDatabase, zone: String, around change: String, from first: Int = 0, count: Int = 25
    ) async throws {
        try await database.run(
            """
            SET timezone TO '\(zone)';
            INSERT INTO t (updated_at, v)
            SELECT (timestamptz '\(change)' - interval '3 h' + i * interval '15 min')::timestamp, '\(zone) ' || i
            FROM generate_series(\(first), \(first + count - 1)) i; RESET timezone
            """)
    }
}

import Foundation
import Replication
import TestServers

/// What a seed of the model means: the table, its writers, and how the loader is driven.
struct ModelPlan: Sendable, CustomStringConvertible {
    /// The cursor column's type, and how a point in time is written in it.
    enum Stamp: String, Sendable, CaseIterable {
        case timestamptz
        case timestamp
        case bigint

        /// - Parameter time: An expression of type timestamptz. Zone-less values are kept in the session's zone.
        func sql(_ time: String) -> String {
            switch self {
            case .timestamptz: time
            case .timestamp: "(\(time))::timestamp"
            case .bigint: "(extract(epoch FROM \(time)) * 1000000)::bigint"
            }
        }

        /// - Parameter time: An expression of type DATETIME, in UTC. Zone-less values are kept in the session's zone, and
        ///   instants are given in it.
        func mysql(_ time: String) -> String {
            switch self {
            case .timestamptz, .timestamp: "CONVERT_TZ(\(time), '+00:00', @@session.time_zone)"
            case .bigint: "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', \(time))"
            }
        }

        var mysqlType: String {
            switch self {
            case .timestamptz: "TIMESTAMP(6)"
            case .timestamp: "DATETIME(6)"
            case .bigint: "BIGINT"
            }
        }
    }

    let seed: UInt64
    let table: String
    let mode: SyncMode
    let stamp: Stamp
    /// Rows may have no stamp.
    let isNullable: Bool
    /// Rows may lie below every floor; only sweeps find these.
    let hasBackdated: Bool
    /// Keys come from a sequence that sessions take in advance, so that they lie below keys of older transactions.
    let cachesKeys: Bool
    let rowLimit: Int
    /// Microseconds; the oldest honest stamp lies this far before its transaction.
    let lookback: Int64
    let rounds: Int
    let firstRows: Int
    /// Session time zones, one a writer.
    let zones: [String]

    static let allZones = [
        "UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland", "Europe/Berlin", "America/St_Johns",
    ]

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        self.seed = seed
        table = "t_\(seed)"
        mode = seed / 2 % 4 == 1 ? .insertOnly : .updateAndInsert
        stamp = Stamp.allCases[Int(seed / 2 % 3)]
        isNullable = Bool.random(using: &generator)
        // Half of the seeds: the others show that the floor alone holds.
        hasBackdated = seed % 2 == 0
        cachesKeys = hasBackdated && Bool.random(using: &generator)
        rowLimit = [1, 2, 3, 5, 8, 20, 1000].randomElement(using: &generator) ?? 3
        lookback = Int64.random(in: 20_000...60_000, using: &generator)
        rounds = Int.random(in: 8...16, using: &generator)
        firstRows = Int.random(in: 0...30, using: &generator)
        zones = (0..<4).map { _ in Self.allZones.randomElement(using: &generator) ?? "UTC" }
    }

    private static let allOffsets = ["+00:00", "-08:00", "+05:30", "+13:00", "+01:00", "-03:30"]

    /// Session time zones of MySQL, one a writer. Without sweeps, stamps without a zone are kept in one.
    var offsets: [String] {
        let places = zones.map { Self.allZones.firstIndex(of: $0) ?? 0 }
        let isMixed = hasBackdated || stamp != .timestamp
        return places.map { Self.allOffsets[isMixed ? $0 : places[0]] }
    }

    var description: String {
        "seed \(seed): \(mode.rawValue), \(stamp.rawValue)\(isNullable ? " nullable" : ""), row limit \(rowLimit), "
            + "\(rounds) rounds\(hasBackdated ? ", backdated rows and sweeps" : "")\(cachesKeys ? ", cached keys" : "")"
    }

    /// `v` tells versions apart.
    var createTable: String {
        """
        CREATE SEQUENCE \(table)_keys\(cachesKeys ? " CACHE 20" : "");
        CREATE TABLE \(table) (id bigint PRIMARY KEY DEFAULT nextval('\(table)_keys'),
            updated_at \(stamp.rawValue)\(isNullable ? "" : " NOT NULL"), v text);
        CREATE INDEX ON \(table) (updated_at);
        INSERT INTO \(table) (updated_at, v)
            SELECT \(stamp.sql("now() - interval '1 hour'")), 'first' FROM generate_series(1, \(firstRows))
        """
    }

    /// Rows without a stamp are left to sweeps there.
    var createMySQLTable: [String] {
        let null = isNullable && hasBackdated ? "NULL" : "NOT NULL"
        let stamp = stamp.mysql("UTC_TIMESTAMP(6) - INTERVAL 1 HOUR")
        return [
            """
            CREATE TABLE \(table) (id BIGINT PRIMARY KEY AUTO_INCREMENT, updated_at \(self.stamp.mysqlType) \(null), \
            v VARCHAR(40), INDEX (updated_at))
            """
        ] + (0..<firstRows).map { _ in "INSERT INTO \(table) (updated_at, v) VALUES (\(stamp), 'first')" }
    }
}

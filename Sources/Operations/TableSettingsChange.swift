import Replication
import Scheduling

/// A setting that is given a value, or back to its default.
package enum SettingChange<Value: Sendable & Hashable>: Sendable, Hashable {
    case value(Value)
    case standard

    /// nil for the default.
    var value: Value? {
        if case .value(let value) = self { value } else { nil }
    }
}

/// What `tables set` changes; nil leaves a setting as it is.
package struct TableSettingsChange: Sendable, Hashable {
    // How changes are found.
    package var mode: SyncMode?
    package var primaryKey: [String]?
    package var updatedKey: String?
    package var cursorKey: String?
    package var maxPrimaryKey: String?
    package var maxUpdatedKey: String?

    // What is copied: source names of columns.
    package var exclude: [String] = []
    package var include: [String] = []
    package var hash: [String] = []
    package var unhash: [String] = []
    package var filter: SettingChange<String>?

    // What the replica looks like.
    package var destinationName: String?
    /// Source names of columns, and the types they get.
    package var types: [String: SettingChange<ReplicaType>] = [:]
    /// A column, or empty for `DISTSTYLE AUTO`.
    package var distributionKey: SettingChange<String>?
    /// Columns, or none.
    package var sortKey: SettingChange<[String]>?
    package var badValues: BadValuePolicy?
    package var refresh: RefreshMethod?

    // When, and how much.
    package var interval: SettingChange<Duration>?
    package var window: SettingChange<DailyWindow>?
    package var freshnessTarget: SettingChange<Duration>?
    package var rowLimit: SettingChange<Int>?
    package var chunkSize: SettingChange<Int>?
    package var scanBack: SettingChange<Duration>?
    package var allowsScan: Bool?

    package init() {}

    package var isEmpty: Bool { self == TableSettingsChange() }

    /// Whether the source's catalog must be asked: for columns that are included, and for types as they are there.
    var needsCatalog: Bool { !include.isEmpty || types.values.contains(.standard) }

    /// Whether a position is set by hand.
    var setsPosition: Bool { maxPrimaryKey != nil || maxUpdatedKey != nil }
}

extension TableSettingsChange {
    /// The schedule with its changes.
    /// - Throws: `OperationError` for a value out of range.
    func changed(_ schedule: TableSchedule) throws -> TableSchedule {
        var schedule = schedule
        if let interval { schedule.interval = try Self.atLeast(.seconds(1), interval.value, "--interval", "1s") }
        if let window { schedule.window = window.value }
        if let freshnessTarget {
            schedule.freshnessTarget = try Self.atLeast(.seconds(1), freshnessTarget.value, "--freshness-target", "1s")
        }
        if let rowLimit { schedule.rowLimit = try Self.within(1...100_000_000, rowLimit.value, "--row-limit") }
        if let chunkSize { schedule.chunkSize = try Self.within(1...1_000_000, chunkSize.value, "--chunk-size") }
        if let scanBack { schedule.scanBack = try Self.atLeast(.zero, scanBack.value, "--scan-back", "0s") }
        if let allowsScan { schedule.allowsScan = allowsScan }
        return schedule
    }

    private static func atLeast(
        _ least: Duration, _ value: Duration?, _ option: String, _ leastText: String
    ) throws -> Duration? {
        guard let value, value < least else { return value }
        throw OperationError(
            .usage, what: "\(option) is too short", why: "the shortest is \(leastText)",
            fix: "For example: \(option) 10m; none takes the setting away.")
    }

    private static func within(_ range: ClosedRange<Int>, _ value: Int?, _ option: String) throws -> Int? {
        guard let value, !range.contains(value) else { return value }
        throw OperationError(
            .usage, what: "\(option) \(value) is out of range",
            why: "it takes \(range.lowerBound) to \(range.upperBound) rows",
            fix: "For example: \(option) 50000; none takes the setting away.")
    }
}

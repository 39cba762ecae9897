import Foundation

/// A table's own answers to when and how much; nil leaves each to its job, or to the configuration.
package struct TableSchedule: Sendable, Hashable {
    /// How often the table is due.
    package var interval: Duration?
    /// When it is due at all; nil: at any time.
    package var window: DailyWindow?
    /// How far behind it may be before it counts as late.
    package var freshnessTarget: Duration?
    /// Rows in a batch.
    package var rowLimit: Int?
    /// Rows in an INSERT, where rows do not go through S3.
    package var chunkSize: Int?
    /// How far below the earliest open transaction changes are looked for again; the predecessor's
    /// `time_travel_scan_back_period`.
    package var scanBack: Duration?
    /// Whether it may be read whole with each pass, however large it is.
    package var allowsScan: Bool

    package init(
        interval: Duration? = nil, window: DailyWindow? = nil, freshnessTarget: Duration? = nil, rowLimit: Int? = nil,
        chunkSize: Int? = nil, scanBack: Duration? = nil, allowsScan: Bool = false
    ) {
        self.interval = interval
        self.window = window
        self.freshnessTarget = freshnessTarget
        self.rowLimit = rowLimit
        self.chunkSize = chunkSize
        self.scanBack = scanBack
        self.allowsScan = allowsScan
    }

    /// `moment`, or when the window opens after it.
    package func earliestRun(from moment: Date) -> Date { window?.earliest(from: moment) ?? moment }

    /// Seconds behind from which on the table is late: its own, or five intervals and at least five minutes, and then
    /// also the time that its window is closed, in which nobody expects it to move.
    package func freshnessSeconds(jobInterval: Duration) -> Double {
        if let freshnessTarget { return freshnessTarget / .seconds(1) }
        let interval = (interval ?? jobInterval) / .seconds(1)
        return max(5 * interval, 300) + Double(window?.closedMinutes ?? 0) * 60
    }
}

extension TableSchedule: Codable {
    private enum CodingKeys: String, CodingKey {
        case intervalSeconds, window, freshnessTargetSeconds, rowLimit, chunkSize, scanBackSeconds, allowsScan
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func duration(_ key: CodingKeys) throws -> Duration? {
            try container.decodeIfPresent(Double.self, forKey: key).map { .seconds($0) }
        }
        self.init(
            interval: try duration(.intervalSeconds),
            window: try container.decodeIfPresent(DailyWindow.self, forKey: .window),
            freshnessTarget: try duration(.freshnessTargetSeconds),
            rowLimit: try container.decodeIfPresent(Int.self, forKey: .rowLimit),
            chunkSize: try container.decodeIfPresent(Int.self, forKey: .chunkSize),
            scanBack: try duration(.scanBackSeconds),
            allowsScan: try container.decodeIfPresent(Bool.self, forKey: .allowsScan) ?? false)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(interval.map { $0 / .seconds(1) }, forKey: .intervalSeconds)
        try container.encodeIfPresent(window, forKey: .window)
        try container.encodeIfPresent(freshnessTarget.map { $0 / .seconds(1) }, forKey: .freshnessTargetSeconds)
        try container.encodeIfPresent(rowLimit, forKey: .rowLimit)
        try container.encodeIfPresent(chunkSize, forKey: .chunkSize)
        try container.encodeIfPresent(scanBack.map { $0 / .seconds(1) }, forKey: .scanBackSeconds)
        if allowsScan { try container.encode(true, forKey: .allowsScan) }
    }
}

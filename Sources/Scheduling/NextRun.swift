import Foundation

/// When a table is due again, as a rule that the store works out on its own clock.
package struct NextRun: Sendable, Hashable {
    package enum Moment: Sendable, Hashable {
        case at(Date)
        /// So many seconds from now.
        case after(Double)
        /// The next beat of the table: see `Beat`.
        case beat(Beat)
    }

    package var moment: Moment
    /// Hours in which the table is due by itself; nil: all.
    package var window: DailyWindow?

    package init(_ moment: Moment, window: DailyWindow? = nil) {
        self.moment = moment
        self.window = window
    }

    package func date(from now: Date) -> Date {
        let date =
            switch moment {
            case .at(let date): date
            case .after(let seconds): now + seconds
            case .beat(let beat): beat.next(after: now)
            }
        return window?.earliest(from: date) ?? date
    }
}

/// A table's own moments in each interval: tables that were added together are spread over it, and a run that is late
/// does not move the ones after it.
package struct Beat: Sendable, Hashable {
    /// Seconds.
    package var interval: Double
    /// Seconds after a multiple of the interval, 0..<interval.
    package var phase: Double

    /// Consecutive numbers are spread evenly by the golden ratio's multiples, however many there are.
    package init(interval: Duration, table: Int64) {
        self.interval = max(interval / .seconds(1), 0.001)
        let turns = Double(table) * 0.618_033_988_749_895
        phase = (turns - turns.rounded(.down)) * self.interval
    }

    /// The first beat after `moment`; one that follows within a twentieth of the interval is left out, as the run that
    /// has just ended has seen nearly all that it would see.
    package func next(after moment: Date) -> Date {
        let since = moment.timeIntervalSince1970 - phase
        var beat = ((since / interval).rounded(.down) + 1) * interval
        if beat - since < interval / 20 { beat += interval }
        return Date(timeIntervalSince1970: beat + phase)
    }
}

/// The lowest `updated_key` that a later pass must read again: any transaction still open may commit rows stamped as
/// early as its own start, and applications stamp rows before they begin one.
package enum FloorRule {
    /// What the readings of a pass's start allow.
    package enum Decision: Sendable, Hashable {
        case at(SourceTime)
        /// Nothing bounds the stamps of transactions to come: the floor stays where it was.
        case unmoved
        /// A transaction is open that began before the clock was set back: its stamps may be of any time since.
        case none
    }

    /// How far back a reading counts that does not show every transaction.
    package static let blindLookback = SourceTime.hour

    /// A start is written down a little before the clock is read.
    private static let slack = SourceTime.second

    /// - Parameter lookback: Microseconds always subtracted.
    package static func decide(_ activity: SourceActivity, lookback: Int64) -> Decision {
        if let newest = activity.newestTransaction, newest > activity.clock + slack { return .none }
        if activity.hasPreparedTransaction { return .unmoved }
        if activity.isStandby {
            if activity.hidesLag { return .at(activity.clock - max(blindLookback, lookback)) }
            guard let replayed = activity.replayedUpTo else { return .unmoved }
            return .at(min(activity.clock, replayed) - max(blindLookback, lookback))
        }
        if activity.hasHiddenSessions { return .at(activity.clock - max(blindLookback, lookback)) }
        return .at(min(activity.clock, activity.oldestTransaction ?? activity.clock) - lookback)
    }
}

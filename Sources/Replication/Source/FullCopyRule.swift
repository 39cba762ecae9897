/// When a `FullSyncTable` is copied, and what its checkpoint says then. Pure.
enum FullCopyRule {
    /// Skipped only where the source can tell that nothing was written, and not for longer than `interval`: counters
    /// may be reset without a trace.
    static func isDue(_ state: CheckpointState, at start: PassStart, atLeastEvery interval: Int64) -> Bool {
        guard state.pass == nil, state.source == start.identity, let last = state.fullCopy,
            let token = last.changeToken, token == start.changeToken,
            SourceMoment.change(from: state.moment, to: start.moment) == .none
        else { return true }
        let now = start.activity.clock
        return now < last.startedAt || now.microseconds - last.startedAt.microseconds >= interval
    }

    /// The state after all rows of a snapshot that was taken after `start` were loaded.
    static func finishing(_ state: CheckpointState, at start: PassStart) -> CheckpointState {
        var state = state
        state.source = start.identity
        state.moment = start.moment
        state.fullCopy = FullCopyState(changeToken: start.changeToken, startedAt: start.activity.clock)
        state.completeUpTo = start.activity.showsUpTo
        state.caughtUpAsOf = start.activity.clock
        state.pass = nil
        return state
    }
}

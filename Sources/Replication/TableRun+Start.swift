extension TableRun {
    /// The readings of a pass's start.
    /// - Throws: `ReplicationError` `E_SRC_SCAN` before any row is read, where the pass would cost the source more than
    ///   anybody has allowed.
    func startPass(_ progress: inout RunProgress) async throws -> PassStart {
        let started = ContinuousClock.now
        let limit = settings.scanLimitBytes
        let start = try await source.startPass(mapping, scanLimit: settings.allowsScan ? nil : limit)
        await journal.noteSourceClock(start.activity.clock)
        guard let storage = start.storage, ScanRule.needsPermission(mapping.mode, storage, over: limit) else {
            return start
        }
        guard settings.allowsScan else { throw ScanRule.refusal(of: mapping, storage) }
        progress.unindexedRead = (progress.unindexedRead ?? .zero) + (ContinuousClock.now - started)
        return start
    }
}

extension RunProgress {
    /// Adds to `unindexedRead` where the pass under way counts.
    mutating func count(_ reading: Duration) {
        unindexedRead = unindexedRead.map { $0 + reading }
    }
}

/// The fault that is armed and whether it has happened. One at a time.
actor FaultBoard {
    private var armed: (fault: Fault, by: Int32)?
    private var wasHit = true

    func arm(_ fault: Fault, by pid: Int32) {
        armed = (fault, pid)
        wasHit = false
    }

    func clear() {
        armed = nil
        wasHit = true
    }

    /// The armed fault, taken away, if it is one of `kinds` and another session armed it.
    func take(_ kinds: [Fault], in pid: Int32) -> Fault? {
        guard let armed, armed.by != pid, kinds.contains(armed.fault) else { return nil }
        self.armed = nil
        return armed.fault
    }

    /// Says that a taken fault's effect is complete.
    func hit() { wasHit = true }

    /// Returns when the armed fault has been hit.
    /// - Throws: `StandInError` after `limit`.
    func wait(limit: Duration = .seconds(60)) async throws {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while !wasHit {
            guard clock.now < end else { throw StandInError("57014", "The fault was not hit within \(limit)") }
            try await clock.sleep(for: .milliseconds(20))
        }
    }
}

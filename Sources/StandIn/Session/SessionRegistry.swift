/// The sessions at hand and their cancel secrets.
actor SessionRegistry {
    private var secrets: [Int32: Int32] = [:]
    private var cancelled: Set<Int32> = []

    func add(pid: Int32, secret: Int32) { secrets[pid] = secret }

    func remove(pid: Int32) {
        secrets[pid] = nil
        cancelled.remove(pid)
    }

    /// Marks the session's statement as cancelled if the secret is right.
    func cancel(pid: Int32, secret: Int32) -> Bool {
        guard secrets[pid] == secret else { return false }
        cancelled.insert(pid)
        return true
    }

    /// Marks a session's own statement: its client has left.
    func cancel(pid: Int32) { cancelled.insert(pid) }

    /// Forgets a cancel that came too late for the statement before.
    func beginStatement(pid: Int32) { cancelled.remove(pid) }

    func isCancelled(pid: Int32) -> Bool { cancelled.contains(pid) }
}

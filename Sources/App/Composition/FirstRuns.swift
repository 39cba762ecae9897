import Synchronization

/// Which tables this process has run already: before its first run of a table nothing is taken for granted.
final class FirstRuns: Sendable {
    private let seen = Mutex(Set<Int64>())

    func isFirst(_ tableID: Int64) -> Bool { seen.withLock { !$0.contains(tableID) } }

    /// The table was run, and its destination looked at.
    func note(_ tableID: Int64) { seen.withLock { _ = $0.insert(tableID) } }
}

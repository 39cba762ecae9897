import Synchronization

/// Which tables this process has run already: before its first run of a table nothing is taken for granted.
final class FirstRuns: Sendable {
    private let seen = Mutex(Set<Int64>())

    /// - Returns: true once for each table.
    func isFirst(_ tableID: Int64) -> Bool { seen.withLock { $0.insert(tableID).inserted } }
}

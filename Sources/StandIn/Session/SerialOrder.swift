/// Which transactions must come before which, by tables: SERIALIZABLE aborts the one that closes a circle.
/// https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html
struct SerialOrder: Sendable {
    /// A transaction by what it has done to tables so far.
    struct Entry: Sendable, Equatable {
        var id: Int
        /// When it took its snapshot, and when it committed, in the same count.
        var snapshot: Int
        var commit: Int?
        /// Numbers of tables.
        var reads: Set<Int> = []
        var writes: Set<Int> = []

        /// Whether what this one wrote is in the other one's snapshot.
        func isSeen(by other: Entry) -> Bool { commit.map { $0 < other.snapshot } ?? false }
    }

    /// A circle, and a table of it.
    struct Cycle: Sendable, Equatable {
        var table: Int
        var transactions: [Int]
    }

    private(set) var entries: [Int: Entry] = [:]
    private var count = 0
    private var lastID = 55_705_700

    /// - Returns: The new transaction's number.
    mutating func begin() -> Int {
        lastID += 1
        count += 1
        entries[lastID] = Entry(id: lastID, snapshot: count)
        return lastID
    }

    /// Notes what a transaction has read and written by now.
    /// - Returns: A circle that goes through it.
    mutating func note(_ id: Int, reads: Set<Int>, writes: Set<Int>) -> Cycle? {
        guard var entry = entries[id] else { return nil }
        entry.reads.formUnion(reads)
        entry.writes.formUnion(writes)
        entries[id] = entry
        return cycle(through: entry)
    }

    mutating func commit(_ id: Int) {
        count += 1
        entries[id]?.commit = count
        forget()
    }

    mutating func rollBack(_ id: Int) {
        entries[id] = nil
        forget()
    }

    /// Committed transactions matter as long as one is open that does not see them.
    private mutating func forget() {
        let oldest = entries.values.filter { $0.commit == nil }.map(\.snapshot).min() ?? .max
        entries = entries.filter { $0.value.commit.map { $0 > oldest } ?? true }
    }

    /// The table because of which `first` must come before `second`.
    static func edge(_ first: Entry, _ second: Entry) -> Int? {
        // It read what the other one has changed behind its back.
        if !second.isSeen(by: first), let table = first.reads.intersection(second.writes).min() { return table }
        let touched = second.reads.union(second.writes)
        if first.isSeen(by: second), let table = first.writes.intersection(touched).min() { return table }
        // Of two writers the one that committed first was first: the other waited.
        guard let commit = first.commit, commit < second.commit ?? .max else { return nil }
        return first.writes.intersection(second.writes).min()
    }

    private func cycle(through start: Entry) -> Cycle? {
        var paths = [[start.id]]
        var seen: Set<Int> = []
        while let path = paths.popLast() {
            guard let last = path.last.flatMap({ entries[$0] }) else { continue }
            for next in entries.values.sorted(by: { $0.id < $1.id }) where next.id != last.id {
                guard let table = Self.edge(last, next) else { continue }
                if next.id == start.id, path.count > 1 { return Cycle(table: table, transactions: path) }
                if seen.insert(next.id).inserted { paths.append(path + [next.id]) }
            }
        }
        return nil
    }
}

/// The order of all sessions' transactions.
actor SerialBoard {
    private var order = SerialOrder()

    func begin() -> Int { order.begin() }
    func commit(_ id: Int) { order.commit(id) }
    func rollBack(_ id: Int) { order.rollBack(id) }
    func note(_ id: Int, reads: Set<Int>, writes: Set<Int>) -> SerialOrder.Cycle? {
        order.note(id, reads: reads, writes: writes)
    }
}

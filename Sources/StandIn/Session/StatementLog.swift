/// The last statements received, secrets masked.
actor StatementLog {
    static let limit = 10_000

    struct Entry: Sendable {
        var session: Int32
        var statement: String
    }

    private(set) var entries: [Entry] = []

    func add(session: Int32, _ statement: String) {
        // Dropping a tenth at a time keeps the cost of a full log small.
        if entries.count >= Self.limit { entries.removeFirst(Self.limit / 10) }
        entries.append(Entry(session: session, statement: statement))
    }

    func clear() { entries = [] }
}

/// What `SHOW ENGINE INNODB STATUS` says of transactions.
struct MySQLEngineStatus: Sendable, Hashable {
    /// How many transactions the server has numbered.
    let counter: UInt64
    /// Age of the oldest open one; 0 for none.
    let oldestSeconds: Int64
    /// One is prepared and has no session any more.
    let hasPrepared: Bool

    /// - Returns: nil for a text of another form, and for one that the server has cut: beyond 1 MiB it leaves some out.
    init?(_ text: String) {
        let cut = "... truncated..."
        guard !text.contains(cut), let number = text.firstMatch(of: /Trx id counter (\d+)/),
            let counter = UInt64(number.1), let start = text.range(of: "LIST OF TRANSACTIONS")?.upperBound
        else { return nil }
        var oldest: Int64 = 0
        var hasPrepared = false
        for block in text[start...].split(separator: "\n---TRANSACTION ", omittingEmptySubsequences: true).dropFirst() {
            let line = block.prefix { $0 != "\n" }
            guard let age = line.firstMatch(of: /ACTIVE (\(PREPARED\) )?(\d+) sec/) else { continue }
            oldest = max(oldest, Int64(age.2) ?? 0)
            if age.1 != nil, !block.contains(" thread id ") { hasPrepared = true }
        }
        (self.counter, oldestSeconds, self.hasPrepared) = (counter, oldest, hasPrepared)
    }
}

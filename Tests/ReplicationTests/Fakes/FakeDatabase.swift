import Replication
import Synchronization

/// A row of the fake table.
struct FakeRow: Hashable, Sendable {
    var key: Int
    /// Seconds on the fake clock; nil for NULL.
    var updated: Int?
    var value: String

    init(_ key: Int, _ updated: Int?, _ value: String) {
        self.key = key
        self.updated = updated
        self.value = value
    }
}

/// A row with the number of the transaction that wrote it.
struct FakeVersion: Hashable, Sendable {
    var row: FakeRow
    var xmin: UInt64
    /// The table itself, or a partition.
    var relation: UInt32 = 1
}

/// One table of a server with transactions: a transaction takes its number with its first write, and others see its
/// rows only after its commit.
final class FakeDatabase: Sendable {
    /// Names a transaction from its beginning, before it has a number.
    struct TransactionID: Hashable, Sendable {
        let number: Int
    }

    private struct Transaction {
        var startedAt: Int
        /// Its own, then its savepoints'.
        var xids: [UInt64] = []
        var writes: [Int: FakeVersion] = [:]
    }

    private struct State {
        var clock = 1_000_000
        var nextXid: UInt64 = 1000
        var nextTransaction = 0
        var open: [TransactionID: Transaction] = [:]
        var committed: [Int: FakeVersion] = [:]
        var identity = SourceIdentity(system: "7001", timeline: "00000001", database: "shop")
        var hasPrepared = false
        /// Transactions that changed rows.
        var changes = 0
        var files = SourceFiles(root: 1, files: [1: 100])
        var nextFile: UInt32 = 101
    }

    private let state = Mutex(State())

    var clock: Int { state.withLock { $0.clock } }
    var rows: [FakeRow] { state.withLock { $0.committed.values.map(\.row).sorted { $0.key < $1.key } } }
    var openTransactions: Int { state.withLock { $0.open.count } }

    func advance(_ seconds: Int) { state.withLock { $0.clock += seconds } }
    func setPrepared(_ isPrepared: Bool) { state.withLock { $0.hasPrepared = isPrepared } }
    func setIdentity(_ identity: SourceIdentity) { state.withLock { $0.identity = identity } }
    /// Another server's counter, as after a restore from a dump.
    func setNextXid(_ xid: UInt64) { state.withLock { $0.nextXid = xid } }

    func begin() -> TransactionID {
        state.withLock { state in
            state.nextTransaction += 1
            let id = TransactionID(number: state.nextTransaction)
            state.open[id] = Transaction(startedAt: state.clock)
            return id
        }
    }

    /// - Parameter inSavepoint: Under a number of its own, above the transaction's.
    /// - Returns: false when another transaction holds the row.
    @discardableResult
    func write(_ row: FakeRow, in id: TransactionID, inSavepoint: Bool = false) -> Bool {
        state.withLock { state in
            let isHeld = state.open.contains { $0.key != id && $0.value.writes[row.key] != nil }
            guard !isHeld, var transaction = state.open[id] else { return false }
            if transaction.xids.isEmpty || inSavepoint {
                if transaction.xids.isEmpty, inSavepoint { Self.takeXid(&state, &transaction) }
                Self.takeXid(&state, &transaction)
            }
            transaction.writes[row.key] = FakeVersion(row: row, xmin: transaction.xids.last ?? 0)
            state.open[id] = transaction
            return true
        }
    }

    private static func takeXid(_ state: inout State, _ transaction: inout Transaction) {
        transaction.xids.append(state.nextXid)
        state.nextXid += 1
    }

    func startedAt(_ id: TransactionID) -> Int? { state.withLock { $0.open[id]?.startedAt } }

    func commit(_ id: TransactionID) {
        state.withLock { state in
            guard let transaction = state.open.removeValue(forKey: id) else { return }
            state.committed.merge(transaction.writes) { _, new in new }
            if !transaction.writes.isEmpty { state.changes += 1 }
        }
    }

    func rollback(_ id: TransactionID) {
        state.withLock { state in _ = state.open.removeValue(forKey: id) }
    }

    /// A transaction of its own.
    func put(_ rows: FakeRow...) { put(rows) }

    func put(_ rows: [FakeRow]) {
        let id = begin()
        for row in rows { write(row, in: id) }
        commit(id)
    }

    func delete(_ key: Int) {
        state.withLock { state in
            state.nextXid += 1
            state.changes += 1
            state.committed[key] = nil
        }
    }

    // MARK: Files

    /// Another file; a transaction of its own.
    private static func renewFile(_ state: inout State, of relation: UInt32) {
        state.nextXid += 1
        state.changes += 1
        state.files.files[relation] = state.nextFile
        state.nextFile += 1
    }

    func truncate() {
        state.withLock { state in
            state.committed = [:]
            Self.renewFile(&state, of: state.files.root)
        }
    }

    /// As VACUUM FULL: the rows keep their numbers.
    func rewrite() { state.withLock { Self.renewFile(&$0, of: $0.files.root) } }

    /// Attaches a partition whose rows were written long ago.
    func attach(_ relation: UInt32, rows: [FakeRow], xmin: UInt64) {
        state.withLock { state in
            Self.renewFile(&state, of: relation)
            for row in rows { state.committed[row.key] = FakeVersion(row: row, xmin: xmin, relation: relation) }
        }
    }

    func detach(_ relation: UInt32) {
        state.withLock { state in
            state.files.files[relation] = nil
            state.committed = state.committed.filter { $0.value.relation != relation }
            state.changes += 1
        }
    }

    /// Another table takes the name; its rows were written long ago.
    func replace(by relation: UInt32, rows: [FakeRow], xmin: UInt64) {
        state.withLock { state in
            state.files = SourceFiles(root: relation, files: [:])
            state.committed = [:]
            Self.renewFile(&state, of: relation)
            for row in rows { state.committed[row.key] = FakeVersion(row: row, xmin: xmin, relation: relation) }
        }
    }

    var files: SourceFiles { state.withLock { $0.files } }

    // MARK: Readings

    func activity() -> SourceActivity {
        state.withLock { state in
            SourceActivity(
                clock: Self.time(state.clock),
                oldestTransaction: state.open.values.map(\.startedAt).min().map(Self.time),
                newestTransaction: state.open.values.map(\.startedAt).max().map(Self.time),
                hasPreparedTransaction: state.hasPrepared)
        }
    }

    /// Another one after each change.
    var changeToken: String { state.withLock { "changes: \($0.changes)" } }

    /// What a snapshot taken now shows, with its lowest open number and its upper end.
    func snapshot() -> (versions: [FakeVersion], xmin: UInt64, xmax: UInt64, identity: SourceIdentity) {
        state.withLock { state in
            let xmin = state.open.values.compactMap(\.xids.first).min() ?? state.nextXid
            return (Array(state.committed.values), xmin, state.nextXid, state.identity)
        }
    }

    static func time(_ seconds: Int) -> SourceTime { SourceTime(microseconds: Int64(seconds) * SourceTime.second) }
}

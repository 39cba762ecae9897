import Foundation

/// A database that holds the store, with transactions whose bodies run on a thread of its own.
///
/// All methods throw `OperationError`, or `CancellationError`; bodies may throw what they like.
protocol MetadataDatabase: Sendable {
    /// Reads from one snapshot.
    func read<Value: Sendable>(_ body: @escaping @Sendable (any MetadataSession) throws -> Value) async throws -> Value

    /// One transaction; a cancelled task's is rolled back.
    /// - Parameter limit: The longest that its statements may take together, where the engine can tell.
    func write<Value: Sendable>(
        limit: Duration, _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value

    /// One transaction that a cancelled task carries out as well; its body must bear being run twice, since an answer
    /// that is lost leaves open whether it was committed.
    func finish<Value: Sendable>(
        _ body: @escaping @Sendable (any MetadataSession) throws -> Value
    ) async throws -> Value

    /// Brings the schema up to date under a lock.
    /// - Returns: Names of the steps that ran.
    func migrate() async throws -> [String]

    /// Names of the steps that `migrate` would run.
    func pendingMigrations() async throws -> [String]

    /// An element for each time that another process says that something is due; nil where none can.
    func wakeUps() -> AsyncStream<Void>?

    func close() async
}

/// How long a transaction may take.
enum MetadataPatience {
    /// What workers do: well below a lease.
    static let usual = Duration.seconds(8)
    /// What people wait for: removing a job takes its history along.
    static let long = Duration.seconds(600)
}

/// A transaction at hand.
protocol MetadataSession {
    /// The store's clock: microseconds since 1970, one moment a transaction.
    var now: Int64 { get }
    var dialect: MetadataDialect { get }
    func rows(_ statement: MetadataStatement) throws -> [StoredRow]
    /// - Returns: Rows changed.
    /// - Throws: `StoreConflict`, and what the engine throws.
    func run(_ statement: MetadataStatement) throws -> Int
    /// Wakes workers of other processes once this transaction is committed.
    func wakeWorkers() throws
}

/// Where the engines' SQL differs.
struct MetadataDialect: Sendable {
    /// At the end of a SELECT from `tables t`: locks the row, leaving out those that others hold; SQLite has one writer.
    let lockingTable: String
    /// Likewise, from `source_slots s`.
    let lockingSlot: String

    /// As `lockingTable`, but waits for whoever holds the row.
    let waitingForTable: String

    static let sqlite = MetadataDialect(lockingTable: "", lockingSlot: "", waitingForTable: "")
    static let postgres = MetadataDialect(
        lockingTable: "FOR UPDATE OF t SKIP LOCKED", lockingSlot: "FOR UPDATE OF s SKIP LOCKED",
        waitingForTable: "FOR UPDATE OF t")
}

/// A constraint that callers have words for.
enum StoreConflict: Error {
    case notUnique(any Error)
    case noSuchParent(any Error)
}

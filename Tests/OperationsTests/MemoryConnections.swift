import Operations
import Replication
import Scheduling
import Synchronization

/// A source with tables and a destination that remembers.
final class MemoryConnections: JobConnections {
    let tables: [SourceTable]
    let source: MemorySource
    let destination: MemoryDestination
    /// What counting gives: nil and `tooMany` for too many.
    let sourceCount: Int?
    let replicaCount: ReplicaCount
    let refusedFilter: String?
    /// What was asked to be counted, and checked.
    let counted = Mutex<[CursorFloor?]>([])
    let checked = Mutex<[String]>([])

    init(
        tables: [SourceTable] = [], source: MemorySource = MemorySource(),
        destination: MemoryDestination = MemoryDestination(), sourceCount: Int? = 1_000,
        replicaCount: ReplicaCount = .rows(990), refusedFilter: String? = nil
    ) {
        self.tables = tables
        self.source = source
        self.destination = destination
        self.sourceCount = sourceCount
        self.replicaCount = replicaCount
        self.refusedFilter = refusedFilter
    }

    func checkFilter(_ job: JobRecord, _ mapping: TableMapping) async throws {
        let filter = mapping.scope.filter ?? ""
        checked.withLock { $0.append(filter) }
        guard filter == refusedFilter else { return }
        throw OperationError(.usage, what: "The condition does not parse", why: "syntax", fix: "Mend it.")
    }

    func sourceRows(of job: JobRecord, _ mapping: TableMapping, from floor: CursorFloor?) async throws -> Int? {
        counted.withLock { $0.append(floor) }
        return sourceCount
    }

    func replicaRows(of job: JobRecord, _ mapping: TableMapping) async throws -> ReplicaCount { replicaCount }

    func discover(_ job: JobRecord) async throws -> [SourceTable] { tables }
    func source(of job: JobRecord) async throws -> any TableSource { source }
    func destination(of job: JobRecord) async throws -> any ReplicaDestination {
        await destination.open()
        return destination
    }
    func check(_ job: JobRecord) async -> [NamedCheck] { [] }
    func notices(_ job: JobRecord) throws -> [String] { [] }
}

actor MemorySource: TableSource {
    static let identity = SourceIdentity(system: "s", timeline: "1", database: "db")
    private let failure: ReplicationError?
    private let described: SourceTable?
    private(set) var closings = 0

    init(failure: ReplicationError? = nil, described: SourceTable? = nil) {
        self.failure = failure
        self.described = described
    }

    func startPass(_ mapping: TableMapping, scanLimit: Int64?) throws -> PassStart {
        if let failure { throw failure }
        return PassStart(
            identity: Self.identity, activity: SourceActivity(clock: SourceTime(microseconds: 1)), horizon: 5,
            nextTransaction: 9)
    }

    func describe(_ table: TableName) throws -> SourceTable { described ?? Sample.table(table.name) }
    func openBatch(_ query: BatchQuery) -> BatchExtent { BatchExtent(rows: 0, last: nil, highestCursor: nil) }
    func rows(_ query: BatchQuery, extent: BatchExtent, format: BatchFormat) -> RowStream { RowStream { nil } }
    func closeBatch() {}
    func relations(of: TableMapping, among: [UInt32], withRowsBelow: UInt64) -> Set<UInt32> { [] }
    func close() { closings += 1 }
}

actor MemoryDestination: ReplicaDestination {
    private(set) var prepared: [TableMapping] = []
    private(set) var written: [(next: Checkpoint, expected: CheckpointStamp?)] = []
    private(set) var dropped: [TableName] = []
    private(set) var released: [CheckpointStamp] = []
    private(set) var opened = 0
    private(set) var closings = 0
    private let checkpoint: Checkpoint?
    private let rows: Int
    /// By source table name.
    private let failures: [String: ReplicationError]
    private let checkpointFailure: ReplicationError?
    private(set) var inspected = 0
    /// Who asked for a checkpoint.
    private(set) var installations: [String] = []

    init(
        checkpoint: Checkpoint? = nil, rows: Int = 0, failures: [String: ReplicationError] = [:],
        checkpointFailure: ReplicationError? = nil
    ) {
        self.checkpoint = checkpoint
        self.checkpointFailure = checkpointFailure
        self.rows = rows
        self.failures = failures
    }

    func open() { opened += 1 }

    func prepare(_ mapping: TableMapping) throws -> PreparedReplica {
        if let failure = failures[mapping.source.name] { throw failure }
        prepared.append(mapping)
        return PreparedReplica(rows: rows)
    }

    func drop(_ mapping: TableMapping) { dropped.append(mapping.destination) }

    func readCheckpoint(_ mapping: TableMapping, installation: String) throws -> Checkpoint? {
        installations.append(installation)
        if let checkpointFailure { throw checkpointFailure }
        return checkpoint
    }

    func writeCheckpoint(_ next: Checkpoint, expected: CheckpointStamp?, mapping: TableMapping) {
        written.append((next, expected))
    }

    func inspect(_ mapping: TableMapping) throws -> ReplicaInspection {
        inspected += 1
        if let checkpointFailure { throw checkpointFailure }
        return ReplicaInspection(checkpoint: checkpoint, rows: rows)
    }

    func releaseCheckpoint(_ mapping: TableMapping, expected: CheckpointStamp) { released.append(expected) }

    func load(_ load: ReplicaLoad) -> Checkpoint { load.next }
    func sliceCount() -> Int { 1 }
    func close() { closings += 1 }
}

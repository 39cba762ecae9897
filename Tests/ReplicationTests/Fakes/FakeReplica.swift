import Replication
import TestServers
import Synchronization

/// The replicated table and its checkpoint, which outlive runs. Rows are a list, so that a doubled one shows.
final class FakeReplica: Sendable {
    struct Content: Sendable {
        var rows: [FakeRow] = []
        var checkpoint: Checkpoint?
        /// Somebody dropped the table.
        var isDropped = false
        /// Bytes of VARCHAR columns that are not as wide as the mapping says.
        var widths: [String: Int] = [:]
        /// Every load that was asked for, also those refused.
        var loads: [LoadRecord] = []
    }

    /// What one load was told.
    struct LoadRecord: Sendable, Hashable {
        var method: LoadMethod
        var rows: Int
        var keepsRows: Bool
        var widened: [String: Int]
    }

    private let content = Mutex(Content())

    var rows: [FakeRow] { content.withLock { $0.rows.sorted { $0.key < $1.key } } }
    var checkpoint: Checkpoint? { content.withLock { $0.checkpoint } }
    var widths: [String: Int] { content.withLock { $0.widths } }
    var loads: [LoadRecord] { content.withLock { $0.loads } }

    func insert(_ rows: [FakeRow]) { content.withLock { $0.rows += rows } }
    func narrow(_ column: String, to bytes: Int) { content.withLock { $0.widths[column] = bytes } }
    func note(_ load: LoadRecord) { content.withLock { $0.loads.append(load) } }

    /// A transaction: all of `body` or nothing.
    func transaction<Result: Sendable>(_ body: (inout Content) throws -> Result) throws -> Result {
        try content.withLock { content in
            var draft = content
            let result = try body(&draft)
            content = draft
            return result
        }
    }
}

/// Errors that loads end with, whatever they hold, one each.
final class Refusals: Sendable {
    private let codes: Mutex<[ErrorCode]>

    init(_ codes: [ErrorCode] = []) {
        self.codes = Mutex(codes)
    }

    func throwNext() throws {
        let code = codes.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let code { throw FakeDestination.refusal(code, "it was told to") }
    }
}

/// A run's connection to the replica.
struct FakeDestination: ReplicaDestination {
    let replica: FakeReplica
    let bucket: FakeBucket
    let fault: FaultPlan
    var refusals = Refusals()
    var isUnreachable = false

    func prepare(_ mapping: TableMapping) async throws -> PreparedReplica {
        try fault.reach("destination.prepare")
        try replica.transaction { content in
            if content.isDropped { content = FakeReplica.Content() }
        }
        let widths = replica.widths
        let narrow = widths.filter { name, bytes in
            mapping.columns.contains { $0.destinationName == name && bytes != $0.destinationType.textBytes }
        }
        return PreparedReplica(rows: replica.rows.count, narrowColumns: narrow)
    }

    func readCheckpoint(_ mapping: TableMapping, installation: String) async throws -> Checkpoint? {
        try fault.reach("destination.readCheckpoint")
        return replica.checkpoint
    }

    func writeCheckpoint(_ next: Checkpoint, expected: CheckpointStamp?, mapping: TableMapping) async throws {
        try fault.reach("destination.writeCheckpoint, before")
        try replica.transaction { content in
            try Self.check(content, expected)
            content.checkpoint = next
        }
        try fault.reach("destination.writeCheckpoint, after")
    }

    func inspect(_ mapping: TableMapping) async throws -> ReplicaInspection {
        try fault.reach("destination.inspect")
        if isUnreachable { throw Self.refusal(.destinationUnreachable, "it was told to") }
        return try replica.transaction {
            ReplicaInspection(checkpoint: $0.checkpoint, rows: $0.isDropped ? nil : $0.rows.count)
        }
    }

    func releaseCheckpoint(_ mapping: TableMapping, expected: CheckpointStamp) async throws {
        try fault.reach("destination.releaseCheckpoint")
        try replica.transaction { content in
            try Self.check(content, expected)
            content.checkpoint = nil
        }
    }

    func load(_ load: ReplicaLoad) async throws -> Checkpoint {
        try fault.reach("destination.load, before")
        let (staged, keepsRows) = try await bytes(of: load.staged)
        replica.note(
            FakeReplica.LoadRecord(
                method: load.method, rows: load.staged.rows, keepsRows: keepsRows, widened: load.widenedColumns))
        try refusals.throwNext()
        try widen(load)
        let rows = try Self.parse(staged, null: load.format.nullSentinel)
        let committed = try replica.transaction { content in
            try Self.check(content, load.expected)
            if load.method == .swap { content.widths = [:] }
            try Self.checkWidths(rows, load.mapping, content)
            let before = content.rows.count
            switch load.method {
            case .append: break
            case .merge:
                let keys = Set(rows.map(\.key))
                content.rows.removeAll { keys.contains($0.key) }
            case .swap, .replace: content.rows = []
            }
            content.rows += rows
            var next = load.next
            next.state.replicaRows += content.rows.count - before
            content.checkpoint = next
            return next
        }
        try fault.reach("destination.load, after")
        return committed
    }

    func drop(_ mapping: TableMapping) async throws {
        try fault.reach("destination.drop")
        try replica.transaction { $0 = FakeReplica.Content() }
    }

    func sliceCount() async throws -> Int {
        try fault.reach("destination.sliceCount")
        return 2
    }

    func close() async {}

    static func refusal(_ code: ErrorCode, _ why: String) -> ReplicationError {
        ReplicationError(code, what: "The load was refused", why: why, fix: "None.")
    }

    private func bytes(of staged: StagedBatch) async throws -> ([UInt8], keepsRows: Bool) {
        switch staged.content {
        case .objects(let objects): return (bucket.get(objects.copyFrom) ?? [], false)
        case .rows(let open):
            var bytes: [UInt8] = []
            for try await chunk in try open() { bytes += chunk.bytes }
            return (bytes, true)
        }
    }

    /// Before the transaction, and never to less than a column holds already.
    private func widen(_ load: ReplicaLoad) throws {
        guard !load.widenedColumns.isEmpty else { return }
        try fault.reach("destination.widen")
        try replica.transaction { content in
            for (column, bytes) in load.widenedColumns {
                guard bytes > content.widths[column] ?? 0 else { throw Self.refusal(.valueLong, "it is that wide") }
                content.widths[column] = bytes
            }
        }
    }

    private static func checkWidths(
        _ rows: [FakeRow], _ mapping: TableMapping, _ content: FakeReplica.Content
    ) throws {
        guard let column = mapping.columns.last, let width = column.destinationType.textBytes else { return }
        let limit = content.widths[column.destinationName] ?? width
        if rows.contains(where: { $0.value.utf8.count > limit }) {
            throw refusal(.valueLong, "text over \(limit) bytes")
        }
    }

    private static func check(_ content: FakeReplica.Content, _ expected: CheckpointStamp?) throws {
        guard content.checkpoint?.stamp == expected else {
            throw ReplicationError(.locked, what: "Overtaken", why: "another stamp was found", fix: "Run again.")
        }
    }

    private static func parse(_ bytes: [UInt8], null: String) throws -> [FakeRow] {
        try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3, let key = Int(fields[0]) else {
                throw refusal(.copyRejected, "the fields of a line")
            }
            return FakeRow(key, fields[1] == null ? nil : Int(fields[1]), fields[2])
        }
    }
}

import Replication
import Synchronization

/// The objects of a bucket, which outlive runs.
final class FakeBucket: Sendable {
    private let objects = Mutex<[String: [UInt8]]>([:])

    var keys: [String] { objects.withLock { $0.keys.sorted() } }
    func put(_ key: String, _ bytes: [UInt8]) { objects.withLock { $0[key] = bytes } }
    func get(_ key: String) -> [UInt8]? { objects.withLock { $0[key] } }
    func remove(_ key: String) { objects.withLock { _ = $0.removeValue(forKey: key) } }
}

/// A run's way to the bucket.
struct FakeStaging: StagingArea {
    let bucket: FakeBucket
    let fault: FaultPlan
    /// Called when a batch lies in the bucket: what others do before it is loaded.
    var whenStaged: @Sendable () async throws -> Void = {}

    func stage(_ rows: RowStream, folder: String, plan: StagingPlan) async throws -> StagedBatch {
        try fault.reach("staging.stage, before")
        var bytes: [UInt8] = []
        var count = 0
        for try await chunk in rows {
            bytes += chunk.bytes
            count += chunk.rows
        }
        let key = folder + "/0.csv"
        bucket.put(key, bytes)
        try fault.reach("staging.stage, after")
        try await whenStaged()
        return StagedBatch(
            copyFrom: key, isManifest: false, compression: .zstd, keys: [key], rows: count, bytes: bytes.count,
            compressedBytes: bytes.count)
    }

    func discard(_ batch: StagedBatch) async throws {
        try fault.reach("staging.discard, before")
        for key in batch.keys { bucket.remove(key) }
        try fault.reach("staging.discard, after")
    }
}

/// The replicated table and its checkpoint, which outlive runs. Rows are a list, so that a doubled one shows.
final class FakeReplica: Sendable {
    struct Content: Sendable {
        var rows: [FakeRow] = []
        var checkpoint: Checkpoint?
        /// Loads that were carried out by adding rows only.
        var appendedLoads = 0
    }

    private let content = Mutex(Content())

    var rows: [FakeRow] { content.withLock { $0.rows.sorted { $0.key < $1.key } } }
    var checkpoint: Checkpoint? { content.withLock { $0.checkpoint } }
    var appendedLoads: Int { content.withLock { $0.appendedLoads } }

    func insert(_ rows: [FakeRow]) { content.withLock { $0.rows += rows } }

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

/// A run's connection to the replica.
struct FakeDestination: ReplicaDestination {
    let replica: FakeReplica
    let bucket: FakeBucket
    let fault: FaultPlan

    func prepare(_ mapping: TableMapping) async throws { try fault.reach("destination.prepare") }

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

    func load(_ load: ReplicaLoad) async throws -> Checkpoint {
        try fault.reach("destination.load, before")
        let staged = bucket.get(load.staged.copyFrom) ?? []
        let rows = try Self.parse(staged, null: load.format.nullSentinel)
        let committed = try replica.transaction { content in
            try Self.check(content, load.expected)
            let before = content.rows.count
            if load.appends {
                content.appendedLoads += 1
            } else {
                let keys = Set(rows.map(\.key))
                content.rows.removeAll { keys.contains($0.key) }
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

    func countRows(_ mapping: TableMapping) async throws -> Int {
        try fault.reach("destination.countRows")
        return replica.rows.count
    }

    func sliceCount() async throws -> Int {
        try fault.reach("destination.sliceCount")
        return 2
    }

    func close() async {}

    private static func check(_ content: FakeReplica.Content, _ expected: CheckpointStamp?) throws {
        guard content.checkpoint?.stamp == expected else {
            throw ReplicationError(.locked, what: "Overtaken", why: "another stamp was found", fix: "Run again.")
        }
    }

    private static func parse(_ bytes: [UInt8], null: String) throws -> [FakeRow] {
        try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3, let key = Int(fields[0]) else {
                throw ReplicationError(.copyRejected, what: "A bad line", why: "its fields", fix: "None.")
            }
            return FakeRow(key, fields[1] == null ? nil : Int(fields[1]), fields[2])
        }
    }
}

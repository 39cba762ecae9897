import Replication
import TestServers
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
        let objects = StagedObjects(copyFrom: key, isManifest: false, compression: .zstd, keys: [key])
        return StagedBatch(
            content: .objects(objects), rows: count, bytes: bytes.count, compressedBytes: bytes.count)
    }

    func discard(_ batch: StagedBatch) async throws {
        try fault.reach("staging.discard, before")
        for key in batch.objectKeys { bucket.remove(key) }
        try fault.reach("staging.discard, after")
    }

    func discardAll(below folder: String) async throws -> Int {
        try fault.reach("staging.discardAll, before")
        let left = bucket.keys.filter { $0.hasPrefix(folder + "/") }
        for key in left { bucket.remove(key) }
        try fault.reach("staging.discardAll, after")
        return left.count
    }
}

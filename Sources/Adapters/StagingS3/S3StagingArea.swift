import Logging
import Replication
import S3Client

/// A bucket between source and destination.
///
/// Memory: the file being filled and two on their way, each at most `StagingPlan.targetFileBytes` and one chunk.
package struct S3StagingArea: StagingArea {
    private let client: S3Client
    /// Starts every key: `S3_PREFIX`, without slashes at its ends; may be empty.
    private let prefix: String
    private let compression: StagedCompression

    private static let uploadsInFlight = 2

    package init(client: S3Client, prefix: String, compression: StagedCompression = .zstd) {
        self.client = client
        self.prefix = prefix
        self.compression = compression
    }

    package func stage(_ rows: RowStream, folder: String, plan: StagingPlan) async throws -> StagedBatch {
        switch compression {
        case .zstd: try await stage(rows, folder: folder, plan: plan, with: ZstdCompressor.self)
        case .gzip: try await stage(rows, folder: folder, plan: plan, with: GzipCompressor.self)
        }
    }

    package func discard(_ batch: StagedBatch) async throws {
        try await asStaging { try await client.delete(keys: batch.objectKeys) }
    }

    package func discardAll(below folder: String) async throws -> Int {
        try await asStaging {
            let keys = try await client.list(prefix: key(folder, "")).map(\.key)
            if !keys.isEmpty { try await client.delete(keys: keys) }
            return keys.count
        }
    }

    // MARK: Staging

    private func stage<Compressor: FileCompressor>(
        _ rows: RowStream, folder: String, plan: StagingPlan, with compressor: Compressor.Type
    ) async throws -> StagedBatch {
        var progress = Progress()
        do {
            try await upload(rows, into: &progress, folder: folder, plan: plan, with: compressor)
            let objects = try await finish(&progress, folder: folder, Compressor.compression)
            return StagedBatch(
                content: .objects(objects), rows: progress.rows, bytes: progress.bytes,
                compressedBytes: progress.compressedBytes)
        } catch {
            await abandon(progress.keys)
            throw error
        }
    }

    /// What was staged so far.
    private struct Progress {
        var keys: [String] = []
        var rows = 0
        var bytes = 0
        var compressedBytes = 0
    }

    /// Compresses and uploads at once: while a chunk is compressed the next one is read, and up to two finished files
    /// are on their way.
    private func upload<Compressor: FileCompressor>(
        _ rows: RowStream, into batch: inout Progress, folder: String, plan: StagingPlan,
        with compressorType: Compressor.Type
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { uploads in
            var inFlight = 0
            var file: [UInt8] = []
            var compressor = try Compressor()
            var current = try await Self.next(of: rows)
            while let chunk = current {
                async let following = Self.next(of: rows)
                try compressor.compress(chunk.bytes, into: &file)
                batch.rows += chunk.rows
                batch.bytes += chunk.bytes.count
                current = try await following
                guard file.count >= plan.targetFileBytes || current == nil else { continue }
                try compressor.finish(into: &file)
                let key = key(folder, "part-\(Self.padded(batch.keys.count + 1)).\(Compressor.fileExtension)")
                batch.keys.append(key)
                batch.compressedBytes += file.count
                if inFlight == Self.uploadsInFlight {
                    try await uploads.next()
                    inFlight -= 1
                }
                inFlight += 1
                uploads.addTask { [file] in try await put(key, file, "application/octet-stream") }
                file = []
                compressor = try Compressor()
            }
            try await uploads.waitForAll()
        }
    }

    private func finish(
        _ progress: inout Progress, folder: String, _ compression: StagedCompression
    ) async throws -> StagedObjects {
        guard progress.keys.count > 1 else {
            return StagedObjects(
                copyFrom: progress.keys.first.map(url) ?? "", isManifest: false, compression: compression,
                keys: progress.keys)
        }
        let manifest = try StagedManifest(urls: progress.keys.map(url)).encoded()
        let key = key(folder, "manifest.json")
        progress.keys.append(key)
        try await put(key, manifest, "application/json")
        return StagedObjects(
            copyFrom: url(key), isManifest: true, compression: compression, keys: progress.keys)
    }

    /// Removes what was uploaded before a failure. It must run although the task may be cancelled, hence a task of its
    /// own, awaited; when it fails too, the bucket's lifecycle rule is what is left.
    private func abandon(_ keys: [String]) async {
        guard !keys.isEmpty else { return }
        let cleanup = Task { try await client.delete(keys: keys) }
        _ = await cleanup.result
    }

    private func put(_ key: String, _ body: [UInt8], _ contentType: String) async throws {
        _ = try await asStaging { try await client.put(key, body: body, contentType: contentType) }
    }

    private static func next(of rows: RowStream) async throws -> RowChunk? {
        var iterator = rows.makeAsyncIterator()
        return try await iterator.next()
    }

    private func key(_ folder: String, _ name: String) -> String {
        (prefix.isEmpty ? "" : prefix + "/") + folder + "/" + name
    }

    private func url(_ key: String) -> String { "s3://\(client.configuration.bucket)/\(key)" }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

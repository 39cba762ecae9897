/// How a staged file is compressed; the names are Redshift's COPY options.
package enum StagedCompression: String, Sendable, Codable {
    case zstd = "ZSTD"
    case gzip = "GZIP"
}

/// How a batch is cut into files.
package struct StagingPlan: Sendable, Hashable {
    /// Compressed bytes at which a file is closed.
    package var targetFileBytes: Int

    /// A compressed file is about a quarter of the table's size on disk (TPC-H and log tables, zstd level 1).
    private static let compressionRatio = 4
    private static let fileBytes = (1 << 20)...(8 << 20)

    /// Files such that all slices have one, between 1 and 8 MiB.
    package init(estimatedBytes: Int, slices: Int) {
        let each = estimatedBytes / Self.compressionRatio / max(1, slices)
        targetFileBytes = min(max(each, Self.fileBytes.lowerBound), Self.fileBytes.upperBound)
    }
}

/// A batch that lies where the destination can fetch it.
package struct StagedBatch: Sendable, Hashable {
    /// What COPY reads: the one object, or the manifest.
    package var copyFrom: String
    package var isManifest: Bool
    package var compression: StagedCompression
    /// All objects made for the batch, the manifest included: what `discard` removes.
    package var keys: [String]
    package var rows: Int
    /// CSV bytes before compression.
    package var bytes: Int
    package var compressedBytes: Int

    package init(
        copyFrom: String, isManifest: Bool, compression: StagedCompression, keys: [String], rows: Int, bytes: Int,
        compressedBytes: Int
    ) {
        self.copyFrom = copyFrom
        self.isManifest = isManifest
        self.compression = compression
        self.keys = keys
        self.rows = rows
        self.bytes = bytes
        self.compressedBytes = compressedBytes
    }
}

/// Where rows lie between source and destination.
package protocol StagingArea: Sendable {
    /// Compresses and uploads all rows of a batch; what was uploaded is removed when this fails.
    /// - Parameter folder: Part of the objects' names: job, table and batch.
    func stage(_ rows: RowStream, folder: String, plan: StagingPlan) async throws -> StagedBatch

    /// Removes a batch's objects. Those already gone are no error.
    func discard(_ batch: StagedBatch) async throws
}

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

/// Objects that the destination fetches by itself.
package struct StagedObjects: Sendable, Hashable {
    /// What COPY reads: the one object, or the manifest.
    package var copyFrom: String
    package var isManifest: Bool
    package var compression: StagedCompression
    /// All objects made for the batch, the manifest included: what `discard` removes.
    package var keys: [String]

    package init(copyFrom: String, isManifest: Bool, compression: StagedCompression, keys: [String]) {
        self.copyFrom = copyFrom
        self.isManifest = isManifest
        self.compression = compression
        self.keys = keys
    }
}

/// A batch between source and destination.
package struct StagedBatch: Sendable {
    package enum Content: Sendable {
        /// Where the destination can fetch it.
        case objects(StagedObjects)
        /// With this process, which sends the rows itself. Each call begins anew at the first row.
        case rows(@Sendable () throws -> RowStream)
    }

    package var content: Content
    package var rows: Int
    /// CSV bytes before compression.
    package var bytes: Int
    package var compressedBytes: Int

    package init(content: Content, rows: Int, bytes: Int, compressedBytes: Int) {
        self.content = content
        self.rows = rows
        self.bytes = bytes
        self.compressedBytes = compressedBytes
    }

    /// Objects to be removed after the load; none where rows stayed with the process.
    package var objectKeys: [String] {
        if case .objects(let objects) = content { objects.keys } else { [] }
    }
}

/// Where rows lie between source and destination.
package protocol StagingArea: Sendable {
    /// Compresses and uploads, or keeps, all rows of a batch; what was uploaded is removed when this fails.
    /// - Parameter folder: Part of the objects' names: job, table and batch.
    func stage(_ rows: RowStream, folder: String, plan: StagingPlan) async throws -> StagedBatch

    /// Removes what a batch left. What is already gone is no error.
    func discard(_ batch: StagedBatch) async throws

    /// Removes what runs that ended badly have left: everything below `folder`, which no other run may use now.
    /// - Returns: How many objects it removed.
    func discardAll(below folder: String) async throws -> Int
}

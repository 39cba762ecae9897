/// Keeps small batches in memory, to be sent as INSERTs, and stages larger ones elsewhere: storing an object costs
/// money, and COPY takes its time however few rows it loads.
package struct ThresholdStagingArea: StagingArea {
    private let large: any StagingArea
    /// CSV bytes up to which a batch stays in memory.
    private let thresholdBytes: Int

    /// - Parameter large: Takes batches of more than `thresholdBytes`.
    package init(large: any StagingArea, thresholdBytes: Int) {
        self.large = large
        self.thresholdBytes = thresholdBytes
    }

    package func stage(_ rows: RowStream, folder: String, plan: StagingPlan) async throws -> StagedBatch {
        var kept: [RowChunk] = []
        var bytes = 0
        var iterator = rows.makeAsyncIterator()
        while bytes <= thresholdBytes {
            guard let chunk = try await iterator.next() else {
                let chunks = kept
                return StagedBatch(
                    content: .rows { RowStream(chunks) }, rows: chunks.reduce(0) { $0 + $1.rows }, bytes: bytes,
                    compressedBytes: bytes)
            }
            kept.append(chunk)
            bytes += chunk.bytes.count
        }
        return try await large.stage(RowStream(kept, then: rows), folder: folder, plan: plan)
    }

    package func discard(_ batch: StagedBatch) async throws {
        guard case .objects = batch.content else { return }
        try await large.discard(batch)
    }

    package func discardAll(below folder: String) async throws -> Int {
        try await large.discardAll(below: folder)
    }
}

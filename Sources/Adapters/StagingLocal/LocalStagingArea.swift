import Foundation
import Replication

/// Keeps batches on this machine until they are sent as INSERTs: the source's snapshot ends before the destination's
/// transaction begins, as with a bucket between them.
///
/// Memory: one chunk. Disk: the CSV bytes of one batch, in a file without a name, which the system frees with the
/// process however that ends.
package struct LocalStagingArea: StagingArea {
    private let folder: String

    /// - Parameter folder: Where the space is taken; nil for the system's temporary folder.
    package init(folder: String? = nil) {
        self.folder = folder ?? FileManager.default.temporaryDirectory.path
    }

    package func stage(_ rows: RowStream, folder name: String, plan: StagingPlan) async throws -> StagedBatch {
        let file = try await SpoolFile.make(in: folder)
        var count = 0
        var bytes = 0
        for try await chunk in rows {
            try await file.append(chunk)
            count += chunk.rows
            bytes += chunk.bytes.count
        }
        return StagedBatch(
            content: .rows {
                let reader = SpoolFile.Reader(file)
                return RowStream { try await reader.next() }
            }, rows: count, bytes: bytes, compressedBytes: bytes)
    }

    /// The file goes with the batch's last use.
    package func discard(_ batch: StagedBatch) async throws {}

    /// The system has freed the files of ended processes.
    package func discardAll(below folder: String) async throws -> Int { 0 }
}

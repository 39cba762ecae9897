import Dispatch
import Foundation
import Replication

/// Chunks in a file that has no name any more. Reading and writing block, hence an executor of its own.
actor SpoolFile {
    private let executor: SpoolExecutor
    private let descriptor: Int32
    /// Where each chunk lies.
    private var chunks: [Place] = []
    private var end = 0

    private struct Place {
        var offset: Int
        var bytes: Int
        var rows: Int
        var longestRowBytes: Int
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private init(descriptor: Int32, executor: SpoolExecutor) {
        self.descriptor = descriptor
        self.executor = executor
    }

    deinit {
        close(descriptor)
    }

    /// - Throws: `ReplicationError` `E_CONFIG` where the folder takes no file.
    static func make(in folder: String) async throws -> SpoolFile {
        var path = Array((folder + "/redshift-loader.XXXXXX").utf8CString)
        let descriptor = mkstemp(&path)
        guard descriptor >= 0 else { throw failure("cannot be made", in: folder) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(path)
        return SpoolFile(descriptor: descriptor, executor: SpoolExecutor())
    }

    func append(_ chunk: RowChunk) throws {
        try chunk.bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = pwrite(
                    descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(end + written))
                guard count > 0 else {
                    if errno == EINTR { continue }
                    throw Self.failure("cannot be written", in: "the temporary folder")
                }
                written += count
            }
        }
        chunks.append(
            Place(offset: end, bytes: chunk.bytes.count, rows: chunk.rows, longestRowBytes: chunk.longestRowBytes))
        end += chunk.bytes.count
    }

    func chunk(_ index: Int) throws -> RowChunk? {
        guard index < chunks.count else { return nil }
        let place = chunks[index]
        let bytes = try [UInt8](unsafeUninitializedCapacity: place.bytes) { buffer, filled in
            while filled < place.bytes {
                let count = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, place.bytes - filled,
                    off_t(place.offset + filled))
                guard count > 0 else {
                    if count < 0, errno == EINTR { continue }
                    throw Self.failure("cannot be read", in: "the temporary folder")
                }
                filled += count
            }
        }
        return RowChunk(bytes: bytes, rows: place.rows, longestRowBytes: place.longestRowBytes)
    }

    private static func failure(_ what: String, in folder: String) -> ReplicationError {
        ReplicationError(
            .config, what: "The file that keeps a batch \(what)", why: String(cString: strerror(errno)),
            fix: "Make room in \(folder), or point TMPDIR elsewhere. Nothing was loaded.")
    }

    /// Hands out the chunks from the first one on.
    actor Reader {
        private let file: SpoolFile
        private var index = 0

        init(_ file: SpoolFile) {
            self.file = file
        }

        func next() async throws -> RowChunk? {
            defer { index += 1 }
            return try await file.chunk(index)
        }
    }
}

/// A thread of its own for one file.
private final class SpoolExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "redshift-loader.spool")

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        queue.async { unowned.runSynchronously(on: executor) }
    }
}

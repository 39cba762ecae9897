import CZlib
import Replication

/// gzip at level 1, for clusters whose COPY should not see zstd.
struct GzipCompressor: FileCompressor {
    static let compression = StagedCompression.gzip
    static let fileExtension = "csv.gz"
    private static let level: Int32 = 1
    /// 15 bits of window, plus 16 for a gzip header (zlib manual, deflateInit2).
    private static let windowBits: Int32 = 31
    private static let piece = 1 << 16

    private let stream: Stream

    /// Owns the C stream: zlib keeps a pointer to it, so it must not move.
    private final class Stream {
        let pointer: UnsafeMutablePointer<z_stream>

        init() throws {
            pointer = .allocate(capacity: 1)
            pointer.initialize(to: z_stream())
            guard czlib_deflate_init(pointer, GzipCompressor.level, GzipCompressor.windowBits) == Z_OK else {
                pointer.deallocate()
                throw StagingFailure.compressor("zlib could not start")
            }
        }

        deinit {
            deflateEnd(pointer)
            pointer.deallocate()
        }
    }

    init() throws {
        stream = try Stream()
    }

    mutating func compress(_ bytes: [UInt8], into output: inout [UInt8]) throws {
        try drive(bytes, Z_NO_FLUSH, into: &output)
    }

    mutating func finish(into output: inout [UInt8]) throws {
        try drive([], Z_FINISH, into: &output)
    }

    private func drive(_ bytes: [UInt8], _ flush: Int32, into output: inout [UInt8]) throws {
        let zlib = stream.pointer
        try bytes.withUnsafeBytes { source in
            zlib.pointee.next_in = UnsafeMutablePointer(
                mutating: source.bindMemory(to: UInt8.self).baseAddress)
            zlib.pointee.avail_in = UInt32(source.count)
            var status = Z_OK
            repeat {
                withTemporaryPiece(Self.piece) { target in
                    zlib.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
                    zlib.pointee.avail_out = UInt32(target.count)
                    status = deflate(zlib, flush)
                    output.append(
                        contentsOf: UnsafeRawBufferPointer(
                            rebasing: target[..<(target.count - Int(zlib.pointee.avail_out))]))
                }
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                    throw StagingFailure.compressor("zlib status \(status)")
                }
            } while zlib.pointee.avail_out == 0 || (flush == Z_FINISH && status != Z_STREAM_END)
        }
    }
}

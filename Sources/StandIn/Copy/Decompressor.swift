import CZlib
import CZstd
import Foundation

/// Decompresses a stream piece by piece into memory of the caller's: constant memory whatever the ratio. Used by one task.
final class Decompressor {
    private enum Engine {
        case plain
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    private let engine: Engine
    private var chunk: [UInt8] = []
    private var consumed = 0
    /// A compressed frame has begun and not ended.
    private(set) var isInsideFrame = false
    /// The engine may hold output although all input is consumed.
    private var mayHoldOutput = false

    init(_ compression: CopyOptions.Compression) throws(StandInError) {
        switch compression {
        case .none: engine = .plain
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            // 15 bits of window; 16 more asks for the gzip form.
            guard czlib_inflate_init(stream, 15 + 16) == Z_OK else {
                stream.deallocate()
                throw StandInError("53200", "zlib could not start")
            }
            engine = .gzip(stream)
        case .zstd:
            guard let stream = ZSTD_createDStream() else { throw StandInError("53200", "zstd could not start") }
            engine = .zstd(stream)
        }
    }

    deinit {
        switch engine {
        case .plain: break
        case .gzip(let stream):
            inflateEnd(stream)
            stream.deallocate()
        case .zstd(let stream): ZSTD_freeDStream(stream)
        }
    }

    /// Gives the next piece of compressed bytes; the one before must have been read to its end.
    func feed(_ bytes: [UInt8]) {
        chunk = bytes
        consumed = 0
    }

    /// Writes the next bytes into `target`.
    /// - Returns: How many; 0 when more input is needed.
    /// - Throws: `StandInError` for bytes that are not of the announced form.
    func read(into target: UnsafeMutableRawBufferPointer) throws(StandInError) -> Int {
        guard consumed < chunk.count || mayHoldOutput, let place = target.baseAddress else { return 0 }
        switch engine {
        case .plain:
            let length = min(target.count, chunk.count - consumed)
            chunk.withUnsafeBytes { source in
                guard let base = source.baseAddress else { return }
                memcpy(place, base + consumed, length)
            }
            consumed += length
            return length
        case .gzip(let stream): return try inflateNext(stream, place, target.count)
        case .zstd(let stream): return try zstdNext(stream, place, target.count)
        }
    }

    private func inflateNext(
        _ stream: UnsafeMutablePointer<z_stream>, _ place: UnsafeMutableRawPointer, _ room: Int
    ) throws(StandInError) -> Int {
        var produced = 0
        var status = Z_OK
        repeat {
            chunk.withUnsafeMutableBufferPointer { buffer in
                stream.pointee.next_in = buffer.baseAddress.map { $0 + consumed }
                stream.pointee.avail_in = UInt32(buffer.count - consumed)
                stream.pointee.next_out = (place + produced).assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(room - produced)
                status = inflate(stream, Z_NO_FLUSH)
                consumed = buffer.count - Int(stream.pointee.avail_in)
                produced = room - Int(stream.pointee.avail_out)
            }
            isInsideFrame = status != Z_STREAM_END
            // A file may hold several gzip members one after the other.
            if status == Z_STREAM_END, inflateReset(stream) != Z_OK { throw corrupt("gzip") }
        } while status == Z_STREAM_END && consumed < chunk.count && produced < room
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw corrupt("gzip") }
        mayHoldOutput = produced == room && status != Z_STREAM_END
        return produced
    }

    private func zstdNext(_ stream: OpaquePointer, _ place: UnsafeMutableRawPointer, _ room: Int) throws(StandInError)
        -> Int
    {
        var output = ZSTD_outBuffer(dst: place, size: room, pos: 0)
        var result = 0
        chunk.withUnsafeBytes { source in
            var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
            repeat {
                result = ZSTD_decompressStream(stream, &output, &input)
            } while ZSTD_isError(result) == 0 && input.pos < input.size && output.pos < output.size
            consumed = input.pos
        }
        guard ZSTD_isError(result) == 0 else { throw corrupt("zstd") }
        isInsideFrame = result != 0
        mayHoldOutput = output.pos == output.size && result != 0
        return output.pos
    }

    private func corrupt(_ form: String) -> StandInError {
        .compute("The file is not valid \(form) data", code: 8001, context: "decompression")
    }

    /// - Throws: `StandInError` when the stream ended inside a compressed frame.
    func finish() throws(StandInError) {
        if isInsideFrame { throw .compute("The compressed file ends too early", code: 8001, context: "decompression") }
    }
}

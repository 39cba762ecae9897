import CZlib
import CZstd
import Replication

/// Reads files back through the C libraries, which the product's writers do not share code with.
enum Decompression {
    struct Broken: Error {
        var why: String
    }

    static func plain(_ file: [UInt8], _ compression: StagedCompression) throws -> [UInt8] {
        switch compression {
        case .zstd: try zstd(file)
        case .gzip: try gzip(file)
        }
    }

    /// Exactly one whole frame with nothing behind it.
    private static func zstd(_ file: [UInt8]) throws -> [UInt8] {
        guard let stream = ZSTD_createDStream() else { throw Broken(why: "no memory") }
        defer { ZSTD_freeDStream(stream) }
        var plain: [UInt8] = []
        var scratch = [UInt8](repeating: 0, count: ZSTD_DStreamOutSize())
        try file.withUnsafeBytes { source in
            var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
            var remaining = 1
            repeat {
                let before = input.pos
                let written = try scratch.withUnsafeMutableBytes { target in
                    var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    remaining = ZSTD_decompressStream(stream, &output, &input)
                    guard ZSTD_isError(remaining) == 0 else {
                        throw Broken(why: String(cString: ZSTD_getErrorName(remaining)))
                    }
                    plain.append(contentsOf: UnsafeRawBufferPointer(rebasing: target[..<output.pos]))
                    return output.pos
                }
                guard written > 0 || input.pos > before || remaining == 0 else { throw Broken(why: "the frame is cut") }
            } while remaining != 0
            guard input.pos == input.size else { throw Broken(why: "bytes follow the frame") }
        }
        return plain
    }

    /// Exactly one whole member with nothing behind it.
    private static func gzip(_ file: [UInt8]) throws -> [UInt8] {
        var stream = z_stream()
        guard czlib_inflate_init(&stream, 31) == Z_OK else { throw Broken(why: "no memory") }
        defer { inflateEnd(&stream) }
        var plain: [UInt8] = []
        var scratch = [UInt8](repeating: 0, count: 1 << 17)
        var input = file
        try input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            var status = Z_OK
            while status != Z_STREAM_END {
                let room = scratch.count
                try scratch.withUnsafeMutableBufferPointer { target in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(room)
                    status = inflate(&stream, Z_NO_FLUSH)
                    guard status == Z_OK || status == Z_STREAM_END else { throw Broken(why: "zlib says \(status)") }
                    plain.append(contentsOf: target[..<(room - Int(stream.avail_out))])
                }
            }
            guard stream.avail_in == 0 else { throw Broken(why: "bytes follow the member") }
        }
        return plain
    }
}

import CZstd
import Replication
import TestServers
import Testing

@testable import StagingS3

/// What is written is what is read back, by the C libraries, however the bytes were cut.
@Suite struct CompressorTests {
    /// Around the scratch memory of either writer (64 KiB, and zstd's own 128 KiB), and around nothing.
    static let sizes: [Int] = {
        let scratch: [Int] = [1 << 16, ZSTD_CStreamInSize(), ZSTD_CStreamOutSize()]
        let around = scratch.flatMap { (size: Int) -> [Int] in [size - 1, size, size + 1, 3 * size] }
        return [0, 1, 2, 31, 1_000_003] + around
    }()

    @Test(arguments: [StagedCompression.zstd, .gzip], sizes)
    func `bytes come back as they were, noise and repetition alike`(_ compression: StagedCompression, size: Int) throws
    {
        var generator = SeededGenerator(seed: UInt64(size) + 1)
        let noise = generator.noise(size)
        let repetition = Array(String(repeating: "1,one,\n", count: size / 7 + 1).utf8.prefix(size))
        for bytes in [noise, repetition] {
            #expect(try Decompression.plain(Self.file(of: [bytes], compression), compression) == bytes)
            #expect(try Decompression.plain(Self.file(of: [[], bytes, []], compression), compression) == bytes)
        }
    }

    @Test(arguments: [StagedCompression.zstd, .gzip], (1...12).map { UInt64($0) })
    func `chunks of any sizes, empty ones among them, make one file`(_ compression: StagedCompression, seed: UInt64)
        throws
    {
        var generator = SeededGenerator(seed: seed)
        let chunks = (0..<Int.random(in: 1...40, using: &generator)).map { _ -> [UInt8] in
            guard Int.random(in: 0..<4, using: &generator) > 0 else { return [] }
            let size = Int.random(in: 0...70_000, using: &generator)
            return Bool.random(using: &generator) ? generator.noise(size) : [UInt8](repeating: 51, count: size)
        }
        let file = try Self.file(of: chunks, compression)
        #expect(try Decompression.plain(file, compression) == Array(chunks.joined()))
    }

    @Test(arguments: [StagedCompression.zstd, .gzip])
    func `a file ends only when it is finished`(_ compression: StagedCompression) throws {
        var output: [UInt8] = []
        let bytes = [UInt8](repeating: 65, count: 300_000)
        switch compression {
        case .zstd:
            var writer = try ZstdCompressor()
            try writer.compress(bytes, into: &output)
        case .gzip:
            var writer = try GzipCompressor()
            try writer.compress(bytes, into: &output)
        }
        #expect(throws: Decompression.Broken.self) { try Decompression.plain(output, compression) }
    }

    @Test func `a zstd file carries a checksum, so that a changed byte is noticed`() throws {
        var generator = SeededGenerator(seed: 5)
        var file = try Self.file(of: [generator.noise(10_000)], .zstd)
        file[file.count / 2] ^= 1
        #expect(throws: Decompression.Broken.self) { try Decompression.plain(file, .zstd) }
    }

    @Test func `the names say how a file is compressed`() {
        #expect(ZstdCompressor.fileExtension == "csv.zst" && ZstdCompressor.compression == .zstd)
        #expect(GzipCompressor.fileExtension == "csv.gz" && GzipCompressor.compression == .gzip)
    }

    private static func file(of chunks: [[UInt8]], _ compression: StagedCompression) throws -> [UInt8] {
        switch compression {
        case .zstd: try file(of: chunks, by: ZstdCompressor())
        case .gzip: try file(of: chunks, by: GzipCompressor())
        }
    }

    private static func file(of chunks: [[UInt8]], by compressor: some FileCompressor) throws -> [UInt8] {
        var compressor = compressor
        var output: [UInt8] = []
        for chunk in chunks { try compressor.compress(chunk, into: &output) }
        try compressor.finish(into: &output)
        return output
    }
}

import Replication
import TestServers

extension SeededGenerator {
    /// Noise, eight bytes a number: a byte at a time takes half a minute in a debug build.
    mutating func noise(_ count: Int) -> [UInt8] {
        var words = [UInt64](repeating: 0, count: count / 8 + 1)
        for index in words.indices { words[index] = next() }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }
}

/// A batch whose chunks are made when they are asked for; it can break off, or stop giving.
actor RowFeed {
    struct BrokenOff: Error, Equatable {}

    enum Ending: Sendable {
        case complete
        case failure
        /// Gives nothing more; `reached` runs once, then the stream waits until its task is cancelled.
        case silence(reached: @Sendable () async throws -> Void)
    }

    private var waiting: ArraySlice<RowChunk>
    private let ending: Ending

    init(_ chunks: [RowChunk], ending: Ending = .complete) {
        waiting = chunks[...]
        self.ending = ending
    }

    nonisolated var stream: RowStream { RowStream { try await self.next() } }

    private func next() async throws -> RowChunk? {
        if let chunk = waiting.popFirst() { return chunk }
        switch ending {
        case .complete: return nil
        case .failure: throw BrokenOff()
        case .silence(let reached):
            try await reached()
            try await Self.waitForCancellation()
            return nil
        }
    }

    static func waitForCancellation() async throws {
        let (never, source) = AsyncStream<Void>.makeStream()
        for await _ in never {}
        withExtendedLifetime(source) {}
        try Task.checkCancellation()
    }

    /// Rows of hexadecimal noise, which halve when compressed.
    static func chunks(_ count: Int, bytesEach: Int, seed: UInt64 = 1) -> [RowChunk] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { number in
            var chunk = RowChunk(bytes: [], rows: 0, longestRowBytes: 0)
            while chunk.bytes.count < bytesEach {
                let row = Array(
                    "\(number),\(String(generator.next(), radix: 16)),\(String(generator.next(), radix: 16))\n".utf8)
                chunk.bytes += row
                chunk.rows += 1
                chunk.longestRowBytes = max(chunk.longestRowBytes, row.count)
            }
            return chunk
        }
    }
}

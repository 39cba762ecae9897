/// Whole CSV rows, about 1 MiB of them.
package struct RowChunk: Sendable {
    package var bytes: [UInt8]
    package var rows: Int
    /// Bytes of the longest row, line end included.
    package var longestRowBytes: Int

    package init(bytes: [UInt8], rows: Int, longestRowBytes: Int) {
        self.bytes = bytes
        self.rows = rows
        self.longestRowBytes = longestRowBytes
    }
}

/// The rows of a batch, one bounded chunk at a time; a slow reader slows the source, and nothing is read ahead.
package struct RowStream: AsyncSequence, Sendable {
    package typealias Element = RowChunk
    private let pull: @Sendable () async throws -> RowChunk?

    package init(_ pull: @escaping @Sendable () async throws -> RowChunk?) {
        self.pull = pull
    }

    /// Chunks at hand, then those of another stream.
    package init(_ chunks: [RowChunk], then rest: RowStream? = nil) {
        let queue = ChunkQueue(chunks)
        self.init {
            if let chunk = await queue.next() { return chunk }
            guard let rest else { return nil }
            return try await rest.pull()
        }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(pull: pull) }

    package struct Iterator: AsyncIteratorProtocol {
        let pull: @Sendable () async throws -> RowChunk?
        package mutating func next() async throws -> RowChunk? { try await pull() }
    }
}

/// Chunks, handed out once each.
private actor ChunkQueue {
    private var chunks: ArraySlice<RowChunk>

    init(_ chunks: [RowChunk]) {
        self.chunks = chunks[...]
    }

    func next() -> RowChunk? { chunks.popFirst() }
}

/// How the rows of a batch are written.
package struct BatchFormat: Sendable, Hashable {
    /// Stands for NULL, unquoted: letters only, random for each batch, so that no value equals it.
    package var nullSentinel: String

    package init(nullSentinel: String) {
        self.nullSentinel = nullSentinel
    }

    /// A format with a fresh sentinel of 20 letters: one value in 52^20 would collide.
    package static func random(using generator: inout some RandomNumberGenerator) -> BatchFormat {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        let sentinel = (0..<20).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] }
        return BatchFormat(nullSentinel: String(sentinel))
    }
}

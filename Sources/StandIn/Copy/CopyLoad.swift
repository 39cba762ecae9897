import Foundation
import NIOCore
import PostgresClient
import S3Client

/// One COPY's stream: S3 object → decompressed bytes → records → PostgreSQL. While one buffer is sent the next is
/// parsed; nothing holds more than a few buffers.
struct CopyLoad: Sendable {
    /// PostgreSQL is given buffers of about this size.
    static let bufferBytes = 1 << 20
    private static let pieceBytes = 256 * 1024

    let source: CopySource
    let objects: [CopySource.ObjectAddress]
    let columns: [CopyTargetColumn]
    let connection: PostgresConnection
    /// Told between buffers how many rows were read; throws when the statement was cancelled.
    let checkpoint: @Sendable (Int) async throws -> Void

    /// What a load came to. With `isFailed` nothing was loaded.
    struct Outcome: Sendable {
        var rows = 0
        var errors: [LoadError] = []
        var isFailed = false
    }

    /// Streams everything into the COPY that `connection` has begun; ending it is the caller's part.
    func run() async throws -> Outcome {
        let reader = CopyLoadReader(load: self)
        var waiting: [UInt8] = []
        do {
            while true {
                let full = waiting
                async let sending: Void = send(full)
                let isMore = try await reader.fill(upTo: Self.bufferBytes)
                try await sending
                waiting = reader.takeOutput()
                if !isMore { break }
                try await checkpoint(reader.rows)
            }
            try await send(waiting)
        } catch is RecordParser.Stop {
            return Outcome(rows: 0, errors: reader.errors, isFailed: true)
        }
        return Outcome(rows: reader.rows, errors: reader.errors)
    }

    private func send(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty, !source.statement.options.noLoad else { return }
        try await connection.sendCopyData(bytes)
    }

    static var pieceSize: Int { pieceBytes }
}

/// A column that COPY fills.
struct CopyTargetColumn: Sendable, Equatable {
    var name: String
    var rule: FieldRule
}

/// The reading half of a load, resumable after each buffer. Used by one task.
private final class CopyLoadReader {
    private let load: CopyLoad
    private let parser: RecordParser
    private var remaining: ArraySlice<CopySource.ObjectAddress>
    private var chunks: S3ObjectBody.Iterator?
    private var decompressor: Decompressor?

    init(load: CopyLoad) {
        self.load = load
        remaining = load.objects[...]
        parser = RecordParser(
            rules: load.columns.map(\.rule), names: load.columns.map(\.name), options: load.source.statement.options)
    }

    var rows: Int { parser.rows }
    var errors: [LoadError] { parser.errors }
    func takeOutput() -> [UInt8] { parser.output.take() }

    /// - Returns: false when the last object is read to its end.
    func fill(upTo limit: Int) async throws -> Bool {
        while parser.output.count < limit {
            if let decompressor {
                let space = parser.space(CopyLoad.pieceSize)
                let added = try decompressor.read(into: space)
                if added > 0 {
                    try parser.parse(added: added, isLast: false)
                    continue
                }
                if try await feed(decompressor) { continue }
                try decompressor.finish()
                try parser.parse(added: 0, isLast: true)
                self.decompressor = nil
                chunks = nil
            }
            guard let next = remaining.popFirst() else { return false }
            parser.beginFile(next.display)
            decompressor = try Decompressor(load.source.statement.options.compression)
            chunks = try await load.source.open(next).makeAsyncIterator()
        }
        return true
    }

    private func feed(_ decompressor: Decompressor) async throws -> Bool {
        guard var iterator = chunks else { return false }
        do {
            let chunk = try await iterator.next()
            chunks = iterator
            guard var chunk else { return false }
            decompressor.feed(chunk.readBytes(length: chunk.readableBytes) ?? [])
            return true
        } catch let error as S3Error {
            throw CopySource.translate(error)
        }
    }
}

import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore

/// An object's bytes in chunks of whatever size the network gives, read once, with back-pressure.
///
/// Throws `S3Error` when the connection breaks (the download is not resumed), when fewer bytes arrive than announced,
/// or when they do not have the SHA-256 that was stored with them.
package struct S3ObjectBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    let response: HTTPClientResponse.Body
    /// nil when the server did not announce it.
    let size: Int64?
    /// Base64 of the whole object's SHA-256, when the server keeps one.
    let checksum: String?
    let context: S3ErrorContext

    package func makeAsyncIterator() -> Iterator {
        Iterator(
            chunks: response.makeAsyncIterator(), digest: checksum == nil ? nil : SHA256(), size: size,
            checksum: checksum, context: context)
    }

    package struct Iterator: AsyncIteratorProtocol {
        var chunks: HTTPClientResponse.Body.AsyncIterator
        var digest: SHA256?
        var received: Int64 = 0
        let size: Int64?
        let checksum: String?
        let context: S3ErrorContext

        package mutating func next() async throws -> ByteBuffer? {
            let chunk: ByteBuffer?
            do {
                chunk = try await chunks.next()
            } catch {
                try Task.checkCancellation()
                if error is CancellationError { throw error }
                throw S3Error.transport(error, context)
            }
            guard let chunk else {
                try Task.checkCancellation()
                try checkWhole()
                return nil
            }
            received += Int64(chunk.readableBytes)
            chunk.withUnsafeReadableBytes { digest?.update(bufferPointer: $0) }
            return chunk
        }

        private func checkWhole() throws {
            if let size, received != size {
                throw S3Error.broken(context, "\(received) of \(size) bytes arrived")
            }
            if let checksum, let digest, Data(digest.finalize()).base64EncodedString() != checksum {
                throw context.error(
                    .checksumMismatch, why: "The bytes that arrived are not those that were stored (SHA-256 differs).",
                    fix: "Read it again; if it happens again, look for a proxy between here and \(context.place).")
            }
        }
    }

    /// The whole object in memory; throws `S3Error.rejected` when it is larger than `limitBytes`.
    package func collect(limitBytes: Int) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        for try await var chunk in self {
            guard whole.readableBytes + chunk.readableBytes <= limitBytes else {
                throw context.error(
                    .rejected, why: "It is larger than \(limitBytes) bytes, the most that is taken into memory here.",
                    fix: "Check that the key names the object you meant.")
            }
            whole.writeBuffer(&chunk)
        }
        return whole
    }
}

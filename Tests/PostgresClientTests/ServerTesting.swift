import Foundation
import PostgresClient
import Testing
import TestServers

#if canImport(Glibc)
    import Glibc
#endif

/// Asks a server again and again until it gives the answer, for at most 20 seconds.
func waitUntil(
    _ connection: PostgresConnection, _ sql: String, gives expected: String,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    var answer: String?
    repeat {
        answer = try await connection.execute(sql).firstValue
        if answer == expected { return }
    } while ContinuousClock.now < deadline
    Issue.record("\(sql) gave \(answer ?? "NULL") instead of \(expected)", sourceLocation: sourceLocation)
}

/// The error of `body`, which must be this client's.
func failure<Value>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Value
) async -> PostgresError? {
    await #expect(throws: PostgresError.self, sourceLocation: sourceLocation) { _ = try await body() }
}

/// All chunks of a running COPY.
func allChunks(of connection: PostgresConnection, maximumBytes: Int) async throws -> [PostgresCopyChunk] {
    var chunks: [PostgresCopyChunk] = []
    while let chunk = try await connection.nextCopyChunk(maximumBytes: maximumBytes) { chunks.append(chunk) }
    return chunks
}

/// A socket on a loopback port of its own, closed with its last reference.
final class LoopbackSocket: Sendable {
    let descriptor: Int32
    let port: Int

    /// - Parameter listens: Whether connections are taken in (and then never answered), or refused.
    init(listens: Bool) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        try #require(isBound && port > 0)
        if listens { try #require(listen(descriptor, 8) == 0) }
    }

    deinit {
        close(descriptor)
    }
}

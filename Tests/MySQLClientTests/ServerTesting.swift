import Foundation
import MySQLClient
import Synchronization
import TestServers
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Asks a server again and again until it gives the answer, for at most 30 seconds.
///
/// MySQL cannot show its sessions while one of them runs a statement with characters beyond utf8mb3 (error 3854); those of
/// other tests do.
func waitUntil(
    _ connection: MySQLConnection, _ sql: String, gives expected: String,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    var answer: String?
    repeat {
        do {
            answer = try await connection.execute(sql).firstValue
        } catch let error as MySQLError where error.errno == 3854 {
            continue
        }
        if answer == expected { return }
    } while ContinuousClock.now < deadline
    Issue.record("\(sql) gave \(answer ?? "NULL") instead of \(expected)", sourceLocation: sourceLocation)
}

/// The error of `body`, which must be this client's.
func failure(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> MySQLError? {
    await #expect(throws: MySQLError.self, sourceLocation: sourceLocation) { try await body() }
}

/// Whether a connection is known to its server, and whether it runs a statement now.
func sessions(_ connection: MySQLConnection) -> String {
    "SELECT count(*) FROM information_schema.processlist WHERE id = \(connection.connectionID)"
}

func running(_ connection: MySQLConnection) -> String {
    sessions(connection) + " AND command = 'Query'"
}

/// One line a row: values joined by commas, NULL as `nil`.
struct LineEncoder: MySQLRowEncoder {
    struct Refusal: Error, Equatable {
        var row: Int
    }

    var rowsSeen = 0
    /// Leaves out all rows whose number is not a multiple of it.
    var everyRow = 1
    var refusesRow: Int?

    mutating func encode(_ row: MySQLRow, into bytes: inout [UInt8]) throws -> Bool {
        rowsSeen += 1
        for index in 0..<row.count {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            if let value = row.value(index) { bytes += value } else { bytes += Array("nil".utf8) }
        }
        bytes.append(UInt8(ascii: "\n"))
        if rowsSeen == refusesRow { throw Refusal(row: rowsSeen) }
        return rowsSeen % everyRow == 0
    }
}

/// All chunks of the running query.
func allChunks(
    of connection: MySQLConnection, maximumBytes: Int, encoder: LineEncoder = LineEncoder()
) async throws -> [MySQLChunk] {
    var chunks: [MySQLChunk] = []
    var encoder = encoder
    while true {
        let next = try await connection.nextChunk(maximumBytes: maximumBytes, encoder: encoder)
        encoder = next.encoder
        guard let chunk = next.chunk else { return chunks }
        chunks.append(chunk)
    }
}

/// Makes the table `numbers` with the column `n` from 0 to 9999.
func makeNumbers(_ schema: TestSchema) async throws {
    let digits = (0...9).map { "SELECT \($0) AS d" }.joined(separator: " UNION ALL ")
    try await schema.run(
        "CREATE TABLE numbers (n int PRIMARY KEY)", "CREATE TABLE digits (d int)", "INSERT INTO digits \(digits)",
        "INSERT INTO numbers SELECT a.d * 1000 + b.d * 100 + c.d * 10 + d.d FROM digits a, digits b, digits c, digits d"
    )
}

/// 100 million rows of 4 kB: more than any test reads.
let endlessRows = "SELECT a.n, REPEAT('x', 4000) FROM numbers a JOIN numbers b"

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

    /// Takes in one connection, says `greeting` and nothing more.
    /// - Returns: All that the other side said until it went away.
    func talk(_ greeting: [UInt8]) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [self] in
                let accepted = accept(descriptor, nil, nil)
                defer { close(accepted) }
                send(accepted, greeting, greeting.count, Int32(MSG_NOSIGNAL))
                var said: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 4096)
                while true {
                    let count = recv(accepted, &buffer, buffer.count, 0)
                    guard count > 0 else { break }
                    said += buffer[..<count]
                }
                continuation.resume(returning: said)
            }
        }
    }

    /// A server's first packet, of MySQL 8.
    static func greeting(offersTLS: Bool) -> [UInt8] {
        var packet: [UInt8] = [10] + Array("8.0.0-test".utf8) + [0, 7, 0, 0, 0] + Array("12345678".utf8) + [0]
        // PROTOCOL_41, SECURE_CONNECTION and PLUGIN_AUTH, with or without SSL.
        packet += [0x00, offersTLS ? 0x8a : 0x82, 45, 2, 0, 0x08, 0x00, 21]
        packet += [UInt8](repeating: 0, count: 10) + Array("123456789012".utf8) + [0]
        packet += Array("mysql_native_password".utf8) + [0]
        return [UInt8(packet.count), 0, 0, 0] + packet
    }
}

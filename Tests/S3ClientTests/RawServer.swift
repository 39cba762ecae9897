import NIOCore
import NIOPosix
import Synchronization

/// A server on a loopback port that answers each request with the next line of a script, byte for byte.
final class RawServer: Sendable {
    enum Answer: Sendable {
        /// A whole answer; the connection stays open.
        case bytes(String)
        /// These bytes, then the connection breaks.
        case bytesThenClose(String)
        /// Nothing, ever.
        case silence

        static func status(_ status: Int, headers: [String] = [], body: String = "") -> Answer {
            let lines = ["HTTP/1.1 \(status) X", "content-length: \(body.utf8.count)"] + headers
            return .bytes(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        }
    }

    private let script: Mutex<[Answer]>
    private let seen = Mutex<[String]>([])
    private let arrivals = AsyncStream<Void>.makeStream()

    private init(_ script: [Answer]) { self.script = Mutex(script) }

    /// The requests so far, each as head and body in one text.
    var requests: [String] { seen.withLock { $0 } }

    /// Returns when a request has arrived.
    func waitForRequest() async {
        for await _ in arrivals.stream { return }
    }

    /// Runs the body with a server that listens on the given port of 127.0.0.1 and is gone afterwards.
    static func run(_ script: [Answer], _ body: (RawServer, Int) async throws -> Void) async throws {
        let server = RawServer(script)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(server, channel.localAddress?.port ?? 0)
        } catch {
            try await channel.close()
            throw error
        }
        try await channel.close()
    }

    private func answer(_ request: String) -> Answer {
        seen.withLock { $0.append(request) }
        arrivals.continuation.yield()
        return script.withLock { $0.isEmpty ? .silence : $0.removeFirst() }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let server: RawServer
        private var received = ""

        init(_ server: RawServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            if received.hasPrefix("\u{16}") {
                // A TLS greeting: answered in plain text, as common servers do on a port without TLS.
                return send("HTTP/1.1 400 X\r\ncontent-length: 0\r\n\r\n", thenClose: true, context)
            }
            guard let head = received.range(of: "\r\n\r\n") else { return }
            let length = received[..<head.lowerBound].split(separator: "\r\n").lazy
                .filter { $0.lowercased().hasPrefix("content-length:") }
                .compactMap { Int($0.dropFirst(15).filter { $0 != " " }) }.first
            guard received[head.upperBound...].utf8.count >= length ?? 0 else { return }
            let answer = server.answer(received)
            received = ""
            switch answer {
            case .bytes(let text): send(text, thenClose: false, context)
            case .bytesThenClose(let text): send(text, thenClose: true, context)
            case .silence: break
            }
        }

        private func send(_ text: String, thenClose: Bool, _ context: ChannelHandlerContext) {
            let written = context.eventLoop.makePromise(of: Void.self)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: written)
            let channel = context.channel
            if thenClose { written.futureResult.whenComplete { _ in channel.close(promise: nil) } }
        }
    }
}

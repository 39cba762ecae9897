import Logging
import NIOCore
import NIOPosix
import PostgresClient

/// Accepts clients on loopback and runs a session for each.
struct ClientServer: Sendable {
    typealias Channel = NIOAsyncChannel<FrontendMessage, ByteBuffer>

    let context: ServerContext

    /// Listens; `ready` is told the port that was bound. Returns when cancelled.
    func run(port: Int, ready: (Int) -> Void) async throws {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(FrontendDecoder()))
                    return try Channel(wrappingChannelSynchronously: channel)
                }
            }
        ready(listener.channel.localAddress?.port ?? port)
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { clients in
                for try await client in clients {
                    group.addTask { await serve(client) }
                }
            }
        }
    }

    private func serve(_ channel: Channel) async {
        do {
            try await channel.executeThenClose { inbound, outbound in
                try await serve(inbound, outbound)
            }
        } catch {
            // A client that goes away in the middle is everyday business.
            context.logger.debug("A client connection ended: \(error)")
        }
    }

    private func serve(_ inbound: NIOAsyncChannelInboundStream<FrontendMessage>, _ outbound: Session.Outbound)
        async throws
    {
        guard await !context.faults.refusesConnection() else { return }
        let (messages, feed) = AsyncStream.makeStream(of: FrontendMessage.self)
        let started = SessionSlot()
        try await withThrowingTaskGroup { group in
            // Reading goes on while a statement runs: only so is it seen that a client has left.
            group.addTask {
                defer { feed.finish() }
                for try await message in inbound { feed.yield(message) }
                await started.session?.clientLeft()
            }
            group.addTask {
                defer { feed.finish() }
                var incoming = messages.makeAsyncIterator()
                let handshake = Handshake(server: context, outbound: outbound)
                guard let session = try await handshake.run(&incoming) else { throw Session.Dropped() }
                await started.set(session)
                try await finish(session) { try await session.run(messages.makeAsyncIterator()) }
                throw Session.Dropped()
            }
            do {
                // Not waitForAll: it would go on waiting for the reading task, which ends only when the client leaves.
                while try await group.next() != nil {}
            } catch is Session.Dropped {
                group.cancelAll()
            }
        }
    }

    /// Closes the backing connection, also when the session ended badly; an open transaction is rolled back by that.
    private func finish(_ session: Session, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            await session.close()
            throw error
        }
        await session.close()
    }
}

/// Where the reading task finds the session that the other task has started.
private actor SessionSlot {
    private(set) var session: Session?

    func set(_ session: Session) { self.session = session }
}

extension Session {
    func close() async {
        await connection.close()
        await endSerial(committed: false)
        await server.registry.remove(pid: pid)
    }
}

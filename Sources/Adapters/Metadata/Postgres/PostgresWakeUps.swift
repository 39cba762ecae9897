import Logging
import PostgresClient

/// Hears when another process says that something is due, over a connection of its own.
struct PostgresWakeUps: Sendable {
    private static let wait = Duration.seconds(60)
    private static let pause = Duration.seconds(5)

    let pool: PostgresPool
    let logger: Logger

    /// Listens while the stream is read. A lost connection is opened again; what was missed in between is found by
    /// looking, so each new connection counts as a wake-up.
    func stream() -> AsyncStream<Void> {
        let state = ListeningState()
        return AsyncStream { await next(state) }
    }

    private func next(_ state: ListeningState) async -> Void? {
        while !Task.isCancelled {
            do {
                guard let connection = await state.connection else {
                    let connection = try await pool.connect()
                    await state.keep(connection)
                    try await connection.withSession { try $0.executeScript(PostgresSchemaStatements.listen) }
                    return ()
                }
                if try await connection.nextNotification(within: Self.wait) != nil { return () }
            } catch {
                await state.drop()
                if Task.isCancelled || error is CancellationError { break }
                logger.debug("nothing is heard from the metadata store: \(error)")
                do { try await Task.sleep(for: Self.pause) } catch { break }
            }
        }
        await state.drop()
        return nil
    }

    private actor ListeningState {
        private(set) var connection: PostgresConnection?

        func keep(_ connection: PostgresConnection) { self.connection = connection }

        func drop() async {
            await connection?.close()
            connection = nil
        }
    }
}

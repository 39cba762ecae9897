import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Stands between a program under test and one server, counts what the program sends, and breaks or stops it at one
/// message. Bytes pass unchanged, so that signatures hold.
///
/// Counted are, over all connections in the order of their arrival: sign-in messages, statements and the farewell of the
/// PostgreSQL and MySQL protocols (without TLS), requests of HTTP. Two threads a connection; nothing of it runs on Swift's pool.
package final class FaultProxy: Sendable {
    package enum Wire: Sendable {
        case postgres, mysql, http
    }

    /// What happens at the armed message, once.
    package enum Fault: String, Sendable, CaseIterable {
        /// The connection is closed; the server never sees the message.
        case cutBefore = "cut before"
        /// The server has answered; the connection is closed, and the answer lost.
        case cutAfter = "cut after"
        /// The server never sees the message; `stopped` tells the test, and the program waits for an answer.
        case stopBefore = "stop before"
        /// The server has answered; `stopped` tells the test, and the program waits for the answer.
        case stopAfter = "stop after"

        var isAfter: Bool { self == .cutAfter || self == .stopAfter }
        var stops: Bool { self == .stopBefore || self == .stopAfter }
    }

    package let port: UInt16
    let wire: Wire
    private let target: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    /// A fault that waits for its message.
    private struct Armed {
        var fault: Fault
        var isMeant: @Sendable (String) -> Bool
        /// Messages of that kind that pass before it.
        var passes: Int
    }

    private struct State {
        var messages: [String] = []
        var armed: Armed?
        /// The message that met the fault.
        var hit: String?
        var waiting: [AsyncStream<String>.Continuation] = []
        var open: Set<Int32> = []
        var resumes = 0
        var isCut = false
        /// Connections that were made and ended while it was cut.
        var refusals = 0
        var isClosed = false
    }

    /// Listens on a free loopback port and hands every connection on to another one.
    package init(_ wire: Wire, to target: UInt16) throws {
        self.wire = wire
        self.target = target
        (listener, port) = try LoopbackPort.listen()
        Thread.detachNewThread { [self] in accept() }
    }

    /// Breaks or stops the program at a message, once.
    /// - Parameters:
    ///   - passes: How many messages of its kind come through before it: numbers of messages alone would differ from run
    ///     to run, with how many batches there are and in which order connections speak.
    ///   - isMeant: Whether a message is of that kind.
    package func arm(_ fault: Fault, after passes: Int, of isMeant: @escaping @Sendable (String) -> Bool) {
        state.withLock {
            $0.armed = Armed(fault: fault, isMeant: isMeant, passes: passes)
            $0.hit = nil
        }
    }

    /// Forgets the messages, and the fault if it has not happened.
    package func reset() {
        endWaiting()
        state.withLock {
            $0.messages = []
            $0.armed = nil
        }
    }

    /// Lets a message pass that the program was stopped before.
    package func resume() {
        state.withLock { $0.resumes += 1 }
    }

    var resumes: Int { state.withLock { $0.resumes } }

    /// Ends what `stopped` has returned: the program will not be stopped any more.
    package func endWaiting() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.finish() }
    }

    /// What the program has sent since the last `reset`: a statement's text, `startup`, `password`, `goodbye`, or an
    /// HTTP request's first line.
    package var messages: [String] { state.withLock { $0.messages } }

    /// The message at which the armed fault happened; nil while it has not.
    package var hit: String? { state.withLock { $0.hit } }

    /// One element when the program is stopped: the message.
    package func stopped() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream<String>.makeStream()
        state.withLock { $0.waiting.append(continuation) }
        return stream
    }

    /// Ends every connection; later ones are refused.
    package func close() {
        let open = state.withLock { state in
            state.isClosed = true
            return state.open
        }
        // Wakes the threads that wait in them, which close them.
        for descriptor in open { shutdown(descriptor, Int32(SHUT_RDWR)) }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    /// Takes the server away until `restore`: every connection ends, and each new one as soon as it is made.
    package func cut() {
        state.withLock { state in
            state.isCut = true
            state.refusals = 0
            // Under the lock, so that none of them is closed, and its number another's, by now.
            for descriptor in state.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    package func restore() {
        state.withLock { $0.isCut = false }
    }

    /// How often the program has tried to connect since the last `cut`, while it lasted.
    package var refusals: Int { state.withLock { $0.refusals } }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0, !state.withLock({ $0.isClosed }) else { break }
            guard let server = LoopbackPort.connect(to: target) else {
                Glibc.close(client)
                continue
            }
            guard register(client, server) else {
                Glibc.close(client)
                Glibc.close(server)
                continue
            }
            let connection = ProxiedConnection(proxy: self, client: client, server: server)
            connection.start { [self] in
                state.withLock { $0.open.subtract([client, server]) }
                Glibc.close(client)
                Glibc.close(server)
            }
        }
        Glibc.close(listener)
    }

    /// - Returns: false while the proxy is cut.
    private func register(_ client: Int32, _ server: Int32) -> Bool {
        state.withLock { state in
            if state.isCut { state.refusals += 1 } else { state.open.formUnion([client, server]) }
            return !state.isCut
        }
    }

    /// Counts a message.
    /// - Returns: The fault that it meets.
    func meet(_ message: String) -> Fault? {
        state.withLock { state in
            state.messages.append(message)
            guard let armed = state.armed, armed.isMeant(message) else { return nil }
            guard armed.passes == 0 else {
                state.armed?.passes -= 1
                return nil
            }
            state.armed = nil
            state.hit = message
            return armed.fault
        }
    }

    func tellStopped(_ message: String) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting {
            one.yield(message)
            one.finish()
        }
    }
}

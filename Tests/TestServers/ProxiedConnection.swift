import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// One client's connection through a `FaultProxy`: a thread for each direction.
final class ProxiedConnection: Sendable {
    private let proxy: FaultProxy
    private let client: Int32
    private let server: Int32
    /// Set while an answer is awaited that the client must not see: the fault, and the message it answers.
    private let swallowing = Mutex<(fault: FaultProxy.Fault, message: String)?>(nil)

    init(proxy: FaultProxy, client: Int32, server: Int32) {
        self.proxy = proxy
        self.client = client
        self.server = server
    }

    /// - Parameter ended: Called once, when neither direction uses the sockets any more.
    func start(ended: @escaping @Sendable () -> Void) {
        let left = Counter(running: 2, ended)
        Thread.detachNewThread { [self] in
            forwardRequests()
            left.down()
        }
        Thread.detachNewThread { [self] in
            forwardAnswers()
            left.down()
        }
    }

    private func hangUp() {
        shutdown(client, Int32(SHUT_RDWR))
        shutdown(server, Int32(SHUT_RDWR))
    }

    /// Client to server, message by message.
    private func forwardRequests() {
        var framer = RequestFramer(wire: proxy.wire)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while let count = Self.read(client, into: &buffer) {
            for piece in framer.add(buffer[..<count]) {
                if let message = piece.message, let fault = proxy.meet(message), !survives(fault, message) { return }
                guard Self.write(server, piece.bytes) else { break }
            }
        }
        hangUp()
    }

    /// - Returns: false when nothing more is to be forwarded.
    private func survives(_ fault: FaultProxy.Fault, _ message: String) -> Bool {
        if fault.isAfter {
            // Nobody answers a farewell.
            if message == "goodbye" {
                if fault.stops { proxy.tellStopped(message) }
            } else {
                swallowing.withLock { $0 = (fault, message) }
            }
            return true
        }
        if fault.stops {
            let resumes = proxy.resumes
            proxy.tellStopped(message)
            if isResumed(after: resumes) { return true }
        }
        hangUp()
        return false
    }

    /// The program hangs in its message until the test lets it go on, or ends it.
    private func isResumed(after resumes: Int) -> Bool {
        // POLLRDHUP, which poll.h shows to GNU programs only: the other end is gone.
        let ended: Int16 = 0x2000
        while proxy.resumes == resumes {
            var watched = pollfd(fd: client, events: ended, revents: 0)
            if poll(&watched, 1, 10) > 0 { return false }
        }
        return true
    }

    /// Server to client, until an answer is to be swallowed.
    private func forwardAnswers() {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var end: AnswerEnd?
        while let count = Self.read(server, into: &buffer) {
            guard let swallowed = swallowing.withLock({ $0 }) else {
                guard Self.write(client, buffer[..<count]) else { break }
                continue
            }
            var scan = end ?? AnswerEnd(wire: proxy.wire, message: swallowed.message)
            let isComplete = scan.add(buffer[..<count])
            end = scan
            guard isComplete else { continue }
            if swallowed.fault.stops {
                // The other thread sees the program's end and hangs up.
                proxy.tellStopped(swallowed.message)
                return
            }
            break
        }
        hangUp()
    }

    private static func read(_ descriptor: Int32, into buffer: inout [UInt8]) -> Int? {
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 { return count }
            if count == 0 || errno != EINTR { return nil }
        }
    }

    private static func write(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent > 0 {
                rest = rest.dropFirst(sent)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}

/// Calls back when both directions have ended.
private final class Counter: Sendable {
    private let running: Mutex<Int>
    private let ended: @Sendable () -> Void

    init(running: Int, _ ended: @escaping @Sendable () -> Void) {
        self.running = Mutex(running)
        self.ended = ended
    }

    func down() {
        let isLast = running.withLock { running in
            running -= 1
            return running == 0
        }
        if isLast { ended() }
    }
}

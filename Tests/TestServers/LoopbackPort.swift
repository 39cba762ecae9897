import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Sockets of 127.0.0.1.
package enum LoopbackPort {
    /// Below Linux's ports for the near end of connections (32768 to 60999, ip(7)): what is handed out here, nothing
    /// takes by chance, not even while its server is stopped for a while.
    private static let serverPorts: Range<UInt16> = 20_000..<32_000
    private static let next = Mutex(UInt16.random(in: serverPorts))

    /// For a server of a test's own: a port that nobody listens on, and that no other test of this process gets.
    package static func take() throws -> UInt16 {
        for _ in serverPorts {
            let port = next.withLock { next in
                defer { next = next + 1 < serverPorts.upperBound ? next + 1 : serverPorts.lowerBound }
                return next
            }
            if isFree(port) { return port }
        }
        throw MissingServer(variable: "a free loopback port")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return withAddress(port) { bind(descriptor, $0, $1) == 0 }
    }

    static func listen() throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let bound = withAddress(0) { bind(descriptor, $0, $1) == 0 && Glibc.listen(descriptor, 64) == 0 }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isNamed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
        }
        guard bound, isNamed else { throw MissingServer(variable: "a free loopback port") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// - Returns: nil where nobody listens.
    static func connect(to port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard withAddress(port, { Glibc.connect(descriptor, $0, $1) == 0 }) else {
            close(descriptor)
            return nil
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    private static func withAddress<Result>(
        _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

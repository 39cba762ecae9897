import Glibc

/// The first packet of a connection, looked at before Connector/C reads it.
///
/// Connector/C goes on in clear text when the server, or someone in between, says that it has no TLS, unless the
/// certificate's name is to be verified too; by then it has answered the server's challenge. So the offer is looked at
/// first. Layout: manual of MySQL's protocol, "Protocol::HandshakeV10".
struct MySQLGreeting {
    /// What was found so far.
    enum Found {
        case incomplete
        /// The connection was closed, or refused with an error that Connector/C will read.
        case none
        case foreign
        case greeting(MySQLGreeting)
    }

    private static let capabilityTLS: UInt8 = 0x08  // CLIENT_SSL, 1 << 11, in the second byte
    /// Real ones take about a hundred bytes.
    private static let longest = 4096

    let offersTLS: Bool

    /// Reads without taking anything from the socket.
    static func peek(_ descriptor: Int32) -> Found {
        var bytes = [UInt8](repeating: 0, count: longest)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count < 0 { return Glibc.errno == EAGAIN || Glibc.errno == EINTR ? .incomplete : .none }
        return count == 0 ? .none : parse(bytes[..<count])
    }

    /// - Parameter bytes: From the first byte that the server sent.
    static func parse(_ bytes: ArraySlice<UInt8>) -> Found {
        let bytes = Array(bytes)
        guard bytes.count > 4 else { return .incomplete }
        let length = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
        guard bytes[3] == 0, (1..<longest - 4).contains(length) else { return .foreign }
        if bytes[4] == 0xff { return .none }
        guard bytes[4] == 10 else { return .foreign }
        guard bytes.count >= 4 + length else { return .incomplete }
        let packet = bytes[4..<4 + length]
        guard let versionEnd = packet.dropFirst().firstIndex(of: 0) else { return .foreign }
        // Connection id 4, challenge 8, filler 1; then the capabilities' lower two bytes.
        let capabilities = versionEnd + 1 + 13
        guard capabilities + 1 < packet.endIndex else { return .foreign }
        return .greeting(MySQLGreeting(offersTLS: packet[capabilities + 1] & capabilityTLS != 0))
    }
}

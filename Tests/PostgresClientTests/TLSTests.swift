import Foundation
import Glibc
import PostgresClient
import Testing
import TestServers

/// TLS begins after the server's `S`; what follows is the handshake of a real TLS server with a certificate of its own.
struct TLSTests {
    @Test func `a certificate that nobody trusts is refused, naming the host`() async throws {
        try await withTemporaryFolder { folder in
            let server = try TLSServer(folder: folder)
            defer { server.stop() }
            let gate = try LoopbackSocket(listens: true)
            var endpoint = try PostgresEndpoint.parse(
                "postgres://u:CANARY@127.0.0.1:\(gate.port)/d?sslmode=verify-full"
            )
            .endpoint
            endpoint.connectTimeout = .seconds(20)
            let reached = endpoint
            let relay = Relay(from: gate, to: server.port)
            relay.start()
            let error = await #expect(throws: PostgresError.self) { try await PostgresConnection.connect(to: reached) }
            #expect(error?.code == .tls && error?.isRetryable == false)
            #expect(error?.what == "No trusted TLS connection to 127.0.0.1:\(gate.port)/d")
            #expect(error?.why.contains("certificate") == true, "\(error?.why ?? "")")
            #expect(error?.description.contains("CANARY") == false)
        }
    }
}

/// `openssl s_server` with a self-signed certificate.
private final class TLSServer {
    let port: Int
    private let process = Process()

    init(folder: URL) throws {
        let (key, certificate) = (folder.appendingPathComponent("key"), folder.appendingPathComponent("certificate"))
        let make = Process()
        make.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        make.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-keyout", key.path, "-out", certificate.path,
        ]
        make.standardError = FileHandle.nullDevice
        try make.run()
        make.waitUntilExit()
        try #require(make.terminationStatus == 0)
        // A port that was free a moment ago: the program cannot choose one itself.
        port = try LoopbackSocket(listens: false).port
        let output = Pipe()
        process.executableURL = make.executableURL
        process.arguments = [
            "s_server", "-accept", "127.0.0.1:\(port)", "-key", key.path, "-cert", certificate.path,
        ]
        process.standardInput = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        // It says ACCEPT when it listens.
        var said = ""
        while !said.contains("ACCEPT") {
            let data = output.fileHandleForReading.availableData
            try #require(!data.isEmpty, "openssl s_server ended: \(said)")
            said += String(decoding: data, as: UTF8.self)
        }
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}

/// Takes one connection in, answers its request for TLS and hands all else on; ends with either side.
private final class Relay: Sendable {
    private let gate: LoopbackSocket
    private let port: Int

    init(from gate: LoopbackSocket, to port: Int) {
        self.gate = gate
        self.port = port
    }

    func start() {
        Thread.detachNewThread { [self] in
            let client = accept(gate.descriptor, nil, nil)
            var request = [UInt8](repeating: 0, count: 8)
            guard client >= 0, recv(client, &request, 8, Int32(MSG_WAITALL)) == 8 else { return }
            var yes = UInt8(ascii: "S")
            guard send(client, &yes, 1, 0) == 1, let server = Self.connected(to: port) else { return }
            Thread.detachNewThread { Self.copy(from: server, to: client) }
            Self.copy(from: client, to: server)
        }
    }

    private static func connected(to port: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = UInt16(port).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return result == 0 ? descriptor : nil
    }

    private static func copy(from source: Int32, to target: Int32) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0, send(target, buffer, count, Int32(MSG_NOSIGNAL)) == count else { break }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(target, Int32(SHUT_RDWR))
    }
}

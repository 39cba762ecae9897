import Foundation
import MySQLClient
import TestServers
import Testing

/// The servers' certificates are for `localhost` and 127.0.0.1, signed by an authority of their own.
@Suite(.serialized) struct TLSTests {
    private static func endpoint(
        _ kind: MySQLServerKind, _ mode: MySQLTLS.Mode, _ root: MySQLTLS.RootCertificate = .system
    ) throws -> MySQLEndpoint {
        var endpoint = try kind.endpoint()
        endpoint.tls = MySQLTLS(mode: mode, rootCertificate: root)
        return endpoint
    }

    private func refusal(_ endpoint: MySQLEndpoint, sourceLocation: SourceLocation = #_sourceLocation) async throws
        -> MySQLError
    {
        let error = await #expect(throws: MySQLError.self, sourceLocation: sourceLocation) {
            try await MySQLConnection.connect(to: endpoint)
        }
        let found = try #require(error, sourceLocation: sourceLocation)
        #expect(found.code == .tls && !found.isRetryable, "\(found)", sourceLocation: sourceLocation)
        return found
    }

    private func cipher(_ endpoint: MySQLEndpoint) async throws -> String? {
        let connection = try await MySQLConnection.connect(to: endpoint)
        let told = try await connection.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'").rows.first?[1]
        #expect(told == connection.cipher ?? "")
        await connection.close()
        return connection.cipher
    }

    @Test(arguments: MySQLServerKind.tested, [MySQLTLS.Mode.verifyCA, .verifyFull])
    func `a certificate that nobody trusts is refused, naming host and remedy`(
        kind: MySQLServerKind, mode: MySQLTLS.Mode
    ) async throws {
        let endpoint = try Self.endpoint(kind, mode)
        let error = try await refusal(endpoint)
        #expect(error.what == "No trusted TLS connection to \(endpoint.displayName)")
        #expect(error.fix.contains("sslca"))
    }

    @Test(arguments: MySQLServerKind.tested)
    func `without the check the connection is encrypted where that is wished`(kind: MySQLServerKind) async throws {
        #expect(try await cipher(Self.endpoint(kind, .require)) != nil)
        #expect(try await cipher(Self.endpoint(kind, .prefer)) != nil)
        #expect(try await cipher(Self.endpoint(kind, .disable)) == nil)
    }

    @Test(arguments: MySQLServerKind.tested, [MySQLTLS.Mode.require, .verifyCA, .verifyFull])
    func `the authority's certificate is trusted as a file and as text`(
        kind: MySQLServerKind, mode: MySQLTLS.Mode
    ) async throws {
        let file = try kind.authority()
        let text = try String(contentsOfFile: file, encoding: .utf8)
        for host in ["127.0.0.1", "localhost"] {
            for root in [MySQLTLS.RootCertificate.path(file), .pem(text)] {
                var endpoint = try Self.endpoint(kind, mode, root)
                endpoint.host = host
                #expect(try await cipher(endpoint) != nil)
            }
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: FileManager.default.temporaryDirectory.path)
        #expect(!left.contains { $0.hasPrefix("loader-ca-") })
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a certificate of another host is refused where the name counts`(kind: MySQLServerKind) async throws {
        let root = MySQLTLS.RootCertificate.path(try kind.authority())
        // The same address, by a name that the certificate does not hold.
        var endpoint = try Self.endpoint(kind, .verifyFull, root)
        endpoint.host = "127.1"
        _ = try await refusal(endpoint)
        endpoint.tls.mode = .verifyCA
        #expect(try await cipher(endpoint) != nil)
    }

    @Test(arguments: MySQLServerKind.tested, [MySQLTLS.Mode.require, .verifyCA, .verifyFull])
    func `another authority's certificate is not enough`(kind: MySQLServerKind, mode: MySQLTLS.Mode) async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("other.pem").path
            let openssl = Process()
            openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            openssl.arguments = [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Loader tests CA", "-keyout", "/dev/null",
                "-out", file,
            ]
            openssl.standardError = FileHandle.nullDevice
            try openssl.run()
            openssl.waitUntilExit()
            try #require(openssl.terminationStatus == 0)
            _ = try await refusal(Self.endpoint(kind, mode, .path(file)))
        }
    }

    @Test func `a CA file that cannot be read is named`() async throws {
        let error = try await refusal(Self.endpoint(.mariadb, .verifyFull, .path("/no/such/file.pem")))
        #expect(error.why.contains("/no/such/file.pem"))
        _ = try await refusal(Self.endpoint(.mariadb, .verifyFull, .pem("nothing of the kind")))
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a server without TLS is refused where TLS is required, and taken where it is preferred`(
        kind: MySQLServerKind
    ) async throws {
        try await OwnMySQLServers.with { servers in
            var endpoint = try await servers.start(kind).endpoint
            for mode in [MySQLTLS.Mode.require, .verifyCA, .verifyFull] {
                endpoint.tls.mode = mode
                let error = try await refusal(endpoint)
                #expect(error.why == "the server offers no TLS")
            }
            for mode in [MySQLTLS.Mode.prefer, .disable] {
                endpoint.tls.mode = mode
                #expect(try await cipher(endpoint) == nil)
            }
        }
    }

    /// Someone in between could strike the offer of TLS out of the greeting.
    @Test(arguments: [MySQLTLS.Mode.require, .verifyCA, .verifyFull])
    func `nothing is said to a server that offers no TLS where TLS is required`(mode: MySQLTLS.Mode) async throws {
        let server = try LoopbackSocket(listens: true)
        async let said = server.talk(LoopbackSocket.greeting(offersTLS: false))
        var endpoint = MySQLEndpoint(
            host: "127.0.0.1", port: server.port, user: "u", password: "p", database: "d", tls: MySQLTLS(mode: mode))
        endpoint.connectTimeout = .seconds(5)
        _ = try await refusal(endpoint)
        #expect(await said.isEmpty)
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a user who must encrypt is refused without`(kind: MySQLServerKind) async throws {
        try await OwnMySQLServers.with { servers in
            let server = try await servers.start(kind, kind == .mysql ? ["--tls-version=TLSv1.2,TLSv1.3"] : [])
            try await server.run("SET GLOBAL require_secure_transport = ON")
            let error = await #expect(throws: MySQLError.self) { try await server.session() }
            // MariaDB gives no reason.
            #expect(error?.code == (kind == .mysql ? .tls : .authentication), "\(error?.description ?? "")")
            #expect(error?.fix.contains(kind == .mysql ? "sslmode=disable" : "encrypted connections only") == true)
        }
    }
}

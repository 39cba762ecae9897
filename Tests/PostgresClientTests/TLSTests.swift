import Foundation
import PostgresClient
import TestServers
import Testing

/// The test server's certificate is its own and names another host: nobody should trust it.
struct TLSTests {
    private static func endpoint(_ mode: PostgresTLS.Mode) throws -> PostgresEndpoint {
        var endpoint = try TestServers.postgres()
        endpoint.tls = PostgresTLS(mode: mode)
        return endpoint
    }

    @Test(arguments: [PostgresTLS.Mode.verifyCA, .verifyFull])
    func `a certificate that nobody trusts is refused, naming host, issuer and remedy`(
        _ mode: PostgresTLS.Mode
    ) async throws {
        let endpoint = try Self.endpoint(mode)
        let error = await #expect(throws: PostgresError.self) { try await PostgresConnection.connect(to: endpoint) }
        #expect(error?.code == .tls && error?.isRetryable == false)
        #expect(error?.what == "No trusted TLS connection to \(endpoint.displayName)")
        #expect(error?.why.contains("issued by /O=Loader tests/CN=nobody.example") == true, "\(error?.why ?? "")")
        #expect(error?.fix.contains("sslrootcert") == true)
    }

    @Test func `without the check the connection is encrypted`() async throws {
        let connection = try await PostgresConnection.connect(to: Self.endpoint(.require))
        let encrypted = try await connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        #expect(encrypted.firstValue == "t")
        await connection.close()
    }

    @Test func `the authority's certificate as text is trusted, for its own host name only`() async throws {
        let plain = try await PostgresConnection.connect(to: Self.endpoint(.require))
        let pem = try await plain.execute("SELECT pg_read_file('server.crt')").firstValue ?? ""
        await plain.close()
        var endpoint = try Self.endpoint(.verifyCA)
        endpoint.tls.rootCertificate = .pem(pem)
        let trusted = try await PostgresConnection.connect(to: endpoint)
        #expect(try await trusted.execute("SELECT 1").firstValue == "1")
        await trusted.close()
        endpoint.tls.mode = .verifyFull
        let named = endpoint
        let error = await #expect(throws: PostgresError.self) { try await PostgresConnection.connect(to: named) }
        #expect(error?.code == .tls, "\(error?.why ?? "")")
    }
}

import MySQLClient
import TestServers
import Testing

/// MySQL's usual plugin checks a hash of what it knows of a user since its start, and where it knows nothing wants the
/// password itself: over TLS as it is, else encrypted with a key of the server's.
@Suite(.serialized, .enabled(if: MySQLServerKind.isMySQLTested, "ALLOW_NO_MYSQL=1: there is no MySQL server"))
struct AuthenticationTests {
    @Test(
        arguments: [MySQLTLS.Mode.disable, .require], ["", "p", "Grüße 日本 🚀", String(repeating: "long ", count: 40)])
    func `the first sign-in and the next succeed, with TLS and without`(
        mode: MySQLTLS.Mode, password: String
    ) async throws {
        try await TestSchema.with(.mysql) { schema in
            var endpoint = try await schema.user(password: password).endpoint
            endpoint.tls.mode = mode
            let plugin = "SELECT plugin FROM mysql.user WHERE user = '\(endpoint.user)'"
            #expect(try await schema.run(plugin).firstValue == "caching_sha2_password")
            for _ in 0..<2 {
                let session = try await MySQLConnection.connect(to: endpoint)
                #expect((session.cipher != nil) == (mode == .require))
                #expect(try await session.execute("SELECT 1").firstValue == "1")
                await session.close()
            }
            // Forgets what the plugin knew.
            try await schema.run("FLUSH PRIVILEGES")
            let session = try await MySQLConnection.connect(to: endpoint)
            await session.close()
        }
    }

    @Test(arguments: [MySQLTLS.Mode.disable, .require])
    func `a wrong password is refused before and after the right one`(mode: MySQLTLS.Mode) async throws {
        try await TestSchema.with(.mysql) { schema in
            var endpoint = try await schema.user(password: "right").endpoint
            endpoint.tls.mode = mode
            var wrong = endpoint
            wrong.password = MySQLPassword("CANARY")
            for _ in 0..<2 {
                let mistaken = wrong
                let error = await failure { _ = try await MySQLConnection.connect(to: mistaken) }
                #expect(error?.code == .authentication && error?.errno == 1045)
                #expect(error?.description.contains("CANARY") == false)
                await (try MySQLConnection.connect(to: endpoint)).close()
            }
        }
    }
}

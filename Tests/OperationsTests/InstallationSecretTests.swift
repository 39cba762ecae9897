import Foundation
import Operations
import Testing

@Suite struct InstallationSecretTests {
    /// Marks what it sealed, so that a secret that was stored unsealed shows.
    private struct Sealing: SecretSealing {
        func seal(_ secret: String, context: String) -> Data { Data("\(context)|\(secret)".utf8) }

        func open(_ sealed: Data, context: String) throws -> String {
            let text = String(decoding: sealed, as: UTF8.self)
            guard text.hasPrefix(context + "|") else {
                throw OperationError(.secretKey, what: "not sealed", why: "", fix: "")
            }
            return String(text.dropFirst(context.count + 1))
        }

        func isUnderNewestKey(_ sealed: Data) -> Bool { true }
    }

    @Test func `the salt is made up once, sealed, and the same from then on`() async throws {
        let store = MemoryCatalog()
        let first = try await InstallationSecret.hashSalt(configured: nil, store: store, secrets: Sealing())
        #expect(first.count == 32)
        #expect(try await InstallationSecret.hashSalt(configured: nil, store: store, secrets: Sealing()) == first)
        let other = try await InstallationSecret.hashSalt(
            configured: nil, store: MemoryCatalog(), secrets: Sealing())
        #expect(other != first)
    }

    @Test func `a salt that is configured wins`() async throws {
        let salt = try await InstallationSecret.hashSalt(
            configured: "given", store: MemoryCatalog(), secrets: Sealing())
        #expect(salt == "given")
    }
}

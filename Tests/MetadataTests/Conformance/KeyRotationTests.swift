import Foundation
@testable import Operations
import Scheduling
import Testing

@testable import Metadata

@Suite struct KeyRotationTests {
    private static let old = String(repeating: "old-", count: 8)
    private static let new = String(repeating: "new-", count: 8)

    private func sealedJob(_ name: String, with box: SecretBox) throws -> JobRecord {
        JobRecord(
            name: name,
            source: .sealed(try box.seal("postgres://\(name)", context: SealingContext.source(ofJob: name))),
            destination: .sealed(try box.seal("redshift://\(name)", context: SealingContext.destination(ofJob: name))))
    }

    @Test(arguments: MetadataEngine.allCases)
    func `all secrets are under the new key afterwards, and the old one is no longer needed`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { _, store in
            let before = try SecretBox(encryptionKey: Self.old)
            let both = try SecretBox(encryptionKey: "\(Self.new),\(Self.old)")
            let after = try SecretBox(encryptionKey: Self.new)
            _ = try await store.add(try sealedJob("shop", with: before))
            _ = try await store.add(try sealedJob("crm", with: both))
            let salt = try await InstallationSecret.hashSalt(configured: nil, store: store, secrets: before)

            let rotation = KeyRotation(store: store, secrets: both)
            #expect(try await rotation.run() == KeyRotation.Outcome(resealed: 3, current: 2))
            #expect(try await rotation.run() == KeyRotation.Outcome(resealed: 0, current: 5))
            for secret in try await store.sealedSecrets() {
                #expect(try !after.open(secret.bytes, context: secret.context).isEmpty)
            }
            #expect(try await InstallationSecret.hashSalt(configured: nil, store: store, secrets: after) == salt)
        }
    }

    @Test(arguments: MetadataEngine.allCases)
    func `what no key opens stays as it is and is told; what was changed meanwhile wins`(
        engine: MetadataEngine
    ) async throws {
        try await MetadataFixture.with(engine) { _, store in
            let lost = try SecretBox(encryptionKey: String(repeating: "lost", count: 8))
            let job = try await store.add(try sealedJob("shop", with: lost))
            let outcome = try await KeyRotation(store: store, secrets: SecretBox(encryptionKey: Self.new)).run()
            #expect(outcome.resealed == 0 && outcome.unreadable.count == 2)
            #expect(outcome.unreadable.first?.contains("the source of job shop") == true)
            #expect(try await store.jobs() == [job])
            let stale = SealedSecret(place: .source(jobID: job.id, name: job.name), bytes: Data([7]))
            #expect(try await !store.replace(stale, with: Data([8])))
        }
    }
}

import Foundation

/// Secrets that an installation makes up once and keeps, encrypted, in its store.
package enum InstallationSecret {
    /// The salt of hashed columns: the configured one, else this installation's own. Another salt gives other hashes,
    /// so that the same value is told apart only within one installation.
    package static func hashSalt(
        configured: String?, store: any RequestStore, secrets: any SecretSealing
    ) async throws -> String {
        if let configured { return configured }
        let name = "hash_salt"
        let context = SealingContext.kept(name)
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let made = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let kept = try await store.secret(named: name, orKeep: try secrets.seal(made, context: context))
        return try secrets.open(kept, context: context)
    }
}

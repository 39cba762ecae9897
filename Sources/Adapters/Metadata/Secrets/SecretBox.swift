import Crypto
import Foundation
import Operations

/// Connection strings under AES-GCM, by keys derived from `ENCRYPTION_KEY` with HKDF-SHA256 (RFC 5869).
///
/// A sealed secret is: one version byte, eight bytes that tell the key, then nonce (12), ciphertext and tag (16) as
/// swift-crypto joins them. Version, key and context are authenticated: a secret moved to another job does not open.
package struct SecretBox: SecretSealing {
    private static let version: UInt8 = 1
    private static let fingerprintBytes = 8
    /// Shortest text that counts as a key.
    private static let shortestKey = 32

    /// The first seals; any opens.
    private let keys: [Key]

    private struct Key: Sendable {
        let secret: SymmetricKey
        let fingerprint: Data

        /// Long random text needs no slow derivation; two labels keep the public fingerprint apart from the key.
        init(text: String) {
            let material = SymmetricKey(data: Data(text.utf8))
            secret = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: material, info: Data("redshift-loader secrets 1".utf8), outputByteCount: 32)
            fingerprint = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: material, info: Data("redshift-loader fingerprint 1".utf8),
                outputByteCount: SecretBox.fingerprintBytes
            ).withUnsafeBytes { Data($0) }
        }
    }

    /// Tells one secret from another without giving either away: 16 hexadecimal digits.
    package static func fingerprint(of secret: String) -> String {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Data(secret.utf8)), info: Data("redshift-loader salt 1".utf8),
            outputByteCount: fingerprintBytes
        ).withUnsafeBytes { bytes in bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    }

    /// - Parameter encryptionKey: One or more keys of at least 32 characters, newest first, separated by commas.
    /// - Throws: `OperationError` `secretKey` for none, or one that is too short.
    package init(encryptionKey: String) throws {
        let texts = encryptionKey.split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        guard texts.allSatisfy({ $0.count >= Self.shortestKey }) else {
            throw OperationError(
                .secretKey, what: "ENCRYPTION_KEY cannot be used",
                why: "a key in it has fewer than \(Self.shortestKey) characters",
                fix: "Make one with: openssl rand -base64 32. Several are separated by commas, newest first.")
        }
        keys = texts.map(Key.init(text:))
    }

    package func seal(_ secret: String, context: String) throws -> Data {
        let key = keys[0]
        let header = Data([Self.version]) + key.fingerprint
        do {
            let box = try AES.GCM.seal(
                Data(secret.utf8), using: key.secret, authenticating: header + Data(context.utf8))
            return header + (box.combined ?? Data())
        } catch {
            throw OperationError(
                .secretKey, what: "A connection string could not be encrypted", why: "the cipher refused it",
                fix: "Report this as a bug.", underlying: error)
        }
    }

    package func open(_ sealed: Data, context: String) throws -> String {
        let headerLength = 1 + Self.fingerprintBytes
        guard sealed.first == Self.version, sealed.count > headerLength else {
            throw refusal("it was not written by this version of redshift-loader, or it is damaged")
        }
        let header = Data(sealed.prefix(headerLength))
        guard let key = keys.first(where: { $0.fingerprint == header.dropFirst() }) else {
            throw refusal("it was encrypted with another ENCRYPTION_KEY than those set now")
        }
        do {
            let box = try AES.GCM.SealedBox(combined: Data(sealed.dropFirst(headerLength)))
            let secret = try AES.GCM.open(box, using: key.secret, authenticating: header + Data(context.utf8))
            return String(decoding: secret, as: UTF8.self)
        } catch {
            throw refusal("it is damaged, or was stored for another job", underlying: error)
        }
    }

    package func isUnderNewestKey(_ sealed: Data) -> Bool {
        sealed.first == Self.version && sealed.dropFirst().prefix(Self.fingerprintBytes) == keys[0].fingerprint
    }

    private func refusal(_ why: String, underlying: (any Error)? = nil) -> OperationError {
        OperationError(
            .secretKey, what: "A stored connection string cannot be decrypted", why: why,
            fix: "Set the ENCRYPTION_KEY (or restore the key file beside the database) that it was stored with, or "
                + "store the connection string again.", underlying: underlying)
    }
}

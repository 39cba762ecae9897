import Crypto
import Foundation
import Operations

/// The key of a store whose operator has set none: a file beside the database, readable by its owner alone.
package enum KeyFile {
    /// More than any key; a file that is longer is not one.
    private static let limitBytes = 4_096

    /// Reads `<database>.key`, or makes it: 32 random bytes in base64. Of several processes that make it at once, one
    /// does and all read its key.
    /// - Returns: Text for `SecretBox`.
    /// - Throws: `OperationError`: `secretKey` when others may read the file or it holds no key.
    package static func loadOrCreate(beside databasePath: String) throws -> String {
        let path = databasePath + ".key"
        if let key = try load(path) { return key }
        let random = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
        try PrivateFile.publish(random + "\n", at: path)
        guard let key = try load(path) else {
            throw OperationError(
                .secretKey, what: "The key file \(path) vanished", why: "another process removed it",
                fix: "Try again.")
        }
        return key
    }

    private static func load(_ path: String) throws -> String? {
        guard let text = try PrivateFile.read(path, limitBytes: limitBytes) else { return nil }
        let key = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard key.count >= 32 else {
            throw OperationError(
                .secretKey, what: "The key file \(path) holds no key", why: "it is empty or cut off",
                fix:
                    "Restore it from a backup. Without it stored connection strings are lost: then remove the file and "
                    + "store them again.")
        }
        return key
    }
}

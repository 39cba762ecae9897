import Crypto
import Foundation

/// MD5 password verification as PostgreSQL 8 clients answer it.
enum PasswordCheck {
    /// The stored form: `md5` and the hex digest of password and user name.
    static func verifier(user: String, password: String) -> String { "md5" + hex(Array((password + user).utf8)) }

    /// Whether a client's answer to `salt` proves the password behind `verifier`.
    static func accepts(answer: String, verifier: String, salt: [UInt8]) -> Bool {
        guard verifier.hasPrefix("md5"), verifier.utf8.count == 35 else { return false }
        return answer == "md5" + hex(Array(verifier.utf8.dropFirst(3)) + salt)
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        Insecure.MD5.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
    }
}

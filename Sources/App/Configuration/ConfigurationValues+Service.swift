import DestinationRedshift
import Foundation
import Logging

extension ConfigurationValues {
    mutating func logLevel() -> Logger.Level {
        let text = text("LOG_LEVEL") ?? "info"
        if let level = Logger.Level(rawValue: text.lowercased()) { return level }
        problem("LOG_LEVEL must be one of " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
        return .info
    }

    mutating func databasePath() -> String {
        guard let url = text("DATABASE_URL") else { return Environment.dataFolder() + "/redshift-loader/loader.db" }
        if let path = url.wholeMatch(of: /sqlite:(?:\/\/)?(.+)/)?.1 { return String(path) }
        let kind =
            url.hasPrefix("postgres") ? "metadata in PostgreSQL is not available in this release" : "it is no URL"
        problem("DATABASE_URL must be sqlite:///path/loader.db (\(kind))")
        return ""
    }

    mutating func encryptionKey() -> String? {
        guard let key = text("ENCRYPTION_KEY") else { return nil }
        if key.split(separator: ",").contains(where: { $0.count < 32 }) {
            problem("ENCRYPTION_KEY must have 32 characters or more")
        }
        return key
    }

    /// Shorter salts could be tried out.
    mutating func hashSalt() -> String? {
        guard let salt = text("HASH_SALT") else { return nil }
        if salt.count < 16 { problem("HASH_SALT must have 16 characters or more") }
        return salt
    }

    /// `READ_ONLY_USERS`, and the predecessor's `READ_ONLY_USER` where that is unset.
    mutating func readOnlyUsers() -> [ReadOnlyGrantee] {
        let name = text("READ_ONLY_USERS") == nil ? "READ_ONLY_USER" : "READ_ONLY_USERS"
        guard let text = text(name) else { return [] }
        var users: [ReadOnlyGrantee] = []
        for part in text.split(separator: ",") {
            let words = part.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let user = Self.grantee(words) else {
                problem("\(name) must be names, GROUP name or ROLE name, separated by commas")
                return []
            }
            if !users.contains(user) { users.append(user) }
        }
        return users
    }

    /// Quotes around a name may stay; a name with blanks needs them in SQL, and is told apart from two words by its kind.
    private static func grantee(_ words: [String]) -> ReadOnlyGrantee? {
        func plain(_ name: String) -> String? {
            let name =
                name.count > 1 && name.hasPrefix("\"") && name.hasSuffix("\"")
                ? String(name.dropFirst().dropLast()) : name
            return name.isEmpty || name.contains("\"") ? nil : name
        }
        switch (words.count, words.first?.lowercased()) {
        case (1, "group"), (1, "role"): return nil
        case (1, _): return plain(words[0]).map { ReadOnlyGrantee(kind: .user, name: $0) }
        case (2, "group"): return plain(words[1]).map { ReadOnlyGrantee(kind: .group, name: $0) }
        case (2, "role"): return plain(words[1]).map { ReadOnlyGrantee(kind: .role, name: $0) }
        default: return nil
        }
    }
}

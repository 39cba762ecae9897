import DestinationRedshift
import Foundation
import Logging
import Metadata
import PostgresClient

extension ConfigurationValues {
    mutating func logLevel() -> Logger.Level {
        let text = text("LOG_LEVEL") ?? "info"
        if let level = Logger.Level(rawValue: text.lowercased()) { return level }
        problem("LOG_LEVEL must be one of " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
        return .info
    }

    /// `sqlite:` with a file, or `postgres:` with a server that many machines share.
    mutating func metadata(workerConcurrency: Int) -> MetadataLocation {
        guard let url = text("DATABASE_URL") else {
            return .sqlite(Environment.dataFolder() + "/redshift-loader/loader.db")
        }
        if let path = url.wholeMatch(of: /sqlite:(?:\/\/)?(.+)/)?.1 { return .sqlite(String(path)) }
        guard url.hasPrefix("postgres:") || url.hasPrefix("postgresql:") else {
            problem("DATABASE_URL must be sqlite:///path/loader.db or postgres://user:password@host/database")
            return .sqlite("")
        }
        do {
            var endpoint = try PostgresEndpoint.parse(url).endpoint
            if endpoint.tls.rootCertificate == .system, let pem = text("METADATA_CA_PEM") {
                endpoint.tls.rootCertificate = .pem(pem)
            }
            // A store that does not answer must not hold up what could end before.
            if !url.contains("connect_timeout=") { endpoint.connectTimeout = .seconds(5) }
            // Each run renews its lease and records batches; beside them there are claims and the worker's own beat.
            return .postgres(PostgresMetadataServer(endpoint: endpoint, connections: workerConcurrency + 3))
        } catch {
            problem("DATABASE_URL cannot be used: \(error.why)")
            return .sqlite("")
        }
    }

    mutating func retention() -> RunRetention {
        RunRetention(
            age: duration("RUN_RETENTION") ?? RunRetention().age,
            keepsLastOnly: !(boolean("LOG_TABLE_COPIES") ?? true))
    }

    mutating func encryptionKey(for metadata: MetadataLocation) -> String? {
        guard let key = text("ENCRYPTION_KEY") else {
            if case .postgres = metadata {
                problem(
                    "ENCRYPTION_KEY is missing (needed with PostgreSQL metadata, the same on every machine; make one with: "
                        + "openssl rand -base64 32)")
            }
            return nil
        }
        let keys = key.split(separator: ",", omittingEmptySubsequences: false)
        if keys.contains(where: { $0.trimmingCharacters(in: .whitespacesAndNewlines).count < 32 }) {
            problem("ENCRYPTION_KEY must have 32 characters or more, and so must each of several, separated by commas")
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

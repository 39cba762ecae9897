import Replication

/// What COPY signs its reads with. Prints as `***`.
package enum CopyAuthorization: Sendable, CustomStringConvertible {
    /// A role's ARN, several chained by commas, or `default`.
    case iamRole(String)
    case keys(accessKeyID: String, secretAccessKey: String, sessionToken: String?)

    package var description: String { "***" }

    /// The clause of the COPY statement; the only place where keys become SQL, and only where no role is set.
    var sql: String {
        switch self {
        case .iamRole("default"): return "IAM_ROLE default"
        case .iamRole(let arn): return "IAM_ROLE \(RedshiftText.literal(arn))"
        case .keys(let id, let secret, let token):
            let keys =
                "ACCESS_KEY_ID \(RedshiftText.literal(id)) SECRET_ACCESS_KEY \(RedshiftText.literal(secret))"
            return token.map { "\(keys) SESSION_TOKEN \(RedshiftText.literal($0))" } ?? keys
        }
    }

    /// Words that no error text may repeat.
    var secrets: [String] {
        switch self {
        case .iamRole: []
        case .keys(_, let secret, let token): [secret, token].compactMap { $0 }.filter { !$0.isEmpty }
        }
    }
}

import Foundation

/// One key pair for signing, long-lived (no token) or temporary (token and, where known, an end). Printing it shows `***`.
package struct S3Credentials: Sendable {
    package var accessKeyID: String
    package var secretAccessKey: String
    /// Sent and signed as `x-amz-security-token`; temporary keys are worthless without it.
    package var sessionToken: String?
    /// The client refuses to sign after this instant, so that the reason is told before S3 has to guess it.
    package var expiresAt: Date?

    package init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiresAt: Date? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiresAt = expiresAt
    }
}

// A dump, a log line or a failed expectation must not print the fields, hence all three doors are shut.
extension S3Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "S3Credentials(***)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The seam between signing and where keys come from (environment, instance role, a rotating file).
///
/// Asked once for each attempt, also for a repeated one, so that a provider that renews its keys is heard at once.
/// Whatever it throws reaches the caller unchanged and is not retried.
package protocol S3CredentialProvider: Sendable {
    func credentials() async throws -> S3Credentials
}

/// Always the same keys, read once by the caller (from `AWS_ACCESS_KEY_ID` and its companions).
package struct StaticS3CredentialProvider: S3CredentialProvider {
    private let fixed: S3Credentials

    package init(_ credentials: S3Credentials) { fixed = credentials }

    package func credentials() async throws -> S3Credentials { fixed }
}

import Foundation

/// Why a call to S3 failed, in three sentences for the person who must act. Never holds keys, tokens or object contents.
package struct S3Error: Error, Sendable {
    package enum Code: String, Sendable, CaseIterable {
        case accessDenied, signatureMismatch, invalidAccessKey, invalidToken, expiredToken, clockSkew
        case noSuchBucket, noSuchKey, wrongRegion, bucketNameTaken
        /// A key of AWS KMS that does not exist, is disabled or may not be used.
        case encryptionKey
        /// 429, or S3's wish to be asked more slowly.
        case throttled
        /// Another 5xx.
        case server
        /// Another request to the same bucket is in the way (409).
        case conflict
        /// The server knows S3 but not this part of it (501).
        case unsupported
        /// No connection could be made: name, port, route.
        case unreachable
        /// A connection was made and broke before the answer was whole.
        case connectionBroken
        /// No connection or no answer within the time allowed.
        case timeout
        /// The server's certificate is not trusted, or it does not speak TLS.
        case tls
        /// What arrived is not what was sent, in either direction.
        case checksumMismatch
        /// An answer that no S3 server gives.
        case badResponse
        /// Refused before sending: the settings cannot be right.
        case badConfiguration
        /// Any other 4xx.
        case rejected
    }

    package var code: Code
    /// What did not happen, with the bucket and the key.
    package var what: String
    package var why: String
    package var fix: String
    package var httpStatus: Int?
    /// S3's own word for it, for example `NoSuchBucket`.
    package var s3Code: String?
    /// What AWS's support asks for.
    package var requestID: String?
    /// Where the bucket really is, when the answer says so.
    package var bucketRegion: String?
    package var underlying: (any Error)?

    init(_ code: Code, what: String, why: String, fix: String) {
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
    }

    /// Whether the same call may succeed later without anyone changing anything. The client itself has by then used up
    /// its own attempts, so this is for the caller's schedule.
    package var isRetryable: Bool {
        switch code {
        case .throttled, .server, .conflict, .unreachable, .connectionBroken, .timeout, .checksumMismatch: return true
        default: return s3Code == "RequestTimeout"
        }
    }
}

extension S3Error: CustomStringConvertible {
    package var description: String {
        let request = requestID.map { " (S3 request \($0))" } ?? ""
        return "\(what) \(why) \(fix)\(request)"
    }
}

extension S3Error {
    static func configuration(why: String, fix: String) -> S3Error {
        S3Error(.badConfiguration, what: "S3 cannot be used.", why: why, fix: fix)
    }
}

/// What an error's sentences name: which call, on which bucket, from which settings.
struct S3ErrorContext: Sendable {
    /// A whole sentence, for example `Could not write s3://bucket/key.`
    var what: String
    var bucket: String
    var key: String?
    var region: String
    /// Scheme, host and port.
    var place: String
    /// The instant that was signed.
    var signedAt: Date
    /// Texts that must not appear in a message, whatever the server sends back.
    var secrets: [String]

    /// A server's own words, shortened and with every secret masked.
    func quote(_ text: String) -> String {
        var quoted = text
        for secret in secrets where !secret.isEmpty { quoted = quoted.replacingOccurrences(of: secret, with: "***") }
        quoted = quoted.split(whereSeparator: \.isNewline).joined(separator: " ")
        return quoted.count > 400 ? quoted.prefix(400) + "…" : quoted
    }

    func error(_ code: S3Error.Code, why: String, fix: String) -> S3Error {
        S3Error(code, what: what, why: why, fix: fix)
    }
}

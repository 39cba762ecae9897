import AsyncHTTPClient
import Foundation
import NIOCore

/// Where a bucket is and how it is spoken to. A wrong value is reported by the first call, as `S3Error.badConfiguration`.
package struct S3Configuration: Sendable {
    /// The bucket's region, part of every signature (`AWS_REGION`). AWS refuses any other.
    package var region: String
    /// The name alone: no scheme, no slash (`S3_BUCKET_NAME`).
    package var bucket: String
    /// nil means AWS; else scheme, host, port and at most a base path (`AWS_ENDPOINT_URL_S3`).
    package var endpoint: URL?
    package var addressing: S3Addressing
    /// Asked for with every stored object; nil leaves it to the bucket's default.
    package var encryption: S3ServerSideEncryption?
    /// From the start of one attempt, its upload included, to the head of the answer. Bodies that stream in afterwards
    /// are bounded by the HTTP client's idle timeout instead, since their consumer sets the pace.
    package var requestTimeout: Duration

    package init(
        region: String, bucket: String, endpoint: URL? = nil, addressing: S3Addressing = .automatic,
        encryption: S3ServerSideEncryption? = nil, requestTimeout: Duration = .seconds(60)
    ) {
        self.region = region
        self.bucket = bucket
        self.endpoint = endpoint
        self.addressing = addressing
        self.encryption = encryption
        self.requestTimeout = requestTimeout
    }

    /// The HTTP settings that this client is written for; whoever owns the `HTTPClient` starts from them.
    ///
    /// No redirects (a redirected request carries a signature for another host), no connection retries below ours
    /// (they would turn a refused port into a full timeout), HTTP/1.1 (all that S3 speaks), no decompression (sizes and
    /// checksums are of the stored bytes), and a silent host given up after 4 s: two attempts stay below 10 s.
    package static func httpConfiguration() -> HTTPClient.Configuration {
        var http = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(4), read: .seconds(60)),
            decompression: .disabled)
        http.httpVersion = .http1Only
        http.connectionPool.retryConnectionEstablishment = false
        return http
    }
}

/// Where the bucket's name goes in the URL.
package enum S3Addressing: Sendable, Equatable {
    /// Path style for custom endpoints (few have DNS names per bucket) and for buckets with dots (they do not fit the
    /// wildcard certificate); else virtual-host style.
    case automatic
    /// `https://host/bucket/key`
    case path
    /// `https://bucket.host/key`
    case virtualHost
}

/// Encryption at rest that S3 is asked for with each stored object (`S3_SSE`, `S3_KMS_KEY_ID`).
package enum S3ServerSideEncryption: Sendable, Equatable {
    case aes256
    /// nil: the account's own S3 key.
    case kms(keyID: String?)

    /// nil for a name that S3 does not know; known are `AES256` and `aws:kms`.
    package init?(name: String, kmsKeyID: String?) {
        switch name {
        case "AES256": self = .aes256
        case "aws:kms": self = .kms(keyID: kmsKeyID)
        default: return nil
        }
    }

    var headers: [S3Header] {
        switch self {
        case .aes256:
            return [S3Header("x-amz-server-side-encryption", "AES256")]
        case .kms(let keyID):
            let keyHeader = keyID.map { S3Header("x-amz-server-side-encryption-aws-kms-key-id", $0) }
            return [S3Header("x-amz-server-side-encryption", "aws:kms")] + (keyHeader.map { [$0] } ?? [])
        }
    }
}

import Crypto
import Foundation
import NIOCore

/// One call as a value, before signing; sending it twice is the same as sending it once.
struct S3Request: Sendable {
    enum Method: String, Sendable { case get = "GET", put = "PUT", head = "HEAD", delete = "DELETE", post = "POST" }

    var method: Method
    /// nil for calls on the bucket.
    var key: String?
    /// Completes "Could not …", for example `write`.
    var verb: String
    var query: [S3QueryItem] = []
    var headers: [S3Header] = []
    private(set) var body = ByteBuffer()
    /// Of the body; signed with every call, so that nobody on the way can change either.
    private(set) var payloadHash = SHA256.hash(data: Data())

    /// Adds a body and the two digests that the server checks it by. The hash stands for `body` alone: a test of the
    /// server's check passes other bytes as `sent`.
    mutating func attach(_ body: ByteBuffer, contentType: String, sent: ByteBuffer? = nil) {
        payloadHash = body.withUnsafeReadableBytes { SHA256.hash(data: $0) }
        headers.append(S3Header("content-type", contentType))
        headers.append(S3Header("x-amz-checksum-sha256", Data(payloadHash).base64EncodedString()))
        self.body = sent ?? body
    }

    var hasBody: Bool { method == .put || method == .post }
}

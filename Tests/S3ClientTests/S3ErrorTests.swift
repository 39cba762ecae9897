import AsyncHTTPClient
import Foundation
import NIOCore
import Testing

@testable import S3Client

/// Each refusal becomes its own sentence, decided by S3's code and the status.
struct S3ErrorTests {
    static let context = S3ErrorContext(
        what: "Could not write s3://staging/k.", bucket: "staging", key: "k", region: "eu-west-1",
        place: "https://s3.example.com", signedAt: Date(timeIntervalSince1970: 1_255_369_830),
        secrets: ["SECRETCANARY", "TOKENCANARY", "KEYCANARY"])

    struct Case: Sendable, CustomTestStringConvertible {
        var status: Int
        var s3Code: String?
        var code: S3Error.Code
        var isRetryable = false
        var mentions: [String] = []
        var testDescription: String { "\(status) \(s3Code ?? "no code")" }
    }

    @Test(arguments: [
        Case(status: 403, s3Code: "AccessDenied", code: .accessDenied, mentions: ["s3:PutObject", "staging"]),
        Case(
            status: 403, s3Code: "SignatureDoesNotMatch", code: .signatureMismatch, mentions: ["AWS_SECRET_ACCESS_KEY"]),
        Case(status: 403, s3Code: "InvalidAccessKeyId", code: .invalidAccessKey, mentions: ["AWS_ACCESS_KEY_ID"]),
        Case(status: 400, s3Code: "InvalidToken", code: .invalidToken, mentions: ["AWS_SESSION_TOKEN"]),
        Case(status: 400, s3Code: "ExpiredToken", code: .expiredToken, mentions: ["expired", "AWS_SESSION_TOKEN"]),
        Case(status: 403, s3Code: "RequestTimeTooSkewed", code: .clockSkew, mentions: ["clock", "NTP"]),
        Case(status: 404, s3Code: "NoSuchBucket", code: .noSuchBucket, mentions: ["\"staging\"", "S3_BUCKET_NAME"]),
        Case(status: 404, s3Code: "NoSuchKey", code: .noSuchKey, mentions: ["staging"]),
        Case(status: 409, s3Code: "BucketAlreadyExists", code: .bucketNameTaken, mentions: ["S3_BUCKET_NAME"]),
        Case(status: 400, s3Code: "KMS.DisabledException", code: .encryptionKey, mentions: ["S3_KMS_KEY_ID"]),
        Case(status: 400, s3Code: "XAmzContentSHA256Mismatch", code: .checksumMismatch, isRetryable: true),
        Case(status: 400, s3Code: "BadDigest", code: .checksumMismatch, isRetryable: true),
        Case(status: 400, s3Code: "RequestTimeout", code: .rejected, isRetryable: true),
        Case(status: 400, s3Code: "EntityTooLarge", code: .rejected, mentions: ["EntityTooLarge"]),
        Case(status: 409, s3Code: "OperationAborted", code: .conflict, isRetryable: true),
        Case(status: 503, s3Code: "SlowDown", code: .throttled, isRetryable: true),
        Case(status: 429, s3Code: nil, code: .throttled, isRetryable: true),
        Case(status: 500, s3Code: "InternalError", code: .server, isRetryable: true),
        Case(status: 503, s3Code: nil, code: .server, isRetryable: true),
        Case(status: 501, s3Code: "NotImplemented", code: .unsupported, mentions: ["S3_SSE"]),
        Case(status: 403, s3Code: nil, code: .accessDenied), Case(status: 404, s3Code: nil, code: .noSuchKey),
        Case(status: 405, s3Code: "MethodNotAllowed", code: .rejected),
    ])
    func `a refusal is classified by its code, then by its status`(expected: Case) {
        let error = refuse(expected.status, s3Code: expected.s3Code)
        #expect(error.code == expected.code)
        #expect(error.isRetryable == expected.isRetryable)
        #expect(error.httpStatus == expected.status)
        #expect(error.s3Code == expected.s3Code)
        for word in expected.mentions { #expect("\(error)".contains(word)) }
        for sentence in [error.what, error.why, error.fix] { #expect(sentence.hasSuffix(".")) }
    }

    @Test(arguments: [
        (301, "PermanentRedirect", ["x-amz-bucket-region": "us-west-2"], ""),
        (400, "AuthorizationHeaderMalformed", [:], "<Region>us-west-2</Region>"),
        (301, nil, ["x-amz-bucket-region": "us-west-2"], ""),
        (307, "TemporaryRedirect", ["x-amz-bucket-region": "us-west-2"], ""),
    ])
    func `a bucket in another region names both regions and the variable`(
        status: Int, s3Code: String?, headers: [String: String], extra: String
    ) {
        let error = refuse(status, s3Code: s3Code, headers: headers, extra: extra)
        #expect(error.code == .wrongRegion)
        #expect(error.bucketRegion == "us-west-2")
        #expect(error.why == "Bucket \"staging\" is in region us-west-2, but requests are signed for eu-west-1.")
        #expect(error.fix == "Set AWS_REGION=us-west-2.")
    }

    @Test func `a bucket in another, unnamed region says so`() {
        let error = refuse(400, s3Code: "AuthorizationHeaderMalformed")
        #expect(error.code == .wrongRegion)
        #expect(error.why.contains("eu-west-1"))
        #expect(error.fix.contains("AWS_REGION"))
    }

    @Test(arguments: [
        ("Mon, 12 Oct 2009 18:10:30 GMT", "20 minutes behind the server's"),
        ("Mon, 12 Oct 2009 16:45:30 GMT", "1 hour 5 minutes ahead of the server's"),
        ("Fri, 09 Oct 2009 17:50:30 GMT", "3 days ahead of the server's"),
    ])
    func `a skewed clock says by how much`(serverDate: String, words: String) {
        let error = refuse(403, s3Code: "RequestTimeTooSkewed", headers: ["date": serverDate])
        #expect(error.why.contains(words))
    }

    @Test func `a missing bucket that a HEAD reports is not called a missing object`() {
        var context = Self.context
        context.key = nil
        let error = S3Refusal(status: 404, header: { _ in nil }, body: []).error(context)
        #expect(error.code == .noSuchBucket)
    }

    @Test func `something that is not S3 is not believed`() {
        let page = Array("<html><body>Sign in</body></html>".utf8)
        for status in [302, 403, 404] {
            let error = S3Refusal(status: status, header: { _ in nil }, body: page).error(Self.context)
            #expect(error.code == .badResponse)
            #expect(error.fix.contains("AWS_ENDPOINT_URL_S3"))
        }
    }

    @Test func `secrets that a server sends back do not reach a message`() {
        let error = refuse(403, s3Code: "AccessDenied", message: "KEYCANARY with SECRETCANARY and TOKENCANARY\nmay not")
        #expect(!"\(error)".contains("CANARY"))
        #expect(error.why.contains("*** with *** and *** may not"))
    }

    @Test func `the support's number is kept and shown`() {
        let error = refuse(500, s3Code: "InternalError", headers: ["x-amz-request-id": "REQ7"])
        #expect(error.requestID == "REQ7")
        #expect("\(error)".hasSuffix("(S3 request REQ7)"))
    }

    @Test(arguments: [
        (HTTPClientError.connectTimeout as any Error, S3Error.Code.timeout),
        (HTTPClientError.deadlineExceeded, .timeout),
        (ChannelError.connectTimeout(.seconds(4)), .timeout),
        (HTTPClientError.remoteConnectionClosed, .connectionBroken),
        (IOError(errnoCode: ECONNRESET, reason: "read"), .connectionBroken),
        (IOError(errnoCode: ECONNREFUSED, reason: "connect"), .unreachable),
        (IOError(errnoCode: EHOSTUNREACH, reason: "connect"), .unreachable),
    ])
    func `trouble below HTTP names the place and may pass`(underlying: any Error, code: S3Error.Code) {
        let error = S3Error.transport(underlying, Self.context)
        #expect(error.code == code)
        #expect(error.isRetryable)
        #expect(error.why.contains("https://s3.example.com"))
    }

    private func refuse(
        _ status: Int, s3Code: String?, message: String = "Words.", headers: [String: String] = [:], extra: String = ""
    ) -> S3Error {
        let body = s3Code.map { "<Error><Code>\($0)</Code><Message>\(message)</Message>\(extra)</Error>" } ?? ""
        return S3Refusal(status: status, header: { headers[$0] }, body: Array(body.utf8)).error(Self.context)
    }
}

import Foundation

/// What an answer outside 2xx says about itself, gathered from status, headers and error document.
struct S3Refusal: Sendable {
    var status: Int
    /// `<Code>`; nil when there is no document, as after HEAD.
    var s3Code: String?
    var message: String?
    /// The region that the server wanted to see.
    var region: String?
    var requestID: String?
    /// The server's clock when it answered.
    var serverTime: Date?
    /// False for an answer with a body that is no error document: something other than S3 spoke.
    var isS3Like: Bool

    init(status: Int, header: (String) -> String?, body: [UInt8]) {
        let document = S3XMLElement.parse(body)
        let error = document.flatMap { $0.name == "Error" ? $0 : nil }
        self.status = status
        s3Code = error?["Code"]
        message = error?["Message"]
        region = header("x-amz-bucket-region") ?? error?["Region"]
        requestID = header("x-amz-request-id") ?? error?["RequestId"]
        serverTime =
            header("date").flatMap(S3Timestamp.parseHTTPDate) ?? error?["ServerTime"].flatMap(S3Timestamp.parseISO8601)
        isS3Like = error != nil || body.isEmpty
    }

    /// Decides by S3's code, then by status; the sentences never depend on the server's wording.
    func error(_ context: S3ErrorContext) -> S3Error {
        var error = byCode(context) ?? byStatus(context)
        error.httpStatus = status
        error.s3Code = s3Code
        error.requestID = requestID
        error.bucketRegion = region
        return error
    }

    private func byCode(_ context: S3ErrorContext) -> S3Error? {
        guard let s3Code else { return nil }
        if s3Code.hasPrefix("KMS.") { return encryptionKey(context) }
        switch s3Code {
        case "AccessDenied", "AllAccessDisabled", "AccountProblem", "NotSignedUp": return accessDenied(context)
        case "SignatureDoesNotMatch": return signatureMismatch(context)
        case "InvalidAccessKeyId": return invalidAccessKey(context)
        case "InvalidToken", "UnrecognizedClientException": return invalidToken(context)
        case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired": return expiredToken(context)
        case "RequestTimeTooSkewed", "RequestExpired": return clockSkew(context)
        case "NoSuchBucket": return noSuchBucket(context)
        case "NoSuchKey": return noSuchKey(context)
        case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect",
            "IllegalLocationConstraintException", "InvalidLocationConstraint", "IncorrectEndpoint":
            return wrongRegion(context)
        case "BucketAlreadyExists": return bucketNameTaken(context)
        case "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "BadDigest", "InvalidDigest",
            "IncompleteBody":
            return checksumMismatch(context)
        case "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests":
            return throttled(context)
        case "OperationAborted", "ConditionalRequestConflict": return conflict(context)
        default: return nil
        }
    }

    private func byStatus(_ context: S3ErrorContext) -> S3Error {
        if status >= 500 && status != 501 { return server(context) }
        if status == 429 { return throttled(context) }
        if let region, region != context.region, status == 301 || status == 307 || status == 400 || status == 403 {
            return wrongRegion(context)
        }
        guard isS3Like, status >= 400 else { return badResponse(context) }
        switch status {
        case 401, 403: return accessDenied(context)
        case 404: return context.key == nil ? noSuchBucket(context) : noSuchKey(context)
        case 501: return unsupported(context)
        default: return rejected(context)
        }
    }

    /// ` S3 says: …` or nothing; only where the server's words help and cannot mislead.
    func serverSays(_ context: S3ErrorContext) -> String {
        message.map { " The server says: \(context.quote($0))" } ?? ""
    }

    var label: String { s3Code.map { "HTTP \(status), \($0)" } ?? "HTTP \(status)" }
}

import Foundation

// One function for each way to be refused: what the person reads. Variables are named as the product's settings are.
extension S3Refusal {
    func accessDenied(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .accessDenied,
            why: "The credentials may not do this (\(label)).\(serverSays(context))",
            fix: "Allow them s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket on bucket "
                + "\"\(context.bucket)\", or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of someone who may.")
    }

    func signatureMismatch(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .signatureMismatch,
            why: "The server computed another signature: the secret key does not belong to the access key.",
            fix: "Set AWS_SECRET_ACCESS_KEY to the secret of AWS_ACCESS_KEY_ID, whole, without quotes or blanks.")
    }

    func invalidAccessKey(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .invalidAccessKey,
            why: "The server at \(context.place) does not know the access key.",
            fix: "Correct AWS_ACCESS_KEY_ID; a temporary key also needs its AWS_SESSION_TOKEN.")
    }

    func invalidToken(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .invalidToken,
            why: "The session token is not one of this access key.",
            fix: "Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN together, from one answer, "
                + "or unset AWS_SESSION_TOKEN for a long-lived key.")
    }

    func expiredToken(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .expiredToken,
            why: "The temporary credentials have expired.",
            fix: "Fetch new ones and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN together.")
    }

    func clockSkew(_ context: S3ErrorContext) -> S3Error {
        var why = "This machine's clock differs too much from the server's"
        if let serverTime {
            let seconds = context.signedAt.timeIntervalSince(serverTime)
            why =
                "This machine's clock is \(Self.inWords(abs(seconds))) \(seconds < 0 ? "behind" : "ahead of") the server's"
        }
        return context.error(
            .clockSkew, why: "\(why); S3 refuses signatures more than 15 minutes off.",
            fix: "Set the clock, best by NTP (timedatectl set-ntp true).")
    }

    func noSuchBucket(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .noSuchBucket,
            why: "There is no bucket \"\(context.bucket)\" at \(context.place).",
            fix: "Create it, or correct S3_BUCKET_NAME (and AWS_ENDPOINT_URL_S3, if this is not the server you meant).")
    }

    func noSuchKey(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .noSuchKey,
            why: "Bucket \"\(context.bucket)\" holds no object of this key.",
            fix: "Check the key; the object may have been deleted by a lifecycle rule or by hand.")
    }

    func wrongRegion(_ context: S3ErrorContext) -> S3Error {
        let set = "requests are signed for \(context.region)"
        if let region, region != context.region {
            return context.error(
                .wrongRegion, why: "Bucket \"\(context.bucket)\" is in region \(region), but \(set).",
                fix: "Set AWS_REGION=\(region).")
        }
        return context.error(
            .wrongRegion,
            why: "Bucket \"\(context.bucket)\" is in another region, which the server does not name; \(set).",
            fix: "Set AWS_REGION to the bucket's region (the console shows it).\(serverSays(context))")
    }

    func bucketNameTaken(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .bucketNameTaken, why: "The bucket name \"\(context.bucket)\" belongs to another account.",
            fix: "Choose another S3_BUCKET_NAME.")
    }

    func encryptionKey(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .encryptionKey, why: "The KMS key cannot be used (\(label)).\(serverSays(context))",
            fix: "Correct S3_KMS_KEY_ID, enable the key and allow kms:GenerateDataKey and kms:Decrypt on it.")
    }

    func checksumMismatch(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .checksumMismatch,
            why: "The server received other bytes than were signed (\(label)), and kept none of them.",
            fix: "Try again; if it happens again, look for a proxy between here and \(context.place) that changes "
                + "requests.")
    }

    func throttled(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .throttled, why: "The server asks for fewer requests (\(label)).",
            fix: "It will be tried again; if it stays so, lower the number of tables that run at once.")
    }

    func conflict(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .conflict, why: "Another change to bucket \"\(context.bucket)\" is under way (\(label)).",
            fix: "Try again in a minute.")
    }

    func server(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .server, why: "The server at \(context.place) failed (\(label)).\(serverSays(context))",
            fix: "It will be tried again; if it stays so, look at the server's status page or log.")
    }

    func unsupported(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .unsupported,
            why: "The server at \(context.place) does not offer what was asked (\(label)).\(serverSays(context))",
            fix: "Unset S3_SSE if the server does not encrypt, or use one that does.")
    }

    func badResponse(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .badResponse,
            why: "What answered at \(context.place) is not an S3 server (\(label), no S3 error document).",
            fix: "Correct AWS_ENDPOINT_URL_S3, or look for a proxy or a firewall's login page in between.")
    }

    func rejected(_ context: S3ErrorContext) -> S3Error {
        context.error(
            .rejected, why: "The server refused the request (\(label)).\(serverSays(context))",
            fix: "Check bucket, region and endpoint (S3_BUCKET_NAME, AWS_REGION, AWS_ENDPOINT_URL_S3).")
    }

    /// Two units at most: `16 minutes`, `2 hours 5 minutes`, `3 days`.
    private static func inWords(_ interval: TimeInterval) -> String {
        var seconds = Int(min(interval, 1e12).rounded())
        if seconds >= 60 { seconds = (seconds + 30) / 60 * 60 }
        let units = [(seconds / 86_400, "day"), (seconds / 3600 % 24, "hour"), (seconds / 60 % 60, "minute")]
        let words = units.filter { $0.0 > 0 }.prefix(2).map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
        return words.isEmpty ? "\(seconds) seconds" : words.joined(separator: " ")
    }
}

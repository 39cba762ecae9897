import Replication
import S3Client

/// Errors of staging, in the product's words.
enum StagingFailure {
    static func compressor(_ why: String) -> ReplicationError {
        ReplicationError(
            .internal, what: "A staged file could not be compressed", why: why, fix: "Report this as a bug.")
    }

    /// A client's error as a code that people know.
    static func s3(_ error: S3Error) -> ReplicationError {
        let code: ErrorCode =
            switch error.code {
            case .wrongRegion: .s3Region
            case _ where error.isRetryable: .s3Unreachable
            default: .s3Access
            }
        return ReplicationError(
            code, what: withoutStop(error.what), why: withoutStop(error.why), fix: error.fix, underlying: error)
    }

    /// The product joins what and why to one sentence.
    private static func withoutStop(_ sentence: String) -> String {
        sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    }
}

/// Runs `body` and puts the client's error into the words of staging; others, cancellation included, pass.
func asStaging<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let error as S3Error {
        throw StagingFailure.s3(error)
    }
}

import AsyncHTTPClient
import Foundation
import Logging

/// One bucket over HTTP: every call is signed anew, repeated where that can help, and fails as an `S3Error`.
///
/// Only the credential provider's errors and `CancellationError` pass through as they are. Nothing is kept between
/// calls, so one value serves any number of tasks; the `HTTPClient` belongs to the caller and should have the settings
/// of `S3Configuration.httpConfiguration()`.
package struct S3Client: Sendable {
    package let configuration: S3Configuration
    let credentials: any S3CredentialProvider
    let http: HTTPClient
    let logger: Logger
    let retry: S3RetryPolicy
    let timing: S3Timing
    /// Kept as a failure until the first call, which can throw it.
    let address: Result<S3Address, any Error>

    package init(
        configuration: S3Configuration, credentials: any S3CredentialProvider, http: HTTPClient, logger: Logger,
        retry: S3RetryPolicy = S3RetryPolicy(), timing: S3Timing = .system
    ) {
        self.configuration = configuration
        self.credentials = credentials
        self.http = http
        self.logger = logger
        self.retry = retry
        self.timing = timing
        address = Result { try S3Address(configuration) }
    }
}

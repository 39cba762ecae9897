import AsyncHTTPClient
import Foundation
import Logging
import S3Client

/// A bucket of its own for one test, on the S3 server that checks signatures.
package struct TestBucket: Sendable {
    package let client: S3Client
    package let name: String
    package let credentials: S3Credentials

    /// The region that the test server insists on.
    package static let region = "us-east-1"

    /// Makes a bucket and runs `body`; what `body` leaves in it stays until the server's folder is removed.
    package static func with<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (TestBucket) async throws -> Result
    ) async throws -> Result {
        let endpoint = try TestServers.required("TEST_S3_ENDPOINT")
        let credentials = S3Credentials(
            accessKeyID: try TestServers.required("TEST_S3_ACCESS_KEY"),
            secretAccessKey: try TestServers.required("TEST_S3_SECRET_KEY"))
        let name = freshName("test").replacing("_", with: "-")
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: S3Configuration.httpConfiguration())
        let client = S3Client(
            configuration: S3Configuration(region: region, bucket: name, endpoint: URL(string: endpoint)),
            credentials: StaticS3CredentialProvider(credentials), http: http, logger: Logger(label: "test.s3"))
        do {
            try await client.createBucket()
            let result = try await body(TestBucket(client: client, name: name, credentials: credentials))
            try await http.shutdown()
            return result
        } catch {
            try await http.shutdown()
            throw error
        }
    }

    /// The variables by which the program under test finds this bucket.
    package func environment() throws -> [String: String] {
        [
            "S3_BUCKET_NAME": name, "AWS_REGION": Self.region,
            "AWS_ENDPOINT_URL_S3": try TestServers.required("TEST_S3_ENDPOINT"),
            "AWS_ACCESS_KEY_ID": credentials.accessKeyID, "AWS_SECRET_ACCESS_KEY": credentials.secretAccessKey,
        ]
    }
}

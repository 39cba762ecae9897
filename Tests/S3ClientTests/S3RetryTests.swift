import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import Synchronization
import Testing

@testable import S3Client

/// What is repeated, how often and after which delay, against a server that misbehaves to order.
struct S3RetryTests {
    @Test(arguments: [500, 502, 503, 504, 429])
    func `a server's trouble is waited out`(status: Int) async throws {
        try await run([.status(status), .status(status), .status(200)]) { client, server, delays in
            try await client.put("k", body: Array("body".utf8), contentType: "text/plain")
            #expect(server.requests.count == 3)
            #expect(server.requests.allSatisfy { $0.hasSuffix("\r\n\r\nbody") })
            #expect(delays.values == [.milliseconds(100), .milliseconds(200)])
        }
    }

    @Test(arguments: [400, 403, 404, 405, 409, 412, 501])
    func `another refusal is final`(status: Int) async throws {
        try await run([.status(status), .status(200)]) { client, server, _ in
            let error = await #expect(throws: S3Error.self) {
                try await client.put("k", body: [], contentType: "text/plain")
            }
            #expect(error?.httpStatus == status)
            #expect(server.requests.count == 1)
        }
    }

    @Test func `after five attempts the last error is told`() async throws {
        try await run(Array(repeating: .status(503), count: 9)) { client, server, delays in
            let error = await #expect(throws: S3Error.self) { try await client.list(prefix: "") }
            #expect(error?.code == .server)
            #expect(error?.isRetryable == true)
            #expect(server.requests.count == 5)
            #expect(delays.values.count == 4)
        }
    }

    @Test func `a broken connection is repeated`() async throws {
        let cut = "HTTP/1.1 200 X\r\ncontent-length: 999\r\n\r\n<ListBucketResult>"
        let whole = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        try await run([.bytesThenClose(""), .bytesThenClose(cut), .status(200, body: whole)]) { client, server, _ in
            let objects = try await client.list(prefix: "")
            #expect(objects.isEmpty)
            #expect(server.requests.count == 3)
        }
    }

    @Test func `a silent server is given up after two attempts`() async throws {
        try await run([], timeout: .milliseconds(150)) { client, server, _ in
            let error = await #expect(throws: S3Error.self) { try await client.head("k") }
            #expect(error?.code == .timeout)
            #expect(server.requests.count == 2)
        }
    }

    @Test func `a closed port is unreachable and named`() async throws {
        var port = 0
        try await RawServer.run([]) { _, free in port = free }
        try await withClient(port: port) { client, delays in
            let error = await #expect(throws: S3Error.self) { try await client.head("k") }
            #expect(error?.code == .unreachable)
            #expect(error?.why == "No connection to http://127.0.0.1:\(port): Connection refused.")
            #expect(delays.values.count == 4)
        }
    }

    @Test func `an unknown host is unreachable and named`() async throws {
        let endpoint = "http://no-such-host.invalid"
        try await withClient(endpoint: endpoint) { client, _ in
            let error = await #expect(throws: S3Error.self) { try await client.head("k") }
            #expect(error?.code == .unreachable)
            #expect(error?.why == "No connection to \(endpoint): the host name is unknown.")
        }
    }

    @Test func `TLS to a server without it is said in words and not repeated`() async throws {
        try await RawServer.run([]) { _, port in
            try await withClient(endpoint: "https://127.0.0.1:\(port)") { client, delays in
                let error = await #expect(throws: S3Error.self) { try await client.head("k") }
                #expect(error?.code == .tls)
                #expect(error?.isRetryable == false)
                #expect(delays.values.isEmpty)
            }
        }
    }

    @Test func `a failure told after a 200 is a failure, and repeated`() async throws {
        let late = "<Error><Code>InternalError</Code><Message>m</Message></Error>"
        try await run([.status(200, body: late), .status(200, body: "<DeleteResult/>")]) { client, server, _ in
            try await client.delete(keys: ["k"])
            #expect(server.requests.count == 2)
        }
    }

    @Test func `what the credential provider throws comes through as it is`() async throws {
        struct NoRole: Error {}
        struct Provider: S3CredentialProvider {
            func credentials() async throws -> S3Credentials { throw NoRole() }
        }
        try await run([]) { client, server, _ in
            let other = S3Client(
                configuration: client.configuration, credentials: Provider(), http: client.http, logger: client.logger)
            await #expect(throws: NoRole.self) { try await other.delete("k") }
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `a cancelled call throws CancellationError and is not repeated`() async throws {
        try await run([]) { client, server, delays in
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await client.delete("k") }
                    await server.waitForRequest()
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            #expect(server.requests.count == 1)
            #expect(delays.values.isEmpty)
        }
    }

    @Test func `a download that breaks off is an error, not a short object`() async throws {
        try await run([.bytesThenClose("HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\nabc")]) { client, _, _ in
            let object = try await client.get("k")
            #expect(object.info.size == 10)
            let error = await #expect(throws: S3Error.self) { try await object.body.collect(limitBytes: 100) }
            #expect(error?.code == .connectionBroken)
            #expect(error?.isRetryable == true)
        }
    }

    @Test func `a download with a wrong checksum is refused, with the right one accepted`() async throws {
        let right = "x-amz-checksum-sha256: ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="  // of "abc"
        let wrong = "x-amz-checksum-sha256: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        try await run([.status(200, headers: [right], body: "abc"), .status(200, headers: [wrong], body: "abc")]) {
            client, _, _ in
            let whole = try await client.get("k").body.collect(limitBytes: 3)
            #expect(String(buffer: whole) == "abc")
            let error = await #expect(throws: S3Error.self) {
                for try await _ in try await client.get("k").body {}
            }
            #expect(error?.code == .checksumMismatch)
        }
    }

    @Test func `encryption, checksum and token go with a stored object and are signed`() async throws {
        let keys = S3Credentials(accessKeyID: "id", secretAccessKey: "CANARY", sessionToken: "token")
        let encryption = S3ServerSideEncryption(name: "aws:kms", kmsKeyID: "key/1")
        try await run([.status(200, headers: ["etag: \"e1\""])], encryption: encryption, keys: keys) {
            client, server, _ in
            let result = try await client.put("a b", body: Array("abc".utf8), contentType: "text/csv")
            #expect(result.etag == "e1")
            let request = try #require(server.requests.first)
            #expect(request.hasPrefix("PUT /bucket/a%20b HTTP/1.1\r\n"))
            for line in [
                "x-amz-server-side-encryption: aws:kms", "x-amz-server-side-encryption-aws-kms-key-id: key/1",
                "x-amz-checksum-sha256: ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "content-type: text/csv",
                "x-amz-security-token: token", "user-agent: redshift-loader",
            ] { #expect(request.contains("\r\n\(line)\r\n")) }
            let signed =
                "SignedHeaders=content-type;host;x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date;"
                + "x-amz-security-token;x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id,"
            #expect(request.contains(signed))
            #expect(!request.contains("CANARY"))
        }
    }

    @Test func `a listing follows its pages and stops at a server that goes in circles`() async throws {
        func page(_ key: String, token: String?) -> RawServer.Answer {
            let next = token.map {
                "<IsTruncated>true</IsTruncated><NextContinuationToken>\($0)</NextContinuationToken>"
            }
            let entry = "<Contents><Key>\(key)</Key><Size>1</Size></Contents>"
            return .status(200, body: "<ListBucketResult>\(next ?? "")\(entry)</ListBucketResult>")
        }
        let script = [page("a", token: "t="), page("b", token: nil), page("a", token: "t"), page("a", token: "t")]
        try await run(script) { client, server, _ in
            let listed = try await client.list(prefix: "p/")
            #expect(listed.map(\.key) == ["a", "b"])
            #expect(
                server.requests[0].hasPrefix("GET /bucket?encoding-type=url&list-type=2&max-keys=1000&prefix=p%2F HTTP")
            )
            #expect(server.requests[1].hasPrefix("GET /bucket?continuation-token=t%3D&encoding-type=url"))
            let error = await #expect(throws: S3Error.self) { try await client.list(prefix: "p/") }
            #expect(error?.code == .badResponse)
        }
    }

    @Test func `a deletion names the first object that stayed`() async throws {
        let body = """
            <DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>No.</Message></Error></DeleteResult>
            """
        try await run([.status(200, body: body)]) { client, server, _ in
            let error = await #expect(throws: S3Error.self) { try await client.delete(keys: ["a", "b"]) }
            #expect(error?.code == .accessDenied)
            #expect(error?.why.hasPrefix("1 of them were not removed, the first being \"b\":") == true)
            #expect(server.requests.first?.contains("<Object><Key>a</Key></Object>") == true)
            #expect(server.requests.first?.contains("\r\ncontent-md5: ") == true)
        }
    }

    @Test func `a HEAD's bare refusal is explained by a GET`() async throws {
        let body = "<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>"
        let refused = RawServer.Answer.bytes("HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n")
        try await run([refused, .status(404, body: body)]) { client, server, _ in
            let error = await #expect(throws: S3Error.self) { try await client.head("k") }
            #expect(error?.code == .noSuchBucket)
            #expect(server.requests.map { $0.prefix(4) } == ["HEAD", "GET "])
        }
    }

    @Test func `a bucket's region is read even from a refusal`() async throws {
        let moved = "HTTP/1.1 301 X\r\ncontent-length: 0\r\nx-amz-bucket-region: ap-south-1\r\n\r\n"
        try await run([.bytes(moved)]) { client, _, _ in
            let region = try await client.bucketRegion()
            #expect(region == "ap-south-1")
        }
    }

    @Test(arguments: [
        (S3Credentials(accessKeyID: "", secretAccessKey: "s"), S3Error.Code.badConfiguration),
        (S3Credentials(accessKeyID: "id", secretAccessKey: "s\n"), .badConfiguration),
        (S3Credentials(accessKeyID: "id", secretAccessKey: "s", expiresAt: .distantPast), .expiredToken),
    ])
    func `keys that cannot sign are refused before sending`(keys: S3Credentials, code: S3Error.Code) async throws {
        try await run([], keys: keys) { client, server, _ in
            let error = await #expect(throws: S3Error.self) { try await client.delete("k") }
            #expect(error?.code == code)
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `delays double up to their limit and the jitter is full`() {
        let policy = S3RetryPolicy()
        #expect(
            (1...7).map { policy.delay(afterAttempt: $0, unit: 1) } == [
                .milliseconds(200), .milliseconds(400), .milliseconds(800), .milliseconds(1600), .milliseconds(3200),
                .seconds(5), .seconds(5),
            ])
        #expect(policy.delay(afterAttempt: 3, unit: 0) == .zero)
        #expect(policy.delay(afterAttempt: 999, unit: 0.5) == .milliseconds(2500))
    }

    private static let keys = S3Credentials(accessKeyID: "id", secretAccessKey: "secret")

    private func run(
        _ script: [RawServer.Answer], timeout: Duration = .seconds(20), encryption: S3ServerSideEncryption? = nil,
        keys: S3Credentials = Self.keys, _ body: (S3Client, RawServer, Delays) async throws -> Void
    ) async throws {
        try await RawServer.run(script) { server, port in
            try await withClient(port: port, timeout: timeout, encryption: encryption, keys: keys) { client, delays in
                try await body(client, server, delays)
            }
        }
    }

    private func withClient(
        port: Int = 0, endpoint: String? = nil, timeout: Duration = .seconds(20),
        encryption: S3ServerSideEncryption? = nil, keys: S3Credentials = Self.keys,
        _ body: (S3Client, Delays) async throws -> Void
    ) async throws {
        let delays = Delays()
        let timing = S3Timing(now: { Date() }, sleep: { delays.add($0) }, random: { 0.5 })
        let configuration = S3Configuration(
            region: "us-east-1", bucket: "bucket", endpoint: URL(string: endpoint ?? "http://127.0.0.1:\(port)"),
            encryption: encryption, requestTimeout: timeout)
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: S3Configuration.httpConfiguration())
        let client = S3Client(
            configuration: configuration, credentials: StaticS3CredentialProvider(keys), http: http,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), timing: timing)
        do {
            try await body(client, delays)
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }
}

/// The waits that the client asked for, none of which took place.
final class Delays: Sendable {
    private let list = Mutex<[Duration]>([])

    var values: [Duration] { list.withLock { $0 } }

    func add(_ delay: Duration) { list.withLock { $0.append(delay) } }
}

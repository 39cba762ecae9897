import AsyncHTTPClient
import Crypto
import Foundation
import Logging
import NIOCore
import Testing

@testable import S3Client

/// Against OpenStack Swift's S3 API, which checks signature, body hash, clock and region, and was written by others.
struct S3ServerTests {
    static let oddKeys = [
        "plain.csv", "with space", " leading", "plus+sign", "a=b&c=d", "per%cent%20", "quote'\"<>&", "semi;colon,comma",
        "dollar$at@hash#ask?", "tilde~star*bang!(round)[square]{curly}", "back\\slash|pipe^caret`tick", "ümlaut/日本語/🚀",
        "e\u{301} and é", "a//b", "trailing/", "dot/.hidden", "new\nline", "tab\tkey",
        String(repeating: "é", count: 300),
    ]

    @Test func `objects of any key go there and back`() async throws {
        try await withBucket { client in
            for key in Self.oddKeys {
                let body = Array("contents of \(key)".utf8)
                let stored = try await client.put("odd/\(key)", body: body, contentType: "text/plain")
                #expect(stored.etag == md5(body))
                let object = try await client.get("odd/\(key)")
                #expect(object.info.size == Int64(body.count))
                #expect(Array(try await object.body.collect(limitBytes: 10_000).readableBytesView) == body)
                let info = try await client.head("odd/\(key)")
                #expect(info.size == Int64(body.count) && info.etag == stored.etag && info.lastModified != nil)
            }
            let listed = try await client.list(prefix: "odd/")
            let expected = Self.oddKeys.map { "odd/\($0)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(listed.map(\.key) == expected)
            #expect(try await client.list(prefix: "odd/per%").map(\.key) == ["odd/per%cent%20"])
            try await client.delete("odd/plain.csv")
            try await client.delete("odd/plain.csv")
            try await client.delete(keys: listed.map(\.key) + ["odd/never there"])
            #expect(try await client.list(prefix: "").isEmpty)
        }
    }

    @Test func `eight mebibytes go there and back in chunks, and an empty object too`() async throws {
        try await withBucket { client in
            var generator = SystemRandomNumberGenerator()
            let body = (0..<(1 << 20)).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
            let stored = try await client.put("big", body: body, contentType: "application/octet-stream")
            #expect(stored.etag == md5(body))
            var read: [UInt8] = []
            var chunks = 0
            for try await chunk in try await client.get("big").body {
                read += chunk.readableBytesView
                chunks += 1
            }
            #expect(read == body)
            #expect(chunks > 8)
            try await client.put("none", body: [], contentType: "text/plain")
            #expect(try await client.get("none").body.collect(limitBytes: 0).readableBytes == 0)
            #expect(try await client.head("none").size == 0)
        }
    }

    @Test func `a listing goes on past its first page, and so does a deletion`() async throws {
        try await withBucket { client in
            let keys = (10..<21).map { "page/\($0) +" }
            for key in keys { try await client.put(key, body: [1], contentType: "text/plain") }
            let listed = try await client.list(prefix: "page/", pageLimit: 4)
            #expect(listed.map(\.key) == keys)
            try await client.delete(keys: keys, pageLimit: 4)
            #expect(try await client.list(prefix: "page/").isEmpty)
        }
    }

    @Test func `a wrong secret is refused and named`() async throws {
        try await withBucket { client in
            let other = try client.with(
                keys: S3Credentials(accessKeyID: Server().accessKeyID, secretAccessKey: "CANARY"))
            let error = await refusal { try await other.put("k", body: [1], contentType: "text/plain") }
            #expect(error?.code == .signatureMismatch)
            #expect(error?.fix.contains("AWS_SECRET_ACCESS_KEY") == true)
            #expect(!"\(String(describing: error))".contains("CANARY"))
        }
    }

    @Test func `an unknown access key is refused and named`() async throws {
        try await withBucket { client in
            let other = client.with(keys: S3Credentials(accessKeyID: "nobody:here", secretAccessKey: "x"))
            let error = await refusal { try await other.list(prefix: "") }
            #expect(error?.code == .invalidAccessKey || error?.code == .signatureMismatch)
        }
    }

    @Test func `a body changed on its way is refused and not kept`() async throws {
        try await withBucket { client in
            var request = S3Request(method: .put, key: "changed", verb: "write")
            request.attach(
                ByteBuffer(string: "what was signed"), contentType: "text/plain",
                sent: ByteBuffer(string: "what was sent!!"))
            let sent = request
            let error = await refusal { try await client.put(sent) }
            #expect(error?.code == .checksumMismatch)
            #expect(error?.httpStatus == 400)
            let listed = try await client.list(prefix: "")
            #expect(listed.isEmpty)
        }
    }

    @Test(arguments: [(-1200.0, "20 minutes behind"), (3600.0, "ahead of")])
    func `a skewed clock is refused and measured`(seconds: Double, words: String) async throws {
        try await withBucket { client in
            let other = client.with(clock: { Date(timeIntervalSinceNow: seconds) })
            let error = await refusal { try await other.put("k", body: [1], contentType: "text/plain") }
            #expect(error?.code == .clockSkew)
            #expect(error?.why.contains(words) == true)
        }
    }

    @Test func `a wrong region is refused and both are named`() async throws {
        try await withBucket { client in
            var configuration = client.configuration
            configuration.region = "eu-central-1"
            let other = client.with(configuration: configuration)
            let error = await refusal { try await other.put("k", body: [1], contentType: "text/plain") }
            #expect(error?.code == .wrongRegion)
            #expect(error?.why.contains("us-east-1") == true && error?.why.contains("eu-central-1") == true)
            #expect(error?.fix.contains("AWS_REGION") == true)
        }
    }

    @Test func `a missing bucket is named, whatever asks for it`() async throws {
        try await withBucket { client in
            var configuration = client.configuration
            configuration.bucket = "no-such-bucket-here"
            let other = client.with(configuration: configuration)
            for error in [
                await refusal { try await other.put("k", body: [1], contentType: "text/plain") },
                await refusal { try await other.get("k") }, await refusal { try await other.head("k") },
                await refusal { try await other.list(prefix: "") }, await refusal { try await other.bucketRegion() },
                await refusal { try await other.delete(keys: ["k"]) }, await refusal { try await other.delete("k") },
            ] {
                #expect(error?.code == .noSuchBucket)
                #expect(error?.why.contains("\"no-such-bucket-here\"") == true)
            }
        }
    }

    @Test func `a missing object is told from a missing bucket`() async throws {
        try await withBucket { client in
            #expect(await refusal { try await client.get("nothing") }?.code == .noSuchKey)
            #expect(await refusal { try await client.head("nothing") }?.code == .noSuchKey)
        }
    }

    @Test func `making a bucket twice is no error, and its region may be asked`() async throws {
        try await withBucket { client in
            try await client.createBucket()
            let region = try await client.bucketRegion()
            #expect(region == nil || region == "us-east-1")
        }
    }

    private func refusal(_ call: () async throws -> some Any) async -> S3Error? {
        await #expect(throws: S3Error.self) { _ = try await call() }
    }

    private func md5(_ bytes: [UInt8]) -> String { Hex.lower(Insecure.MD5.hash(data: bytes)) }

    private func withBucket(_ body: (S3Client) async throws -> Void) async throws {
        let server = try Server()
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: S3Configuration.httpConfiguration())
        let client = S3Client(
            configuration: S3Configuration(
                region: "us-east-1", bucket: "test-\(UUID().uuidString.lowercased())", endpoint: server.endpoint),
            credentials: StaticS3CredentialProvider(
                S3Credentials(accessKeyID: server.accessKeyID, secretAccessKey: server.secretAccessKey)),
            http: http, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        do {
            try await client.createBucket()
            try await body(client)
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }
}

/// The server under test, from the environment; without one these tests fail, since a skipped proof is none.
private struct Server {
    struct Missing: Error, CustomStringConvertible {
        var description: String
    }

    let endpoint: URL
    let accessKeyID: String
    let secretAccessKey: String

    init() throws {
        func value(_ name: String) throws -> String {
            guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
                throw Missing(
                    description: "\(name) is not set: these tests need an S3 server; scripts/test starts one.")
            }
            return value
        }
        guard let url = URL(string: try value("TEST_S3_ENDPOINT")) else {
            throw Missing(description: "TEST_S3_ENDPOINT is not a URL.")
        }
        endpoint = url
        accessKeyID = try value("TEST_S3_ACCESS_KEY")
        secretAccessKey = try value("TEST_S3_SECRET_KEY")
    }
}

extension S3Client {
    fileprivate func with(
        configuration: S3Configuration? = nil, keys: S3Credentials? = nil, clock: (@Sendable () -> Date)? = nil
    ) -> S3Client {
        let timing = clock.map { S3Timing(now: $0, sleep: { _ in }, random: { 0 }) } ?? self.timing
        return S3Client(
            configuration: configuration ?? self.configuration,
            credentials: keys.map { StaticS3CredentialProvider($0) as any S3CredentialProvider } ?? credentials,
            http: http, logger: logger, timing: timing)
    }
}

import Foundation
import Replication
import TestServers
import Testing

@testable import S3Client
@testable import StagingS3

/// Against the S3 server that checks signatures.
@Suite struct S3StagingAreaTests {
    private static func plan(_ targetBytes: Int) -> StagingPlan {
        var plan = StagingPlan(estimatedBytes: 0, slices: 1)
        plan.targetFileBytes = targetBytes
        return plan
    }

    private static func contents(_ key: String, in bucket: TestBucket) async throws -> [UInt8] {
        Array(try await bucket.client.get(key).body.collect(limitBytes: 1 << 26).readableBytesView)
    }

    // MARK: What is staged

    @Test(arguments: [StagedCompression.zstd, .gzip])
    func `a small batch is one object without a manifest`(_ compression: StagedCompression) async throws {
        try await TestBucket.with { bucket in
            let chunks = RowFeed.chunks(3, bytesEach: 10_000)
            let area = S3StagingArea(client: bucket.client, prefix: "pre/fix", compression: compression)
            let batch = try await area.stage(RowFeed(chunks).stream, folder: "job/1-1", plan: Self.plan(1 << 20))
            let key = "pre/fix/job/1-1/part-0001.\(compression == .zstd ? "csv.zst" : "csv.gz")"
            #expect(batch.objectKeys == [key])
            #expect(try batch.objects.copyFrom == "s3://\(bucket.name)/\(key)")
            #expect(try !batch.objects.isManifest && batch.objects.compression == compression)
            let file = try await Self.contents(key, in: bucket)
            #expect(try Decompression.plain(file, compression) == chunks.flatMap(\.bytes))
            #expect(batch.rows == chunks.reduce(0) { $0 + $1.rows })
            #expect(batch.bytes == chunks.reduce(0) { $0 + $1.bytes.count })
            #expect(batch.compressedBytes == file.count)
        }
    }

    @Test(arguments: [StagedCompression.zstd, .gzip])
    func `a large batch is files near the target, cut at row ends, under a manifest of mandatory entries`(
        _ compression: StagedCompression
    ) async throws {
        try await TestBucket.with { bucket in
            let chunkBytes = 64 << 10
            let target = 256 << 10
            let chunks = RowFeed.chunks(40, bytesEach: chunkBytes)
            let area = S3StagingArea(client: bucket.client, prefix: "", compression: compression)
            let batch = try await area.stage(RowFeed(chunks).stream, folder: "f", plan: Self.plan(target))
            #expect(try batch.objects.isManifest && batch.objects.copyFrom == "s3://\(bucket.name)/f/manifest.json")
            let listed = try await bucket.client.list(prefix: "")
            #expect(Set(listed.map(\.key)) == Set(batch.objectKeys))

            let files = batch.objectKeys.filter { $0 != "f/manifest.json" }
            #expect(files.count > 3 && files == files.sorted())
            let manifest = try JSONDecoder().decode(
                Manifest.self, from: Data(try await Self.contents("f/manifest.json", in: bucket)))
            #expect(manifest.entries.map(\.url) == files.map { "s3://\(bucket.name)/\($0)" })
            #expect(manifest.entries.map(\.mandatory) == files.map { _ in true })

            var plain: [UInt8] = []
            var compressed = 0
            for file in files {
                let bytes = try await Self.contents(file, in: bucket)
                compressed += bytes.count
                // A compressor holds back up to 128 KiB that come with the end of the file.
                #expect(bytes.count < target + chunkBytes + (130 << 10))
                if file != files.last { #expect(bytes.count >= target) }
                let rows = try Decompression.plain(bytes, compression)
                #expect(rows.last == UInt8(ascii: "\n"))
                plain += rows
            }
            #expect(plain == chunks.flatMap(\.bytes))
            #expect(batch.rows == chunks.reduce(0) { $0 + $1.rows } && batch.bytes == plain.count)
            #expect(batch.compressedBytes == compressed)
        }
    }

    @Test func `a batch that ends exactly with a file gets no empty file behind it`() async throws {
        try await TestBucket.with { bucket in
            let chunks = RowFeed.chunks(2, bytesEach: 300_000)
            let area = S3StagingArea(client: bucket.client, prefix: "")
            let batch = try await area.stage(RowFeed(chunks).stream, folder: "f", plan: Self.plan(1))
            #expect(batch.objectKeys == ["f/part-0001.csv.zst", "f/part-0002.csv.zst", "f/manifest.json"])
            #expect(batch.rows == chunks[0].rows + chunks[1].rows)
        }
    }

    @Test func `a batch without rows leaves nothing in the bucket`() async throws {
        try await TestBucket.with { bucket in
            let area = S3StagingArea(client: bucket.client, prefix: "p")
            let batch = try await area.stage(RowFeed([]).stream, folder: "f", plan: Self.plan(1))
            #expect(try batch.rows == 0 && batch.objectKeys.isEmpty && !batch.objects.isManifest)
            #expect(try await bucket.client.list(prefix: "").isEmpty)
            try await area.discard(batch)
        }
    }

    // MARK: What is removed

    @Test func `a failure in the middle of the stream leaves no object behind`() async throws {
        try await TestBucket.with { bucket in
            let area = S3StagingArea(client: bucket.client, prefix: "")
            let feed = RowFeed(RowFeed.chunks(20, bytesEach: 64 << 10), ending: .failure)
            await #expect(throws: RowFeed.BrokenOff.self) {
                try await area.stage(feed.stream, folder: "f", plan: Self.plan(64 << 10))
            }
            let left = try await bucket.client.list(prefix: "")
            #expect(left.isEmpty)
        }
    }

    @Test func `a cancelled batch leaves no object behind`() async throws {
        try await TestBucket.with { bucket in
            let area = S3StagingArea(client: bucket.client, prefix: "")
            let (reached, signal) = AsyncStream<Void>.makeStream()
            let feed = RowFeed(
                RowFeed.chunks(20, bytesEach: 64 << 10),
                ending: .silence {
                    // Only once something lies there does the test mean anything.
                    while try await bucket.client.list(prefix: "f/").isEmpty {}
                    signal.finish()
                })
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await area.stage(feed.stream, folder: "f", plan: Self.plan(64 << 10))
                }
                for await _ in reached {}
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.next() }
            }
            let left = try await bucket.client.list(prefix: "")
            #expect(left.isEmpty)
        }
    }

    @Test func `discard removes all objects of its batch and no other, and again does no harm`() async throws {
        try await TestBucket.with { bucket in
            let area = S3StagingArea(client: bucket.client, prefix: "")
            let plan = Self.plan(64 << 10)
            let first = try await area.stage(
                RowFeed(RowFeed.chunks(8, bytesEach: 64 << 10)).stream, folder: "f/1-1", plan: plan)
            let second = try await area.stage(
                RowFeed(RowFeed.chunks(1, bytesEach: 1_000)).stream, folder: "f/1-10", plan: plan)
            #expect(first.objectKeys.count > 2)
            try await area.discard(first)
            #expect(try await bucket.client.list(prefix: "").map(\.key) == second.objectKeys)
            try await area.discard(first)
            #expect(try await bucket.client.list(prefix: "").map(\.key) == second.objectKeys)
        }
    }

    // MARK: What is told

    @Test func `a missing bucket is E_S3_ACCESS and is named`() async throws {
        try await TestBucket.with { bucket in
            let missing = freshName("missing").replacing("_", with: "-")
            let area = S3StagingArea(client: bucket.client.with(bucket: missing), prefix: "")
            let error = await #expect(throws: ReplicationError.self) {
                try await area.stage(
                    RowFeed(RowFeed.chunks(1, bytesEach: 100)).stream, folder: "f", plan: Self.plan(1 << 20))
            }
            #expect(error?.code == .s3Access)
            #expect(error?.description.contains(missing) == true)
            #expect(error?.description.contains("..") == false)
            #expect(error?.isRetryable == false)
        }
    }

    @Test func `a wrong secret is E_S3_ACCESS, and neither it nor the token is shown anywhere in the error`()
        async throws
    {
        try await TestBucket.with { bucket in
            let secret = "canary-\(freshName("secret"))"
            let wrong = S3Credentials(accessKeyID: bucket.credentials.accessKeyID, secretAccessKey: secret)
            let area = S3StagingArea(client: bucket.client.with(credentials: wrong), prefix: "")
            let error = await #expect(throws: ReplicationError.self) {
                try await area.stage(
                    RowFeed(RowFeed.chunks(1, bytesEach: 100)).stream, folder: "f", plan: Self.plan(1 << 20))
            }
            #expect(error?.code == .s3Access)
            var everything = ""
            dump(error, to: &everything)
            #expect(!everything.contains(secret) && everything.contains(bucket.name))
        }
    }

    @Test func `a wrong region is E_S3_REGION`() async throws {
        try await TestBucket.with { bucket in
            let area = S3StagingArea(client: bucket.client.with(region: "eu-west-3"), prefix: "")
            let error = await #expect(throws: ReplicationError.self) {
                try await area.stage(
                    RowFeed(RowFeed.chunks(1, bytesEach: 100)).stream, folder: "f", plan: Self.plan(1 << 20))
            }
            #expect(error?.code == .s3Region)
        }
    }

    @Test func `a server that is not there is E_S3_UNREACHABLE and worth another try`() async throws {
        try await TestBucket.with { bucket in
            let area = S3StagingArea(
                client: bucket.client.with(endpoint: URL(string: "http://127.0.0.1:1")), prefix: "")
            let error = await #expect(throws: ReplicationError.self) {
                try await area.stage(
                    RowFeed(RowFeed.chunks(1, bytesEach: 100)).stream, folder: "f", plan: Self.plan(1 << 20))
            }
            #expect(error?.code == .s3Unreachable && error?.isRetryable == true)
        }
    }
}

private struct Manifest: Decodable {
    struct Entry: Decodable {
        var url: String
        var mandatory: Bool
    }
    var entries: [Entry]
}

extension StagedBatch {
    fileprivate struct NotStaged: Error {}

    /// What lies in the bucket.
    fileprivate var objects: StagedObjects {
        get throws {
            guard case .objects(let objects) = content else { throw NotStaged() }
            return objects
        }
    }
}

extension S3Client {
    /// The same server by other settings, without repetitions.
    fileprivate func with(
        bucket: String? = nil, region: String? = nil, endpoint: URL? = nil, credentials: S3Credentials? = nil
    ) -> S3Client {
        var configuration = configuration
        configuration.bucket = bucket ?? configuration.bucket
        configuration.region = region ?? configuration.region
        configuration.endpoint = endpoint ?? configuration.endpoint
        return S3Client(
            configuration: configuration,
            credentials: credentials.map { StaticS3CredentialProvider($0) as any S3CredentialProvider }
                ?? self.credentials,
            http: http, logger: logger, retry: S3RetryPolicy(maximumAttempts: 1))
    }
}

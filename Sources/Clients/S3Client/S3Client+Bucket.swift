import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore

extension S3Client {
    /// The most keys that S3 takes in one deletion and returns in one page of a listing.
    private static let pageLimit = 1000

    /// Every object whose key starts with the prefix, in S3's order (UTF-8 bytes), all pages.
    ///
    /// Holds the whole result, about 200 bytes an entry: meant for a run's staged files, not for a data lake.
    package func list(prefix: String) async throws -> [S3ObjectInfo] {
        try await list(prefix: prefix, pageLimit: Self.pageLimit)
    }

    func list(prefix: String, pageLimit: Int) async throws -> [S3ObjectInfo] {
        var objects: [S3ObjectInfo] = []
        var next: String?
        repeat {
            let token = next
            // The keys come percent-encoded, since XML 1.0 cannot carry every character that a key may have.
            var request = S3Request(method: .get, verb: "list")
            request.query = [
                S3QueryItem("list-type", "2"), S3QueryItem("prefix", prefix), S3QueryItem("encoding-type", "url"),
                S3QueryItem("max-keys", String(pageLimit)),
            ]
            if let token { request.query.append(S3QueryItem("continuation-token", token)) }
            let page = try await perform(request) { response, context in
                let document = try await Self.document(response, root: "ListBucketResult", context)
                guard let page = S3ListPage(document), page.nextToken == nil || page.nextToken != token else {
                    throw context.error(
                        .badResponse, why: "The listing of \(context.place) lacks a key, a size or its next page.",
                        fix: "Check that AWS_ENDPOINT_URL_S3 names a server that knows S3's ListObjectsV2.")
                }
                return page
            }
            objects += page.objects
            next = page.nextToken
        } while next != nil
        return objects
    }

    /// Removes many objects, 1,000 a request; those that are not there count as removed.
    ///
    /// When some could not be removed, throws after its request with the first of them named; running it again is safe.
    package func delete(keys: [String]) async throws {
        try await delete(keys: keys, pageLimit: Self.pageLimit)
    }

    func delete(keys: [String], pageLimit: Int) async throws {
        for key in keys { try Self.check(key: key) }
        let listable = keys.filter(S3XMLElement.canCarry)
        for start in stride(from: 0, to: listable.count, by: pageLimit) {
            try await deletePage(Array(listable[start..<min(start + pageLimit, listable.count)]))
        }
        for key in keys where !S3XMLElement.canCarry(key) { try await delete(key) }
    }

    private func deletePage(_ keys: [String]) async throws {
        let objects = keys.map { "<Object><Key>\(S3XMLElement.escape($0))</Key></Object>" }.joined()
        let body = Data(
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                + "<Quiet>true</Quiet>\(objects)</Delete>").utf8)
        var request = S3Request(method: .post, verb: "delete \(keys.count) objects in", query: [S3QueryItem("delete")])
        request.attach(ByteBuffer(bytes: body), contentType: "application/xml")
        // The call demands it by S3's rules, whatever other digests come along.
        let md5 = Data(Insecure.MD5.hash(data: body)).base64EncodedString()
        request.headers.append(S3Header("content-md5", md5))
        try await perform(request) { response, context in
            let failures = try await Self.document(response, root: "DeleteResult", context).all("Error")
                .filter { $0["Code"] != "NoSuchKey" }
            if let first = failures.first { throw Self.partialDeletion(first, count: failures.count, context) }
        }
    }

    private static func partialDeletion(_ first: S3XMLElement, count: Int, _ context: S3ErrorContext) -> S3Error {
        let s3Code = first["Code"] ?? "unknown"
        // The answer as a whole was 200; each entry's code stands for the status it would have had alone.
        let statuses = ["InternalError": 500, "ServiceUnavailable": 503, "SlowDown": 503, "AccessDenied": 403]
        var refusal = S3Refusal(status: statuses[s3Code] ?? 400, header: { _ in nil }, body: [])
        refusal.s3Code = s3Code
        refusal.message = first["Message"]
        var error = refusal.error(context)
        error.why = "\(count) of them were not removed, the first being \"\(first["Key"] ?? "")\": \(error.why)"
        return error
    }

    /// Makes the bucket in the configured region; one that is already ours counts as made. For tests and the demo.
    package func createBucket() async throws {
        var request = S3Request(method: .put, verb: "create")
        // us-east-1 is the default and, by S3's rules, must not be named.
        if configuration.region != "us-east-1" {
            let location = S3XMLElement.escape(configuration.region)
            request.attach(
                ByteBuffer(
                    string: "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                        + "<LocationConstraint>\(location)</LocationConstraint></CreateBucketConfiguration>"),
                contentType: "application/xml")
        }
        do {
            try await perform(request) { response, _ in
                for try await _ in response.body {}
            }
        } catch let error as S3Error where error.s3Code == "BucketAlreadyOwnedByYou" {
            return
        }
    }

    /// Where the bucket is, whatever region is configured; nil when the server does not say (most but AWS).
    ///
    /// Throws when the bucket is missing or closed to us, so this is also the check that it exists.
    package func bucketRegion() async throws -> String? {
        do {
            return try await perform(S3Request(method: .head, verb: "look up")) { response, _ in
                for try await _ in response.body {}
                return response.headers.first(name: "x-amz-bucket-region")
            }
        } catch let error as S3Error {
            if let region = error.bucketRegion, error.code == .wrongRegion { return region }
            let page = [S3QueryItem("list-type", "2"), S3QueryItem("max-keys", "1")]
            throw try await explained(error, by: S3Request(method: .get, verb: "look up", query: page))
        }
    }
}

/// One page of a listing.
struct S3ListPage: Sendable {
    var objects: [S3ObjectInfo] = []
    /// nil on the last page.
    var nextToken: String?

    /// nil when something that must be there is not: a missing entry must never look like a missing object.
    init?(_ document: S3XMLElement) {
        let isEncoded = document["EncodingType"] == "url"
        for entry in document.all("Contents") {
            guard let text = entry["Key"], let key = isEncoded ? S3URI.decodeListed(text) : text,
                let size = entry["Size"].flatMap({ Int64($0) })
            else { return nil }
            objects.append(
                S3ObjectInfo(
                    key: key, size: size, etag: entry["ETag"].map(S3Client.unquoted),
                    lastModified: entry["LastModified"].flatMap(S3Timestamp.parseISO8601)))
        }
        if document["IsTruncated"] == "true" {
            guard let token = document["NextContinuationToken"], !token.isEmpty else { return nil }
            nextToken = token
        }
    }
}

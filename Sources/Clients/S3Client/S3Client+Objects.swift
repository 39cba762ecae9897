import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore

extension S3Client {
    /// Stores the bytes as one object, whole or not at all, in place of one of the same key. At most 5 GiB (S3's limit).
    ///
    /// S3 checks the body against the signed SHA-256 and a checksum that it keeps for readers.
    @discardableResult
    package func put(_ key: String, body: [UInt8], contentType: String) async throws -> S3PutResult {
        try await put(key, body: ByteBuffer(bytes: body), contentType: contentType)
    }

    /// The same without a copy, for bytes that are in a buffer already.
    @discardableResult
    package func put(_ key: String, body: ByteBuffer, contentType: String) async throws -> S3PutResult {
        try Self.check(key: key)
        var request = S3Request(method: .put, key: key, verb: "write")
        request.attach(body, contentType: contentType)
        request.headers += configuration.encryption?.headers ?? []
        return try await put(request)
    }

    /// Sends a prepared PUT of an object and compares the checksum that comes back.
    func put(_ request: S3Request) async throws -> S3PutResult {
        let expected = Data(request.payloadHash).base64EncodedString()
        return try await perform(request) { response, context in
            for try await _ in response.body {}
            if let stored = response.headers.first(name: "x-amz-checksum-sha256"), stored != expected {
                throw context.error(
                    .checksumMismatch, why: "The server stored other bytes than were sent (SHA-256 differs).",
                    fix: "Write it again; if it happens again, look for a proxy between here and \(context.place).")
            }
            return S3PutResult(
                etag: response.headers.first(name: "etag").map(Self.unquoted),
                versionID: response.headers.first(name: "x-amz-version-id"))
        }
    }

    /// Opens a download; returns when the head is there. Attempts end with the head: a break in the body is the
    /// reader's to handle (`S3Error.connectionBroken`, retryable).
    package func get(_ key: String) async throws -> S3Object {
        try Self.check(key: key)
        var request = S3Request(method: .get, key: key, verb: "read")
        request.headers = [S3Header("x-amz-checksum-mode", "ENABLED")]
        return try await perform(request) { response, context in
            // A multipart object's checksum is one of checksums ("…-3") and says nothing about the stream.
            let checksum = response.headers.first(name: "x-amz-checksum-sha256").flatMap { $0.contains("-") ? nil : $0 }
            return S3Object(
                info: Self.info(key: key, response),
                body: S3ObjectBody(
                    response: response.body,
                    size: response.headers.first(name: "content-length").flatMap { Int64($0) },
                    checksum: checksum, context: context))
        }
    }

    /// Size, ETag and time without the contents; `S3Error.noSuchKey` when there is none.
    package func head(_ key: String) async throws -> S3ObjectInfo {
        try Self.check(key: key)
        do {
            return try await perform(S3Request(method: .head, key: key, verb: "look up")) { response, _ in
                for try await _ in response.body {}
                return Self.info(key: key, response)
            }
        } catch let error as S3Error {
            // A HEAD is refused without a word; the first byte of a GET is refused with one.
            let first = S3Header("range", "bytes=0-0")
            throw try await explained(
                error, by: S3Request(method: .get, key: key, verb: "look up", headers: [first]))
        }
    }

    /// Removes one object; one that is not there counts as removed.
    package func delete(_ key: String) async throws {
        try Self.check(key: key)
        do {
            try await perform(S3Request(method: .delete, key: key, verb: "delete")) { response, _ in
                for try await _ in response.body {}
            }
        } catch let error as S3Error where error.code == .noSuchKey {
            return
        }
    }

    /// Asks again in a way that gets an error document, and returns the better error of the two.
    func explained(_ error: S3Error, by probe: S3Request) async throws -> S3Error {
        guard error.s3Code == nil, let status = error.httpStatus, (400...499).contains(status) else { return error }
        do {
            try await perform(probe) { response, _ in
                for try await _ in response.body {}
            }
            return error
        } catch let better as S3Error {
            // The probe's own troubles explain nothing, nor does an empty object's lack of a first byte.
            return better.httpStatus.map { (400...499).contains($0) && $0 != 416 } == true ? better : error
        }
    }

    /// 1,024 bytes of UTF-8: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
    static func check(key: String) throws {
        guard !key.isEmpty, key.utf8.count <= 1024 else {
            throw S3Error(
                .badConfiguration, what: "S3 cannot hold an object of this key.",
                why: key.isEmpty ? "The key is empty." : "The key has \(key.utf8.count) bytes; S3 takes 1,024.",
                fix: "Shorten S3_PREFIX.")
        }
    }

    private static func info(key: String, _ response: HTTPClientResponse) -> S3ObjectInfo {
        S3ObjectInfo(
            key: key, size: response.headers.first(name: "content-length").flatMap { Int64($0) } ?? 0,
            etag: response.headers.first(name: "etag").map(unquoted),
            lastModified: response.headers.first(name: "last-modified").flatMap(S3Timestamp.parseHTTPDate))
    }

    static func unquoted(_ etag: String) -> String {
        etag.count >= 2 && etag.hasPrefix("\"") && etag.hasSuffix("\"") ? String(etag.dropFirst().dropLast()) : etag
    }
}

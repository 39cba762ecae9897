import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import S3Client

/// Which objects a COPY reads, and how they are opened.
struct CopySource: Sendable {
    /// A manifest is a list of addresses; more than this is no manifest.
    static let manifestLimitBytes = 64 * 1024 * 1024

    let statement: CopyStatement
    let settings: StandInSettings
    let http: HTTPClient
    let logger: Logger

    struct ObjectAddress: Sendable, Equatable {
        var bucket: String
        var key: String
        /// As the load error tables name it.
        var display: String { "s3://\(bucket)/\(key)" }
    }

    /// One line of a manifest.
    struct ManifestEntry: Decodable, Sendable, Equatable {
        var url: String
        var mandatory: Bool?
    }

    private struct Manifest: Decodable {
        var entries: [ManifestEntry]
    }

    /// The objects in the order in which they are loaded.
    func objects() async throws -> [ObjectAddress] {
        do {
            return statement.options.isManifest ? try await manifestObjects() : try await prefixObjects()
        } catch let error as S3Error {
            throw Self.translate(error)
        }
    }

    func open(_ address: ObjectAddress) async throws -> S3ObjectBody {
        do {
            return try await client(address.bucket).get(address.key).body
        } catch let error as S3Error {
            throw Self.translate(error)
        }
    }

    private func prefixObjects() async throws -> [ObjectAddress] {
        let found = try await client(statement.bucket).list(prefix: statement.key)
        guard !found.isEmpty else {
            throw StandInError.compute(
                "The specified S3 prefix '\(statement.key)' does not exist", context: "list of \(statement.bucket)")
        }
        return found.map { ObjectAddress(bucket: statement.bucket, key: $0.key) }
    }

    private func manifestObjects() async throws -> [ObjectAddress] {
        let body = try await client(statement.bucket).get(statement.key).body.collect(
            limitBytes: Self.manifestLimitBytes)
        let entries = try Self.entries(of: Data(body.readableBytesView))
        var objects: [ObjectAddress] = []
        for entry in entries {
            let address = try Self.address(entry.url)
            do {
                _ = try await client(address.bucket).head(address.key)
                objects.append(address)
            } catch let error as S3Error where error.code == .noSuchKey {
                guard entry.mandatory == true else { continue }
                throw StandInError.compute(
                    "Problem reading manifest file - The mandatory file \(entry.url) does not exist",
                    context: "S3ServiceException: NoSuchKey, status 404")
            }
        }
        guard !objects.isEmpty else { throw StandInError.compute("The manifest names no file that exists") }
        return objects
    }

    static func entries(of data: Data) throws(StandInError) -> [ManifestEntry] {
        do {
            return try JSONDecoder().decode(Manifest.self, from: data).entries
        } catch {
            throw .compute("The manifest is not a valid JSON document with entries", context: "manifest")
        }
    }

    static func address(_ url: String) throws(StandInError) -> ObjectAddress {
        let path = url.dropFirst(5)
        guard url.hasPrefix("s3://"), let slash = path.firstIndex(of: "/"), path.index(after: slash) < path.endIndex
        else {
            throw .compute("The manifest entry is not a full S3 path", context: "manifest")
        }
        return ObjectAddress(bucket: String(path[..<slash]), key: String(path[path.index(after: slash)...]))
    }

    private func client(_ bucket: String) throws -> S3Client {
        S3Client(
            configuration: S3Configuration(
                region: statement.options.region ?? settings.region, bucket: bucket, endpoint: settings.s3Endpoint),
            credentials: StaticS3CredentialProvider(try credentials()), http: http, logger: logger)
    }

    private func credentials() throws -> S3Credentials {
        switch statement.authorization {
        case .keys(let id, let secret, let token):
            return S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: token)
        case .role:
            guard let keys = settings.roleKeys else {
                throw StandInError.compute(
                    "User is not authorized to assume IAM Role", code: 30_000,
                    context:
                        "STANDIN_S3_ACCESS_KEY_ID and STANDIN_S3_SECRET_ACCESS_KEY stand for the role; they are not set"
                )
            }
            return S3Credentials(accessKeyID: keys.id, secretAccessKey: keys.secret, sessionToken: nil)
        }
    }

    /// Redshift's form of an S3 refusal.
    static func translate(_ error: S3Error) -> StandInError {
        let status = error.httpStatus.map(String.init) ?? "none"
        return .compute(
            "S3ServiceException:\(error.s3Code ?? error.code.rawValue),Status \(status)", code: 8001,
            context: "\(error.what) \(error.why)")
    }
}

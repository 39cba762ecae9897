import AsyncHTTPClient
import Foundation
import Logging
import PostgresClient
import S3Client

@testable import StandIn

/// The running stand-in and S3 server that `scripts/test` provides; without them these tests fail.
struct StandInServer {
    struct Missing: Error, CustomStringConvertible {
        var description: String
    }

    static func value(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
            throw Missing(description: "\(name) is not set: run the tests with scripts/test, which starts the servers")
        }
        return value
    }

    static func connect() async throws -> PostgresConnection {
        try await PostgresConnection.connect(to: PostgresEndpoint.parse(try value("TEST_STANDIN_URL")).endpoint)
    }

    /// Runs `body` with a connection and a schema of its own, both gone afterwards.
    static func withSchema(_ body: (PostgresConnection, String) async throws -> Void) async throws {
        let connection = try await connect()
        let schema = "s" + UUID().uuidString.replacing("-", with: "").lowercased().prefix(12)
        try await connection.execute("create schema \(schema)")
        do {
            try await body(connection, schema)
        } catch {
            await connection.close()
            try await drop(schema)
            throw error
        }
        await connection.close()
        try await drop(schema)
    }

    private static func drop(_ schema: String) async throws {
        let connection = try await connect()
        try await connection.execute("drop schema \(schema) cascade")
        await connection.close()
    }

    /// The SQLSTATE that a statement is refused with; nil when it passes.
    static func state(of sql: String, on connection: PostgresConnection) async throws -> String? {
        do {
            try await connection.execute(sql)
            return nil
        } catch let error as PostgresError {
            return error.sqlState
        }
    }
}

/// A bucket of the test's own.
struct TestBucket {
    let client: S3Client
    let name: String
    private let http: HTTPClient

    static let keys: String = {
        let id = ProcessInfo.processInfo.environment["TEST_S3_ACCESS_KEY"] ?? ""
        let secret = ProcessInfo.processInfo.environment["TEST_S3_SECRET_KEY"] ?? ""
        return "ACCESS_KEY_ID '\(id)' SECRET_ACCESS_KEY '\(secret)'"
    }()

    static func with(_ body: (TestBucket) async throws -> Void) async throws {
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: S3Configuration.httpConfiguration())
        do {
            let name = "standin-" + UUID().uuidString.lowercased()
            let client = S3Client(
                configuration: S3Configuration(
                    region: "us-east-1", bucket: name,
                    endpoint: URL(string: try StandInServer.value("TEST_S3_ENDPOINT"))),
                credentials: StaticS3CredentialProvider(
                    S3Credentials(
                        accessKeyID: try StandInServer.value("TEST_S3_ACCESS_KEY"),
                        secretAccessKey: try StandInServer.value("TEST_S3_SECRET_KEY"), sessionToken: nil)),
                http: http, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            try await client.createBucket()
            try await body(TestBucket(client: client, name: name, http: http))
        } catch {
            try await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }

    func put(_ key: String, _ text: String) async throws { try await put(key, Array(text.utf8)) }

    func put(_ key: String, _ bytes: [UInt8]) async throws {
        _ = try await client.put(key, body: bytes, contentType: "application/octet-stream")
    }
}

import AsyncHTTPClient
import Foundation
import Logging
import NIOCore

extension S3Client {
    /// Error documents are a few hundred bytes; more than this is not one.
    private static let errorBodyLimitBytes = 64 << 10

    /// Sends until it succeeds or repeating is pointless. `read` turns a 2xx answer into the result and belongs to the
    /// attempt: a connection that breaks while a listing comes in is a broken attempt.
    func perform<Output: Sendable>(
        _ request: S3Request, read: @Sendable (HTTPClientResponse, S3ErrorContext) async throws -> Output
    ) async throws -> Output {
        let address = try address.get()
        var attempt = 1
        while true {
            let keys = try await credentials.credentials()
            do {
                return try await send(request, to: address, keys, read: read)
            } catch let error as S3Error where retry.repeats(error, attempt: attempt) {
                let delay = retry.delay(afterAttempt: attempt, unit: timing.random())
                logger.info(
                    "S3 call failed and is repeated",
                    metadata: [
                        "call": "\(error.what)", "reason": "\(error.code)", "attempt": "\(attempt)",
                        "delay": "\(delay)",
                    ])
                try await timing.sleep(delay)
                attempt += 1
            }
        }
    }

    private func send<Output: Sendable>(
        _ request: S3Request, to address: S3Address, _ keys: S3Credentials,
        read: @Sendable (HTTPClientResponse, S3ErrorContext) async throws -> Output
    ) async throws -> Output {
        let now = timing.now()
        let context = errorContext(request, address, keys, now)
        try Self.check(keys, context)
        let signed = sign(request, address, keys, now)
        do {
            let response = try await http.execute(signed, timeout: TimeAmount(configuration.requestTimeout))
            if (200...299).contains(Int(response.status.code)) { return try await read(response, context) }
            throw try await Self.refusal(response).error(context)
        } catch {
            // The HTTP client has its own words for a cancelled task; the caller waits for the language's.
            try Task.checkCancellation()
            if error is CancellationError { throw error }
            throw S3Error.transport(error, context)
        }
    }

    private func sign(
        _ request: S3Request, _ address: S3Address, _ keys: S3Credentials, _ now: Date
    ) -> HTTPClientRequest {
        let path = address.path(key: request.key)
        let signer = S3Signer(region: configuration.region)
        let headers = signer.sign(
            S3Signer.Input(
                method: request.method.rawValue, path: path, query: request.query,
                headers: [S3Header("host", address.authority)] + request.headers, payloadHash: request.payloadHash),
            credentials: keys, date: now)
        let query = request.query.isEmpty ? "" : "?" + S3URI.query(request.query)
        var message = HTTPClientRequest(url: address.place + S3URI.encode(path, keepingSlash: true) + query)
        message.method = .RAW(value: request.method.rawValue)
        for header in headers { message.headers.add(name: header.name, value: header.value) }
        message.headers.add(name: "user-agent", value: "redshift-loader")
        if request.hasBody { message.body = .bytes(request.body) }
        return message
    }

    private func errorContext(
        _ request: S3Request, _ address: S3Address, _ keys: S3Credentials, _ now: Date
    ) -> S3ErrorContext {
        let name = request.key.map { "s3://\(configuration.bucket)/\($0)" } ?? "s3://\(configuration.bucket)"
        return S3ErrorContext(
            what: "Could not \(request.verb) \(name).", bucket: configuration.bucket, key: request.key,
            region: configuration.region, place: address.place, signedAt: now,
            secrets: [keys.secretAccessKey, keys.sessionToken ?? "", keys.accessKeyID])
    }

    /// Refuses keys that cannot sign, whose refusal by S3 would name another reason.
    private static func check(_ keys: S3Credentials, _ context: S3ErrorContext) throws {
        func isUsable(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
        guard isUsable(keys.accessKeyID), isUsable(keys.secretAccessKey), isUsable(keys.sessionToken ?? "-"),
            !keys.accessKeyID.contains("/"), !keys.accessKeyID.contains(",")
        else {
            throw context.error(
                .badConfiguration, why: "The S3 keys are empty or hold blanks or other characters that no key has.",
                fix: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, if temporary), whole and "
                    + "without quotes or line ends.")
        }
        if let end = keys.expiresAt, end <= context.signedAt {
            throw context.error(
                .expiredToken, why: "The temporary credentials expired at \(end.formatted(.iso8601)).",
                fix: "Fetch new ones and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN together.")
        }
    }

    private static func refusal(_ response: HTTPClientResponse) async throws -> S3Refusal {
        var body: [UInt8] = []
        for try await chunk in response.body {
            body += chunk.readableBytesView.prefix(errorBodyLimitBytes - body.count)
            if body.count >= errorBodyLimitBytes { break }
        }
        return S3Refusal(status: Int(response.status.code), header: { response.headers.first(name: $0) }, body: body)
    }

    /// A small answer as XML; S3 may break off in the middle of one, which is then no document.
    static func document(
        _ response: HTTPClientResponse, root: String, _ context: S3ErrorContext
    ) async throws -> S3XMLElement {
        var body: [UInt8] = []
        for try await chunk in response.body {
            body += chunk.readableBytesView
            guard body.count <= documentLimitBytes else { break }
        }
        try Task.checkCancellation()
        let document = S3XMLElement.parse(body)
        if document?.name == "Error" {
            // S3 may start with 200 and fail later; then only the document tells, and it is as good as a 500.
            throw S3Refusal(status: 500, header: { response.headers.first(name: $0) }, body: body).error(context)
        }
        guard let document, document.name == root else {
            throw context.error(
                .badResponse, why: "The answer of \(context.place) is not S3's document \"\(root)\".",
                fix: "Check that AWS_ENDPOINT_URL_S3 names an S3 server that knows this call.")
        }
        return document
    }

    /// 1,000 entries of 1,024-byte keys, each byte written as `%XX`, and as much again around them.
    private static let documentLimitBytes = 8 << 20
}

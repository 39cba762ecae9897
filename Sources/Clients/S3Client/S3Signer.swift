import Crypto
import Foundation

/// AWS Signature Version 4 as a pure function: the same input gives the same headers, and nothing is read or sent.
///
/// Every header it is given is signed, so the caller adds what proxies may change (`user-agent`) afterwards.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>; the path is
/// encoded once and never normalised, which is S3's own rule.
package struct S3Signer: Sendable {
    package var region: String
    /// `s3` for this client; another name leaves `x-amz-content-sha256` out, as those services do.
    package var service: String

    package init(region: String, service: String = "s3") {
        self.region = region
        self.service = service
    }

    /// What is signed: method, path and query before encoding, headers with `host` among them, the body's SHA-256.
    package struct Input: Sendable {
        package var method: String
        package var path: String
        package var query: [S3QueryItem]
        package var headers: [S3Header]
        package var payloadHash: SHA256.Digest

        package init(
            method: String, path: String, query: [S3QueryItem] = [], headers: [S3Header], payloadHash: SHA256.Digest
        ) {
            self.method = method
            self.path = path
            self.query = query
            self.headers = headers
            self.payloadHash = payloadHash
        }
    }

    /// The headers to send: those of the input, then `x-amz-*`, then `authorization`.
    package func sign(_ input: Input, credentials: S3Credentials, date: Date) -> [S3Header] {
        let timestamp = S3Timestamp.basicISO8601(date)
        let payloadHash = Hex.lower(input.payloadHash)
        var headers = input.headers
        headers.append(S3Header("x-amz-date", timestamp))
        if service == "s3" { headers.append(S3Header("x-amz-content-sha256", payloadHash)) }
        if let token = credentials.sessionToken { headers.append(S3Header("x-amz-security-token", token)) }

        let canonical = CanonicalHeaders(headers)
        let request = [
            input.method,
            S3URI.encode(input.path, keepingSlash: true),
            S3URI.query(input.query),
            canonical.block,
            canonical.names,
            payloadHash,
        ].joined(separator: "\n")

        let day = String(timestamp.prefix(8))
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let text = "AWS4-HMAC-SHA256\n\(timestamp)\n\(scope)\n\(Hex.lower(SHA256.hash(data: Data(request.utf8))))"
        let key = signingKey(secret: credentials.secretAccessKey, day: day)
        let signature = Hex.lower(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
        headers.append(
            S3Header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
                    + "SignedHeaders=\(canonical.names), Signature=\(signature)"))
        return headers
    }

    /// Bound to day, region and service, so that a leaked signature is of no use elsewhere.
    private func signingKey(secret: String, day: String) -> SymmetricKey {
        var key = SymmetricKey(data: Data("AWS4\(secret)".utf8))
        for part in [day, region, service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Data(part.utf8), using: key))
        }
        return key
    }
}

/// Headers in the one order and form that both sides can rebuild: lower case, sorted, blanks collapsed.
private struct CanonicalHeaders {
    /// `name:value\n` for each name; values of a repeated name are joined by commas in the order given.
    let block: String
    /// `name;name`
    let names: String

    init(_ headers: [S3Header]) {
        var values: [String: [String]] = [:]
        for header in headers {
            let words = header.value.split(whereSeparator: { $0 == " " || $0 == "\t" })
            values[header.name.lowercased(), default: []].append(words.joined(separator: " "))
        }
        let sorted = values.sorted { $0.key < $1.key }
        block = sorted.map { "\($0.key):\($0.value.joined(separator: ","))\n" }.joined()
        names = sorted.map(\.key).joined(separator: ";")
    }
}

/// Lower-case hexadecimal, the only form that the signature's rules accept.
enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    static func lower(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

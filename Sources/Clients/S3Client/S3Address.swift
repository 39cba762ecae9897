import Foundation

/// Scheme, host and base path of one bucket, resolved once from the configuration.
struct S3Address: Sendable, Equatable {
    /// `https` or `http`
    let scheme: String
    /// Host and, where it is not the scheme's own, port; sent and signed as `host`.
    let authority: String
    /// Before encoding: what stands before the key's slash, bucket included in path style, no slash at the end.
    let basePath: String

    init(_ configuration: S3Configuration) throws {
        let bucket = configuration.bucket
        try Self.check(bucket: bucket, region: configuration.region)
        let site = try configuration.endpoint.map(Self.site) ?? Self.aws(region: configuration.region)
        let inPath: Bool
        switch configuration.addressing {
        case .path: inPath = true
        case .virtualHost: inPath = false
        case .automatic: inPath = configuration.endpoint != nil || bucket.contains(".")
        }
        scheme = site.scheme
        authority = inPath ? site.authority : "\(bucket).\(site.authority)"
        basePath = inPath ? "\(site.path)/\(bucket)" : site.path
    }

    /// The path before encoding; without a key it names the bucket.
    func path(key: String?) -> String {
        if let key { return "\(basePath)/\(key)" }
        return basePath.isEmpty ? "/" : basePath
    }

    /// For messages: where requests go, without anything that a URL might carry besides.
    var place: String { "\(scheme)://\(authority)" }

    private typealias Site = (scheme: String, authority: String, path: String)

    /// The regional endpoints; China's partition has a domain of its own.
    /// Source: <https://docs.aws.amazon.com/general/latest/gr/s3.html>
    private static func aws(region: String) -> Site {
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return ("https", "s3.\(region).\(domain)", "")
    }

    private static func site(_ endpoint: URL) throws -> Site {
        guard let scheme = endpoint.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = endpoint.host(percentEncoded: true), !host.isEmpty
        else {
            throw S3Error.configuration(
                why: "The S3 endpoint is not a URL such as https://host:port.",
                fix: "Correct AWS_ENDPOINT_URL_S3, or unset it to use AWS.")
        }
        guard endpoint.user() == nil, endpoint.password() == nil, endpoint.query() == nil else {
            throw S3Error.configuration(
                why: "The S3 endpoint carries a user, a password or a query, which S3 has no use for.",
                fix: "Leave scheme, host and port in AWS_ENDPOINT_URL_S3 and put the keys into AWS_ACCESS_KEY_ID and "
                    + "AWS_SECRET_ACCESS_KEY.")
        }
        let bracketed = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        let isDefault = endpoint.port == nil || endpoint.port == (scheme == "https" ? 443 : 80)
        let authority = isDefault ? bracketed : "\(bracketed):\(endpoint.port ?? 0)"
        var path = endpoint.path(percentEncoded: false)
        while path.hasSuffix("/") { path.removeLast() }
        return (scheme, authority, path)
    }

    private static func check(bucket: String, region: String) throws {
        let isNameLike = bucket.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && !"/:?#@\\\"'%".utf8.contains(byte)
        }
        guard !bucket.isEmpty, isNameLike else {
            throw S3Error.configuration(
                why: bucket.isEmpty
                    ? "No S3 bucket is set." : "The S3 bucket must be a bare name, without scheme, slash or blank.",
                fix: "Set S3_BUCKET_NAME to the bucket's name, for example my-staging-bucket.")
        }
        guard !region.isEmpty, region.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) else {
            throw S3Error.configuration(
                why: region.isEmpty ? "No region is set for S3." : "The region for S3 holds blanks or slashes.",
                fix: "Set AWS_REGION to the bucket's region, for example eu-west-1.")
        }
    }
}

import Foundation
import S3Client

extension ConfigurationValues {
    /// Where rows lie on their way, and which way they take.
    mutating func staging() -> (LoaderConfiguration.S3Settings?, LoadPath) {
        let bucket = text("S3_BUCKET_NAME")
        let path = loadPath(hasBucket: bucket != nil)
        guard let bucket, path != .insert else { return (nil, path) }
        return (s3(bucket), path)
    }

    private mutating func loadPath(hasBucket: Bool) -> LoadPath {
        let path: LoadPath
        switch text("COPY_VIA_S3")?.lowercased() {
        case nil: return hasBucket ? .copy : .insert
        case "auto": path = .bySize
        case "true", "1", "yes", "on": path = .copy
        case "false", "0", "no", "off": return .insert
        default:
            problem("COPY_VIA_S3 must be true, false or auto")
            return .insert
        }
        if !hasBucket { problem("COPY_VIA_S3=\(path == .copy ? "true" : "auto") needs a bucket (S3_BUCKET_NAME)") }
        return path
    }

    private mutating func s3(_ bucket: String) -> LoaderConfiguration.S3Settings {
        let region = required("AWS_REGION", with: "S3_BUCKET_NAME")
        let key = required("AWS_ACCESS_KEY_ID", with: "S3_BUCKET_NAME")
        let secret = required("AWS_SECRET_ACCESS_KEY", with: "S3_BUCKET_NAME")
        let prefix = (text("S3_PREFIX") ?? "").trimmingCharacters(in: CharacterSet(charactersIn: "/"))
        return LoaderConfiguration.S3Settings(
            bucket: bucket, region: region, endpoint: endpoint(), prefix: prefix, encryption: encryption(),
            credentials: S3Credentials(
                accessKeyID: key, secretAccessKey: secret, sessionToken: text("AWS_SESSION_TOKEN")))
    }

    private mutating func required(_ name: String, with other: String) -> String {
        if let value = text(name) { return value }
        problem("\(name) is missing (needed with \(other))")
        return ""
    }

    private mutating func endpoint() -> URL? {
        guard let text = text("AWS_ENDPOINT_URL_S3") else { return nil }
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme ?? ""), url.host != nil else {
            problem("AWS_ENDPOINT_URL_S3 must be a URL such as https://s3.example.org")
            return nil
        }
        return url
    }

    private mutating func encryption() -> S3ServerSideEncryption? {
        guard let name = text("S3_SSE") else { return nil }
        if let encryption = S3ServerSideEncryption(name: name, kmsKeyID: text("S3_KMS_KEY_ID")) { return encryption }
        problem("S3_SSE must be AES256 or aws:kms")
        return nil
    }
}

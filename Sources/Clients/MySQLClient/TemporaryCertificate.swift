import Foundation

/// The CA file that Connector/C reads: it takes no PEM text, and checks nothing without a file.
struct TemporaryCertificate {
    let path: String
    private let isOurs: Bool

    /// Where Debian, Red Hat, Alpine and macOS keep their bundle.
    private static let systemBundles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    ]

    /// nil for what checks nothing: given any file, Connector/C checks against it whatever the mode.
    /// - Throws: `MySQLError` where there is nothing to check against; what cannot be written.
    init?(_ endpoint: MySQLEndpoint) throws {
        let mode = endpoint.tls.mode
        guard mode != .disable, mode != .prefer else { return nil }
        switch endpoint.tls.rootCertificate {
        case .path(let file):
            path = file
            isOurs = false
        case .pem(let text):
            path =
                FileManager.default.temporaryDirectory
                .appendingPathComponent("loader-ca-\(UUID().uuidString).pem").path
            isOurs = true
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        case .system where mode == .require: return nil
        case .system:
            guard let bundle = Self.systemBundles.first(where: FileManager.default.isReadableFile) else {
                throw MySQLError.untrusted(endpoint, why: "this machine has no bundle of CA certificates")
            }
            path = bundle
            isOurs = false
        }
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw MySQLError.untrusted(endpoint, why: "the CA file \(path) cannot be read")
        }
    }

    func remove() {
        guard isOurs else { return }
        // Nothing secret is left behind if this fails: certificates of authorities are public.
        unlink(path)
    }
}

import CLibPQ
import Foundation
import Glibc

/// Who signed the certificate of the server at the other end: what a person needs in order to trust it, and what
/// libpq's own message leaves out.
///
/// OpenSSL is reached by name at run time: libpq has it loaded already, and linking its headers for one sentence would
/// bind the build to one release of it.
enum ServerCertificate {
    private typealias PeerCertificate = @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer?
    private typealias NameOf = @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer?
    private typealias OneLine =
        @convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<CChar>?, Int32) -> UnsafeMutablePointer<CChar>?
    private typealias Release = @convention(c) (UnsafeMutableRawPointer) -> Void

    /// - Parameter connection: Encrypted already, signed in or not.
    /// - Returns: For example `/O=Example/CN=Example Root`; nil when it cannot be read.
    static func issuer(of connection: OpaquePointer) -> String? {
        // OpenSSL 3 and 1.1 name the first function differently.
        guard let ssl = PQsslStruct(connection, "OpenSSL"),
            let peer: PeerCertificate = function("SSL_get1_peer_certificate") ?? function("SSL_get_peer_certificate"),
            let issuerOf: NameOf = function("X509_get_issuer_name"),
            let oneLine: OneLine = function("X509_NAME_oneline"),
            let release: Release = function("X509_free"), let certificate = peer(ssl)
        else { return nil }
        defer { release(certificate) }
        var text = [CChar](repeating: 0, count: 512)
        guard let name = issuerOf(certificate), oneLine(name, &text, Int32(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func function<Signature>(_ name: String) -> Signature? {
        dlsym(nil, name).map { unsafeBitCast($0, to: Signature.self) }
    }
}

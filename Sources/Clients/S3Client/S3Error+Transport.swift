import AsyncHTTPClient
import Foundation
import NIOCore

extension S3Error {
    /// Names what went wrong below HTTP. The caller has already let a cancellation pass.
    static func transport(_ error: any Error, _ context: S3ErrorContext) -> S3Error {
        if let known = error as? S3Error { return known }
        var named = classified(error, context)
        named.underlying = error
        return named
    }

    private static func classified(_ error: any Error, _ context: S3ErrorContext) -> S3Error {
        if let http = error as? HTTPClientError { return classified(http, context) }
        if isCertificateProblem(error) {
            return context.error(
                .tls, why: "No trusted TLS connection to \(context.place): \(reason(error)).",
                fix: "Check that the certificate is issued for this host by a CA that this machine trusts, and that "
                    + "the endpoint speaks TLS at all (else write http:// in AWS_ENDPOINT_URL_S3).")
        }
        let cause = cause(of: error)
        if case .connectTimeout? = cause as? ChannelError { return timedOut(context, waitingFor: "a connection") }
        let isConnecting = String(reflecting: type(of: error)) == "NIOPosix.NIOConnectionError"
        if isConnecting || unreachableErrnos.contains((cause as? IOError)?.errnoCode ?? 0) {
            return context.error(
                .unreachable, why: "No connection to \(context.place): \(reason(error)).",
                fix: "Check AWS_ENDPOINT_URL_S3 and AWS_REGION, that the server runs, and that a firewall lets us out.")
        }
        return broken(context, reason(error))
    }

    /// What only the making of a connection reports, never its use.
    private static let unreachableErrnos: Set<CInt> = [
        ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, ENETDOWN,
    ]

    private static func classified(_ error: HTTPClientError, _ context: S3ErrorContext) -> S3Error {
        switch error {
        case .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout, .socksHandshakeTimeout,
            .getConnectionFromPoolTimeout:
            return timedOut(context, waitingFor: "a connection")
        case .readTimeout, .writeTimeout, .deadlineExceeded:
            return timedOut(context, waitingFor: "an answer")
        case .invalidURL, .emptyHost, .emptyScheme:
            return configuration(
                why: "No URL can be made of the endpoint and the bucket.",
                fix: "Correct AWS_ENDPOINT_URL_S3 and S3_BUCKET_NAME.")
        default:
            return broken(context, "\(error)")
        }
    }

    private static func timedOut(_ context: S3ErrorContext, waitingFor thing: String) -> S3Error {
        context.error(
            .timeout, why: "\(context.place) gave no sign within the time allowed, waiting for \(thing).",
            fix: "Check AWS_ENDPOINT_URL_S3 and that a firewall lets us out; over a slow line, stage smaller files.")
    }

    static func broken(_ context: S3ErrorContext, _ reason: String) -> S3Error {
        context.error(
            .connectionBroken, why: "The connection to \(context.place) broke: \(context.quote(reason)).",
            fix: "It will be tried again; if it stays so, check the network and the server.")
    }

    /// The TLS library is no dependency of this target, so its errors are known by the names of their types. A broken
    /// TLS connection (`uncleanShutdown`) has the same type as a failed handshake and is told from it by its case.
    private static func isCertificateProblem(_ error: any Error) -> Bool {
        let type = String(reflecting: type(of: error))
        return type.hasPrefix("NIOSSL.NIOSSLExtraError") || type.hasPrefix("NIOSSL.BoringSSLError")
            || (type.hasPrefix("NIOSSL.NIOSSLError") && "\(error)".hasPrefix("handshakeFailed"))
    }

    private static func reason(_ error: any Error) -> String {
        switch cause(of: error) {
        case let failure as IOError: return String(cString: strerror(failure.errnoCode))
        case is SocketAddressError.UnknownHost: return "the host name is unknown"
        default: return String("\(error)".prefix(300))
        }
    }

    /// What lies inside NIOPosix's error for a failed connection, which only a mirror reaches from here.
    private static func cause(of error: any Error, depth: Int = 0) -> any Error {
        if error is IOError || error is SocketAddressError.UnknownHost || error is ChannelError || depth > 3 {
            return error
        }
        return firstCause(in: error, depth: depth) ?? error
    }

    private static func firstCause(in value: Any, depth: Int) -> (any Error)? {
        guard depth <= 6 else { return nil }
        for child in Mirror(reflecting: value).children {
            if let inner = child.value as? any Error {
                let found = cause(of: inner, depth: depth + 1)
                if found is IOError || found is SocketAddressError.UnknownHost || found is ChannelError { return found }
            }
            if let found = firstCause(in: child.value, depth: depth + 1) { return found }
        }
        return nil
    }
}

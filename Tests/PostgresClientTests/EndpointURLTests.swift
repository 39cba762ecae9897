import Testing

@testable import PostgresClient

/// A connection string, and what is read from it.
struct URLCase: Sendable, CustomTestStringConvertible {
    var url: String
    var host = "db.example.org"
    var port = 5432
    var user = "u"
    var password = "p"
    var database = "d"
    var mode = PostgresTLS.Mode.verifyFull
    var notices = 0
    var testDescription: String { url }
}

struct EndpointURLTests {
    private static let cases = [
        URLCase(url: "postgres://u:p@db.example.org/d"),
        URLCase(url: "postgresql://u:p@db.example.org:6000/d", port: 6000),
        URLCase(url: "redshift://u:p@db.example.org/d", port: 5439),
        URLCase(url: "REDSHIFT://u:p@db.example.org:1/d", port: 1),
        URLCase(url: "  postgres://u:p@db.example.org/d\n"),
        URLCase(url: "postgres://u@db.example.org/d", password: ""),
        URLCase(url: "postgres://u:@db.example.org/d", password: ""),
        URLCase(url: "postgres://u:p:q@db.example.org/d", password: "p:q"),
        URLCase(url: "postgres://u:p@q@db.example.org/d", password: "p@q"),
        URLCase(
            url: "postgres://a%40b:p%2Fq%3A%25%3F@db.example.org/d%20e", user: "a@b", password: "p/q:%?",
            database: "d e"),
        URLCase(url: "postgres://%C3%BC:%F0%9F%94%91@db.example.org/d", user: "ü", password: "🔑"),
        // What is no encoding is taken as it stands.
        URLCase(url: "postgres://u:100%@db.example.org/d", password: "100%"),
        URLCase(url: "postgres://u:p#q@db.example.org/d", password: "p#q"),
        URLCase(url: "postgres://u:p@[2001:db8::1]:6000/d", host: "2001:db8::1", port: 6000),
        URLCase(url: "postgres://u:p@[2001:db8::1]/d", host: "2001:db8::1"),
        URLCase(url: "postgres://u:p@[::1]:6000/d", host: "::1", port: 6000, mode: .prefer),
        URLCase(url: "postgres://u:p@localhost/d", host: "localhost", mode: .prefer),
        URLCase(url: "postgres://u:p@127.0.0.1/d", host: "127.0.0.1", mode: .prefer),
        URLCase(url: "postgres://u:p@127.8.8.8/d", host: "127.8.8.8", mode: .prefer),
        URLCase(url: "postgres://u:p@%2Fvar%2Frun%2Fpostgresql/d", host: "/var/run/postgresql", mode: .prefer),
        URLCase(url: "postgres://u:p@localhost.example.org/d", host: "localhost.example.org"),
        URLCase(url: "postgres://u:p@10.0.0.1/d?sslmode=disable", host: "10.0.0.1", mode: .disable),
        URLCase(url: "postgres://u:p@db.example.org/d?sslmode=allow", mode: .prefer),
        URLCase(url: "postgres://u:p@db.example.org/d?sslmode=prefer", mode: .prefer),
        URLCase(url: "postgres://u:p@db.example.org/d?sslmode=require", mode: .require),
        URLCase(url: "postgres://u:p@db.example.org/d?SSLMODE=verify-ca", mode: .verifyCA),
        URLCase(url: "postgres://u:p@127.0.0.1/d?sslmode=verify-full", host: "127.0.0.1"),
        URLCase(
            url: "postgres://u:p@db.example.org/d?pool=5&encoding=utf8&reconnect=true&checkout_timeout=9&adapter=x",
            notices: 5),
        URLCase(url: "postgres://u:p@db.example.org/d?shoesize=43&&sslmode=require", mode: .require, notices: 1),
        URLCase(url: "postgres://u:p@db.example.org/d?"),
        // The default follows the host that is really used.
        URLCase(url: "postgres://u:p@localhost/d?host=db.example.org"),
        URLCase(url: "postgres://u:p@db.example.org/d?host=127.0.0.1", host: "127.0.0.1", mode: .prefer),
    ]

    @Test(arguments: cases)
    func `a connection string is read`(given: URLCase) throws {
        let (endpoint, notices) = try PostgresEndpoint.parse(given.url)
        #expect(endpoint.host == given.host && endpoint.port == given.port)
        #expect(endpoint.user == given.user && endpoint.password.value == given.password)
        #expect(endpoint.database == given.database)
        #expect(endpoint.tls.mode == given.mode)
        #expect(notices.count == given.notices, "\(notices)")
        #expect(endpoint.connectTimeout == .seconds(10) && endpoint.applicationName == "redshift-loader")
    }

    @Test func `other parameters are taken over`() throws {
        let endpoint = try PostgresEndpoint.parse(
            "postgres://u:p@h/d?connect_timeout=3&application_name=my%20app&sslrootcert=/a/b.pem"
        ).endpoint
        #expect(endpoint.connectTimeout == .seconds(3) && endpoint.applicationName == "my app")
        #expect(endpoint.tls.rootCertificate == .path("/a/b.pem"))
        let system = try PostgresEndpoint.parse("postgres://u:p@h/d?sslrootcert=system").endpoint
        #expect(system.tls.rootCertificate == .system)
    }

    @Test(arguments: [
        "", "CANARY", "u:CANARY@h/d", "mysql://u:CANARY@h/d", "://u:CANARY@h/d", "postgres:u:CANARY@h/d",
        "postgres://u:CANARY@h:port/d", "postgres://u:CANARY@h:0/d", "postgres://u:CANARY@h:65536/d",
        "postgres://u:CANARY@h:-1/d", "postgres://u:CANARY@h:/d", "postgres://u:CANARY@/d",
        "postgres://u:CANARY@:5432/d",
        "postgres://:CANARY@h/d", "postgres://u:CANARY@h", "postgres://u:CANARY@h/",
        "postgres://u:CANARY@h?sslmode=require",
        "postgres://u:CANARY@h/d?sslmode=CANARY", "postgres://u:CANARY@h/d?sslmode=no-verify",
        "postgres://u:CANARY@h/d?connect_timeout=CANARY", "postgres://u:CANARY@h/d?connect_timeout=0",
        "postgres://u:CANARY@h/d?connect_timeout=-1", "postgres://u:CANARY@[::1/d", "postgres://u:CANARY@[]/d",
        // A slash or a question mark in the password that nobody encoded.
        "postgres://u:CAN/ARY@h/d", "postgres://u:12/CANARY@h/d", "postgres://u:CAN?ARY@h/d",
        "postgres://u:1?CANARY@h/d",
    ])
    func `a malformed string is refused without its password`(url: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresEndpoint.parse(url) }
        #expect(error?.code == .malformedURL && error?.isRetryable == false)
        let text = error.map { "\($0) \(String(reflecting: $0))" } ?? ""
        #expect(!text.contains("CANARY") && !text.contains("ARY@"), "\(text)")
    }

    @Test func `a notice never repeats a piece of the password`() throws {
        let notices = try PostgresEndpoint.parse("postgres://u:a@b/c?canary@h/d").notices
        #expect(!notices.joined().contains("canary"), "\(notices)")
    }

    @Test func `a password shows nowhere`() throws {
        let endpoint = try PostgresEndpoint.parse("postgres://u:CANARY@h/d").endpoint
        var dumped = ""
        dump(endpoint, to: &dumped)
        #expect(!"\(endpoint) \(String(reflecting: endpoint)) \(dumped) \(endpoint.displayName)".contains("CANARY"))
        #expect("\(endpoint.password)" == "***")
        #expect(endpoint.displayName == "h:5432/d")
    }

    @Test func `an identifier is quoted whatever is in it`() {
        #expect(PostgresSQL.identifier("plain") == #""plain""#)
        #expect(PostgresSQL.identifier(#"a"b"#) == #""a""b""#)
        #expect(PostgresSQL.identifier("") == #""""#)
    }
}

struct ErrorClassificationTests {
    @Test(
        arguments: [
            ("42501", .permission), ("42P01", .undefinedTable), ("3F000", .undefinedTable), ("42703", .undefinedColumn),
            ("42883", .undefinedObject), ("42601", .syntax), ("0A000", .featureNotSupported), ("40001", .serialization),
            ("40P01", .serialization), ("55P03", .lockNotAvailable), ("57014", .cancelled),
            ("53300", .tooManyConnections),
            ("53100", .diskFull), ("57P01", .connectionLost), ("08006", .connectionLost), ("28P01", .authentication),
            ("3D000", .missingDatabase), ("22P02", .dataRejected), ("23502", .dataRejected),
            ("23505", .uniqueViolation), ("23503", .foreignKeyViolation), ("XX000", .server),
            ("99999", .server), (nil, .connectionLost),
        ] as [(String?, PostgresError.Code)])
    func `a SQLSTATE decides the cause`(state: String?, code: PostgresError.Code) {
        #expect(error(state, "anything").code == code)
    }

    @Test(arguments: [
        ("1023", ""), ("1023 something", ""), ("x", "Serializable isolation violation on table - 1"),
        ("could not complete because of conflict with concurrent transaction", ""), ("deadlock detected", ""),
        ("1018", "Relation does not exist."), ("could not serialize access due to concurrent update", ""),
    ])
    func `Redshift's conflicts are told from its other XX000`(message: String, detail: String) {
        let conflict = error("XX000", message, detail)
        #expect(conflict.code == .serialization && conflict.isRetryable)
    }

    @Test(arguments: [
        ("S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown", true),
        ("S3ServiceException:We encountered an internal error.,Status 500,Error InternalError", true),
        ("S3CurlException: transfer closed", true),
        ("S3ServiceException:Access Denied,Status 403,Error AccessDenied", false),
        ("S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey", false),
        ("Load into table 't' failed.  Check 'stl_load_errors' system table for details.", false),
    ])
    func `S3's troubles that pass are told from those that stay`(message: String, passes: Bool) {
        #expect(error("XX000", message).code == (passes ? .storageUnavailable : .server))
        #expect(error("XX000", message).isRetryable == passes)
    }

    @Test func `a standby's replay is told from other conflicts`() {
        let message = "canceling statement due to conflict with recovery"
        #expect(error("40001", message).code == .recoveryConflict && error("40001", message).isRetryable)
    }

    private func error(_ state: String?, _ message: String, _ detail: String = "") -> PostgresError {
        .statement(endpoint: "e", sqlState: state, message: message, detail: detail, hint: nil, position: nil)
    }

    /// What libpq writes when a connection fails.
    @Test(
        arguments: [
            (
                "connection to server at \"h\", port 1 failed: FATAL:  password authentication failed for user \"u\"",
                .authentication
            ),
            ("connection to server at \"h\", port 1 failed: FATAL:  database \"d\" does not exist", .missingDatabase),
            ("connection to server at \"h\", port 1 failed: FATAL:  role \"u\" does not exist", .authentication),
            ("connection to server at \"h\", port 1 failed: SSL error: certificate verify failed", .tls),
            ("connection to server at \"h\", port 1 failed: server does not support SSL, but SSL was required", .tls),
            ("could not translate host name \"h\" to address: Name or service not known", .unreachable),
            ("connection to server at \"h\", port 1 failed: Connection timed out", .timeout),
            (
                "connection to server at \"h\", port 1 failed: FATAL:  sorry, too many clients already",
                .tooManyConnections
            ),
            (
                "connection to server at \"h\", port 1 failed: FATAL:  the database system is starting up",
                .connectionLost
            ),
            (
                "connection to server at \"h\", port 1 failed: FATAL:  no pg_hba.conf entry for host \"1\", user \"u\", database \"d\", no encryption",
                .authentication
            ),
            (
                "connection to server at \"h\", port 1 failed: FATAL:  no pg_hba.conf entry for host \"1\", user \"u\", database \"d\", SSL encryption",
                .authentication
            ),
            (
                "connection to server at \"h\", port 1 failed: FATAL:  no pg_hba.conf entry for host \"1\", user \"u\", database \"d\", SSL off",
                .authentication
            ),
            // Names of hosts say nothing about the cause.
            ("could not translate host name \"ssl.example.org\" to address: Name or service not known", .unreachable),
            (
                "connection to server at \"tls-db.example.org\", port 1 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
                .unreachable
            ),
            ("connection to server at \"tls-db.example.org\", port 1 failed: Connection timed out", .timeout),
        ] as [(String, PostgresError.Code)])
    func `a failed connection is named by its cause`(message: String, code: PostgresError.Code) {
        let endpoint = PostgresEndpoint(host: "h", port: 1, user: "u", password: "CANARY", database: "d")
        let error = PostgresError.connecting(to: endpoint, message: message)
        #expect(error.code == code)
        #expect(!error.description.contains("CANARY"))
    }

    @Test func `a refused connection is explained by the refusal, not by a question`() {
        let endpoint = PostgresEndpoint(host: "h", port: 1, user: "u", password: "p", database: "d")
        let error = PostgresError.connecting(
            to: endpoint,
            message: "connection to server at \"h\", port 1 failed: Connection refused\n"
                + "\tIs the server running on that host and accepting TCP/IP connections?\n")
        #expect(error.why == "Connection refused")
    }
}

import Testing

@testable import MySQLClient

/// A connection string, and what is read from it.
struct URLCase: Sendable, CustomTestStringConvertible {
    var url: String
    var host = "db.example.org"
    var port = 3306
    var user = "u"
    var password = "p"
    var database = "d"
    var mode = MySQLTLS.Mode.verifyFull
    var notices = 0
    var testDescription: String { url }
}

struct EndpointURLTests {
    private static let cases = [
        URLCase(url: "mysql://u:p@db.example.org/d"),
        URLCase(url: "mysql2://u:p@db.example.org:3310/d", port: 3310),
        URLCase(url: "mariadb://u:p@db.example.org/d"),
        URLCase(url: "MYSQL2://u:p@db.example.org:1/d", port: 1),
        URLCase(url: "  mysql://u:p@db.example.org/d\n"),
        URLCase(url: "mysql://u@db.example.org/d", password: ""),
        URLCase(url: "mysql://u:@db.example.org/d", password: ""),
        URLCase(url: "mysql://u:p:q@db.example.org/d", password: "p:q"),
        URLCase(url: "mysql://u:p@q@db.example.org/d", password: "p@q"),
        URLCase(
            url: "mysql://a%40b:p%2Fq%3A%25%3F@db.example.org/d%20e", user: "a@b", password: "p/q:%?", database: "d e"),
        URLCase(url: "mysql://%C3%BC:%F0%9F%94%91@db.example.org/d", user: "ü", password: "🔑"),
        // What is no encoding is taken as it stands.
        URLCase(url: "mysql://u:100%@db.example.org/d", password: "100%"),
        URLCase(url: "mysql://u:p#q@db.example.org/d", password: "p#q"),
        URLCase(url: "mysql://u:p@[2001:db8::1]:6000/d", host: "2001:db8::1", port: 6000),
        URLCase(url: "mysql://u:p@[2001:db8::1]/d", host: "2001:db8::1"),
        URLCase(url: "mysql://u:p@[::1]:6000/d", host: "::1", port: 6000, mode: .prefer),
        URLCase(url: "mysql://u:p@localhost/d", host: "localhost", mode: .prefer),
        URLCase(url: "mysql://u:p@127.0.0.1/d", host: "127.0.0.1", mode: .prefer),
        URLCase(url: "mysql://u:p@localhost.example.org/d", host: "localhost.example.org"),
        URLCase(url: "mysql://u:p@%2Frun%2Fs.sock/d", host: "/run/s.sock", mode: .prefer),
        URLCase(url: "mysql://u:p@localhost/d?socket=%2Frun%2Fs.sock", host: "/run/s.sock", mode: .prefer),
        URLCase(url: "mysql://u:p@10.0.0.1/d?sslmode=disable", host: "10.0.0.1", mode: .disable),
        URLCase(url: "mysql://u:p@db.example.org/d?sslmode=prefer", mode: .prefer),
        URLCase(url: "mysql://u:p@db.example.org/d?sslmode=require", mode: .require),
        URLCase(url: "mysql://u:p@db.example.org/d?SSLMODE=verify-ca", mode: .verifyCA),
        URLCase(url: "mysql://u:p@127.0.0.1/d?sslmode=verify-full", host: "127.0.0.1"),
        URLCase(url: "mysql://u:p@db.example.org/d?ssl-mode=DISABLED", mode: .disable),
        URLCase(url: "mysql://u:p@db.example.org/d?ssl-mode=PREFERRED", mode: .prefer),
        URLCase(url: "mysql2://u:p@db.example.org/d?ssl_mode=required", mode: .require),
        URLCase(url: "mysql2://u:p@db.example.org/d?ssl_mode=verify_ca", mode: .verifyCA),
        URLCase(url: "mysql://u:p@127.0.0.1/d?ssl-mode=VERIFY_IDENTITY", host: "127.0.0.1"),
        URLCase(
            url: "mysql2://u:p@db.example.org/d?pool=5&encoding=utf8mb4&reconnect=true&checkout_timeout=9&adapter=x",
            notices: 5),
        URLCase(url: "mysql://u:p@db.example.org/d?shoesize=43&&sslmode=require", mode: .require, notices: 1),
        URLCase(url: "mysql://u:p@db.example.org/d?"),
    ]

    @Test(arguments: cases)
    func `a connection string is read`(given: URLCase) throws {
        let (endpoint, notices) = try MySQLEndpoint.parse(given.url)
        #expect(endpoint.host == given.host && endpoint.port == given.port)
        #expect(endpoint.user == given.user && endpoint.password.value == given.password)
        #expect(endpoint.database == given.database)
        #expect(endpoint.tls.mode == given.mode && endpoint.tls.rootCertificate == .system)
        #expect(notices.count == given.notices, "\(notices)")
        #expect(endpoint.connectTimeout == .seconds(10) && endpoint.readTimeout == nil)
    }

    @Test(arguments: ["sslca", "ssl-ca", "ssl_ca", "sslrootcert"])
    func `other parameters are taken over`(name: String) throws {
        let endpoint = try MySQLEndpoint.parse(
            "mysql://u:p@h/d?connect_timeout=3&read_timeout=40&\(name)=/a/b.pem"
        ).endpoint
        #expect(endpoint.connectTimeout == .seconds(3) && endpoint.readTimeout == .seconds(40))
        #expect(endpoint.tls.rootCertificate == .path("/a/b.pem"))
        #expect(try MySQLEndpoint.parse("mysql://u:p@h/d?\(name)=system").endpoint.tls.rootCertificate == .system)
    }

    @Test(arguments: [
        "", "CANARY", "u:CANARY@h/d", "postgres://u:CANARY@h/d", "://u:CANARY@h/d", "mysql:u:CANARY@h/d",
        "mysql://u:CANARY@h:port/d", "mysql://u:CANARY@h:0/d", "mysql://u:CANARY@h:65536/d", "mysql://u:CANARY@h:-1/d",
        "mysql://u:CANARY@h:/d", "mysql://u:CANARY@/d", "mysql://u:CANARY@:3306/d", "mysql://:CANARY@h/d",
        "mysql://u:CANARY@h", "mysql://u:CANARY@h/", "mysql://u:CANARY@h?sslmode=require",
        "mysql://u:CANARY@h/d?sslmode=CANARY", "mysql://u:CANARY@h/d?ssl-mode=CANARY",
        "mysql://u:CANARY@h/d?connect_timeout=CANARY", "mysql://u:CANARY@h/d?connect_timeout=0",
        "mysql://u:CANARY@h/d?read_timeout=-1", "mysql://u:CANARY@h/d?socket=CANARY", "mysql://u:CANARY@[::1/d",
        "mysql://u:CANARY@[]/d",
        // A slash or a question mark in the password that nobody encoded.
        "mysql://u:CAN/ARY@h/d", "mysql://u:12/CANARY@h/d", "mysql://u:CAN?ARY@h/d", "mysql://u:1?CANARY@h/d",
    ])
    func `a malformed string is refused without its password`(url: String) {
        let error = #expect(throws: MySQLError.self) { try MySQLEndpoint.parse(url) }
        #expect(error?.code == .malformedURL && error?.isRetryable == false)
        let text = error.map { "\($0) \(String(reflecting: $0))" } ?? ""
        #expect(!text.contains("CANARY") && !text.contains("ARY@"), "\(text)")
    }

    @Test func `a notice never repeats a piece of the password`() throws {
        let notices = try MySQLEndpoint.parse("mysql://u:a@b/c?canary@h/d").notices
        #expect(!notices.joined().contains("canary"), "\(notices)")
    }

    @Test func `a password shows nowhere`() throws {
        let endpoint = try MySQLEndpoint.parse("mysql://u:CANARY@h/d").endpoint
        var dumped = ""
        dump(endpoint, to: &dumped)
        #expect(!"\(endpoint) \(String(reflecting: endpoint)) \(dumped) \(endpoint.displayName)".contains("CANARY"))
        #expect("\(endpoint.password)" == "***")
        #expect(endpoint.displayName == "h:3306/d")
    }

    @Test func `names and texts are quoted whatever is in them`() {
        #expect(MySQLSQL.identifier("plain") == "`plain`")
        #expect(MySQLSQL.identifier("a`b") == "`a``b`")
        #expect(MySQLSQL.literal(#"it's \ "so""#) == #"'it''s \\ "so"'"#)
        #expect(MySQLSQL.literal(#"\'"#) == #"'\\'''"#)
    }
}

struct ErrorClassificationTests {
    @Test(
        arguments: [
            (1142, "42000", .permission), (1227, "42000", .permission), (1146, "42S02", .undefinedTable),
            (1054, "42S22", .undefinedColumn), (1305, "42000", .undefinedObject), (1049, "42000", .missingDatabase),
            (1064, "42000", .syntax), (1213, "40001", .serialization), (1205, "HY000", .serialization),
            (1412, "HY000", .serialization), (1020, "HY000", .serialization), (1317, "70100", .cancelled),
            (3024, "HY000", .cancelled), (1969, "70100", .cancelled), (1040, "08004", .tooManyConnections),
            (1203, "42000", .tooManyConnections), (1226, "42000", .tooManyConnections), (1114, "HY000", .diskFull),
            (2006, "HY000", .connectionLost), (2013, "HY000", .connectionLost), (1053, "08S01", .connectionLost),
            (1927, "70100", .connectionLost), (1159, "08S01", .connectionLost), (4031, "HY000", .connectionLost),
            (9999, "08S01", .connectionLost), (2014, "HY000", .misuse), (1264, "22003", .dataRejected),
            (1062, "23000", .dataRejected), (9999, "22007", .dataRejected), (9999, "40001", .serialization),
            (9999, "HY000", .server), (2020, "HY000", .server),
        ] as [(UInt32, String, MySQLError.Code)])
    func `a number decides the cause of a failed statement`(errno: UInt32, state: String, code: MySQLError.Code) {
        let error = MySQLError.statement(endpoint: "e", errno: errno, sqlState: state, message: "CANARY")
        #expect(error.code == code && error.errno == errno && error.sqlState == state)
        #expect(error.serverMessage == "CANARY")
        if code == .dataRejected || code == .syntax { #expect(!error.description.contains("CANARY")) }
    }

    @Test(
        arguments: [
            (1045, .authentication), (1698, .authentication), (1130, .authentication), (2059, .authentication),
            (2061, .authentication), (1049, .missingDatabase), (1044, .permission), (1040, .tooManyConnections),
            (1129, .unreachable), (1053, .connectionLost), (3159, .tls), (2026, .tls), (2002, .unreachable),
            (2005, .unreachable), (2013, .unreachable), (1043, .unreachable), (0, .unreachable),
        ] as [(UInt32, MySQLError.Code)])
    func `a number decides the cause of a failed connection`(errno: UInt32, code: MySQLError.Code) {
        let endpoint = MySQLEndpoint(host: "h", user: "u", password: "CANARY", database: "d")
        let error = MySQLError.connecting(to: endpoint, errno: errno, sqlState: "HY000", message: "m")
        #expect(error.code == code && error.errno == (errno == 0 ? nil : errno))
        #expect(!error.description.contains("CANARY"))
    }

    @Test func `a sign-in that this machine's library cannot do says what to install or to use`() {
        let endpoint = MySQLEndpoint(host: "h", user: "u", password: "p", database: "d")
        let plugin = MySQLError.connecting(
            to: endpoint, errno: 2059, sqlState: "HY000",
            message: "Plugin caching_sha2_password could not be loaded: no such file")
        #expect(plugin.fix.contains("libmariadb3") && plugin.fix.contains("MARIADB_PLUGIN_DIR"))
        let key = MySQLError.connecting(
            to: endpoint, errno: 2061, sqlState: "HY000",
            message: "RSA Encryption not supported - caching_sha2_password plugin was built with GnuTLS support")
        #expect(key.fix.contains("Use TLS"))
    }
}

struct GreetingTests {
    private func found(_ bytes: [UInt8]) -> String {
        switch MySQLGreeting.parse(bytes[...]) {
        case .incomplete: "incomplete"
        case .none: "none"
        case .foreign: "foreign"
        case .greeting(let greeting): greeting.offersTLS ? "TLS" : "plain"
        }
    }

    @Test func `the offer of TLS is read from the whole greeting only`() {
        for (offersTLS, expected) in [(true, "TLS"), (false, "plain")] {
            let greeting = LoopbackSocket.greeting(offersTLS: offersTLS)
            #expect(found(greeting) == expected && found(greeting + [1, 2, 3]) == expected)
            for count in 0..<greeting.count { #expect(found(Array(greeting.prefix(count))) == "incomplete") }
        }
    }

    @Test func `an error in its place is left to be read, anything else is foreign`() {
        #expect(found([9, 0, 0, 0, 0xff, 0x10, 0x04] + Array("too many".utf8)) == "none")
        for bytes in [
            [5, 0, 0, 0, 9, 1, 2, 3, 4], [5, 0, 0, 1, 10, 1, 2, 3, 0], [0, 0, 0, 0, 10], [3, 0, 0, 0, 10, 65, 0],
        ] {
            #expect(found(bytes.map { UInt8($0) }) == "foreign", "\(bytes)")
        }
    }
}

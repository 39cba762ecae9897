import Foundation
import TestServers
import Testing

/// Everything that can be wrong from outside: a sentence of its own, a code, an exit status, and no password anywhere.
@Suite struct BadInputTests {
    static let canary = "cAnArY-s3cret"

    /// What is changed about a job that works, and what must be said of it.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var change: @Sendable (inout [String: String], TestDatabase) async throws -> Void
        var code: String
        var words: String
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "wrong password",
            change: { environment, source in
                environment["TEST_SOURCE"] = source.url.replacing(/:[^:@\/]+@/, with: ":\(canary)@")
            }, code: "E_SRC_AUTH", words: "refused the sign-in"),
        Case(
            name: "unknown host",
            change: { environment, _ in
                environment["TEST_SOURCE"] = "postgres://u:\(canary)@no-such-host.invalid/db?sslmode=prefer"
            }, code: "E_SRC_UNREACHABLE", words: "is not known"),
        Case(
            name: "closed port",
            change: { environment, _ in environment["TEST_SOURCE"] = "postgres://u:\(canary)@127.0.0.1:1/db" },
            code: "E_SRC_UNREACHABLE", words: "cannot be reached"),
        Case(
            name: "missing database",
            change: { environment, source in
                environment["TEST_SOURCE"] = source.url.replacing(/\/[^\/]*$/, with: "/nosuchdb")
            }, code: "E_SRC_AUTH", words: "has no database named nosuchdb"),
        Case(
            name: "no SELECT",
            change: { environment, source in
                let role = freshName("role")
                try await source.run("CREATE ROLE \(role) LOGIN PASSWORD '\(canary)'")
                environment["TEST_SOURCE"] = source.url.replacing(/\/\/[^@]*@/, with: "//\(role):\(canary)@")
            }, code: "E_SRC_PERMISSION", words: "GRANT SELECT ON"),
        Case(
            name: "table gone", change: { _, source in try await source.run("DROP TABLE t") },
            code: "E_SRC_TABLE_GONE", words: "has no table public.t"),
        Case(
            name: "column gone", change: { _, source in try await source.run("ALTER TABLE t DROP COLUMN note") },
            code: "E_SCHEMA_MISMATCH", words: "column note is gone"),
        Case(
            name: "bucket missing", change: { environment, _ in environment["S3_BUCKET_NAME"] = "no-such-bucket" },
            code: "E_S3_ACCESS", words: "no bucket \"no-such-bucket\""),
        Case(
            name: "bucket in another region", change: { environment, _ in environment["AWS_REGION"] = "eu-west-9" },
            code: "E_S3_REGION", words: "AWS_REGION"),
        Case(
            name: "wrong secret", change: { environment, _ in environment["AWS_SECRET_ACCESS_KEY"] = canary },
            code: "E_S3_ACCESS", words: "AWS_SECRET_ACCESS_KEY"),
        Case(
            name: "malformed connection string",
            change: { environment, _ in environment["TEST_SOURCE"] = "postgres//u:\(canary)@h/db" }, code: "E_CONFIG",
            words: "postgres://user:password@host:5432/database"),
        Case(
            name: "MySQL connection string without a database",
            change: { environment, _ in environment["TEST_SOURCE"] = "mysql://u:\(canary)@127.0.0.1:1" },
            code: "E_CONFIG", words: "database"),
        Case(
            name: "MySQL server as the destination",
            change: { environment, _ in environment["TEST_DESTINATION"] = "mysql://u:\(canary)@127.0.0.1:1/db" },
            code: "E_CONFIG", words: "replicas are made in Redshift"),
        Case(
            name: "variable not set", change: { environment, _ in environment["TEST_SOURCE"] = "" }, code: "E_CONFIG",
            words: "TEST_SOURCE"),
        Case(
            name: "wrong destination password",
            change: { environment, _ in
                let url = environment["TEST_DESTINATION"] ?? ""
                environment["TEST_DESTINATION"] = url.replacing(/:[^:@\/]+@/, with: ":\(canary)@")
            }, code: "E_DST_AUTH", words: "refused the sign-in"),
    ]

    @Test(arguments: cases)
    func `each failure has its own sentence and code, and the next run goes on`(_ item: Case) async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, note text, updated_at timestamptz NOT NULL);
                INSERT INTO t VALUES (1, 'a', now())
                """)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            try await source.run("INSERT INTO t VALUES (2, 'b', now())")
            var broken = loader
            try await item.change(&broken.environment, source)
            let result = try await broken.run("sync", "job", "--wait")
            #expect(result.status == 1, "\(result.everything)")
            #expect(result.everything.contains(item.code), "\(result.everything)")
            #expect(result.everything.contains(item.words), "\(result.everything)")
            let status = try await broken.run("status", "job")
            let tested = try await broken.run("jobs", "test", "job", "--verbose")
            let shown = try await broken.run("config", "show")
            for output in [result, status, tested, shown] { #expect(!output.everything.contains(Self.canary)) }
            guard !["table gone", "column gone"].contains(item.name) else { return }
            let repaired = try await loader.run("sync", "job", "--wait")
            #expect(repaired.status == 0, "\(repaired.everything)")
            try await Judge.expectEqual(source, replica, loader.folder)
        }
    }

    @Test func `a host that accepts and never answers is given up within ten seconds`() async throws {
        let silent = try SilentListener()
        try await withLoader { loader, _, replica in
            var broken = loader
            broken.environment["TEST_SOURCE"] = "postgres://u:\(Self.canary)@127.0.0.1:\(silent.port)/db"
            _ = try await broken.addJob(schema: replica.schema)
            let began = ContinuousClock.now
            let result = try await broken.run("tables", "discover", "job")
            #expect(ContinuousClock.now - began < .seconds(30), "the process and its ten seconds")
            #expect(result.status == 69, "\(result.everything)")
            #expect(result.errors.contains("did not answer within"), "\(result.everything)")
            #expect(!result.everything.contains(Self.canary))
        }
    }

    @Test func `unknown flags, jobs, tables and columns suggest the nearest name and exit 64`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run("CREATE TABLE customers (id int PRIMARY KEY, updated_at timestamptz NOT NULL)")
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            let cases: [([String], String)] = [
                (["jobs", "show", "jop"], "Did you mean job?"),
                (["sync", "job/custmers", "--wait"], "Did you mean customers?"),
                (["tables", "discover", "job", "--only", "custmers"], "Did you mean customers?"),
                (["tables", "set", "job/customers", "--updated-key", "updatd_at"], "Did you mean updated_at?"),
                (["tables", "set", "job/customers", "--mode", "SometimesTable"], "UpdateAndInsertTable"),
                (["status", "--jsn"], "Did you mean '--json'?"),
            ]
            for (arguments, words) in cases {
                let result = try await loader.start(arguments).finish()
                #expect(result.status == 64, "\(arguments): \(result.everything)")
                #expect(result.errors.contains(words), "\(arguments): \(result.everything)")
                #expect(result.output.isEmpty, "the answer's stream stays clean: \(arguments)")
            }
        }
    }

    @Test func `all configuration problems are told at once with exit 78`() async throws {
        try await withTemporaryFolder { folder in
            let environment = [
                "DATABASE_URL": "postgres://x:\(Self.canary)@h", "IMPORT_ROW_LIMIT": "many", "S3_BUCKET_NAME": "b",
                "LOG_LEVEL": "loud", "ENCRYPTION_KEY": "short", "READ_ONLY_USERS": "GROUP", "HASH_SALT": "short",
                "SOURCE_MAX_CONNECTIONS": "0",
            ]
            let result = try await RunningProgram(
                TestServers.program("redshift-loader"), ["status"], environment: environment, folder: folder
            ).finish()
            #expect(result.status == 78)
            for name in [
                "DATABASE_URL", "IMPORT_ROW_LIMIT", "AWS_REGION", "AWS_ACCESS_KEY_ID", "LOG_LEVEL", "ENCRYPTION_KEY",
                "READ_ONLY_USERS", "HASH_SALT", "SOURCE_MAX_CONNECTIONS",
            ] {
                #expect(result.errors.contains(name), "\(name): \(result.errors)")
            }
            #expect(!result.everything.contains(Self.canary))
        }
    }
}

/// Accepts connections by its backlog and never says a word.
final class SilentListener: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { socketAddress in
                bind(descriptor, socketAddress, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, socketAddress, &length) == 0
            }
        }
        guard bound else { throw MissingServer(variable: "a free loopback port") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit {
        close(descriptor)
    }
}

import Foundation
import PostgresClient
import Testing

@testable import StandIn

/// A stand-in of the test's own, for what would disturb others: faults, crashes.
struct StandInProcess {
    static let password = "own-secret"
    let process: Process
    let endpoint: PostgresEndpoint
    /// Its status, when it has ended. `waitUntilExit` would wait in this thread's run loop, which the news of the end need
    /// not reach in a thread of Swift's pool.
    private let ended: AsyncStream<Int32>

    /// The product lies beside the test bundle.
    static func binary() throws -> String {
        var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        for _ in 0..<5 {
            let candidate = folder.appending(path: "redshift-standin").path(percentEncoded: false)
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        let built = ".build/debug/redshift-standin"
        guard FileManager.default.isExecutableFile(atPath: built) else {
            throw StandInServer.Missing(description: "redshift-standin is not built: run swift build first")
        }
        return built
    }

    static func start(_ folder: String, _ options: [String] = []) async throws -> StandInProcess {
        let process = Process()
        process.executableURL = URL(filePath: try binary())
        process.arguments = ["--data", folder, "--port", "0"] + options
        var environment = ["STANDIN_PASSWORD": password, "PATH": "/usr/bin:/bin"]
        environment["AWS_ENDPOINT_URL_S3"] = ProcessInfo.processInfo.environment["TEST_S3_ENDPOINT"]
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        let (ended, continuation) = AsyncStream<Int32>.makeStream()
        process.terminationHandler = { process in
            continuation.yield(process.terminationStatus)
            continuation.finish()
        }
        try process.run()
        var line = ""
        while !line.hasSuffix("\n") {
            let some = output.fileHandleForReading.availableData
            if some.isEmpty { break }
            line += String(decoding: some, as: UTF8.self)
        }
        guard let port = line.dropLast().split(separator: ":").last.flatMap({ Int($0) }) else {
            throw StandInServer.Missing(description: "redshift-standin did not start")
        }
        return StandInProcess(
            process: process,
            endpoint: PostgresEndpoint(
                host: "127.0.0.1", port: port, user: "standin", password: password, database: "dev",
                tls: PostgresTLS(mode: .disable)),
            ended: ended)
    }

    func connect() async throws -> PostgresConnection { try await PostgresConnection.connect(to: endpoint) }

    /// - Returns: Its status, or its signal.
    @discardableResult
    func stop(by signal: Int32 = SIGTERM) async -> Int32 {
        kill(process.processIdentifier, signal)
        return await ended.first { _ in true } ?? -1
    }

    static func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = "/tmp/standin-test-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }
}

@Suite(.serialized) struct LifecycleTests {
    @Test func `it starts again on its folder after a stop and after a kill`() async throws {
        try await StandInProcess.withFolder { folder in
            let first = try await StandInProcess.start(folder)
            let connection = try await first.connect()
            try await connection.execute("create table t (a int); insert into t values (1)")
            await connection.close()
            #expect(await first.stop() == 0)
            #expect(!FileManager.default.fileExists(atPath: folder + "/postgres/postmaster.pid"))

            let second = try await StandInProcess.start(folder)
            let again = try await second.connect()
            try await again.execute("insert into t values (2)")
            #expect(await second.stop(by: SIGKILL) == SIGKILL)
            await again.close()

            let third = try await StandInProcess.start(folder)
            let last = try await third.connect()
            #expect(try await last.execute("select count(*) from t").firstValue == "2")
            await last.close()
            await third.stop()
        }
    }

    @Test func `faults around COMMIT do what they say`() async throws {
        try await StandInProcess.withFolder { folder in
            let server = try await StandInProcess.start(folder)
            let control = try await server.connect()
            try await control.execute("create table t (a int)")
            for (fault, isKept) in [("DROP BEFORE COMMIT", false), ("DROP AFTER COMMIT", true)] {
                try await control.execute("truncate t")
                try await control.execute("STANDIN FAULT \(fault)")
                let victim = try await server.connect()
                try await victim.execute("begin; insert into t values (1)")
                await #expect(throws: PostgresError.self) { try await victim.execute("commit") }
                try await control.execute("STANDIN AWAIT FAULT")
                #expect(try await control.execute("select count(*) from t").firstValue == (isKept ? "1" : "0"))
                await victim.close()
            }
            try await control.execute("truncate t; STANDIN FAULT HOLD AFTER COMMIT")
            let victim = try await server.connect()
            try await victim.execute("begin; insert into t values (1)")
            async let waiting = answer(to: "commit", on: victim)
            try await control.execute("STANDIN AWAIT FAULT")
            #expect(try await control.execute("select count(*) from t").firstValue == "1")
            await server.stop()
            let state = try await waiting
            #expect(state == "no answer")
        }
    }

    private func answer(to sql: String, on connection: PostgresConnection) async throws -> String {
        do {
            return try await connection.execute(sql).commandTag
        } catch is PostgresError {
            return "no answer"
        }
    }

    @Test func `without a password it refuses to start`() throws {
        #expect(throws: StandInError.self) {
            try StandInSettings(dataFolder: "/tmp/x", port: 0, slices: 2, environment: [:])
        }
    }
}

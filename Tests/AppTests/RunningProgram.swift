import Foundation
import TestServers
import Testing

/// What a program printed, and how it ended.
struct ProgramResult: Sendable {
    var status: Int32
    var output: String
    var errors: String

    /// stdout and stderr: what a canary is searched in.
    var everything: String { output + "\n" + errors }
}

/// A program under test, as a process of its own; its output goes to files, so that no full pipe stops it.
final class RunningProgram: Sendable {
    private let process: Process
    private let outputFile: URL
    private let errorFile: URL
    private let ended: AsyncStream<Int32>

    /// - Parameters:
    ///   - environment: All of it but `PATH` and `HOME`: nothing of the test run's own leaks in.
    ///   - onEnd: Called when the program has ended.
    init(
        _ program: URL, _ arguments: [String], environment: [String: String], folder: URL, input: String? = nil,
        onEnd: (@Sendable () -> Void)? = nil
    ) throws {
        outputFile = folder.appendingPathComponent("out-\(UUID().uuidString)")
        errorFile = folder.appendingPathComponent("err-\(UUID().uuidString)")
        for file in [outputFile, errorFile] { try Data().write(to: file) }
        process = Process()
        process.executableURL = program
        process.arguments = arguments
        let inherited = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        process.environment = ["PATH": inherited, "HOME": folder.path, "SWIFT_BACKTRACE": "enable=no"]
            .merging(environment) { _, new in new }
        let sinks = [try FileHandle(forWritingTo: outputFile), try FileHandle(forWritingTo: errorFile)]
        (process.standardOutput, process.standardError) = (sinks[0], sinks[1])
        if let input {
            let inputFile = folder.appendingPathComponent("in-\(UUID().uuidString)")
            try Data(input.utf8).write(to: inputFile)
            process.standardInput = try FileHandle(forReadingFrom: inputFile)
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        let (ended, continuation) = AsyncStream<Int32>.makeStream()
        self.ended = ended
        process.terminationHandler = { process in
            continuation.yield(
                process.terminationReason == .uncaughtSignal
                    ? 128 + process.terminationStatus : process.terminationStatus)
            continuation.finish()
            onEnd?()
        }
        try process.run()
        // The program has its own; thousands of programs would leave as many open here.
        for sink in sinks { try sink.close() }
    }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for the end; a cancelled or failing test kills the program.
    func finish() async throws -> ProgramResult {
        let status = await withTaskCancellationHandler {
            var last: Int32 = -1
            for await status in ended { last = status }
            return last
        } onCancel: {
            send(SIGKILL)
        }
        return ProgramResult(
            status: status, output: try String(contentsOf: outputFile, encoding: .utf8),
            errors: try String(contentsOf: errorFile, encoding: .utf8))
    }
}

/// The loader with a metadata store, a bucket and connection strings of its own.
struct LoaderSetup: Sendable {
    let folder: URL
    var environment: [String: String]

    /// - Parameter more: Overrides, for example `IMPORT_ROW_LIMIT`.
    init(folder: URL, bucket: TestBucket, source: String, destination: String, more: [String: String] = [:]) throws {
        self.folder = folder
        environment = try bucket.environment()
        environment["DATABASE_URL"] = "sqlite://\(folder.path)/loader.db"
        environment["TEST_SOURCE"] = source
        environment["TEST_DESTINATION"] = destination
        environment["PARALLEL_PROCESSING_NODE_SLICES"] = "2"
        environment.merge(more) { _, new in new }
    }

    func start(
        _ arguments: [String], input: String? = nil, onEnd: (@Sendable () -> Void)? = nil
    ) throws -> RunningProgram {
        try RunningProgram(
            TestServers.program("redshift-loader"), arguments, environment: environment, folder: folder, input: input,
            onEnd: onEnd)
    }

    func run(_ arguments: String..., input: String? = nil) async throws -> ProgramResult {
        try await start(arguments, input: input).finish()
    }

    /// Adds a job named `job` from the environment's connection strings.
    func addJob(schema: String, interval: String = "60s") async throws -> ProgramResult {
        try await run(
            "jobs", "add", "job", "--source-url-env", "TEST_SOURCE", "--destination-url-env", "TEST_DESTINATION",
            "--destination-schema", schema, "--interval", interval)
    }

    /// Expects the only run of a table to have repaired so many values, each as often as it read the table's rows: a
    /// transaction that another test keeps open at the same server makes the sweep after the first load read them once
    /// more.
    func expectRepaired(_ count: Int, inRows rows: Int, of table: String) async throws {
        let runs = try await run("tables", "runs", table, "--json")
        let figures = try #require(runs.output.firstMatch(of: /"rows":(\d+).*?"repaired":(\d+)/), "\(runs.everything)")
        let read = try #require(Int(figures.1))
        let repaired = Int(figures.2)
        #expect(read >= rows && read.isMultiple(of: rows) && repaired == count * (read / rows), "\(runs.everything)")
    }
}

/// Source, replica, bucket and folder for one test of the whole product.
func withLoader<Result>(
    more: [String: String] = [:], isolation: isolated (any Actor)? = #isolation,
    _ body: (LoaderSetup, TestDatabase, TestReplica) async throws -> Result
) async throws -> Result {
    try await TestDatabase.with { source in
        try await TestReplica.with { replica in
            try await TestBucket.with { bucket in
                try await withTemporaryFolder { folder in
                    let setup = try LoaderSetup(
                        folder: folder, bucket: bucket, source: source.url, destination: replica.url, more: more)
                    return try await body(setup, source, replica)
                }
            }
        }
    }
}

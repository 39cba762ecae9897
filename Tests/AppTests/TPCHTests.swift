import Foundation
import Synchronization
import TestServers
import Testing

/// TPC-H at scale factor 0.05, all eight tables: the first load, then rounds of inserts, updates and late commits.
@Suite struct TPCHTests {
    static let rounds = 50

    @Test func `TPC-H stays equal through rounds of inserts, updates and late commits`() async throws {
        try await withLoader(more: ["IMPORT_ROW_LIMIT": "60000"]) { loader, source, replica in
            let environment = [
                "TEST_PYTHON": try TestServers.required("TEST_PYTHON"),
                "TEST_TPCHGEN": try TestServers.required("TEST_TPCHGEN"),
            ]
            let script = Repository.root.appendingPathComponent("scripts/tpch")
            let made = try await RunningProgram(
                script, ["load", "--url", source.url, "--scale", "0.05"], environment: environment,
                folder: loader.folder
            ).finish()
            try #require(made.status == 0, "\(made.everything)")
            _ = try await loader.addJob(schema: replica.schema)
            let setup = try await loader.run("jobs", "setup", "job")
            try #require(setup.status == 0, "\(setup.everything)")
            let first = try await loader.run("sync", "job", "--wait")
            try #require(first.status == 0, "\(first.everything)")
            try await Judge.expectEqual(source, replica, loader.folder)

            // Batches far below a round's rows, so that passes of many batches and ties at their ends come up.
            var small = loader
            small.environment["IMPORT_ROW_LIMIT"] = "61"
            let seed = UInt64.random(in: 1...1_000_000)
            print("TPC-H churn seed \(seed)")
            let churn = try Churn(url: source.url, seed: seed, folder: loader.folder)
            for round in 1...Self.rounds {
                try await churn.say("round")
                // Every table in each round would spend the time on starting processes: all of them in one sync.
                let sync = try await small.run("sync", "job", "--wait")
                try #require(sync.status == 0, "round \(round), seed \(seed): \(sync.everything)")
            }
            try await churn.say("finish")
            #expect(try await small.run("sync", "job", "--wait").status == 0)
            try await Judge.expectEqual(source, replica, loader.folder)
        }
    }
}

/// Puts lines together from what a pipe delivers, which may be any part of them.
private final class LinePieces: Sendable {
    private let rest = Mutex("")

    func lines(adding data: Data) -> [String] {
        rest.withLock { rest in
            var parts = (rest + String(decoding: data, as: UTF8.self)).split(
                separator: "\n", omittingEmptySubsequences: false)
            rest = parts.popLast().map(String.init) ?? ""
            return parts.map(String.init)
        }
    }
}

/// The program that writes to TPC-H tables, a round at a time.
private final class Churn: Sendable {
    private let process: Process
    private let input: FileHandle
    private let lines: AsyncStream<String>

    init(url: String, seed: UInt64, folder: URL) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: try TestServers.required("TEST_PYTHON"))
        process.arguments = [
            Repository.root.appendingPathComponent("scripts/lib/tpch_churn.py").path, "--url", url, "--seed", "\(seed)",
        ]
        let toProgram = Pipe()
        let fromProgram = Pipe()
        process.standardInput = toProgram
        process.standardOutput = fromProgram
        input = toProgram.fileHandleForWriting
        let (lines, continuation) = AsyncStream<String>.makeStream()
        self.lines = lines
        let pieces = LinePieces()
        fromProgram.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            guard !data.isEmpty else {
                handle.readabilityHandler = nil
                continuation.finish()
                return
            }
            for line in pieces.lines(adding: data) { continuation.yield(line) }
        }
        try process.run()
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    /// Sends a line and waits for the answer to it.
    func say(_ line: String) async throws {
        try input.write(contentsOf: Data((line + "\n").utf8))
        for await answer in lines {
            try #require(answer.hasPrefix("done"), "\(answer)")
            return
        }
        try #require(Bool(false), "the churn program ended")
    }
}

import Foundation
import Synchronization
import TestServers
import Testing

/// The program that writes to TPC-H tables, a round at a time.
final class TPCHChurn: Sendable {
    private let process: Process
    private let input: FileHandle
    private let lines: AsyncStream<String>

    init(url: String, seed: UInt64, insertsOnly: Bool) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: try TestServers.required("TEST_PYTHON"))
        process.arguments =
            [
                Repository.root.appendingPathComponent("scripts/lib/tpch_churn.py").path, "--url", url, "--seed",
                "\(seed)",
            ] + (insertsOnly ? ["--inserts-only"] : [])
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

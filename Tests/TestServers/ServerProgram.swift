import Foundation

/// A program of a server that failed.
package struct ServerProgramFailure: Error, CustomStringConvertible {
    package var program: String
    package var status: Int32
    package var output: String

    package var description: String { "\(program) ended with status \(status): \(output.suffix(800))" }
}

/// One of a server's own programs as a child of the test run; as another user where that is root, since PostgreSQL
/// refuses to run as root.
final class ServerProgram: Sendable {
    private let process: Process
    private let name: String
    private let outputFile: URL
    private let ended: AsyncStream<Int32>

    /// - Parameters:
    ///   - name: Of PostgreSQL's programs, or a full path.
    ///   - output: A file that takes stdout and stderr.
    ///   - environment: Beside a plain one in UTC.
    init(_ name: String, _ arguments: [String], output: URL, environment: [String: String] = [:]) throws {
        self.name = name
        outputFile = output
        if !FileManager.default.fileExists(atPath: output.path) { try Data().write(to: output) }
        process = Process()
        var command = [try Self.path(of: name)] + arguments
        if let account = try Self.accountForRoot() {
            let change = ["--reuid=\(account.user)", "--regid=\(account.group)", "--clear-groups", "--"]
            command = ["/usr/bin/setpriv"] + change + command
        }
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        // The other user may not be able to look at the folder that the tests were started in.
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        process.environment = [
            "PATH": "/usr/bin:/bin:/usr/sbin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/nonexistent",
        ].merging(environment) { _, new in new }
        let sink = try FileHandle(forWritingTo: output)
        try sink.seekToEnd()
        process.standardOutput = sink
        process.standardError = sink
        process.standardInput = FileHandle.nullDevice
        let (ended, continuation) = AsyncStream<Int32>.makeStream()
        self.ended = ended
        process.terminationHandler = { process in
            continuation.yield(process.terminationStatus)
            continuation.finish()
        }
        try process.run()
    }

    var isRunning: Bool { process.isRunning }
    var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for the end, even of a cancelled test: what was started here is never left behind.
    func finish() async -> Int32 {
        let ended = ended
        return await Task {
            var last: Int32 = -1
            for await status in ended { last = status }
            return last
        }.value
    }

    /// Runs a program to its end.
    static func run(
        _ name: String, _ arguments: [String], output: URL, environment: [String: String] = [:]
    ) async throws {
        let program = try ServerProgram(name, arguments, output: output, environment: environment)
        let status = await program.finish()
        guard status == 0 else { throw ServerProgramFailure(program: name, status: status, output: program.output) }
    }

    /// Gives a folder to the user that the server runs as, and lets it pass through the folders above.
    static func handOver(_ folder: URL) throws {
        guard let account = try accountForRoot() else { return }
        guard chown(folder.path, account.user, account.group) == 0 else {
            throw MissingServer(variable: "a folder that \(account.name) may own")
        }
    }

    private struct Account {
        var name: String
        var user: UInt32
        var group: UInt32
    }

    private static func accountForRoot() throws -> Account? {
        guard getuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) {
                return Account(name: name, user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
            }
        }
        throw MissingServer(variable: "a user named postgres, as whom root runs a server")
    }

    /// Server programs lie beside each other, and not always on PATH; `cp` and `dd` are the system's.
    private static func path(of name: String) throws -> String {
        if name.hasPrefix("/") { return name }
        var folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let debian = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? [])
            .sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
        folders = versions.map { "\(debian)/\($0)/bin" } + folders + ["/bin", "/usr/bin", "/usr/local/pgsql/bin"]
        for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
            return "\(folder)/\(name)"
        }
        throw MissingServer(variable: "PostgreSQL's program \(name)")
    }
}

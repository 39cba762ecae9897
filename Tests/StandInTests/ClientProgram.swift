import Foundation
import PostgresClient

/// Runs programs that other people wrote against the stand-in.
enum ClientProgram {
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// - Parameter environment: Added to PATH and the home folder, nothing else is passed on.
    static func run(_ program: String, _ arguments: [String], environment: [String: String]) async throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        var variables = environment
        variables["PATH"] = "/usr/local/bin:/usr/bin:/bin"
        variables["HOME"] = NSTemporaryDirectory()
        process.environment = variables
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in done.resume() }
            do { try process.run() } catch { done.resume(throwing: error) }
        }
        return Outcome(
            status: process.terminationStatus,
            output: String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self),
            errors: String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
    }

    /// PostgreSQL's client program with one statement; rows come unaligned, without headings.
    static func psql(_ sql: String) async throws -> Outcome {
        let folder = try await run("/usr/bin/env", ["pg_config", "--bindir"], environment: [:])
        let program = folder.output.trimmingCharacters(in: .whitespacesAndNewlines) + "/psql"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw StandInServer.Missing(description: "psql is not where pg_config says: \(program)")
        }
        let server = try address()
        return try await run(
            program,
            ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", server.host, "-p", "\(server.port)"]
                + ["-U", server.user, "-d", server.database, "-c", sql],
            environment: ["PGPASSWORD": server.password])
    }

    /// AWS's Python driver: `body` finds an open connection as `c`, and prints what it has to say.
    static func redshiftConnector(_ body: String) async throws -> Outcome {
        let server = try address()
        let script = """
            import datetime, decimal, os, redshift_connector
            c = redshift_connector.connect(host=os.environ["AT_HOST"], port=int(os.environ["AT_PORT"]),
                database=os.environ["AT_DATABASE"], user=os.environ["AT_USER"], password=os.environ["AT_PASSWORD"], ssl=False)
            \(body)
            c.close()
            """
        return try await run(
            try StandInServer.value("TEST_PYTHON"), ["-c", script],
            environment: [
                "AT_HOST": server.host, "AT_PORT": "\(server.port)", "AT_DATABASE": server.database,
                "AT_USER": server.user, "AT_PASSWORD": server.password, "PYTHONDONTWRITEBYTECODE": "1",
            ])
    }

    private static func address() throws
        -> (host: String, port: Int, user: String, database: String, password: String)
    {
        let url = try StandInServer.value("TEST_STANDIN_URL")
        let endpoint = try PostgresEndpoint.parse(url).endpoint
        let password = URLComponents(string: url)?.password ?? ""
        return (endpoint.host, endpoint.port, endpoint.user, endpoint.database, password)
    }
}

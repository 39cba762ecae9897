import Foundation
import PostgresClient

/// Makes PostgreSQL servers for one test, for what a shared server cannot be put through: standbys, promotions, restores,
/// transaction numbers near their end.
package actor OwnServers {
    private let folder: URL
    private var servers: [OwnPostgres] = []

    private init(folder: URL) {
        self.folder = folder
    }

    /// Whatever `body` started is stopped when it ends, however it ends.
    package static func with<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (OwnServers) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryFolder { folder in
            chmod(folder.path, 0o755)
            let servers = OwnServers(folder: folder)
            do {
                let result = try await body(servers)
                await servers.stopAll()
                return result
            } catch {
                await servers.stopAll()
                throw error
            }
        }
    }

    private func stopAll() async {
        for server in servers { await server.kill() }
    }

    /// A new cluster, started.
    /// - Parameter settings: Beside those that `OwnPostgres` always sets.
    package func primary(_ settings: [String: String] = [:]) async throws -> OwnPostgres {
        let server = try make(settings)
        try await ServerProgram.run(
            "initdb",
            [
                "-D", server.data.path, "-U", OwnPostgres.user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
                "--no-instructions",
            ], output: server.log)
        try await server.start()
        return server
    }

    /// A hot standby that follows `primary` by streaming, started.
    package func standby(of primary: OwnPostgres, _ settings: [String: String] = [:]) async throws -> OwnPostgres {
        let server = try make(settings)
        try await ServerProgram.run(
            "pg_basebackup",
            [
                "-D", server.data.path, "-R", "-c", "fast", "--no-sync", "-h", "127.0.0.1", "-p", "\(primary.port)",
                "-U", OwnPostgres.user,
            ], output: server.log)
        try await server.start()
        return server
    }

    private func make(_ settings: [String: String]) throws -> OwnPostgres {
        let place = folder.appendingPathComponent("server\(servers.count + 1)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try ServerProgram.handOver(place)
        let server = OwnPostgres(place: place, port: try LoopbackPort.take(), settings: settings)
        servers.append(server)
        return server
    }
}

/// One cluster of a test's own: its folder, its process, its port.
package actor OwnPostgres {
    package static let user = "loader_admin"

    nonisolated package let port: UInt16
    nonisolated let data: URL
    nonisolated let log: URL
    private let place: URL
    private var settings: [String: String]
    private var process: ServerProgram?

    init(place: URL, port: UInt16, settings: [String: String]) {
        self.place = place
        self.port = port
        data = place.appendingPathComponent("data")
        log = place.appendingPathComponent("server.log")
        self.settings = [
            "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "shared_buffers": "16MB",
            "wal_level": "replica", "max_prepared_transactions": "5", "autovacuum": "off", "timezone": "UTC",
            "max_parallel_workers_per_gather": "0", "jit": "off", "max_connections": "40",
        ].merging(settings) { _, new in new }
    }

    // MARK: Its process

    /// Returns when it accepts connections.
    package func start() async throws {
        let options = settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
        let started = try ServerProgram("postgres", ["-D", data.path, "-p", "\(port)"] + options, output: log)
        process = started
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do {
                guard try await run("SHOW data_directory").firstValue == data.path else {
                    throw ServerProgramFailure(
                        program: "postgres (port \(port) is another server's)", status: -1, output: started.output)
                }
                return
            } catch let error as PostgresError {
                // There is no signal of its readiness that reaches a parent.
                guard started.isRunning, ContinuousClock.now < deadline else {
                    throw ServerProgramFailure(program: "postgres (\(error.what))", status: -1, output: started.output)
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// A fast shutdown: sessions are ended, nothing committed is lost.
    package func stop() async { await end(by: SIGINT) }

    /// As a crash: without a last checkpoint, so that the next start recovers from the log.
    package func kill() async { await end(by: SIGQUIT) }

    private func end(by signal: Int32) async {
        guard let process else { return }
        if process.isRunning { process.send(signal) }
        _ = await process.finish()
        self.process = nil
    }

    /// Ends a standby's recovery: it becomes a primary on a timeline of its own.
    package func promote() async throws {
        try await run("SELECT pg_promote(true, 30)")
    }

    /// From the next start on, or at once where the setting allows and `isReloaded`.
    package func set(_ name: String, to value: String) {
        settings[name] = value
    }

    // MARK: Its folder

    /// Copies the folder of the stopped server, as a snapshot of its disk would.
    package func backUp() async throws {
        let copy = place.appendingPathComponent("backup").path
        try await ServerProgram.run("rm", ["-rf", copy], output: tools)
        try await ServerProgram.run("cp", ["-a", data.path, copy], output: tools)
    }

    /// Puts the last backup back in the place of the stopped server's folder.
    package func restore() async throws {
        try await ServerProgram.run("rm", ["-rf", data.path], output: tools)
        try await ServerProgram.run(
            "cp", ["-a", place.appendingPathComponent("backup").path, data.path], output: tools)
    }

    /// Freezes every row of every database of the running server.
    package func freezeAll() async throws {
        try await ServerProgram.run(
            "vacuumdb", ["--all", "--freeze", "-h", "127.0.0.1", "-p", "\(port)", "-U", Self.user], output: tools)
    }

    /// Sets the counter of the stopped server. Rows written so far must be frozen.
    package func setNextTransaction(_ number: UInt32, epoch: UInt32) async throws {
        // 8192 bytes a page, 32 pages a file, four transactions a byte: the server wants to find the file.
        let file = String(format: "%04X", number / (8192 * 4 * 32))
        let path = data.appendingPathComponent("pg_xact/\(file)").path
        if !FileManager.default.fileExists(atPath: path) {
            try await ServerProgram.run("dd", ["if=/dev/zero", "of=\(path)", "bs=262144", "count=1"], output: tools)
        }
        let oldest = number > 3000 ? number - 1000 : 3
        try await ServerProgram.run(
            "pg_resetwal", ["-f", "-x", "\(number)", "-u", "\(oldest)", "-e", "\(epoch)", data.path], output: tools)
    }

    private var tools: URL { place.appendingPathComponent("tools.log") }

    // MARK: Its database

    nonisolated package var endpoint: PostgresEndpoint {
        PostgresEndpoint(
            host: "127.0.0.1", port: Int(port), user: Self.user, password: "", database: "postgres",
            tls: PostgresTLS(mode: .disable))
    }

    /// For programs under test.
    nonisolated package var url: String { "postgres://\(Self.user)@127.0.0.1:\(port)/postgres?sslmode=disable" }

    nonisolated package func session() async throws -> PostgresConnection {
        try await PostgresConnection.connect(to: endpoint)
    }

    /// Runs statements in a session of their own.
    @discardableResult
    nonisolated package func run(_ sql: String) async throws -> PostgresResult {
        let session = try await session()
        do {
            let result = try await session.execute(sql)
            await session.close()
            return result
        } catch {
            await session.close()
            throw error
        }
    }

    /// Waits, at most 30 seconds, until this standby has replayed all that `primary` has written by now.
    nonisolated package func catchUp(with primary: OwnPostgres) async throws {
        let target = try await primary.run("SELECT pg_current_wal_lsn()").firstValue ?? "0/0"
        let isThere = "SELECT coalesce(pg_last_wal_replay_lsn() >= '\(target)', false)"
        let session = try await session()
        let deadline = ContinuousClock.now + .seconds(30)
        while try await session.execute(isThere).firstValue != "t" {
            guard ContinuousClock.now < deadline else {
                throw ServerProgramFailure(program: "a standby did not reach \(target)", status: -1, output: "")
            }
        }
        await session.close()
    }
}

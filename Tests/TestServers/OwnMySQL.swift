import Foundation
import MySQLClient

/// Makes MariaDB and MySQL servers for one test, for what a shared server cannot be put through: crashes, restarts,
/// settings that a server takes only when it starts.
package actor OwnMySQLServers {
    private let folder: URL
    private var servers: [OwnMySQL] = []

    private init(folder: URL) {
        self.folder = folder
    }

    /// Whatever `body` started is stopped when it ends, however it ends.
    package static func with<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (OwnMySQLServers) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryFolder { folder in
            chmod(folder.path, 0o755)
            let servers = OwnMySQLServers(folder: folder)
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

    /// A new server without TLS, started.
    /// - Parameters:
    ///   - options: Beside those that `OwnMySQL` always sets, for example `--lower-case-table-names=1`; they hold when
    ///     its data folder is made, too.
    ///   - zone: The system's time zone.
    package func start(
        _ kind: MySQLServerKind, _ options: [String] = [], zone: String = "Asia/Kathmandu"
    ) async throws -> OwnMySQL {
        let place = folder.appendingPathComponent("server\(servers.count + 1)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try ServerProgram.handOver(place)
        let temporary = place.appendingPathComponent("tmp")
        try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
        try ServerProgram.handOver(temporary)
        let server = try OwnMySQL(
            kind: kind, place: place, port: LoopbackPort.take(), options: options, zone: zone)
        servers.append(server)
        try await server.initialise()
        try await server.start()
        return server
    }
}

/// One server of a test's own: its folder, its process, its port. Its administrator has no password.
package actor OwnMySQL {
    package static let user = "loader_admin"

    nonisolated package let kind: MySQLServerKind
    nonisolated package let port: UInt16
    nonisolated let data: URL
    nonisolated let log: URL
    private let place: URL
    private let environment: [String: String]
    private let program: [String]
    private var options: [String]
    private var process: ServerProgram?

    init(kind: MySQLServerKind, place: URL, port: UInt16, options: [String], zone: String) throws {
        self.kind = kind
        self.place = place
        self.port = port
        data = place.appendingPathComponent("data")
        log = place.appendingPathComponent("server.log")
        let unpacked = kind == .mysql ? try UnpackedMySQL() : nil
        environment = (unpacked?.environment ?? [:]).merging(["TZ": zone]) { _, new in new }
        program = try unpacked?.command ?? [MySQLServerKind.mariadbFile("mariadbd")]
        self.options =
            (unpacked?.options ?? ["--innodb-log-file-size=8M"])
            + [
                "--datadir=\(data.path)",
                // A server that starts removes what others keep in a folder of temporary files.
                "--tmpdir=\(place.appendingPathComponent("tmp").path)", "--innodb-buffer-pool-size=32M",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=OFF",
                "--performance-schema=OFF", "--skip-log-bin", "--skip-name-resolve", "--max-connections=60",
            ] + options
    }

    fileprivate func initialise() async throws {
        let statements = place.appendingPathComponent("admin.sql")
        let text = """
            FLUSH PRIVILEGES;
            CREATE USER '\(Self.user)'@'%';
            GRANT ALL ON *.* TO '\(Self.user)'@'%' WITH GRANT OPTION;

            """
        try Data(text.utf8).write(to: statements)
        switch kind {
        case .mysql:
            let making = ["--no-defaults", "--initialize-insecure", "--init-file=\(statements.path)"] + options
            try await ServerProgram.run(
                program[0], program.dropFirst() + making, output: log, environment: environment)
        case .mariadb:
            let making = ["--no-defaults", "--skip-test-db", "--skip-name-resolve", "--extra-file=\(statements.path)"]
            try await ServerProgram.run(
                MySQLServerKind.mariadbFile("mariadb-install-db"), making + options, output: log,
                environment: environment)
        }
    }

    // MARK: Its process

    /// Returns when it accepts connections.
    package func start() async throws {
        // The socket's path is relative to the data folder: a full one could be too long.
        let own = [
            "--no-defaults", "--bind-address=127.0.0.1", "--port=\(port)", "--socket=server.sock",
            "--pid-file=server.pid",
        ]
        let started = try ServerProgram(
            program[0], Array(program.dropFirst()) + own + options, output: log, environment: environment)
        process = started
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do {
                guard try await run("SELECT @@datadir").rows.first?.first == data.path + "/" else {
                    throw ServerProgramFailure(
                        program: "\(kind) (port \(port) is another server's)", status: -1, output: started.output)
                }
                return
            } catch let error as MySQLError {
                // There is no signal of its readiness that reaches a parent.
                guard started.isRunning, ContinuousClock.now < deadline else {
                    throw ServerProgramFailure(
                        program: "\(kind) (\(error.what))", status: -1, output: started.output)
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// An orderly shutdown: sessions are ended, nothing committed is lost.
    package func stop() async { await end(by: SIGTERM) }

    /// As a crash, without a word to anyone.
    package func kill() async { await end(by: SIGKILL) }

    private func end(by signal: Int32) async {
        guard let process else { return }
        if process.isRunning { process.send(signal) }
        _ = await process.finish()
        self.process = nil
    }

    /// From the next start on.
    package func add(_ option: String) {
        options.append(option)
    }

    // MARK: Its databases

    nonisolated package var endpoint: MySQLEndpoint {
        MySQLEndpoint(
            host: "127.0.0.1", port: Int(port), user: Self.user, password: "", database: "mysql",
            tls: MySQLTLS(mode: .disable))
    }

    /// For programs under test.
    nonisolated package func url(database: String) -> String {
        "mysql://\(Self.user)@127.0.0.1:\(port)/\(database)?sslmode=disable"
    }

    nonisolated package func session(database: String = "mysql") async throws -> MySQLConnection {
        var endpoint = endpoint
        endpoint.database = database
        return try await MySQLConnection.connect(to: endpoint)
    }

    /// Runs statements in a session of their own.
    /// - Returns: The last one's answer.
    @discardableResult
    nonisolated package func run(_ statements: String..., database: String = "mysql") async throws -> MySQLResult {
        let session = try await session(database: database)
        do {
            var result = MySQLResult(columns: [], rows: [], affectedRows: 0)
            for statement in statements { result = try await session.execute(statement) }
            await session.close()
            return result
        } catch {
            await session.close()
            throw error
        }
    }
}

extension MySQLServerKind {
    /// The servers' programs lie in folders of administrators, which are not on everyone's PATH.
    fileprivate static func mariadbFile(_ name: String) throws -> String {
        let own = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for folder in own + ["/usr/sbin", "/usr/bin", "/usr/libexec", "/usr/local/sbin"]
        where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
            return "\(folder)/\(name)"
        }
        throw MissingServer(variable: "MariaDB's program \(name)")
    }
}

/// The MySQL that `scripts/lib/mysql.sh` unpacked, and how it is run from its folder.
private struct UnpackedMySQL {
    let command: [String]
    let options: [String]
    let environment: [String: String]

    init() throws {
        let root = try TestServers.required("TEST_MYSQL_ROOT")
        let files = FileManager.default
        let folders = try files.contentsOfDirectory(atPath: "\(root)/usr/lib").filter { $0.contains("-linux-gnu") }
        guard let folder = folders.first,
            let loader = try files.contentsOfDirectory(atPath: "\(root)/usr/lib/\(folder)")
                .first(where: { $0.hasPrefix("ld-linux") })
        else { throw MissingServer(variable: "MySQL's loader below \(root)") }
        let libraries = "\(root)/usr/lib/\(folder)"
        let server = "\(root)/usr/sbin/mysqld"
        command = [
            "\(libraries)/\(loader)", "--library-path", "\(libraries):\(root)/usr/lib", "--argv0", server, server,
        ]
        options = [
            "--lc-messages-dir=\(root)/usr/share/mysql", "--plugin-dir=\(root)/usr/lib/mysql/plugin",
            "--character-sets-dir=\(root)/usr/share/mysql/charsets", "--mysqlx=OFF", "--secure-file-priv=NULL",
            "--innodb-redo-log-capacity=16M", "--tls-version=",
        ]
        environment = ["OPENSSL_CONF": "/dev/null", "OPENSSL_MODULES": "\(libraries)/ossl-modules"]
    }
}

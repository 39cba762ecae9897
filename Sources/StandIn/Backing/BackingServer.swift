import Foundation
import Logging
import PostgresClient

/// The PostgreSQL that holds the rows: its folder, its start, its stop. Reached over a Unix socket only.
struct BackingServer: Sendable {
    /// The internal superuser; Redshift's is called so as well.
    static let internalUser = "rdsdb"
    static let database = "dev"
    /// Only part of the socket's file name, since no TCP port is opened.
    private static let socketNumber = 5432
    /// A socket path may have 107 bytes; its file name takes 15 of them.
    private static let longestSocketFolder = 90

    let runner: ProgramRunner
    let dataFolder: String
    let socketFolder: String
    let slices: Int
    let isSerializable: Bool
    private let ownsSocketFolder: Bool

    private static let configuration = """
        listen_addresses = ''
        max_connections = 500
        shared_buffers = 256MB
        work_mem = 32MB
        fsync = off
        synchronous_commit = off
        full_page_writes = off
        wal_level = minimal
        max_wal_senders = 0
        max_wal_size = 4GB
        checkpoint_timeout = 30min
        jit = off
        password_encryption = md5
        standard_conforming_strings = off
        backslash_quote = on
        escape_string_warning = off
        timezone = 'UTC'
        log_timezone = 'UTC'
        datestyle = 'ISO, MDY'
        intervalstyle = 'postgres'
        bytea_output = 'hex'
        extra_float_digits = 0
        lc_messages = 'C'
        default_transaction_isolation = 'repeatable read'
        logging_collector = off
        """

    /// Makes the folders under `folder`; nothing is started yet.
    init(folder: String, slices: Int, isSerializable: Bool = false) throws {
        let account = try ProgramRunner.accountForRoot()
        let folder = URL(filePath: folder).standardizedFileURL.path(percentEncoded: false)
            .replacing(/(.)\/+$/, with: { $0.1 })
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if let account { try Self.checkTraversable(folder, by: account) }
        runner = ProgramRunner(
            programs: try ProgramRunner.findPrograms(), account: account, outputPath: folder + "/tools.log")
        dataFolder = folder + "/postgres"
        self.slices = slices
        self.isSerializable = isSerializable
        let near = folder + "/run"
        ownsSocketFolder = near.utf8.count > Self.longestSocketFolder
        socketFolder = ownsSocketFolder ? try Self.temporaryFolder() : near
        try Self.makeFolder(dataFolder, for: account)
        try Self.makeFolder(socketFolder, for: account)
    }

    private static func temporaryFolder() throws -> String {
        var template = Array("/tmp/standin-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StandInError("58030", "Cannot make a folder under /tmp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func makeFolder(_ path: String, for account: ProgramRunner.Account?) throws {
        if !FileManager.default.fileExists(atPath: path) {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        chmod(path, 0o700)
        guard let account else { return }
        guard chown(path, account.user, account.group) == 0 else {
            throw StandInError("58030", "Cannot give \(path) to the user \(account.name)")
        }
    }

    /// Every folder above must be passable for the other user.
    private static func checkTraversable(_ folder: String, by account: ProgramRunner.Account) throws {
        var path = folder
        while true {
            var status = stat()
            guard stat(path, &status) == 0 else { throw StandInError("58030", "Cannot look at \(path)") }
            let mode = status.st_mode
            let passable =
                mode & 0o001 != 0 || (status.st_uid == account.user && mode & 0o100 != 0)
                || (status.st_gid == account.group && mode & 0o010 != 0)
            guard passable else {
                throw StandInError(
                    "58030", "The user \(account.name) cannot reach \(folder)",
                    why: "Started as root, PostgreSQL runs as \(account.name), who may not pass through \(path).",
                    fix: "Choose another --data, or: chmod o+x \(path)")
            }
            if path == "/" || path.isEmpty { return }
            path = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
            if path.count > 1, path.hasSuffix("/") { path.removeLast() }
        }
    }

    func endpoint(user: String, database: String = BackingServer.database) -> PostgresEndpoint {
        var endpoint = PostgresEndpoint(
            host: socketFolder, port: Self.socketNumber, user: user, password: "", database: database,
            tls: PostgresTLS(mode: .disable))
        endpoint.applicationName = "redshift-standin"
        return endpoint
    }

    /// Starts PostgreSQL, after stopping one that a killed stand-in left behind, and sets up the database.
    /// - Returns: A connection of the internal superuser.
    func start(ownerPassword: String, logger: Logger) async throws -> PostgresConnection {
        let isNew = !FileManager.default.fileExists(atPath: dataFolder + "/PG_VERSION")
        if isNew { try await initialise() }
        if FileManager.default.fileExists(atPath: dataFolder + "/postmaster.pid") {
            logger.info("A PostgreSQL of an earlier run is stopped first.")
            // Fails when that one is gone already and only its pid file is left, which the start below copes with.
            do { try await stopPostgres() } catch is StandInError {}
        }
        try Self.configuration.write(toFile: dataFolder + "/postgresql.conf", atomically: false, encoding: .utf8)
        try await runner.run(
            "pg_ctl",
            [
                "start", "-w", "-t", "60", "-D", dataFolder, "-l", dataFolder + "/server.log", "-o",
                "-p \(Self.socketNumber) -k '\(socketFolder)'",
            ])
        do {
            return try await prepare(isNew: isNew, ownerPassword: ownerPassword)
        } catch {
            // What was started here does not stay behind; the first error is the one to tell.
            do { try await stopPostgres() } catch { logger.error("PostgreSQL could not be stopped: \(error)") }
            throw error
        }
    }

    private func prepare(isNew: Bool, ownerPassword: String) async throws -> PostgresConnection {
        if isNew || !FileManager.default.fileExists(atPath: dataFolder + "/standin-ready") {
            try await createDatabase()
        }
        let admin = try await PostgresConnection.connect(to: endpoint(user: Self.internalUser))
        let set = [CatalogStatements.slices(slices), CatalogStatements.isolation(isSerializable: isSerializable)]
        for statements in CatalogStatements.all + set {
            try await admin.execute(statements)
        }
        let verifier = PasswordCheck.verifier(user: StandInSettings.owner, password: ownerPassword)
        try await admin.execute("ALTER ROLE \(StandInSettings.owner) PASSWORD \(Literal.quote(verifier))")
        return admin
    }

    private func initialise() async throws {
        try await runner.run(
            "initdb",
            [
                "-D", dataFolder, "-U", Self.internalUser, "-A", "trust", "-E", "UTF8", "--lc-collate=C",
                "--lc-ctype=C.UTF-8", "--lc-messages=C", "--no-sync",
            ])
    }

    private func createDatabase() async throws {
        let first = try await PostgresConnection.connect(to: endpoint(user: Self.internalUser, database: "postgres"))
        let known = try await first.execute("SELECT 1 FROM pg_database WHERE datname = '\(Self.database)'")
        if known.rows.isEmpty { try await first.execute("CREATE DATABASE \(Self.database)") }
        try await first.execute(
            """
            DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\(StandInSettings.owner)')
            THEN CREATE ROLE \(StandInSettings.owner) LOGIN SUPERUSER; END IF; END $$
            """)
        await first.close()
        try Data().write(to: URL(filePath: dataFolder + "/standin-ready"))
    }

    /// A fast shutdown: sessions are ended, nothing committed is lost.
    func stop() async throws {
        try await stopPostgres()
        if ownsSocketFolder { try? FileManager.default.removeItem(atPath: socketFolder) }
    }

    private func stopPostgres() async throws {
        try await runner.run("pg_ctl", ["stop", "-D", dataFolder, "-m", "fast", "-w", "-t", "60"])
    }
}

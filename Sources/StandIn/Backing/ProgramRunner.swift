import Foundation

/// Runs PostgreSQL's own programs, as another user where this process is root (PostgreSQL refuses to run as root).
struct ProgramRunner: Sendable {
    /// Folder of initdb, pg_ctl and postgres.
    let programs: String
    /// Set when this process is root.
    let account: Account?
    /// Where the programs' own output goes.
    let outputPath: String

    struct Account: Sendable {
        var name: String
        var user: UInt32
        var group: UInt32
    }

    /// - Throws: `StandInError` naming the program, its exit status and the end of its output.
    func run(_ program: String, _ arguments: [String]) async throws {
        try Data().write(to: URL(filePath: outputPath))
        var command = [programs + "/" + program] + arguments
        if let account {
            // The other user may not be able to look at the folder that this process was started in.
            let prefix = ["/usr/bin/env", "--chdir=/", "/usr/bin/setpriv", "--clear-groups"]
            command = prefix + ["--reuid=\(account.user)", "--regid=\(account.group)", "--"] + command
        }
        let status = try await finish(try spawn(command))
        guard status == 0 else {
            let text = String(decoding: try Data(contentsOf: URL(filePath: outputPath)), as: UTF8.self)
            throw StandInError(
                "58000", "\(program) failed with status \(status)",
                why: String(text.suffix(600)).trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    /// Starts a program in a session of its own, so that Ctrl-C at a terminal reaches only the stand-in.
    ///
    /// Not Foundation's `Process`: on Linux it takes a program for running as long as a daemon that the program left
    /// behind holds its descriptors, and pg_ctl leaves one.
    private func spawn(_ command: [String]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_APPEND, 0)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals that the service group ignores in this process must work in PostgreSQL.
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Self.newSession)
        var words = Self.copies(command)
        var environment = Self.copies(["PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"])
        defer { for text in words + environment { free(text) } }
        Self.keepDescriptors()
        var child = pid_t()
        let failure = posix_spawn(&child, command[0], &actions, &attributes, &words, &environment)
        guard failure == 0 else {
            throw StandInError("58000", "\(command[0]) cannot be started", why: String(cString: strerror(failure)))
        }
        return child
    }

    /// Closes this process's descriptors in every program started from now on. PostgreSQL outlives its starter: with an
    /// inherited pipe or socket it would keep whoever waits at the other end waiting.
    private static func keepDescriptors() {
        for descriptor in Int32(3)..<1_024 {
            let flags = fcntl(descriptor, F_GETFD)
            if flags >= 0 { _ = fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) }
        }
    }

    private static func copies(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { (text: String) -> UnsafeMutablePointer<CChar>? in strdup(text) } + [nil]
    }

    #if os(Linux)
        /// POSIX_SPAWN_SETSID of glibc's <spawn.h>, which Swift does not import.
        private static let newSession: Int16 = 0x80
    #else
        private static let newSession = Int16(POSIX_SPAWN_SETSID)
    #endif

    /// Waits for the program's end without holding a thread.
    private func finish(_ child: pid_t) async throws -> Int32 {
        var status: Int32 = 0
        while waitpid(child, &status, WNOHANG) == 0 {
            // Not cancellable: a stop that has begun is carried to its end.
            await withCheckedContinuation { done in
                DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(20)) { done.resume() }
            }
        }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    /// The folder of PostgreSQL's server programs: beside `pg_config`, or the newest under /usr/lib/postgresql.
    static func findPrograms() throws -> String {
        var folders: [String] = []
        for folder in (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") {
            folders.append(String(folder))
        }
        let debian = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? [])
            .sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
        folders += versions.map { "\(debian)/\($0)/bin" }
        folders += ["/opt/homebrew/opt/postgresql@17/bin", "/usr/local/pgsql/bin"]
        for folder in folders
        where FileManager.default.isExecutableFile(atPath: folder + "/initdb")
            && FileManager.default.isExecutableFile(atPath: folder + "/pg_ctl")
        {
            return folder
        }
        throw StandInError(
            "58000", "PostgreSQL's server programs were not found",
            why: "Neither PATH nor /usr/lib/postgresql/*/bin holds initdb and pg_ctl.",
            fix: "Install them, for example with: apt-get install postgresql")
    }

    /// Whom PostgreSQL runs as when this process is root: `postgres`, else `nobody`; nil when it is not.
    static func accountForRoot() throws -> Account? {
        guard getuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) {
                return Account(name: name, user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
            }
        }
        throw StandInError(
            "58000", "PostgreSQL cannot run as root and no other user was found",
            why: "Neither the user postgres nor nobody exists.", fix: "Create a user named postgres.")
    }
}

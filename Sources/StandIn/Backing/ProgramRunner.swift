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
        FileManager.default.createFile(atPath: outputPath, contents: nil)
        guard let output = FileHandle(forWritingAtPath: outputPath) else {
            throw StandInError("58030", "Cannot write \(outputPath)")
        }
        defer { try? output.close() }
        let process = Process()
        let command = [programs + "/" + program] + arguments
        if let account {
            process.executableURL = URL(filePath: "/usr/bin/setpriv")
            process.arguments =
                ["--reuid=\(account.user)", "--regid=\(account.group)", "--clear-groups", "--"] + command
        } else {
            process.executableURL = URL(filePath: command[0])
            process.arguments = arguments
        }
        process.currentDirectoryURL = URL(filePath: "/tmp")
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        let status = try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { done.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                done.resume(throwing: error)
            }
        }
        guard status == 0 else {
            let text = (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? ""
            throw StandInError(
                "58000", "\(program) failed with status \(status)",
                why: String(text.suffix(600)).trimmingCharacters(in: .whitespacesAndNewlines))
        }
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

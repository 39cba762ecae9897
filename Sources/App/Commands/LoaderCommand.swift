import ArgumentParser
import Foundation
import Logging
import Operations
import Replication

/// Flags that every command has.
struct CommonOptions: ParsableArguments {
    @Flag(name: [.short, .long], help: "Log more, to stderr.")
    var verbose = false

    @Flag(name: [.short, .long], help: "Log errors only.")
    var quiet = false
}

/// `--json`, for commands whose answer machines may read.
struct JSONOption: ParsableArguments {
    @Flag(name: .long, help: "Answer with JSON.")
    var json = false
}

/// A command over the composition, with one way to fail.
protocol LoaderCommand: AsyncParsableCommand {
    var common: CommonOptions { get }
    /// A service's log is its answer; a command's own lines say what happened, and its log only what went wrong.
    static var isService: Bool { get }
    func execute(_ app: Composition) async throws
}

extension LoaderCommand {
    static var isService: Bool { false }

    func run() async throws {
        try await Failure.exiting {
            let configuration = try LoaderConfiguration(environment: Environment())
            let logger = common.logger(Self.isService ? configuration.logLevel : max(configuration.logLevel, .warning))
            try await Composition.with(configuration, logger: logger) { app in try await execute(app) }
        }
    }
}

extension CommonOptions {
    func logger(_ configured: Logger.Level) -> Logger {
        var logger = Logger(label: "redshift-loader") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = verbose ? .debug : quiet ? .error : configured
        return logger
    }
}

/// Tells an error and turns it into an exit status of sysexits.
enum Failure {
    static func exiting(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as OperationError {
            try fail(error.what, error.why, error.fix, status: error.code.exitStatus)
        } catch let error as ReplicationError {
            try fail(error.what, error.why, error.fix + " (\(error.code.rawValue))", status: error.code.exitStatus)
        } catch is CancellationError {
            throw ExitCode(130)
        } catch let error as ExitCode {
            throw error
        } catch {
            try fail("This should not have happened", "\(error)", "Please report it.", status: 70)
        }
    }

    private static func fail(_ what: String, _ why: String, _ fix: String, status: Int32) throws {
        Terminal.message("Error: \(what): \(why).\n\(fix)")
        throw ExitCode(status)
    }
}

extension ErrorCode {
    var exitStatus: Int32 {
        switch self {
        case .config, .secretKey: 78
        case .sourceUnreachable, .sourceTimeout, .sourceConflict, .destinationUnreachable, .s3Unreachable: 69
        case .sourceAuthentication, .sourcePermission, .destinationAuthentication, .destinationPermission, .s3Access,
            .s3Region:
            77
        case .locked, .destinationLocked, .interrupted: 75
        case .sourceTableGone, .sourceScan, .keyMissing, .schemaMismatch, .valueLong, .valueBad, .copyRejected,
            .destinationDiskFull:
            65
        case .internal: 70
        }
    }
}

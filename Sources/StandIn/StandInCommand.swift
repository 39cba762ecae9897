import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle

/// `redshift-standin`: a local Redshift for demos and tests.
@main
struct StandInCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redshift-standin",
        abstract: "A local stand-in for Amazon Redshift, for demos and tests.",
        discussion: """
            User standin, password from STANDIN_PASSWORD, database dev, loopback only. COPY reads from \
            AWS_ENDPOINT_URL_S3 in AWS_REGION; an IAM role stands for the keys STANDIN_S3_ACCESS_KEY_ID and \
            STANDIN_S3_SECRET_ACCESS_KEY.
            """)

    @Option(help: "Folder for the rows; made when absent, reused when present.")
    var data: String

    @Option(help: "Port on 127.0.0.1; 0 picks a free one.")
    var port: Int = 5439

    @Option(help: "Slices that stv_slices shows.")
    var slices: Int = 2

    @Option(help: "A fault to arm at the start, as behind STANDIN FAULT; repeatable.")
    var fault: [String] = []

    @Flag(help: "SERIALIZABLE isolation, whose conflicts are error 1023, in place of SNAPSHOT.")
    var serializable = false

    func run() async throws {
        Self.closeDescriptorsOnExec()
        var logger = Logger(label: "standin", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .notice
        do {
            let settings = try StandInSettings(
                dataFolder: data, port: port, slices: slices, faults: fault, isSerializable: serializable,
                environment: ProcessInfo.processInfo.environment)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        .init(
                            service: StandInService(settings: settings, logger: logger),
                            successTerminationBehavior: .gracefullyShutdownGroup)
                    ],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
        } catch let error as StandInError {
            let sentences = [error.what, error.why, error.fix].compactMap(\.self)
            FileHandle.standardError.write(Data("redshift-standin: \(sentences.joined(separator: ". "))\n".utf8))
            throw ExitCode.failure
        }
    }

    /// PostgreSQL must not inherit what this process was started with: whoever waits for this one's end by a descriptor
    /// would wait for PostgreSQL's as well, which outlives a kill.
    private static func closeDescriptorsOnExec() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? []
        for descriptor in names.compactMap({ Int32($0) }) where descriptor > STDERR_FILENO {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }
}

import AsyncHTTPClient
import Foundation
import Logging
import S3Client
import ServiceLifecycle

/// The stand-in from its start to its clean end: PostgreSQL behind, clients in front.
struct StandInService: Service {
    let settings: StandInSettings
    let logger: Logger

    func run() async throws {
        let backing = try BackingServer(
            folder: settings.dataFolder, slices: settings.slices, isSerializable: settings.isSerializable)
        let admin = try await backing.start(ownerPassword: settings.password, logger: logger)
        let http = HTTPClient(
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: S3Configuration.httpConfiguration())
        let superType = try await admin.execute("SELECT 'pg_catalog.super'::regtype::oid").firstValue
        let context = ServerContext(
            settings: settings, backing: backing, admin: admin, superType: superType.flatMap { UInt32($0) } ?? 0,
            lateViews: try await LateViewNames(admin), longNames: try await LongNames(admin), http: http, logger: logger
        )
        for (fault, text) in settings.faults { await context.faults.arm(fault, text: text, by: 0) }
        let outcome = await serve(context)
        await admin.close()
        try await http.shutdown()
        try await backing.stop()
        try outcome.get()
    }

    private func serve(_ context: ServerContext) async -> Result<Void, any Error> {
        do {
            try await cancelWhenGracefulShutdown {
                try await ClientServer(context: context).run(port: settings.port) { port in
                    // One line for scripts that wait for it; nothing else goes to standard output.
                    FileHandle.standardOutput.write(Data("redshift-standin ready on 127.0.0.1:\(port)\n".utf8))
                }
            }
            return .success(())
        } catch is CancellationError {
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}

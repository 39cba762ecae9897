import Foundation
import Operations

extension PostgresDatabase {
    /// All steps in one transaction under an advisory lock: of several processes that start at one moment the first
    /// migrates, and the others wait and find nothing to do.
    func migrate() async throws -> [String] {
        let name = UUID().uuidString.lowercased()
        return try await transaction(PostgresSchemaStatements.beginWriting, limit: MetadataPatience.long) { session in
            guard let script = session as? PostgresTransaction else { return [] }
            _ = try script.session.executeScript(PostgresSchemaStatements.waitForLock)
            try PostgresSchemaStatements.lock.run(session)
            if try PostgresSchemaStatements.hasSchema.number(session) == 0 {
                _ = try script.session.executeScript(PostgresSchemaStatements.makeSchema)
            }
            _ = try script.session.executeScript(PostgresSchemaStatements.makeVersionTable)
            let version = try Self.version(session)
            let steps = PostgresSchemaStatements.steps.dropFirst(version)
            guard !steps.isEmpty else { return [] }
            for step in steps { _ = try script.session.executeScript(step.sql) }
            if version == 0 { try InstallationStatements.insertInstallation(name).run(session) }
            try PostgresSchemaStatements.writeVersion(PostgresSchemaStatements.steps.count).run(session)
            return steps.map(\.name)
        }
    }

    func pendingMigrations() async throws -> [String] {
        try await read { session in
            guard try PostgresSchemaStatements.hasVersion.number(session) == 1 else {
                return PostgresSchemaStatements.steps.map(\.name)
            }
            return PostgresSchemaStatements.steps.dropFirst(try Self.version(session)).map(\.name)
        }
    }

    private static func version(_ session: any MetadataSession) throws -> Int {
        let version = Int(try PostgresSchemaStatements.readVersion.number(session) ?? 0)
        return try MetadataFailure.refusingNewer(version, known: PostgresSchemaStatements.steps.count)
    }
}

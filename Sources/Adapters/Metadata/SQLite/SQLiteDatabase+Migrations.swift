import Foundation
import GRDB
import Operations

extension SQLiteDatabase {
    /// All steps in one transaction, which reads the version only once it holds the write lock.
    func migrate() async throws -> [String] {
        let name = UUID().uuidString.lowercased()
        return try await write(limit: MetadataPatience.long) { session in
            let version = try Self.version(session)
            let steps = SQLiteSchemaStatements.steps.dropFirst(version)
            guard !steps.isEmpty, let database = (session as? SQLiteSession)?.database else { return [] }
            for step in steps { try database.execute(sql: step.sql) }
            if version == 0 {
                try SQLiteSchemaStatements.writeApplicationID.run(session)
                try InstallationStatements.insertInstallation(name).run(session)
            }
            try SQLiteSchemaStatements.writeVersion(SQLiteSchemaStatements.steps.count).run(session)
            return steps.map(\.name)
        }
    }

    func pendingMigrations() async throws -> [String] {
        try await read { session in
            SQLiteSchemaStatements.steps.dropFirst(try Self.version(session)).map(\.name)
        }
    }

    /// Refuses a database that another program, or a newer version of this one, made.
    static func checkOwnership(_ session: any MetadataSession) throws {
        let application = try SQLiteSchemaStatements.readApplicationID.number(session) ?? 0
        let objects = try SQLiteSchemaStatements.countObjects.number(session) ?? 0
        let isOurs = application == SQLiteSchemaStatements.applicationID
        guard isOurs || (application == 0 && objects == 0) else {
            throw OperationError(
                .configuration, what: "The file named by DATABASE_URL holds another program's database",
                why: "it has tables that Redshift Loader did not make",
                fix: "Point DATABASE_URL at a file of its own, for example sqlite:///var/lib/redshift-loader/loader.db")
        }
        _ = try version(session)
    }

    private static func version(_ session: any MetadataSession) throws -> Int {
        let version = Int(try SQLiteSchemaStatements.readVersion.number(session) ?? 0)
        return try MetadataFailure.refusingNewer(version, known: SQLiteSchemaStatements.steps.count)
    }
}

import Foundation
import GRDB
import Operations

extension SQLiteMetadata {
    /// Brings the schema up to date: all steps in one transaction, which reads the version only once it holds the
    /// write lock, so that of several processes the first migrates and the others find nothing to do.
    package func migrate() async throws {
        let name = UUID().uuidString.lowercased()
        let applied = try await write { database in
            let version = try Self.version(database)
            let steps = SQLiteSchemaStatements.steps.dropFirst(version)
            for step in steps { try database.execute(sql: step.sql) }
            guard !steps.isEmpty else { return [String]() }
            if version == 0 {
                try SQLiteSchemaStatements.writeApplicationID.run(database)
                try SQLiteSchemaStatements.insertInstallation(name).run(database)
            }
            try SQLiteSchemaStatements.writeVersion(SQLiteSchemaStatements.steps.count).run(database)
            return steps.map(\.name)
        }
        for step in applied { logger.info("Metadata store migrated: \(step)") }
    }

    /// Names of the steps that `migrate` would run.
    package func pendingMigrations() async throws -> [String] {
        try await read { database in
            SQLiteSchemaStatements.steps.dropFirst(try Self.version(database)).map(\.name)
        }
    }

    /// Refuses a database that another program, or a newer version of this one, made.
    static func checkOwnership(_ database: Database) throws {
        let application = try SQLiteSchemaStatements.readApplicationID.number(database) ?? 0
        let objects = try SQLiteSchemaStatements.countObjects.number(database) ?? 0
        let isOurs = application == SQLiteSchemaStatements.applicationID
        guard isOurs || (application == 0 && objects == 0) else {
            throw OperationError(
                .configuration, what: "The file named by DATABASE_URL holds another program's database",
                why: "it has tables that Redshift Loader did not make",
                fix: "Point DATABASE_URL at a file of its own, for example sqlite:///var/lib/redshift-loader/loader.db")
        }
        _ = try version(database)
    }

    private static func version(_ database: Database) throws -> Int {
        let version = Int(try SQLiteSchemaStatements.readVersion.number(database) ?? 0)
        guard version <= SQLiteSchemaStatements.steps.count else {
            throw OperationError(
                .configuration, what: "The metadata store was made by a newer version of redshift-loader",
                why: "its schema has version \(version), this program knows \(SQLiteSchemaStatements.steps.count)",
                fix: "Run the newer version, or restore the backup made before it.")
        }
        return version
    }
}

import Foundation

/// One step of the schema; steps are only ever appended.
struct SchemaStep: Sendable {
    let name: String
    let sql: String
}

/// The text of what an installation is and keeps.
enum InstallationStatements {
    static func insertInstallation(_ id: String) -> MetadataStatement {
        MetadataStatement(
            "INSERT INTO installation (id) SELECT :id WHERE NOT EXISTS (SELECT 1 FROM installation)", ["id": id])
    }

    /// The first to come wins, so that all processes use one.
    static func keepSecret(_ name: String, sealed: Data) -> MetadataStatement {
        MetadataStatement(
            "INSERT INTO kept_secrets (name, sealed) VALUES (:name, :sealed) ON CONFLICT (name) DO NOTHING",
            ["name": name, "sealed": sealed])
    }

    static func secret(_ name: String) -> MetadataStatement {
        MetadataStatement("SELECT sealed FROM kept_secrets WHERE name = :name", ["name": name])
    }

    static let readInstallation = MetadataStatement("SELECT id FROM installation")

    /// Everything that is sealed, for another key: names of kept secrets with their bytes.
    static let allSecrets = MetadataStatement("SELECT name, sealed FROM kept_secrets ORDER BY name")

    static func resealSecret(_ name: String, from old: Data, to new: Data) -> MetadataStatement {
        MetadataStatement(
            "UPDATE kept_secrets SET sealed = :new WHERE name = :name AND sealed = :old",
            ["name": name, "old": old, "new": new])
    }
}

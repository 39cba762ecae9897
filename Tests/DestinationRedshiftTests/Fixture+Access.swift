import PostgresClient
import Replication
import TestServers

@testable import DestinationRedshift

/// Users, groups and roles of the stand-in, for one test each.
extension Fixture {
    /// A user with those rights on the replica's schema and no others; whatever lies in the schema goes with it.
    func withUser(
        grants: String, isolation: isolated (any Actor)? = #isolation, _ body: (PostgresEndpoint) async throws -> Void
    ) async throws {
        // The test of the fallback needs a redshift_loader that this user may not use.
        try await run("CREATE SCHEMA IF NOT EXISTS \(CheckpointTable.preferredSchema)")
        try await withGrantees([.user]) { grantees in
            try await run("GRANT \(grants) ON SCHEMA \(replica.schema) TO \(grantees[0].name)")
            var endpoint = replica.endpoint
            endpoint.user = grantees[0].name
            endpoint.password = PostgresPassword("Abcdef123")
            try await body(endpoint)
        }
    }

    /// Makes one of each kind; afterwards the replica's schema is emptied, so that they can be dropped.
    func withGrantees(
        _ kinds: [ReadOnlyGrantee.Kind], isolation: isolated (any Actor)? = #isolation,
        _ body: ([ReadOnlyGrantee]) async throws -> Void
    ) async throws {
        let grantees = kinds.map { ReadOnlyGrantee(kind: $0, name: freshName($0.rawValue)) }
        for grantee in grantees {
            let password = grantee.kind == .user ? " PASSWORD 'Abcdef123'" : ""
            try await run("CREATE \(grantee.kind.rawValue) \(grantee.name)\(password)")
        }
        do {
            try await body(grantees)
            try await drop(grantees)
        } catch {
            try await drop(grantees)
            throw error
        }
    }

    private func drop(_ grantees: [ReadOnlyGrantee]) async throws {
        try await run("DROP SCHEMA \(replica.schema) CASCADE")
        try await run("CREATE SCHEMA \(replica.schema)")
        for grantee in grantees { try await run("DROP \(grantee.kind.rawValue) \(grantee.name)") }
    }

    /// Who may do what with a table, beside its owner: kind, name, privilege, and whether it may be passed on.
    func privileges(on table: TableName) async throws -> [[String?]] {
        try await replica.rows(
            """
            SELECT identity_type, identity_name, privilege_type, admin_option FROM svv_relation_privileges
            WHERE namespace_name = \(RedshiftText.literal(table.schema))
            AND relation_name = \(RedshiftText.literal(table.name))
            AND NOT (identity_type = 'user' AND identity_name = CURRENT_USER) ORDER BY 1, 2, 3
            """)
    }

    /// Who may do what with single columns: kind, name, privilege, column.
    func columnPrivileges(on table: TableName) async throws -> [[String?]] {
        try await replica.rows(
            """
            SELECT identity_type, identity_name, privilege_type, column_name FROM svv_column_privileges
            WHERE namespace_name = \(RedshiftText.literal(table.schema))
            AND relation_name = \(RedshiftText.literal(table.name)) ORDER BY 1, 2, 3, 4
            """)
    }
}

import Replication

/// Somebody that may read all replicas: an entry of `READ_ONLY_USERS`.
package struct ReadOnlyGrantee: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case user, group, role
    }

    package var kind: Kind
    package var name: String

    package init(kind: Kind, name: String) {
        self.kind = kind
        self.name = name
    }

    var sql: String {
        switch kind {
        case .user: RedshiftText.identifier(name)
        case .group: "GROUP \(RedshiftText.identifier(name))"
        case .role: "ROLE \(RedshiftText.identifier(name))"
        }
    }
}

/// Reading and giving rights: a swapped table starts without any.
enum GrantStatements {
    static func select(on table: TableName, to grantee: ReadOnlyGrantee) -> String {
        "GRANT SELECT ON \(RedshiftText.table(table)) TO \(grantee.sql)"
    }

    static func usage(on schema: String, to grantee: ReadOnlyGrantee) -> String {
        "GRANT USAGE ON SCHEMA \(RedshiftText.identifier(schema)) TO \(grantee.sql)"
    }

    /// Columns: privilege, who, kind of who, whether they may pass it on, and NULL: the whole table. The owner's own
    /// rights are left out.
    static func read(of table: TableName) -> String {
        """
        SELECT privilege_type, identity_name, identity_type, admin_option, NULL FROM svv_relation_privileges \
        WHERE \(condition(table)) ORDER BY 3, 2, 1
        """
    }

    /// The same of single columns, whose names come last; nobody can pass these on.
    static func readColumns(of table: TableName) -> String {
        """
        SELECT privilege_type, identity_name, identity_type, 'f', column_name FROM svv_column_privileges \
        WHERE \(condition(table)) ORDER BY 3, 2, 1, 5
        """
    }

    private static func condition(_ table: TableName) -> String {
        """
        namespace_name = \(RedshiftText.literal(table.schema)) AND relation_name = \(RedshiftText.literal(table.name)) \
        AND NOT (identity_type = 'user' AND identity_name = CURRENT_USER)
        """
    }

    /// Those that GRANT takes. RULE and TRIGGER are in the catalog, from GRANT ALL, and allow nothing.
    private static let privileges: Set<String> = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES", "TRUNCATE", "ALTER", "DROP",
    ]

    /// - Parameter row: As `read` and `readColumns` give it.
    /// - Returns: nil for what cannot be granted again.
    static func again(_ row: [String?], on table: TableName) -> String? {
        guard row.count == 5, let privilege = row[0]?.uppercased(), privileges.contains(privilege) else { return nil }
        let name = row[1] ?? ""
        let grantee: String
        switch row[2]?.lowercased() {
        case "public": grantee = "PUBLIC"
        case "user": grantee = ReadOnlyGrantee(kind: .user, name: name).sql
        case "group": grantee = ReadOnlyGrantee(kind: .group, name: name).sql
        case "role": grantee = ReadOnlyGrantee(kind: .role, name: name).sql
        default: return nil
        }
        let option = row[2]?.lowercased() == "user" && ["t", "true"].contains(row[3] ?? "") ? " WITH GRANT OPTION" : ""
        let columns = row[4].map { " (\(RedshiftText.identifier($0)))" } ?? ""
        return "GRANT \(privilege)\(columns) ON \(RedshiftText.table(table)) TO \(grantee)\(option)"
    }
}

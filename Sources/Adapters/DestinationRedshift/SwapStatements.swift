import Replication

/// The statements of a swap: a new table takes the replica's name, the former one survives under another until the
/// next swap.
enum SwapStatements {
    /// The table being built.
    static func building(_ table: TableName) -> TableName { suffixed(table, "__loader_new") }
    /// The former replica.
    static func former(_ table: TableName) -> TableName { suffixed(table, "__loader_old") }

    private static func suffixed(_ table: TableName, _ suffix: String) -> TableName {
        let full = table.name + suffix
        guard full.utf8.count > ReplicaNaming.limitBytes else { return TableName(schema: table.schema, name: full) }
        let digest = "_" + StableDigest.hex(table.name) + suffix
        var cut = ""
        for character in table.name {
            guard cut.utf8.count + String(character).utf8.count + digest.utf8.count <= ReplicaNaming.limitBytes else {
                break
            }
            cut.append(character)
        }
        return TableName(schema: table.schema, name: cut + digest)
    }

    static func drop(_ table: TableName) -> String { "DROP TABLE IF EXISTS \(RedshiftText.table(table))" }

    static func rename(_ table: TableName, to name: String) -> String {
        "ALTER TABLE \(RedshiftText.table(table)) RENAME TO \(RedshiftText.identifier(name))"
    }

    /// Ordinary views that read the table. Columns: schema, name, definition. Late-binding views find the new table by
    /// its name and are not among them.
    static func views(on table: TableName) -> String {
        """
        SELECT DISTINCT vn.nspname, v.relname, pg_get_viewdef(v.oid) \
        FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class \
        JOIN pg_namespace vn ON vn.oid = v.relnamespace JOIN pg_class t ON t.oid = d.refobjid \
        JOIN pg_namespace tn ON tn.oid = t.relnamespace \
        WHERE tn.nspname = \(RedshiftText.literal(table.schema)) AND t.relname = \(RedshiftText.literal(table.name)) \
        AND v.oid <> t.oid
        """
    }

    /// Points a view at whatever bears the table's name now.
    static func recreateView(_ view: TableName, definition: String) -> String {
        "CREATE OR REPLACE VIEW \(RedshiftText.table(view)) AS \(definition)"
    }
}

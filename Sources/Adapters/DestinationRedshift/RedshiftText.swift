import PostgresClient
import Replication

/// Quoting for Redshift, where a backslash escapes inside every literal and `E'…'` is refused.
enum RedshiftText {
    static func literal(_ text: String) -> String {
        "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "''") + "'"
    }

    static func identifier(_ name: String) -> String { PostgresSQL.identifier(name) }

    static func table(_ name: TableName) -> String {
        identifier(name.schema) + "." + identifier(name.name)
    }
}

import PostgresClient
import Replication

/// How a column stands in the SELECT list: everything that is to happen to its values happens at the source.
enum ColumnExpression {
    /// - Parameters:
    ///   - hashSalt: Put before each hashed value, so that equal values of different installations differ.
    ///   - encoding: In which a hashed text's bytes are taken.
    static func sql(for column: ColumnMapping, hashSalt: String, encoding: String = "UTF8") -> String {
        let value = formatted(column.source)
        switch column.treatment {
        case nil: return value
        case .hashed:
            let salted = "\(CatalogStatements.literal(hashSalt)) || (\(value))::text"
            return "encode(sha256(convert_to(\(salted), '\(encoding)')), 'hex')"
        }
    }

    /// The marker of a column in `TableMapping.markedColumns`.
    static func isEmpty(_ column: ColumnMapping) -> String {
        "coalesce((\(formatted(column.source)))::text = '', false)"
    }

    private static func formatted(_ column: SourceColumn) -> String {
        let name = "t." + PostgresSQL.identifier(column.name)
        // Arrays and composites are the only types outside of this list that become SUPER.
        if column.replicaType == .semistructured, !["json", "jsonb", "hstore"].contains(column.typeName) {
            return "to_jsonb(\(name))"
        }
        let type = PostgresType(name: column.typeName, kind: "b", category: "U")
        switch PostgresTypeMapping(type: type).form {
        case .plain: return name
        case .cast(let target): return "\(name)::\(target)"
        case .function(let function): return "\(function)(\(name))"
        case .hex: return "encode(\(name), 'hex')"
        }
    }
}

import Foundation

/// The SQL that makes a parsed table behind the stand-in, and its line in the shadow catalog.
enum TableStatements {
    static func create(_ definition: TableDefinition) throws(StandInError) -> StatementPlan {
        let isTemporary = try isTemporary(definition.table, declared: definition.isTemporary)
        let notNullKeys = Set(definition.primaryKey)
        var elements = definition.columns.map { column in
            var column = column
            column.notNull = column.notNull || notNullKeys.contains(column.name)
            return column.sql
        }
        elements += definition.likes.map {
            "LIKE \($0.parent.sql)" + ($0.withDefaults ? " INCLUDING DEFAULTS" : "") + " INCLUDING CONSTRAINTS"
        }
        let create =
            "CREATE \(isTemporary ? "TEMP " : "")TABLE \(definition.ifNotExists ? "IF NOT EXISTS " : "")"
            + "\(definition.table.sql) (\(elements.joined(separator: ", ")))"
        var texts = [create]
        texts += definition.likes.map { inherit(from: $0.parent, to: definition.table) }
        texts.append(remember(definition))
        return StatementPlan(action: .command(texts, tag: "CREATE TABLE"))
    }

    static func createAs(
        _ table: RelationName, columns: [String], style: TableStyle, query: String, isTemporary: Bool
    ) throws(StandInError) -> StatementPlan {
        let isTemporary = try Self.isTemporary(table, declared: isTemporary)
        let names = columns.isEmpty ? "" : " (" + columns.map(Identifier.quote).joined(separator: ", ") + ")"
        var definition = TableDefinition(table: table)
        definition.style = style
        let create = "CREATE \(isTemporary ? "TEMP " : "")TABLE \(table.sql)\(names) AS \(query)"
        return StatementPlan(
            action: .command(
                [create, "SELECT pg_catalog.standin_settle_types(\(literal(table)))", remember(definition)],
                tag: "SELECT"))
    }

    private static func isTemporary(_ table: RelationName, declared: Bool) throws(StandInError) -> Bool {
        guard declared || table.isHash else { return false }
        guard table.schema == nil else {
            throw StandInError("42P16", "temporary tables cannot specify a schema name")
        }
        return true
    }

    /// The table as a `regclass` literal.
    static func literal(_ table: RelationName) -> String { Literal.quote(table.sql) }

    private static func inherit(from parent: RelationName, to child: RelationName) -> String {
        "SELECT pg_catalog.standin_inherit(\(literal(parent)), \(literal(child)))"
    }

    /// Keeps what PostgreSQL has no place for.
    static func remember(_ definition: TableDefinition) -> String {
        let style = definition.style
        var rows: [String] = []
        for column in definition.columns {
            let sort = style.sortKeys.firstIndex(of: column.name).map { $0 + 1 } ?? 0
            guard sort > 0 || style.distKey == column.name || column.encoding != nil || column.type.varbyteBytes != nil
            else { continue }
            rows.append(
                "(\(Literal.quote(column.name)), \(column.encoding.map(Literal.quote) ?? "NULL"), "
                    + "\(style.distKey == column.name), \(style.isInterleaved && sort % 2 == 0 ? -sort : sort), "
                    + "\(column.type.varbyteBytes.map(String.init) ?? "NULL"))")
        }
        let columns =
            rows.isEmpty
            ? ""
            : ", ARRAY[" + rows.map { "ROW\($0)" }.joined(separator: ", ")
                + "]::pg_catalog.standin_column_note[]"
        let keys = definition.primaryKey.map(Literal.quote).joined(separator: ", ")
        let others = definition.otherKeys.map(Literal.quote).joined(separator: ", ")
        let distStyle = style.distStyle ?? (style.distKey == nil ? "auto" : "key")
        return "SELECT pg_catalog.standin_remember(\(literal(definition.table)), \(Literal.quote(distStyle)), "
            + "ARRAY[\(keys)]::text[], ARRAY[\(others)]::text[]\(columns))"
    }
}

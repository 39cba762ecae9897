/// A table as its server knows it, exactly as spelled in the catalog: any case, blanks and quotes included.
package struct TableName: Sendable, Hashable, Codable, CustomStringConvertible {
    package var schema: String
    package var name: String

    package init(schema: String, name: String) {
        self.schema = schema
        self.name = name
    }

    package var description: String { "\(schema).\(name)" }
}

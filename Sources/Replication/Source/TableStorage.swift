/// What looking at each row of a table costs its source, and whether a pass can do without.
package struct TableStorage: Sendable, Hashable {
    /// On disk, as far as such a look reads it, by the server's statistics.
    package var bytes: Int64
    /// An index that can be used begins with `TableMapping.cursorColumn`; false where the mapping has no such column.
    package var isCursorIndexed: Bool
    /// Makes that index, in the source's SQL; nil where it is there, or none would help.
    package var indexStatement: String?

    package init(bytes: Int64, isCursorIndexed: Bool, indexStatement: String? = nil) {
        self.bytes = bytes
        self.isCursorIndexed = isCursorIndexed
        self.indexStatement = indexStatement
    }
}

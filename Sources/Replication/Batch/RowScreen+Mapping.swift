extension RowScreen {
    /// The screen for a table's rows.
    /// - Parameter narrowColumns: VARCHAR columns of the replica of another width than the mapping asks for, mostly narrower:
    ///   bytes by destination name.
    init(
        mapping: TableMapping, narrowColumns: [String: Int], format: BatchFormat, cutsLongText: Bool, checksUTF8: Bool,
        parsesAll: Bool
    ) {
        let rules = mapping.columns.map { column in
            // A digest has its one length, whatever was hashed.
            if column.treatment == .hashed {
                return ColumnRule(name: column.source.name, form: .exact, limitBytes: nil, isKey: false)
            }
            return ColumnRule(
                column, isKey: mapping.primaryKey.contains(column.source.name),
                widthBytes: narrowColumns[column.destinationName])
        }
        let markers = mapping.markedColumns.map { column in
            ColumnRule(name: column.source.name, form: .exact, limitBytes: nil, isKey: false)
        }
        let places = Dictionary(
            mapping.columns.enumerated().map { ($1.source.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.init(
            rules: rules + markers, keyColumns: mapping.primaryKey.compactMap { places[$0] }, format: format,
            policy: mapping.badValues, cutsLongText: cutsLongText, checksUTF8: checksUTF8, parsesAll: parsesAll,
            label: mapping.label)
    }
}

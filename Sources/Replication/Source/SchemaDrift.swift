/// A way in which the source's table is no longer what its mapping was made for.
package struct SchemaDrift: Sendable, Hashable {
    package enum Change: Sendable, Hashable {
        case gone
        /// To a type that the replica's column does not take.
        case retyped(to: String)
        /// Rows without a stamp, or without a key, would be in no stretch of a pass.
        case mayBeNull
    }

    package var column: SourceColumn
    package var change: Change

    /// - Parameter present: The table's columns as they are now.
    /// - Returns: nil where every column that is copied still fits; new columns do not matter.
    package static func first(of mapping: TableMapping, present: [SourceColumn]) -> SchemaDrift? {
        for column in mapping.columns.map(\.source) {
            guard let found = present.first(where: { $0.name == column.name }) else {
                return SchemaDrift(column: column, change: .gone)
            }
            guard found.replicaType == column.replicaType else {
                return SchemaDrift(column: column, change: .retyped(to: found.typeName))
            }
            let mustStay = column.name == mapping.updatedKey || mapping.primaryKey.contains(column.name)
            guard !mustStay || column.isNullable || !found.isNullable else {
                return SchemaDrift(column: column, change: .mayBeNull)
            }
        }
        return nil
    }

    package func error(_ mapping: TableMapping) -> ReplicationError {
        ReplicationError(
            .schemaMismatch, what: "\(mapping.source) has changed its columns", why: why,
            fix: "Undo the change at the source, or \(remedy(mapping)). Nothing is lost: it waits at its position.")
    }

    private var why: String {
        switch change {
        case .gone: "column \(column.name) is gone at the source"
        case .retyped(let type): "column \(column.name) is now \(type), it was \(column.typeName)"
        case .mayBeNull: "column \(column.name) may be NULL now"
        }
    }

    /// The commands that take the change over.
    private func remedy(_ mapping: TableMapping) -> String {
        let set = "redshift-loader tables set \(mapping.label)"
        let takeType = "\(set) --column \(Self.word(column.name)) --type default"
        switch change {
        case .gone where isNeeded(mapping):
            return
                "set the table up anew, since rows are found or told apart by this column: redshift-loader tables remove "
                + "\(mapping.label) --drop-replica, then redshift-loader tables add \(mapping.jobName) \(mapping.source)"
        case .gone:
            return "leave the column out: \(set) --exclude \(Self.word(column.name))"
        case .retyped:
            return "take the new type over: \(takeType), then, where that says so, redshift-loader tables resync "
                + "\(mapping.label) --recreate"
        case .mayBeNull where mapping.primaryKey.contains(column.name):
            return "choose a key whose columns are NOT NULL: \(set) --primary-key a,b"
        case .mayBeNull:
            return "have rows without it read as well: \(takeType)"
        }
    }

    private func isNeeded(_ mapping: TableMapping) -> Bool {
        guard mapping.mode != .fullSync else { return false }
        return mapping.primaryKey.contains(column.name) || mapping.cursorColumn?.source.name == column.name
    }

    /// A name as a shell takes it.
    private static func word(_ name: String) -> String {
        let isPlain = name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
        return isPlain ? name : "'" + name.replacing("'", with: "'\\''") + "'"
    }
}

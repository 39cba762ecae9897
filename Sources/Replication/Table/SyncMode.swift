/// How a table is kept up to date; the raw values are the predecessor's `table_copy_type`.
package enum SyncMode: String, Sendable, Codable, CaseIterable {
    /// New rows by a sequential key; edits and deletes are not seen.
    case insertOnly = "InsertOnlyTable"
    /// New and changed rows by an `updated_key`; deletes are not seen.
    case updateAndInsert = "UpdateAndInsertTable"
    /// The whole table, swapped in.
    case fullSync = "FullSyncTable"

    /// Reads a mode in any of the spellings that users know: `InsertOnlyTable`, `insert_only`, `INSERT_ONLY`.
    package init?(spelled text: String) {
        let plain = text.lowercased().filter { $0.isLetter }
        let match = Self.allCases.first { mode in
            let name = mode.rawValue.lowercased()
            return plain == name || plain + "table" == name
        }
        guard let match else { return nil }
        self = match
    }
}

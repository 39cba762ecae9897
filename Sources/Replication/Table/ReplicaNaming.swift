/// Names in Redshift: it folds ASCII letters to lower case even inside quotes, and cuts names at 127 bytes without a
/// word, so that two source names can fall together (Developer Guide, "Names and identifiers").
package enum ReplicaNaming {
    package static let limitBytes = 127
    /// PostgreSQL's hidden columns, which Redshift refuses as names even when quoted.
    private static let systemColumns: Set<String> = ["oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"]

    /// ASCII letters in lower case; all others as they are.
    package static func folded(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { scalar in
                    ("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar
                }))
    }

    /// The name a source name gets: folded, and when too long cut at a character with a digest in place of the rest.
    package static func replicaName(_ name: String) -> String {
        let folded = folded(name)
        guard folded.utf8.count > limitBytes else { return folded }
        var cut = ""
        for character in folded {
            guard cut.utf8.count + String(character).utf8.count <= limitBytes - 17 else { break }
            cut.append(character)
        }
        return cut + "_" + StableDigest.hex(name)
    }

    /// Names for all columns of a table.
    /// - Throws: `ReplicationError` when two names fall together or one cannot be used; nothing is renamed silently.
    package static func columnNames(_ names: [String], of table: TableName) throws -> [String] {
        var taken: [String: String] = [:]
        return try names.map { name in
            let replica = replicaName(name)
            if let other = taken[replica] {
                throw ReplicationError(
                    .schemaMismatch, what: "Columns \(other) and \(name) of \(table) would share one name in Redshift",
                    why: "Redshift folds names to lower case, quoted or not",
                    fix: "Rename one of them at the source, or replicate a view that does.")
            }
            if systemColumns.contains(replica) || name.contains("\\") {
                throw ReplicationError(
                    .schemaMismatch, what: "Column \(name) of \(table) cannot exist in Redshift",
                    why: "the name is reserved or holds a backslash",
                    fix: "Rename it at the source, or replicate a view that does.")
            }
            taken[replica] = name
            return replica
        }
    }
}

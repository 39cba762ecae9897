import Replication

/// Names of replicas: what a person chooses, and what falls together.
enum DestinationNaming {
    /// - Returns: The name as Redshift keeps it: ASCII letters in lower case.
    /// - Throws: `OperationError` for a name that Redshift cannot hold.
    static func checked(_ name: String, schema: String) throws -> TableName {
        let folded = ReplicaNaming.folded(name)
        guard !folded.isEmpty, folded.utf8.count <= ReplicaNaming.limitBytes else {
            throw OperationError(
                .usage, what: "\(name) cannot name a table in Redshift",
                why: "names have 1 to \(ReplicaNaming.limitBytes) bytes", fix: "Choose another name.")
        }
        guard !folded.contains("\\"), !folded.contains(where: \.isNewline) else {
            throw OperationError(
                .usage, what: "\(name) cannot name a table in Redshift",
                why: "backslashes and line breaks are not allowed in it", fix: "Choose another name.")
        }
        return TableName(schema: schema, name: folded)
    }

    /// Where a source table goes unless told otherwise.
    static func suggested(for source: TableName, job: (schema: String, prefix: String)) -> TableName {
        TableName(
            schema: ReplicaNaming.folded(job.schema), name: ReplicaNaming.replicaName(job.prefix + source.name))
    }

    /// - Throws: `OperationError` when two tables of a job would share a replica.
    static func refuseCollisions(_ tables: [(source: TableName, destination: TableName)]) throws {
        var taken: [TableName: TableName] = [:]
        for table in tables {
            guard let other = taken[table.destination] else {
                taken[table.destination] = table.source
                continue
            }
            throw collision(other, table.source, table.destination)
        }
    }

    private static func collision(_ left: TableName, _ right: TableName, _ replica: TableName) -> OperationError {
        guard left.schema == right.schema else {
            return OperationError(
                .badInput, what: "Tables \(left) and \(right) would share the replica \(replica)",
                why: "they have one name in two schemas",
                fix:
                    "Give one of them another: redshift-loader tables set JOB/TABLE --destination-name NAME; or put the "
                    + "schemas into jobs of their own, with --destination-prefix or --destination-schema.")
        }
        let isFolded = left.name != right.name && ReplicaNaming.folded(left.name) == ReplicaNaming.folded(right.name)
        return OperationError(
            .badInput, what: "Tables \(left.name) and \(right.name) would share one name in Redshift",
            why: isFolded ? "Redshift folds names to lower case, quoted or not" : "both would be \(replica)",
            fix: "Choose one of them by --only, rename one at the source, or give one another name: redshift-loader "
                + "tables set JOB/TABLE --destination-name NAME.")
    }
}

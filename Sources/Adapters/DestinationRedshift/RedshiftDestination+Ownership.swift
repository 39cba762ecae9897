import Replication

extension RedshiftDestination {
    package func inspect(_ mapping: TableMapping) async throws -> ReplicaInspection {
        let replica = mapping.destination
        let isThere = try await !run(ReplicaStatements.columns(of: replica), replica).rows.isEmpty
        guard let table = try await checkpointTable(for: replica, creating: false) else {
            let rows = isThere ? try await number(ReplicaStatements.count(replica), replica) : nil
            return ReplicaInspection(checkpoint: nil, rows: rows)
        }
        guard isThere else {
            let row = try await run(table.read, replica).rows.first
            return ReplicaInspection(
                checkpoint: try row.map { try CheckpointTable.decode($0, of: table.table) }, rows: nil)
        }
        guard let row = try await run(table.readWithCount(of: replica), replica).rows.first else {
            return ReplicaInspection(
                checkpoint: nil, rows: try await number(ReplicaStatements.count(replica), replica))
        }
        let checkpoint = try CheckpointTable.decode(Array(row.dropLast()), of: table.table)
        return ReplicaInspection(checkpoint: checkpoint, rows: row.last.flatMap { $0 }.flatMap { Int($0) })
    }

    package func releaseCheckpoint(_ mapping: TableMapping, expected: CheckpointStamp) async throws {
        guard try await checkpointTable(for: mapping.destination, creating: false) != nil else { return }
        try await transaction(mapping.destination) { table in
            try await self.expect(expected, in: table, mapping, writer: expected)
            try await self.run(table.void, mapping.destination)
        }
    }

    /// - Parameter writer: Who is about to write.
    /// - Throws: `ReplicationError` `E_CONFIG` when the checkpoint is another job's or installation's by now, `E_LOCKED`
    ///   when it is another one.
    func expect(
        _ expected: CheckpointStamp?, in table: CheckpointTable, _ mapping: TableMapping, writer: CheckpointStamp
    ) async throws {
        let row = try await run(table.read, mapping.destination).rows.first
        let found = try row.map { try CheckpointTable.decode($0, of: table.table).stamp }
        guard found != expected else { return }
        try found?.requireOwner(of: mapping, installation: writer.installation)
        throw ReplicationError.overtaken(mapping.destination, found: found)
    }
}

import PostgresClient
import Replication

extension RedshiftDestination {
    /// Builds the new table beside, and lets it take the replica's name, views and grants along; the former one
    /// survives until the next swap.
    /// - Returns: The rows of the replica.
    func swap(_ load: ReplicaLoad) async throws -> Int {
        let replica = load.mapping.destination
        // Columns that somebody has added since would vanish.
        let present = try await run(ReplicaStatements.columns(of: replica), replica).rows.compactMap(ReplicaColumn.init)
        try ReplicaComparison(mapping: load.mapping, columns: present).checkExtra()
        let former = SwapStatements.former(replica)
        let building = SwapStatements.building(replica)
        try await dropFormer(former, of: load.mapping)
        try await run(SwapStatements.drop(building), replica)
        try await run(ReplicaStatements.createTable(load.mapping, named: building), replica)
        try await fillDirectly(building, load)
        let views = try await run(SwapStatements.views(on: replica), replica).rows
        let grants = try await grants(on: replica, of: load.mapping)
        try await rename(replica, to: former)
        try await run(SwapStatements.rename(building, to: replica.name), replica)
        for grant in grants.compactMap({ GrantStatements.again($0, on: replica) }) { try await run(grant, replica) }
        try await grantReading(on: replica)
        for view in views { try await carry(view, of: load.mapping) }
        return load.staged.rows
    }

    private func grants(on replica: TableName, of mapping: TableMapping) async throws -> [[String?]] {
        do {
            let ofTable = try await run(GrantStatements.read(of: replica), replica).rows
            return ofTable + (try await run(GrantStatements.readColumns(of: replica), replica).rows)
        } catch let error as ReplicationError where !error.isRetryable {
            throw ReplicationError(
                .destinationPermission, what: "The grants on \(replica) cannot be read, and a swap would lose them",
                why: error.why,
                fix: "Let the rows be replaced instead: redshift-loader tables set \(mapping.label) --refresh replace.",
                underlying: error)
        }
    }

    /// Waits for readers no longer than `RedshiftSettings.swapTimeout`; the error is one that passes.
    private func rename(_ replica: TableName, to former: TableName) async throws {
        try await run(SessionStatements.statementTimeout(settings.swapTimeout), replica)
        do {
            try await run(SwapStatements.rename(replica, to: former.name), replica)
        } catch let error as ReplicationError where error.code == .destinationLocked {
            throw ReplicationError(
                .destinationLocked, what: "\(replica) is being read, so that the swap had to wait",
                why: "no pause of readers came within \(Int(settings.swapTimeout / .seconds(1))) s",
                fix: "It is tried again by itself. Where readers never pause, let the rows be replaced instead: "
                    + "redshift-loader tables set … --refresh replace.", underlying: error)
        }
        try await run(SessionStatements.statementTimeout(settings.sessionTimeout), replica)
    }

    /// An ordinary view goes on reading the table that it was made on; made again it reads the new one.
    private func carry(_ row: [String?], of mapping: TableMapping) async throws {
        guard row.count == 3, let schema = row[0], let name = row[1], let definition = row[2] else { return }
        let view = TableName(schema: schema, name: name)
        do {
            try await run(SwapStatements.recreateView(view, definition: definition), view)
        } catch let error as ReplicationError where !error.isRetryable {
            throw ReplicationError(
                .schemaMismatch, what: "View \(view) reads \(mapping.destination) and cannot be carried over by a swap",
                why: error.why,
                fix: "Make it a view WITH NO SCHEMA BINDING or give it to the loader's user, or keep the table: "
                    + "redshift-loader tables set \(mapping.label) --refresh replace.", underlying: error)
        }
    }

    private func dropFormer(_ former: TableName, of mapping: TableMapping) async throws {
        do {
            try await run(SwapStatements.drop(former), former)
        } catch let error as ReplicationError where !error.isRetryable {
            throw ReplicationError(
                .schemaMismatch, what: "\(former), the table before the last swap, cannot be dropped", why: error.why,
                fix: "Drop what depends on it; it is kept for one cycle only.", underlying: error)
        }
    }
}

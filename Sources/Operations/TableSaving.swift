import Foundation
import Replication
import Scheduling

/// Saves a table's settings such that no run under way leaves behind a position that means its former replica.
struct TableSaving {
    let store: any CatalogStore
    let leases: any LeaseStore
    let owner: LeaseOwner

    /// - Throws: `OperationError` `busy` while the table is being synced and its destination changes.
    func save(_ table: TableRecord, before: TableRecord?) async throws {
        guard let before, before.mapping.destination != table.mapping.destination else {
            _ = try await store.save(table)
            return
        }
        try await underLease(before.id, table.mapping, voidsMirror: true) { _ in _ = try await store.save(table) }
    }

    /// Claims the table for what `body` changes in the destination, and gives it back such that the next run asks the
    /// destination where it stands.
    /// - Parameter removes: `body` removes the table's record, and the lease with it.
    /// - Throws: `OperationError` `busy` while another process holds the lease; what `body` throws.
    func underLease(
        _ tableID: Int64, _ mapping: TableMapping, voidsMirror: Bool, removes: Bool = false,
        _ body: (ClaimedTable) async throws -> Void
    ) async throws {
        guard let claimed = try await leases.claim(tableID: tableID, by: owner, for: TableRunner.leaseDuration) else {
            throw OperationError(
                .busy, what: "\(mapping.label) is being synced", why: "another process holds its lease",
                fix: "Try again when it has finished.")
        }
        func ending(_ voidsMirror: Bool) -> RunEnding {
            RunEnding(untouched: NextRun(.after(0)), voidsMirror: voidsMirror)
        }
        do {
            try await body(claimed)
        } catch {
            try await leases.release(claimed, ending(false))
            throw error
        }
        if !removes { try await leases.release(claimed, ending(voidsMirror)) }
    }
}

import Foundation
import Replication
import Scheduling

/// Edits single tables.
package struct TableOperations: Sendable {
    let store: any CatalogStore
    let leases: any LeaseStore
    let requests: any RequestStore
    let connections: any JobConnections
    let owner: LeaseOwner
    let clock: any WallClock
    /// Microseconds that a floor set by hand lies below the value, unless the table says otherwise.
    let lookback: Int64

    package init(
        store: any CatalogStore, leases: any LeaseStore, requests: any RequestStore, connections: any JobConnections,
        owner: LeaseOwner, clock: any WallClock, lookback: Int64
    ) {
        self.store = store
        self.leases = leases
        self.requests = requests
        self.connections = connections
        self.owner = owner
        self.clock = clock
        self.lookback = lookback
    }

    package func setDisabled(_ tables: [TableRecord], _ disabled: Bool) async throws {
        for var table in tables {
            table.disabled = disabled
            _ = try await store.save(table)
        }
    }

    /// Changes a table's settings.
    /// - Returns: Sentences that say what changed and what follows from it.
    /// - Throws: `OperationError` for a setting that the table cannot have; nothing is changed then.
    package func set(_ change: TableSettingsChange, on selector: String) async throws -> [String] {
        let (job, record) = try await Catalog(store: store).table(selector)
        var edit = MappingEdit(
            record.mapping, source: change.needsCatalog ? try await describe(record.mapping.source, of: job) : nil)
        try edit.apply(change)
        let mapping = edit.mapping
        let isSameSource = mapping.columns.map(\.source) == record.mapping.columns.map(\.source)
        if mapping.definition != record.mapping.definition || !isSameSource || change.setsPosition {
            try ModeRules.check(mapping)
        }
        var changed = record
        changed.mapping = mapping
        changed.schedule = try change.changed(record.schedule)
        let interval = (changed.schedule.interval ?? job.interval) / .seconds(1)
        changed.nextRunAt = min(record.nextRunAt, try await requests.storeTime() + interval)
        let position = try HandSetPosition(change, mapping: mapping, now: SourceTime(clock.now))
        let moves = mapping.destination != record.mapping.destination
        if moves { try await refuseCollisions(mapping) }
        if mapping.scope.filter != nil, mapping.scope.filter != record.mapping.scope.filter {
            try await connections.checkFilter(job, mapping)
        }
        let isChanged = changed.mapping != record.mapping || changed.schedule != record.schedule
        guard isChanged || position != nil else { return [] }
        var sentences =
            isChanged
            ? try await consequences(from: record, to: changed, setsPosition: position != nil, job: job) : []
        guard moves || position != nil else {
            _ = try await store.save(changed)
            return sentences
        }
        // The lease comes before any change: a refusal leaves everything as it was. Without it a run under way would
        // leave behind a position that means the former replica.
        let isLoadedElsewhere = moves && position == nil
        try await underLease(record.id, mapping, voidsMirror: isLoadedElsewhere) { claimed in
            if isChanged { _ = try await store.save(changed) }
            if let position {
                sentences.append(try await set(position, of: changed, claimed: claimed, job: job))
            }
        }
        return sentences
    }

    /// What the change means. A replica that was never loaded may not be there: then it is made as it should be.
    private func consequences(
        from record: TableRecord, to changed: TableRecord, setsPosition: Bool, job: JobRecord
    ) async throws -> [String] {
        var consequences = SettingsConsequences(from: record, to: changed, setsPosition: setsPosition)
        if record.mirror == nil, consequences.concernsReplica {
            do {
                consequences.hasReplica = try await connections.replicaRows(of: job, record.mapping) != .missing
            } catch is ReplicationError {
                // The destination cannot be asked; settings are changed all the same, and the longer answer is the safe one.
            } catch is OperationError {
            }
        }
        return consequences.sentences
    }

    func describe(_ table: TableName, of job: JobRecord) async throws -> SourceTable {
        let source = try await connections.source(of: job)
        do {
            let description = try await source.describe(table)
            await source.close()
            return description
        } catch {
            await source.close()
            throw error
        }
    }

    private func refuseCollisions(_ mapping: TableMapping) async throws {
        let others = try await store.tables(ofJob: nil).map(\.mapping)
            .filter { $0.jobName == mapping.jobName && $0.source != mapping.source }
        try DestinationNaming.refuseCollisions((others + [mapping]).map { ($0.source, $0.destination) })
    }

    /// See `TableSaving`.
    func underLease(
        _ tableID: Int64, _ mapping: TableMapping, voidsMirror: Bool, removes: Bool = false,
        _ body: (ClaimedTable) async throws -> Void
    ) async throws {
        try await TableSaving(store: store, leases: leases, owner: owner)
            .underLease(tableID, mapping, voidsMirror: voidsMirror, removes: removes, body)
    }
}

extension SourceTime {
    init(_ date: Date) {
        self.init(microseconds: Int64((date.timeIntervalSince1970 * 1_000_000).rounded()))
    }
}

import Foundation
import Replication
import Scheduling

/// What `tables set` changes; nil leaves a setting as it is.
package struct TableSettingsChange: Sendable, Hashable {
    package var mode: SyncMode?
    package var primaryKey: [String]?
    package var updatedKey: String?
    package var cursorKey: String?
    package var maxPrimaryKey: String?
    package var maxUpdatedKey: String?

    package init() {}

    package var isEmpty: Bool { self == TableSettingsChange() }
}

/// Edits single tables.
package struct TableOperations: Sendable {
    let store: any CatalogStore
    let leases: any LeaseStore
    let requests: any RequestStore
    let connections: any JobConnections
    let owner: LeaseOwner
    let clock: any WallClock
    /// Microseconds that a floor set by hand lies below the value.
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
        var mapping = record.mapping
        if let mode = change.mode { mapping.mode = try Self.available(mode) }
        if change.cursorKey != nil || change.maxPrimaryKey != nil {
            throw Self.needsInsertOnly(change.cursorKey != nil ? "--cursor-key" : "--max-primary-key")
        }
        if let key = change.primaryKey {
            try Self.check(key, in: mapping)
            if let open = key.first(where: { mapping.column($0)?.source.isNullable == true }) {
                throw OperationError(
                    .usage, what: "\(open) cannot be part of a key", why: "it may be NULL",
                    fix: "Make it NOT NULL at the source and set the table up anew, or choose another key.")
            }
            mapping.primaryKey = key
        }
        if let updated = change.updatedKey {
            try Self.checkUpdatedKey(updated, in: mapping)
            mapping.updatedKey = updated
        }
        let position = try change.maxUpdatedKey.map(Self.time)
        // The lease comes before any change: a refusal leaves everything as it was.
        let claimed = position == nil ? nil : try await claim(record.id, mapping)
        var sentences: [String] = []
        if mapping != record.mapping {
            var changed = record
            changed.mapping = mapping
            _ = try await store.save(changed)
            sentences.append("\(mapping.label): settings changed.")
            if mapping.definition != record.mapping.definition, record.mirror != nil {
                sentences.append("Its position has lost its meaning: the next run reads all rows again.")
            }
        }
        if let position, let claimed {
            sentences.append(try await setPosition(position, claimed: claimed, mapping: mapping, job: job))
        }
        return sentences
    }

    // MARK: Positions

    private static func time(_ value: String) throws -> SourceTime {
        guard let time = SourceTime(parsing: value) else {
            throw OperationError(
                .usage, what: "\(value) is no point in time", why: "--max-updated-key takes a time in UTC",
                fix: "For example: --max-updated-key '2026-11-22 17:00:00'.")
        }
        return time
    }

    private func claim(_ tableID: Int64, _ mapping: TableMapping) async throws -> ClaimedTable {
        guard let claimed = try await leases.claim(tableID: tableID, by: owner, for: TableRunner.leaseDuration) else {
            throw OperationError(
                .busy, what: "\(mapping.label) is being synced", why: "another process holds its lease",
                fix: "Try again when it has finished.")
        }
        return claimed
    }

    /// Writes a position set by hand into the checkpoint, as a batch of its own under the lease, and gives that back.
    private func setPosition(
        _ time: SourceTime, claimed: ClaimedTable, mapping: TableMapping, job: JobRecord
    ) async throws -> String {
        do {
            try await writePosition(time, claimed: claimed, mapping: mapping, job: job)
            try await leases.release(
                claimed, RunEnding(result: .stopped, isClean: false, nextRunAt: clock.now))
        } catch {
            try await leases.release(
                claimed, RunEnding(result: .stopped, isClean: false, nextRunAt: clock.now))
            throw error
        }
        return "\(mapping.label) goes on from \(time.text), less the lookback."
    }

    private func writePosition(
        _ time: SourceTime, claimed: ClaimedTable, mapping: TableMapping, job: JobRecord
    ) async throws {
        let source = try await connections.source(of: job)
        let start: PassStart
        do { start = try await source.startPass(mapping) } catch { await source.close(); throw error }
        await source.close()
        let destination = try await connections.destination(of: job)
        do {
            let rows = try await destination.prepare(mapping).rows
            let installation = try await requests.installationID()
            let found = try await destination.readCheckpoint(mapping, installation: installation)
            let state = CheckpointState(
                definition: mapping.definition, source: start.identity, floor: time - lookback,
                completeUpTo: found?.state.completeUpTo, maxUpdatedKey: time.text, replicaRows: rows)
            let generation = max(claimed.table.lease.generation, (found?.stamp.generation ?? 0) + 1)
            let stamp = CheckpointStamp(
                installation: installation, job: job.name, generation: generation, batch: (found?.stamp.batch ?? 0) + 1)
            try await destination.writeCheckpoint(
                Checkpoint(stamp: stamp, state: state), expected: found?.stamp, mapping: mapping)
        } catch {
            await destination.close()
            throw error
        }
        await destination.close()
    }

    // MARK: Checks

    private static func available(_ mode: SyncMode) throws -> SyncMode {
        mode
    }

    private static func needsInsertOnly(_ flag: String) -> OperationError {
        OperationError(
            .usage, what: "\(flag) cannot be set",
            why: "it belongs to InsertOnlyTable, which this release does not "
                + "carry out yet", fix: "An UpdateAndInsertTable goes by --updated-key and --max-updated-key.")
    }

    private static func check(_ names: [String], in mapping: TableMapping) throws {
        let known = mapping.columns.map(\.source.name)
        for name in names where !known.contains(name) {
            let hint = NameMatching.nearest(to: name, among: known).map { "Did you mean \($0)? " } ?? ""
            throw OperationError(
                .usage, what: "\(mapping.source) has no column named \(name)",
                why: "its columns are known from discovery",
                fix: "\(hint)Its columns: \(known.joined(separator: ", ")).")
        }
        guard !names.isEmpty else {
            throw OperationError(
                .usage, what: "A key needs a column", why: "none was named", fix: "For example: --primary-key id.")
        }
    }

    private static func checkUpdatedKey(_ name: String, in mapping: TableMapping) throws {
        try check([name], in: mapping)
        guard let column = mapping.column(name)?.source, UpdatedKeyKind(typeName: column.typeName) == nil else {
            return
        }
        throw OperationError(
            .usage, what: "\(name) cannot order changes", why: "its type \(column.typeName) is no point in time",
            fix: "Choose a timestamp, a date or an integer epoch.")
    }
}

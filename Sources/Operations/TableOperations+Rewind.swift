import Replication
import Scheduling

/// What a rewind would do, for people to see before it is done.
package struct RewindPlan: Sendable, Hashable {
    package var label: String
    package var position: HandSetPosition
    /// From where rows are read; nil: all of them.
    package var floor: CursorFloor?
    /// Rows that are read again; nil: too many to count quickly.
    package var rows: Int?
    let tableID: Int64

    /// What will happen, in one sentence.
    package var sentence: String {
        let which =
            switch floor {
            case .time(let time): " changed since \(time.text) (UTC, the lookback subtracted)"
            case .key(let key): " from key \(key) on"
            case nil: ""
            }
        let count = rows.map { Counted.roughRows($0) + which } ?? "rows\(which), too many to count quickly,"
        let all = floor == nil ? "; that is all of them, since it has no position yet below which nothing is new" : ""
        return "\(label): \(count) will be read again\(all). Rows in Redshift stay and are updated."
    }
}

extension TableOperations {
    /// Looks at what going back to a time or a key would mean; changes nothing.
    package func planRewind(_ selector: String, to text: String) async throws -> RewindPlan {
        let (job, record) = try await Catalog(store: store).table(selector)
        let mapping = record.mapping
        let position = try HandSetPosition(rewinding: mapping, to: text, now: SourceTime(clock.now))
        guard let state = record.mirror?.state else { throw Self.notLoaded(mapping, "it was never loaded") }
        let rewound = try rewound(state, to: position, table: record)
        let floor: CursorFloor? =
            switch position {
            case .time: rewound.floor.map { .time($0) }
            case .key: rewound.keyFloor?.key.map { .key($0) }
            }
        return RewindPlan(
            label: mapping.label, position: position, floor: floor,
            rows: try await connections.sourceRows(of: job, mapping, from: floor), tableID: record.id)
    }

    /// Writes the position of the plan, as a batch of its own; the next run reads from there.
    package func rewind(_ plan: RewindPlan) async throws -> String {
        let (job, record) = try await Catalog(store: store).table(id: plan.tableID, label: plan.label)
        try await underLease(record.id, record.mapping, voidsMirror: false) { claimed in
            try await writeCheckpoint(claimed: claimed, mapping: record.mapping, job: job) { found, _ in
                guard let found else { throw Self.notLoaded(record.mapping, "its replica has no position") }
                return try rewound(found, to: plan.position, table: record)
            }
        }
        return "\(plan.label) goes back to \(plan.position.text). Next: redshift-loader sync \(plan.label) --wait"
    }

    /// The state from which the next pass reads what lies at or above the position once more. Never forward: a floor
    /// that lies lower already stays.
    private func rewound(
        _ state: CheckpointState, to position: HandSetPosition, table: TableRecord
    ) throws -> CheckpointState {
        let mapping = table.mapping
        guard state.definition == mapping.definition else {
            throw Self.notLoaded(mapping, "its settings have changed, so that all rows are read again anyway")
        }
        guard state.pass?.kind != .firstLoad else { throw Self.notLoaded(mapping, "its first load is under way") }
        var state = state
        switch position {
        case .time(let time): state.floor = state.floor.map { min($0, time - lookback(of: table)) }
        case .key(let key):
            if let column = mapping.cursorColumn?.source, let present = state.keyFloor?.key {
                state.keyFloor?.key = CursorValue.isBelow(key, present, of: column) ? key : present
            }
        }
        // Row versions below the horizon were read before, and are wanted again.
        state.horizon = nil
        state.settled = nil
        state.pass = nil
        return state
    }

    private static func notLoaded(_ mapping: TableMapping, _ why: String) -> OperationError {
        OperationError(
            .usage, what: "\(mapping.label) cannot be rewound", why: why,
            fix: "Let it run: redshift-loader sync \(mapping.label) --wait.")
    }
}

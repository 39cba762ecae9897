import Replication

/// Where a table is to go on from, as a person says it.
package enum HandSetPosition: Sendable, Hashable {
    /// Of an `UpdateAndInsertTable`: changes stamped from here on, less the lookback.
    case time(SourceTime)
    /// Of an `InsertOnlyTable`: the value itself.
    case key(String)

    /// For people.
    package var text: String {
        switch self {
        case .time(let time): time.text
        case .key(let key): key
        }
    }

    /// - Returns: nil where the change names no position.
    init?(_ change: TableSettingsChange, mapping: TableMapping, now: SourceTime) throws {
        if change.maxPrimaryKey != nil, change.maxUpdatedKey != nil {
            throw OperationError(
                .usage, what: "Two positions are given", why: "a table goes on from one",
                fix: "Give --max-updated-key for an UpdateAndInsertTable, --max-primary-key for an InsertOnlyTable.")
        }
        if let key = change.maxPrimaryKey {
            guard mapping.mode == .insertOnly, let column = mapping.cursorColumn else {
                throw Self.wrongMode("--max-primary-key", .insertOnly, mapping)
            }
            self = .key(try CursorValue.parse(key, for: column.source, option: "--max-primary-key"))
        } else if let updated = change.maxUpdatedKey {
            guard mapping.mode == .updateAndInsert, let column = mapping.updatedColumn else {
                throw Self.wrongMode("--max-updated-key", .updateAndInsert, mapping)
            }
            self = .time(try Self.time(updated, column.source, "--max-updated-key", now: now))
        } else {
            return nil
        }
    }

    /// What `tables rewind --to` names.
    init(rewinding mapping: TableMapping, to text: String, now: SourceTime) throws {
        switch mapping.mode {
        case .updateAndInsert:
            guard let column = mapping.updatedColumn else { throw Self.wrongMode("--to", .updateAndInsert, mapping) }
            let time = try Self.time(text, column.source, "--to", now: now)
            guard time <= now else {
                throw OperationError(
                    .usage, what: "\(text) lies in the future", why: "rows are read again from a time that has passed",
                    fix: "For example: --to '24h ago'.")
            }
            self = .time(time)
        case .insertOnly:
            guard let column = mapping.cursorColumn?.source else {
                throw Self.wrongMode("--to", .insertOnly, mapping)
            }
            let kind = CursorValue.Kind(typeName: column.typeName)
            let isTime = kind == .timestamptz || kind == .timestamp || kind == .date
            let typed = isTime ? SourceTime(typed: text, kind: nil, now: now)?.text ?? text : text
            self = .key(try CursorValue.parse(typed, for: column, option: "--to"))
        case .fullSync:
            throw OperationError(
                .usage, what: "\(mapping.label) has no position to rewind",
                why: "a FullSyncTable is read whole each time",
                fix: "Read it again now: redshift-loader tables resync \(mapping.label).")
        }
    }

    private static func time(
        _ text: String, _ column: SourceColumn, _ option: String, now: SourceTime
    ) throws -> SourceTime {
        let kind = UpdatedKeyKind(typeName: column.typeName)
        if let time = SourceTime(typed: text, kind: kind, now: now) { return time }
        throw OperationError(
            .usage, what: "\(text) is no point in time", why: "\(option) takes a time in UTC, or one such as '24h ago'",
            fix: "For example: \(option) '2026-11-22 17:00:00'.")
    }

    private static func wrongMode(_ option: String, _ mode: SyncMode, _ mapping: TableMapping) -> OperationError {
        OperationError(
            .usage, what: "\(option) cannot be set",
            why: "it belongs to \(mode.rawValue), and \(mapping.label) is \(mapping.mode.rawValue)",
            fix: mapping.mode == .fullSync
                ? "A FullSyncTable has no position: it is read whole each time."
                : "Use \(mapping.mode == .insertOnly ? "--max-primary-key" : "--max-updated-key").")
    }
}

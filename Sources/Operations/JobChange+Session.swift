import Replication

extension JobChange {
    /// What becomes of a job's settings for its sessions at the destination.
    package func changed(_ session: DestinationSession) -> DestinationSession {
        var session = session
        if let queryGroup { session.queryGroup = queryGroup.value }
        if let statementTimeout { session.statementTimeout = statementTimeout.value }
        if let slotCount { session.slotCount = slotCount.value }
        return session
    }

    /// Asks for exactly these settings, also for those without a value.
    mutating func set(_ session: DestinationSession) {
        queryGroup = Self.exactly(session.queryGroup)
        statementTimeout = Self.exactly(session.statementTimeout)
        slotCount = Self.exactly(session.slotCount)
    }

    private static func exactly<Value: Sendable & Hashable>(_ value: Value?) -> SettingChange<Value> {
        guard let value else { return .standard }
        return .value(value)
    }
}

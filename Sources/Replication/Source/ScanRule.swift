/// Which tables a pass can only read whole, and from which size on somebody must have allowed that. Pure.
///
/// Views and foreign tables have no size of their own, so nothing is said of them.
package enum ScanRule {
    /// 1 GB: some seconds of a disk's whole speed, each minute.
    package static let limitBytes: Int64 = 1_000_000_000

    /// Each pass looks at all rows: there is no cursor, or no index that leads to the new ones.
    package static func scansWhole(_ mode: SyncMode, _ storage: TableStorage) -> Bool {
        mode == .fullSync || !storage.isCursorIndexed
    }

    /// - Parameter limitBytes: nil: any size is allowed.
    package static func needsPermission(
        _ mode: SyncMode, _ storage: TableStorage?, over limitBytes: Int64?
    ) -> Bool {
        guard let storage, let limitBytes, storage.bytes > limitBytes else { return false }
        return scansWhole(mode, storage)
    }

    /// Whether a look at all rows is as good as one at the index: few rows may be long ones.
    static func isCheapToSweep(rows: Int, _ storage: TableStorage?, settings: RunSettings) -> Bool {
        guard rows < settings.sweepSmallRows else { return false }
        return storage.map { $0.bytes <= settings.scanLimitBytes || !$0.isCursorIndexed } ?? true
    }

    static func refusal(of mapping: TableMapping, _ storage: TableStorage) -> ReplicationError {
        let allow = "redshift-loader tables set \(mapping.label) --allow-scan"
        let why: String
        let remedy: String
        if let cursor = mapping.cursorColumn {
            why = "it has no index that begins with \(cursor.source.name)"
            remedy = storage.indexStatement.map { "Run at the source: \($0)" } ?? "Make one at the source"
        } else {
            why = "a FullSyncTable has no column that leads to what is new"
            remedy = "Choose a mode that follows changes (--mode)"
        }
        return ReplicationError(
            .sourceScan, what: "\(mapping.source) would be read whole with each pass (\(text(storage.bytes)))",
            why: why,
            fix: "\(remedy); or allow it, at most a tenth of the time: \(allow).")
    }

    /// `3.2 GB`, in powers of 1,000.
    static func text(_ bytes: Int64) -> String {
        var (unit, size) = ("bytes", Int64(1))
        for (name, next) in [("KB", Int64(1_000)), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000)]
        where bytes >= next {
            (unit, size) = (name, next)
        }
        let (whole, tenths) = (bytes / size, bytes % size * 10 / size)
        return tenths == 0 ? "\(whole) \(unit)" : "\(whole).\(tenths) \(unit)"
    }
}

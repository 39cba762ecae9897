import Replication

/// A source gave other rows than it had measured.
package struct UnequalRows: Error, CustomStringConvertible {
    package var measured: Int
    package var read: Int

    package var description: String { "measured \(measured) rows, read \(read)" }
}

extension TableSource {
    /// A table as discovery sees it, mapped column by column.
    package func mapping(
        of table: TableName, key: [String] = ["id"], updated: String? = "updated_at",
        mode: SyncMode = .updateAndInsert, cursor: String? = nil
    ) async throws -> TableMapping {
        let found = try await describe(table)
        return TableMapping(
            jobName: "job", source: found.name, destination: found.name, mode: mode, primaryKey: key,
            updatedKey: mode == .updateAndInsert ? updated : nil, cursorKey: cursor,
            columns: found.columns.map {
                ColumnMapping(source: $0, destinationName: $0.name, destinationType: $0.replicaType)
            })
    }

    /// One batch: what was measured, and the rows.
    package func batch(_ query: BatchQuery, null: String = "nilSentinel") async throws -> (BatchExtent, [[String?]]) {
        let (extent, bytes) = try await batchBytes(query, null: null)
        return (extent, CSV.rows(bytes, null: null))
    }

    /// - Throws: `UnequalRows` as well.
    package func batchBytes(_ query: BatchQuery, null: String = "nilSentinel") async throws -> (BatchExtent, [UInt8]) {
        let extent = try await openBatch(query)
        var bytes: [UInt8] = []
        if extent.rows > 0 || query.scan == .whole {
            var count = 0
            for try await chunk in try await rows(query, extent: extent, format: BatchFormat(nullSentinel: null)) {
                bytes += chunk.bytes
                count += chunk.rows
            }
            guard count == extent.rows || query.scan == .whole else {
                throw UnequalRows(measured: extent.rows, read: count)
            }
        }
        try await closeBatch()
        return (extent, bytes)
    }
}

/// Follows a table as runs do, each over a connection of its own, and keeps the replica's rows by key in memory.
package actor TableFollower {
    /// One batch of a pass or sweep.
    package struct Step: Sendable {
        package var query: BatchQuery
        package var extent: BatchExtent
        package var rows: [[String?]]
    }

    private var connect: @Sendable () async throws -> any TableSource
    package let mapping: TableMapping
    package let rowLimit: Int
    package var settings = RunSettings(installation: "tests")
    package private(set) var state: CheckpointState?
    /// Rows by key, values in the mapping's order.
    package private(set) var replica: [[String?]: [String?]] = [:]
    package private(set) var lastStart: PassStart?
    /// What the source keeps in mind from run to run.
    package private(set) var memory: [UInt8]?
    /// The batches of the last run.
    package private(set) var steps: [Step] = []
    /// Called after each batch: others work meanwhile.
    private var afterBatch: () async throws -> Void = {}

    /// - Parameters:
    ///   - connect: Opens a source; each run closes its own.
    ///   - lookback: Microseconds.
    ///   - sweepInterval: Microseconds; by default no sweep comes but the one after the load.
    package init(
        _ mapping: TableMapping, rowLimit: Int = 1000, lookback: Int64 = SourceTime.second * 600,
        sweepInterval: Int64 = .max, connecting connect: @escaping @Sendable () async throws -> any TableSource
    ) {
        self.connect = connect
        self.mapping = mapping
        self.rowLimit = rowLimit
        settings.lookback = lookback
        settings.sweepInterval = sweepInterval
        settings.sweepSmallRows = 0
    }

    /// From now on another server, or another user, answers.
    package func turn(to connect: @escaping @Sendable () async throws -> any TableSource) {
        self.connect = connect
    }

    package func afterEachBatch(_ work: @escaping @Sendable () async throws -> Void) {
        afterBatch = work
    }

    /// As after an unclean end: what the source kept in mind is lost.
    package func forgetMemory() {
        memory = nil
    }

    /// From now on.
    /// - Parameter microseconds: 0: with each run.
    package func sweep(every microseconds: Int64) {
        settings.sweepInterval = microseconds
    }

    /// One run: a pass to its end, and the sweeps that are due.
    /// - Parameter batches: Stops after as many, as a run that is told to.
    /// - Returns: The rows read, in order.
    @discardableResult
    package func follow(batches: Int = .max) async throws -> [[String?]] {
        let source = try await connect()
        do {
            let rows = try await follow(source, batches)
            await source.close()
            return rows
        } catch {
            await source.close()
            throw error
        }
    }

    private func follow(_ source: any TableSource, _ batches: Int) async throws -> [[String?]] {
        var read: [[String?]] = []
        var isRecalled = false
        steps = []
        repeat {
            let start = try await source.startPass(mapping)
            lastStart = start
            state =
                PassPlan.begin(
                    from: state, at: start, mapping: mapping, settings: settings,
                    replica: PreparedReplica(rows: replica.count)
                ).state
            let kept = memory
            if !isRecalled { await (source as? any RecallingSource)?.recall(kept) }
            // It is true of a checkpoint that is left now.
            memory = nil
            isRecalled = true
            while let known = state, let query = PassPlan.nextBatch(of: known, mapping: mapping, rowLimit: rowLimit) {
                guard steps.count < batches else { return read }
                let (extent, rows) = try await source.batch(query)
                steps.append(Step(query: query, extent: extent, rows: rows))
                read += rows
                state = PassPlan.advance(known, past: extent, of: query)
                for row in rows { replica[mapping.primaryKey.map { row[index(of: $0)] }] = row }
                try await afterBatch()
            }
        } while state?.sweepDue == true
        memory = try await (source as? any RecallingSource)?.memory()
        return read
    }

    /// Follows, and returns the first column of the rows read.
    package func followKeys() async throws -> [String] {
        try await follow().compactMap { $0.first ?? nil }
    }

    private func index(of column: String) -> Int {
        mapping.columns.firstIndex { $0.source.name == column } ?? 0
    }
}
